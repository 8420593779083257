"""Whether the types that a template names have the attributes that it asks for. Pure.

What a type's schema calls a property counts, too: of several types AWS gives them all, and no list
says of which. A custom resource may answer anything, a nested stack has its outputs.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from penstock.stacks.schemas import resource_schema
from penstock.stacks.schemas.resource_schema import ResourceSchema
from penstock.stacks.template.attribute_names import PROVISIONED_PRODUCT, schema_name
from penstock.stacks.template.errors import no_attribute
from penstock.stacks.template.references import Reference, references_in
from penstock.stacks.template.template import Template

_ANSWERED = ("Custom::", "AWS::CloudFormation::CustomResource")
_WITH_OUTPUTS = ("AWS::CloudFormation::Stack", PROVISIONED_PRODUCT)
_DEEPEST = 16


def check_attributes(
    template: Template,
    conditions: Mapping[str, bool],
    found: Mapping[str, Sequence[Reference]],
) -> None:
    """Raise AWS's error for an attribute that its resource's type does not have.

    `found` are what the resources refer to (graph.live_references). Of what is not live nothing is
    said, nor of an attribute that a parameter names.
    """
    for references in found.values():
        _check(template, references)
    for output in template.outputs.values():
        if output.condition is None or conditions[output.condition]:
            parts = [output.value, output.export_name]
            _check(template, references_in(template, parts, conditions))


def has_attribute(type_name: str, attribute: str) -> bool:
    """Tell whether a resource type has an attribute, such as `Endpoint.Address`; True for one
    that a type of this kind may have."""
    if type_name.startswith(_ANSWERED):
        return True
    if type_name in _WITH_OUTPUTS and attribute.startswith("Outputs."):
        return True
    attribute = schema_name(type_name, attribute)
    schema = resource_schema.schema(type_name)
    if schema is None or attribute in schema.properties:
        return True
    steps = tuple(attribute.split("."))
    if any(path[: len(steps)] == steps for path in schema.read_only):
        return True
    return _leads_somewhere(schema, {"properties": schema.properties}, steps)


def _check(template: Template, references: Iterable[Reference]) -> None:
    for each in references:
        if each.kind != "Attribute" or each.attribute is None:
            continue
        resource = template.resources.get(each.name)
        if resource is not None and not has_attribute(resource.type, each.attribute):
            raise no_attribute(each.name, each.attribute)


def _leads_somewhere(schema: ResourceSchema, rule: Mapping[str, Any], steps: Sequence[str]) -> bool:
    """Tell whether the schema has something at the steps, or does not say."""
    for step in steps:
        rule = _resolved(schema, rule)
        members = rule.get("properties")
        if not isinstance(members, Mapping):
            return rule.get("type", "object") in ("object", "array")
        if step not in members:
            return any(key in rule for key in ("patternProperties", "oneOf", "anyOf", "allOf"))
        rule = members[step]
    return True


def _resolved(schema: ResourceSchema, rule: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what a `$ref` of the schema points to."""
    for _ in range(_DEEPEST):
        if "$ref" not in rule:
            break
        found: Any = schema.document
        for part in str(rule["$ref"]).removeprefix("#/").split("/"):
            found = found.get(part) if isinstance(found, Mapping) else None
        if not isinstance(found, Mapping):
            return {}
        rule = found
    return rule
