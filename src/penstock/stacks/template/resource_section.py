"""Reads a template's Resources section.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/resources-section-structure.html
"""

from collections.abc import Mapping
from typing import Any

from penstock.stacks.template.errors import format_error
from penstock.stacks.template.sections import (
    MOST_RESOURCES,
    check_keys,
    check_name,
    members,
    optional_map,
    optional_text,
)
from penstock.stacks.template.template import ResourceDeclaration

_KEYS = (
    "Condition",
    "CreationPolicy",
    "DeletionPolicy",
    "DependsOn",
    "Metadata",
    "Properties",
    "Type",
    "UpdatePolicy",
    "UpdateReplacePolicy",
)
_POLICIES = ("Delete", "Retain", "Snapshot")


def read_resources(document: Mapping[str, Any]) -> dict[str, ResourceDeclaration]:
    """Return the declared resources by logical id."""
    found = members("Resources", document)
    if not found:
        raise format_error("At least one Resources member must be defined.")
    if len(found) > MOST_RESOURCES:
        raise format_error(
            f"Number of resources, {len(found)}, is greater than maximum allowed, {MOST_RESOURCES}"
        )
    return {name: _resource(name, member) for name, member in found.items()}


def _resource(name: str, member: Any) -> ResourceDeclaration:
    check_name("Resource", name)
    where = f"[/Resources/{name}]"
    if not isinstance(member, dict):
        raise format_error("Any Resources member must be an object.")
    type = optional_text(where, member, "Type")
    if not type:
        raise format_error(f"{where} Every Resources object must contain a Type member.")
    if type.endswith("::MODULE"):
        raise format_error(
            f"{where} {type} is a module, and modules are not supported here: write the module's "
            "resources into the template"
        )
    check_keys("resource", member, _KEYS)
    return ResourceDeclaration(
        logical_id=name,
        type=type,
        properties=optional_map(where, member, "Properties") or {},
        depends_on=_depends_on(member),
        condition=optional_text(where, member, "Condition"),
        deletion_policy=_policy(
            name, member, "DeletionPolicy", (*_POLICIES, "RetainExceptOnCreate")
        ),
        update_replace_policy=_policy(name, member, "UpdateReplacePolicy", _POLICIES),
        metadata=optional_map(where, member, "Metadata") or {},
        creation_policy=optional_map(where, member, "CreationPolicy"),
        update_policy=optional_map(where, member, "UpdatePolicy"),
    )


def _depends_on(member: Mapping[str, Any]) -> list[str]:
    value = member.get("DependsOn", [])
    listed = value if isinstance(value, list) else [value]
    if not all(isinstance(name, str) for name in listed):
        raise format_error("Every DependsOn value must be a string.")
    return listed


def _policy(name: str, member: Mapping[str, Any], key: str, allowed: tuple[str, ...]) -> str | None:
    value = optional_text(f"[/Resources/{name}]", member, key)
    if value is not None and value not in allowed:  # unverified
        raise format_error(f"Unrecognized {key} {value} for resource {name}")
    return value
