"""Evaluates a template's functions: conditions, properties, metadata, outputs. Pure.

What depends on a resource that is absent from the scope is Unknown. A reference to a resource
whose condition is false is AWS's `Unresolved resource dependencies`, where it is live.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from penstock.aws.errors import ServiceError
from penstock.stacks.intrinsics.boolean import not_boolean
from penstock.stacks.intrinsics.function import NoValue, function_of, members, text_of
from penstock.stacks.intrinsics.table import FUNCTIONS
from penstock.stacks.intrinsics.unknown import (
    KNOWN_AFTER_APPLY,
    Unknown,
    contains_unknown,
    unknowns,
)
from penstock.stacks.template import parameter_types, pseudo_parameters
from penstock.stacks.template.attribute_names import product_output, schema_name
from penstock.stacks.template.errors import (
    MissingExport,
    MissingStack,
    format_error,
    invalid,
    no_attribute,
    unresolved,
)
from penstock.stacks.template.pseudo_parameters import PSEUDO_PARAMETERS
from penstock.stacks.template.scope import ResourceValues, Scope
from penstock.stacks.template.template import ResourceDeclaration

__all__ = [
    "Output",
    "ResourceValues",
    "Scope",
    "Unknown",
    "active_resources",
    "conditions",
    "contains_unknown",
    "evaluated",
    "metadata",
    "outputs",
    "properties",
    "unknowns",
]


@dataclass(frozen=True, slots=True)
class Output:
    """One evaluated output; `value` and `export_name` are texts, or Unknown."""

    name: str
    value: str | Unknown
    description: str | None = None
    export_name: str | Unknown | None = None


def conditions(scope: Scope) -> dict[str, bool]:
    """Return every condition's value."""
    evaluator = _Evaluator(scope, "Conditions")
    return {name: evaluator.condition(name) for name in scope.template.conditions}


def active_resources(scope: Scope) -> dict[str, ResourceDeclaration]:
    """Return the resources whose condition is true, or that have none, as the template orders."""
    evaluator = _Evaluator(scope, "Conditions")
    return {
        logical_id: resource
        for logical_id, resource in scope.template.resources.items()
        if resource.condition is None or evaluator.condition(resource.condition)
    }


def properties(scope: Scope, logical_id: str) -> dict[str, Any]:
    """Return a resource's evaluated properties, without those that are AWS::NoValue.

    Raises ServiceError ValidationError for what cannot be evaluated: a mapping or export that is
    missing, an attribute that the resource does not have, a reference to what a condition left out.
    """
    evaluator = _Evaluator(scope, "Resources", f"{logical_id}.Properties")
    return _map(evaluator, scope.template.resources[logical_id].properties)


def metadata(scope: Scope, logical_id: str) -> dict[str, Any]:
    """Return a resource's evaluated Metadata."""
    evaluator = _Evaluator(scope, "Resources", f"{logical_id}.Metadata")
    return _map(evaluator, scope.template.resources[logical_id].metadata)


def evaluated(scope: Scope, node: Any) -> Any:
    """Return any node of a resource evaluated (its CreationPolicy, say); None for NoValue."""
    value = _Evaluator(scope, "Resources", f"node {id(node)}").value(node)
    return None if isinstance(value, NoValue) else value


def outputs(scope: Scope) -> list[Output]:
    """Return the outputs whose condition is true."""
    evaluator = _Evaluator(scope, "Outputs", "Outputs")
    found = []
    for name, output in scope.template.outputs.items():
        if output.condition is not None and not evaluator.condition(output.condition):
            continue
        value = evaluator.value(output.value)
        exported = None if output.export_name is None else evaluator.value(output.export_name)
        found.append(
            Output(
                name,
                _output_text(value),
                output.description,
                None if exported is None else _output_text(exported),
            )
        )
    return found


def _output_text(value: Any) -> str | Unknown:
    if isinstance(value, Unknown):
        return value
    text = text_of(value)
    if text is None:
        raise format_error("The Value field of every Outputs member must evaluate to a String.")
    return text


