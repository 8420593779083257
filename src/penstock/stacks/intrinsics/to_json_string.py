"""`{"Fn::ToJsonString": map or list}`: its JSON text, without spaces.

The transform AWS::LanguageExtensions carries it out where it can. What holds an attribute of a
resource or a NoEcho parameter stays in the processed template, and is evaluated with it.
"""

import json
from typing import Any

from penstock.stacks.intrinsics.function import (
    NO_VALUE,
    Evaluation,
    Function,
    check_length,
    first_unknown,
    function_of,
)
from penstock.stacks.intrinsics.unknown import unknowns
from penstock.stacks.template.errors import template_error

_CONDITIONS = frozenset({"Fn::And", "Fn::Or", "Fn::Not", "Fn::Equals"})


def check(argument: Any) -> None:
    """Raise unless there is a map or a list, without functions that give conditions."""
    if not isinstance(argument, dict | list):
        raise template_error("Fn::ToJsonString layout is incorrect")
    call = function_of(argument)
    if call is not None:
        if call[0] in _CONDITIONS:
            raise template_error(f"Fn::ToJsonString does not support {call[0]} intrinsic function")
        if call == ("Ref", "AWS::NotificationARNs"):
            raise template_error(
                "Fn::ToJsonString does not support AWS::NotificationARNs pseudo parameter"
            )
    for member in argument.values() if isinstance(argument, dict) else argument:
        if isinstance(member, dict | list):
            check(member)


def evaluate(argument: Any, evaluation: Evaluation) -> Any:
    """Return the JSON text, or the first Unknown inside."""
    value = evaluation.value(argument)
    unknown = first_unknown(unknowns(value))
    return unknown if unknown is not None else written(value)


def written(value: Any) -> str:
    """Return an evaluated value as AWS writes it: JSON without spaces.

    Raises ServiceError ValidationError for AWS::NoValue, which leaves nothing to write.
    """
    if value is NO_VALUE:  # unverified
        raise template_error("Fn::ToJsonString layout is incorrect")
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    check_length("Fn::ToJsonString", len(text))
    return text


TO_JSON_STRING = Function("Fn::ToJsonString", check, evaluate)
