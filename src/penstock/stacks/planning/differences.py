"""What differs between a resource as deployed and as a template wants it, value by value.

Pure. Scalars are compared as text, as CloudFormation keeps them: 80 and "80" are equal. AWS tells
the smallest part that differs, by its path: `/Properties/Tags/0/Value` (docs: "Example change
sets"; recorded of objects in objects and of lists in objects, too).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from penstock.stacks.display import canonical
from penstock.stacks.schemas import resource_schema
from penstock.stacks.schemas.resource_schema import ResourceSchema, ValuePath
from penstock.stacks.state import DeployedResource
from penstock.stacks.template.template import ResourceDeclaration

_CUSTOM_RESOURCE = "AWS::CloudFormation::CustomResource"


@dataclass(frozen=True, slots=True)
class Difference:
    """One value in the properties, or one attribute besides them, that differs.

    `before` and `after` are canonical values, None where there is none.
    """

    attribute: str
    """ResourceAttribute: Properties, Tags, Metadata, DeletionPolicy, …"""
    place: ValuePath
    """Where it is in the properties; empty for what is no property."""
    requires_recreation: str
    before: Any = None
    after: Any = None

    @property
    def name(self) -> str:
        """The property that it is in; empty for what is no property."""
        return str(self.place[0]) if self.place else ""

    @property
    def target_name(self) -> str | None:
        """What Target.Name says: AWS names no property of Tags and the other attributes."""
        return self.name if self.attribute == "Properties" else None

    @property
    def kind(self) -> str | None:
        """AttributeChangeType; None where values are not shown."""
        if self.before is None and self.after is None:
            return None
        if self.before is None:
            return "Add"
        return "Remove" if self.after is None else "Modify"

    @property
    def path(self) -> str | None:
        """The JSON pointer in the resource."""
        if self.place:
            return "/Properties/" + "/".join(map(_escaped, self.place))
        return None if self.kind is None else f"/{self.attribute}"


@dataclass(frozen=True, slots=True)
class Policies:
    """What a resource declares beside its properties and Metadata, evaluated; None without it."""

    creation_policy: Any = None
    update_policy: Any = None


_NO_POLICIES = Policies()


def differences(
    declared: ResourceDeclaration,
    deployed: DeployedResource,
    properties: Mapping[str, Any],
    metadata: Mapping[str, Any],
    *,
    stack_tags_changed: bool,
    before: Policies = _NO_POLICIES,
    after: Policies = _NO_POLICIES,
) -> list[Difference]:
    """Return what differs, in order of place; `properties` and `metadata` are evaluated."""
    schema = resource_schema.schema(declared.type)
    found: list[Difference] = []
    if properties != deployed.properties:
        now, wanted = canonical(deployed.properties), canonical(properties)
        found += _properties(declared.type, schema, now, wanted)
    tagged = any(each.attribute == "Tags" for each in found)
    if stack_tags_changed and schema is not None and schema.tag_property and not tagged:
        found.append(Difference("Tags", (), "Never"))
    for attribute, old, new in (
        ("Metadata", deployed.metadata or None, metadata or None),
        ("CreationPolicy", before.creation_policy, after.creation_policy),
        ("UpdatePolicy", before.update_policy, after.update_policy),
        ("DeletionPolicy", deployed.deletion_policy, declared.deletion_policy),
        ("UpdateReplacePolicy", deployed.update_replace_policy, declared.update_replace_policy),
    ):
        was = None if old is None else canonical(old)
        will_be = None if new is None else canonical(new)
        if was != will_be:
            found.append(Difference(attribute, (), "Never", was, will_be))
    return found


def is_custom(resource_type: str) -> bool:
    """Return whether a function makes the resource: any change of it may make it anew."""
    return resource_type.startswith("Custom::") or resource_type == _CUSTOM_RESOURCE


def recreation(
    resource_type: str, schema: ResourceSchema | None, place: ValuePath, before: Any, after: Any
) -> str:
    """Return RequiresRecreation of a change at `place`.

    A custom resource's changes are Conditionally: its answer tells (recorded).
    """
    if is_custom(resource_type):
        return "Conditionally"
    return "Never" if schema is None else schema.requires_recreation(place, before, after)


def _properties(
    resource_type: str,
    schema: ResourceSchema | None,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
) -> Iterator[Difference]:
    for name in sorted(before.keys() | after.keys()):
        old, new = before.get(name), after.get(name)
        if old == new:
            continue
        is_tags = schema is not None and name == schema.tag_property
        for place, was, will_be in _leaves((name,), old, new):
            yield Difference(
                "Tags" if is_tags else "Properties",
                place,
                recreation(resource_type, schema, place, was, will_be),
                was,
                will_be,
            )


def _leaves(place: ValuePath, old: Any, new: Any) -> Iterator[tuple[ValuePath, Any, Any]]:
    """Yield the smallest parts that differ: members of objects by name, of lists by index."""
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for name in sorted(old.keys() | new.keys()):
            if old.get(name) != new.get(name):
                yield from _leaves((*place, name), old.get(name), new.get(name))
    elif isinstance(old, list) and isinstance(new, list):
        for index in range(max(len(old), len(new))):
            was = old[index] if index < len(old) else None
            will_be = new[index] if index < len(new) else None
            if was != will_be:
                yield from _leaves((*place, index), was, will_be)
    else:
        yield place, old, new


def _escaped(step: str | int) -> str:
    return str(step).replace("~", "~0").replace("/", "~1")