def _map(evaluator: "_Evaluator", node: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = members(node, evaluator.value)
    return found


class _Evaluator:
    """Evaluates nodes of one block of a template; a `place` is counted from its beginning."""

    def __init__(self, scope: Scope, block: str, place: str | None = None) -> None:
        self._scope = scope
        self._block = block
        self._place = place or block
        if place is not None:
            scope.lengths.begin(place)

    @property
    def region(self) -> str:
        """The stack's region."""
        return self._scope.region

    def value(self, node: Any) -> Any:
        """Return a node evaluated; NO_VALUE where it says so."""
        if isinstance(node, str):  # most nodes are texts
            return node
        if isinstance(node, list):
            return members(node, self.value)
        if not isinstance(node, dict):
            return node
        call = function_of(node)
        if call is None and self._block == "Conditions" and node.keys() == {"Condition"}:
            call = ("Condition", node["Condition"])
        if call is None:
            return members(node, self.value)
        name, argument = call
        value = FUNCTIONS[name].evaluate(argument, self)
        self._scope.lengths.add(self._place, value)
        return value

    def condition(self, name: str) -> bool:
        """Return the value of a member of Conditions. Those that it names are evaluated first,
        without recursion: each may need the one before it."""
        known = self._scope.known_conditions
        evaluator = _Evaluator(self._scope, "Conditions")
        waiting = [] if name in known else [name]
        while waiting:
            node = self._scope.template.conditions[waiting[-1]]
            unknown = [one for one in _conditions_in(node) if one not in known]
            if unknown:
                waiting += unknown
                continue
            value = evaluator.value(node)
            if not isinstance(value, bool):
                raise not_boolean()
            known[waiting.pop()] = value
        return known[name]

    def reference(self, name: str) -> Any:
        """Return what Ref gives."""
        if name.startswith("AWS::"):
            return self._pseudo_parameter(name)
        declared = self._scope.template.parameters.get(name)
        if declared is not None:
            given = self._scope.parameters.get(name)
            if given is None:
                raise invalid(f"Parameters: [{name}] must have values")
            if given.value == KNOWN_AFTER_APPLY and self._block in {"Resources", "Outputs"}:
                return Unknown(name)
            listed = parameter_types.is_list(declared.type)
            return parameter_types.items(given.effective) if listed else given.effective
        self._check_active(name)
        values = self._scope.resources.get(name)
        return Unknown(name) if values is None else values.ref

    def attribute(self, logical_id: str, attribute: str) -> Any:
        """Return what Fn::GetAtt gives."""
        self._check_active(logical_id)
        values = self._scope.resources.get(logical_id)
        if values is None or values.attributes is None:
            return Unknown(logical_id, attribute)
        type_name = self._scope.template.resources[logical_id].type
        made_up = product_output(type_name, values.ref, attribute)
        if made_up is not None:
            return made_up
        try:
            return _attribute(logical_id, schema_name(type_name, attribute), values)
        except ServiceError:
            if values.changing:
                return Unknown(logical_id, attribute)
            raise

    def mapped(self, name: str, top: str, second: str) -> Any:
        """Return a value of Mappings, None where there is none."""
        return self._scope.template.mappings.get(name, {}).get(top, {}).get(second)

    def export(self, name: str) -> str:
        """Return an exported output's value."""
        if name not in self._scope.exports:
            raise MissingExport(name)
        return self._scope.exports[name]

    def stack_output(self, stack: str, output: str) -> Any:
        """Return an output of another stack; Unknown where that may not be read yet."""
        found = self._scope.other_stacks.get(stack)
        if found is None:
            raise MissingStack(stack)
        if found.problem is not None:
            raise invalid(found.problem)
        if found.outputs is None:
            return Unknown(f"{stack}.{output}")
        if output not in found.outputs:  # unverified
            raise invalid(f"Output {output} does not exist in stack {stack}")
        return found.outputs[output]

    def _check_active(self, logical_id: str) -> None:
        resource = self._scope.template.resources.get(logical_id)
        if resource is None or (
            resource.condition is not None and not self.condition(resource.condition)
        ):
            raise unresolved([logical_id], self._block)

    def _pseudo_parameter(self, name: str) -> Any:
        scope = self._scope
        if name == "AWS::NotificationARNs":
            return list(scope.notification_arns)
        if name not in PSEUDO_PARAMETERS:
            raise unresolved([name], self._block)
        stack = (scope.stack_name, scope.stack_id)
        return pseudo_parameters.value(name, scope.region, scope.account_id, stack)


def _conditions_in(node: Any) -> Iterator[str]:
    """Yield the conditions that a condition names; `checks.py` has seen that none needs itself."""
    if isinstance(node, dict):
        if node.keys() == {"Condition"}:
            yield node["Condition"]
        else:
            yield from _conditions_in(list(node.values()))
    elif isinstance(node, list):
        for item in node:
            yield from _conditions_in(item)


def _attribute(logical_id: str, attribute: str, values: ResourceValues) -> Any:
    attributes = values.attributes or {}
    if attribute in attributes:
        return attributes[attribute]
    found: Any = attributes
    for part in attribute.split("."):
        if not isinstance(found, Mapping) or part not in found:
            raise _no_attribute(logical_id, attribute, values.source)
        found = found[part]
    return found


def _no_attribute(logical_id: str, attribute: str, source: str | None) -> ServiceError:
    if source is not None:
        # text: guidance-for-intelligent-document-processing-agents-on-aws#2, of
        # aws-solutions-library-samples
        return invalid(
            f"CustomResource attribute error: Vendor response doesn't contain {attribute} "
            f"attribute in object {source}"
        )
    return no_attribute(logical_id, attribute)
