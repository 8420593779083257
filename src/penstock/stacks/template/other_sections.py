"""Reads a template's Mappings, Outputs and the single members beside the sections."""

from collections.abc import Mapping
from typing import Any

from penstock.stacks.intrinsics import get_stack_output
from penstock.stacks.intrinsics.function import text_of
from penstock.stacks.template import transforms
from penstock.stacks.template.errors import format_error, invalid, template_error
from penstock.stacks.template.sections import (
    MOST_MAPPING_ATTRIBUTES,
    MOST_MAPPINGS,
    MOST_OUTPUTS,
    check_bytes,
    check_count,
    check_keys,
    check_name,
    members,
    optional_text,
)
from penstock.stacks.template.template import OutputDeclaration

_TOP = (
    "AWSTemplateFormatVersion",
    "Conditions",
    "Description",
    "Hooks",
    "Mappings",
    "Metadata",
    "Outputs",
    "Parameters",
    "Resources",
    "Rules",
    "Transform",
)
_OUTPUT_KEYS = ("Condition", "Description", "Export", "Value")
FORMAT_VERSION = "2010-09-09"
_LONGEST_DESCRIPTION_BYTES = 1024


def check_top(document: Mapping[str, Any]) -> None:
    """Raise for members of the template that AWS does not know, or that are missing here."""
    unknown = [key for key in document if key not in _TOP]
    if unknown:
        listed = f"Invalid template property or properties [{', '.join(unknown)}]"
        raise invalid(listed + "".join(map(transforms.needed, unknown)))
    version = document.get("AWSTemplateFormatVersion", FORMAT_VERSION)
    if version != FORMAT_VERSION:  # unverified
        raise format_error(
            f"AWSTemplateFormatVersion must be the string {FORMAT_VERSION}, not {version}"
        )
    if transforms.section_uses(document):
        raise format_error(
            "[/Transform] a template that declares transforms is loaded after they were carried out"
        )
    if document.get("Hooks"):
        raise format_error("[/Hooks] the section Hooks is not supported here: remove it to deploy")


def read_description(document: Mapping[str, Any]) -> str | None:
    """Return the template's description."""
    description = document.get("Description")
    if description is not None and not isinstance(description, str):  # unverified
        raise format_error("Every Description member must be a string.")
    if description is not None and len(description.encode()) > _LONGEST_DESCRIPTION_BYTES:
        raise format_error(f"'Description' length is greater than {_LONGEST_DESCRIPTION_BYTES}.")
    return description


def read_mappings(document: Mapping[str, Any]) -> dict[str, dict[str, dict[str, Any]]]:
    """Return the mappings: name, top-level key, second-level key."""
    found = members("Mappings", document)
    check_count("Mappings", found, MOST_MAPPINGS)
    for name, table in found.items():
        check_name("Mappings", name)
        if not isinstance(table, dict):
            raise format_error(f"Every Mappings member {name} must be a map")
        check_count(f"[/Mappings/{name}] Attributes", table, MOST_MAPPING_ATTRIBUTES)
        for top, row in table.items():
            if not isinstance(row, dict):
                raise format_error(
                    f"[/Mappings/{name}/{top}] Every Mappings attribute must be a map"
                )
            check_count(f"[/Mappings/{name}/{top}] Attributes", row, MOST_MAPPING_ATTRIBUTES)
            if not all(map(_is_mapped, row.values())):
                raise format_error("Every Mappings attribute must be a String or a List.")
    return found


def read_outputs(document: Mapping[str, Any]) -> dict[str, OutputDeclaration]:
    """Return the declared outputs by name."""
    found = members("Outputs", document)
    check_count("Outputs", found, MOST_OUTPUTS)
    return {name: _output(name, member) for name, member in found.items()}


def _output(name: str, member: Any) -> OutputDeclaration:
    check_name("Output", name)
    where = f"[/Outputs/{name}]"
    if not isinstance(member, dict):
        raise format_error("Every Outputs member must contain a Value object")
    check_keys("output", member, _OUTPUT_KEYS)
    if "Value" not in member:
        raise format_error("Every Outputs member must contain a Value object")
    exported = member.get("Export")
    if exported is not None and (not isinstance(exported, dict) or exported.keys() != {"Name"}):
        raise format_error(f"{where} every Export object must contain a Name and nothing else")
    if exported is not None and get_stack_output.is_in(exported["Name"]):
        raise template_error(
            "The Name field of Export must not depend on any resources, imported values, or "
            "Fn::GetAZs"
        )
    description = optional_text(where, member, "Description")
    check_bytes(f"{where} 'Description'", description, _LONGEST_DESCRIPTION_BYTES)
    return OutputDeclaration(
        name=name,
        value=member["Value"],
        description=description,
        export_name=None if exported is None else exported["Name"],
        condition=optional_text(where, member, "Condition"),
    )


def _is_mapped(value: Any) -> bool:
    if isinstance(value, list):
        return all(text_of(item) is not None for item in value)
    return text_of(value) is not None
