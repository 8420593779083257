"""What differs between a resource as deployed and as a template wants it, property by property.

Pure. Scalars are compared as text, as CloudFormation keeps them: 80 and "80" are equal.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from penstock.stacks import schemas
from penstock.stacks.display import canonical
from penstock.stacks.schemas import ResourceSchema
from penstock.stacks.state import DeployedResource
from penstock.stacks.template.template import ResourceDeclaration


@dataclass(frozen=True, slots=True)
class Difference:
    """One property, or one attribute besides the properties, that differs.

    `before` and `after` are canonical values, None where there is none.
    """

    attribute: str
    """ResourceAttribute: Properties, Tags, Metadata, DeletionPolicy, …"""
    name: str
    """The property's name; empty for what is no property."""
    requires_recreation: str
    before: Any = None
    after: Any = None

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
        if self.name:
            return f"/Properties/{self.name}"
        return None if self.kind is None else f"/{self.attribute}"


def differences(
    declared: ResourceDeclaration,
    deployed: DeployedResource,
    properties: Mapping[str, Any],
    metadata: Mapping[str, Any],
    *,
    stack_tags_changed: bool,
) -> list[Difference]:
    """Return what differs, in order of name; `properties` and `metadata` are evaluated."""
    schema = schemas.schema(declared.type)
    found = list(_properties(schema, canonical(deployed.properties), canonical(properties)))
    tagged = any(each.attribute == "Tags" for each in found)
    if stack_tags_changed and schema is not None and schema.tag_property and not tagged:
        found.append(Difference("Tags", "", "Never"))
    for attribute, before, after in (
        ("Metadata", deployed.metadata or None, metadata or None),
        ("DeletionPolicy", deployed.deletion_policy, declared.deletion_policy),
        ("UpdateReplacePolicy", deployed.update_replace_policy, declared.update_replace_policy),
    ):
        old = None if before is None else canonical(before)
        new = None if after is None else canonical(after)
        if old != new:
            found.append(Difference(attribute, "", "Never", old, new))
    return found


def _properties(
    schema: ResourceSchema | None, before: Mapping[str, Any], after: Mapping[str, Any]
) -> Iterator[Difference]:
    for name in sorted(before.keys() | after.keys()):
        old, new = before.get(name), after.get(name)
        if old == new:
            continue
        is_tags = schema is not None and name == schema.tag_property
        recreation = "Never" if schema is None else schema.requires_recreation(name, old, new)
        yield Difference("Tags" if is_tags else "Properties", name, recreation, old, new)
