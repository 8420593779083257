"""Reads a template's Parameters section.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/parameters-section-structure.html
"""

from collections.abc import Mapping
from typing import Any

from penstock.stacks.intrinsics.function import text_of
from penstock.stacks.template import parameter_types
from penstock.stacks.template.errors import format_error
from penstock.stacks.template.sections import (
    MOST_PARAMETERS,
    check_count,
    check_keys,
    check_name,
    members,
    optional_text,
)
from penstock.stacks.template.template import ParameterDeclaration

_KEYS = (
    "AllowedPattern",
    "AllowedValues",
    "ConstraintDescription",
    "Default",
    "Description",
    "MaxLength",
    "MaxValue",
    "MinLength",
    "MinValue",
    "NoEcho",
    "Type",
)
_LONGEST_DESCRIPTION = 4000


def read_parameters(document: Mapping[str, Any]) -> dict[str, ParameterDeclaration]:
    """Return the declared parameters by name."""
    found = members("Parameters", document)
    check_count("Parameter", found, MOST_PARAMETERS)
    return {name: _parameter(name, member) for name, member in found.items()}


def _parameter(name: str, member: Any) -> ParameterDeclaration:
    check_name("Parameter", name)
    where = f"[/Parameters/{name}]"
    if not isinstance(member, dict):
        raise format_error("Any Parameters member must be an object.")
    check_keys("parameter", member, _KEYS)
    type = optional_text(where, member, "Type")
    if type is None:
        raise format_error("Every Parameters object must contain a Type member.")
    if not parameter_types.is_known(type):
        raise format_error(f"Unrecognized parameter type: {type}")
    description = optional_text(where, member, "Description")
    if description is not None and len(description) > _LONGEST_DESCRIPTION:  # unverified
        raise format_error(f"{where} 'Description' length is greater than {_LONGEST_DESCRIPTION}.")
    return ParameterDeclaration(
        name=name,
        type=type,
        default=_scalar(where, member, "Default"),
        no_echo=_flag(where, member),
        description=description,
        allowed_values=_allowed_values(where, member),
        allowed_pattern=optional_text(where, member, "AllowedPattern"),
        min_length=_length(where, member, "MinLength"),
        max_length=_length(where, member, "MaxLength"),
        min_value=_number(where, member, "MinValue"),
        max_value=_number(where, member, "MaxValue"),
        constraint_description=optional_text(where, member, "ConstraintDescription"),
    )


def _scalar(where: str, member: Mapping[str, Any], key: str) -> str | None:
    if key not in member:
        return None
    text = text_of(member[key])
    if text is None:
        raise format_error(f"Every {key} member must be a string.")
    return text


def _flag(where: str, member: Mapping[str, Any]) -> bool:
    text = (_scalar(where, member, "NoEcho") or "false").lower()
    if text not in ("true", "false"):  # unverified
        raise format_error(f"{where} Every NoEcho member must be true or false.")
    return text == "true"


def _allowed_values(where: str, member: Mapping[str, Any]) -> list[str] | None:
    found = member.get("AllowedValues")
    if found is None:
        return None
    if not isinstance(found, list):  # text: aws-cloudformation/cfn-lint#1295
        raise format_error("Every AllowedValues member must be a list.")
    texts = [text_of(value) for value in found]
    if None in texts:  # unverified
        raise format_error(f"{where} Every AllowedValues value must be a string.")
    return [text for text in texts if text is not None]


def _length(where: str, member: Mapping[str, Any], key: str) -> int | None:
    number = _number(where, member, key)
    if number is None:
        return None
    if number < 0 or number != int(number):  # unverified
        raise format_error(f"{where} Every {key} member must be a whole number.")
    return int(number)


def _number(where: str, member: Mapping[str, Any], key: str) -> float | None:
    text = _scalar(where, member, key)
    if text is None:
        return None
    number = parameter_types.number(text)
    if number is None:  # unverified
        raise format_error(f"{where} Every {key} member must be a number.")
    return number
