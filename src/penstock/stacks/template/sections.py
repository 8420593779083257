"""The parts of a template's sections that all share: shapes, names, sizes.

Source of the limits:
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
"""

import re
from collections.abc import Collection, Mapping
from typing import Any

from penstock.stacks.template import transforms
from penstock.stacks.template.errors import format_error, invalid

MOST_RESOURCES = 500
MOST_PARAMETERS = 200
MOST_OUTPUTS = 200
MOST_MAPPINGS = 200
MOST_MAPPING_ATTRIBUTES = 200
LONGEST_NAME = 255
_ALPHANUMERIC = re.compile(r"[A-Za-z0-9]+")


def members(section: str, document: Mapping[str, Any]) -> dict[str, Any]:
    """Return a section's members, none when the template lacks it."""
    found = document.get(section, {})
    if not isinstance(found, dict):  # unverified
        raise format_error(f"[/{section}] Every {section} member must be a map.")
    return found


def check_name(kind: str, name: str) -> None:
    """Raise unless a member's name is alphanumeric. `kind` is Resource, Parameter and so on."""
    if _ALPHANUMERIC.fullmatch(name) is None:
        raise format_error(f"{kind} name {name} is non alphanumeric.{transforms.needed(name)}")
    if len(name) > LONGEST_NAME:  # unverified
        raise format_error(f"{kind} name {name} is longer than {LONGEST_NAME} characters.")


def check_count(kind: str, found: Collection[Any], most: int) -> None:
    """Raise when a section has more members than AWS takes; `kind` as AWS's text counts it.

    Texts: aws/aws-cdk#8736, dougmoscrop/serverless-plugin-split-stacks#43; of mappings unverified.
    """
    if len(found) > most:
        raise format_error(f"{kind} count {len(found)} is greater than max allowed {most}")


def check_bytes(where: str, text: str | None, most: int) -> None:
    """Raise for a text that has more bytes than AWS takes."""
    if text is not None and len(text.encode()) > most:  # unverified
        raise format_error(f"{where} length is greater than {most}.")


def check_keys(kind: str, found: Mapping[str, Any], allowed: Collection[str]) -> None:
    """Raise when a member has a key that AWS does not know."""
    for key in found:
        if key not in allowed:  # for outputs and rules unverified
            raise invalid(f"Invalid template {kind} property '{key}'{transforms.needed(key)}")


def optional_text(where: str, found: Mapping[str, Any], key: str) -> str | None:
    """Return the text under a key, None when it is absent."""
    value = found.get(key)
    if value is not None and not isinstance(value, str):  # unverified
        raise format_error(f"{where} Every {key} member must be a string.")
    return value


def optional_map(where: str, found: Mapping[str, Any], key: str) -> Mapping[str, Any] | None:
    """Return the map under a key, None when it is absent."""
    value = found.get(key)
    if value is not None and not isinstance(value, dict):  # unverified
        raise format_error(f"{where} Every {key} member must be an object.")
    return value
