"""`{"Fn::Sub": text}` and `{"Fn::Sub": [text, {name: value}]}`.

`${Name}` is a Ref, `${Name.Attribute}` a GetAtt, a name of the map its value; `${!Name}` stays
`${Name}`.
"""

import re
from collections.abc import Mapping
from typing import Any

from penstock.stacks.intrinsics.function import (
    Evaluation,
    Function,
    check_length,
    may_give,
    text_of,
)
from penstock.stacks.intrinsics.unknown import Unknown
from penstock.stacks.template.errors import template_error

_VARIABLE = re.compile(r"\$\{([^{}]*)\}")
_NAME = re.compile(r"[A-Za-z0-9_.:]+")


def parts(argument: Any) -> tuple[Any, Any]:
    """Return the text and the map of variables; the text is None when the shape is wrong."""
    if isinstance(argument, list):
        return (argument[0], argument[1]) if len(argument) == 2 else (None, None)
    return argument, {}


def names(text: str) -> list[str]:
    """Return the variables of a text, in order, each once; `${!literals}` are none."""
    found = (name for name in _VARIABLE.findall(text) if not name.startswith("!"))
    return list(dict.fromkeys(found))


def check(argument: Any) -> None:
    """Raise unless there is a text, perhaps with a map of variables."""
    text, variables = parts(argument)
    if not isinstance(text, str) or not isinstance(variables, dict):
        raise template_error(
            "One or more Fn::Sub intrinsic functions don't specify expected arguments. Specify a "
            "string as first argument, and an optional second argument to specify a mapping of "
            "values to replace in the string"
        )
    if not all(may_give(value, str, int, float) for value in variables.values()):
        raise template_error(
            "every value of the context object of every Fn::Sub object must be a string "
            "or a function that returns a string"
        )
    if not all(_NAME.fullmatch(name) for name in names(text)):
        raise template_error(
            "variable names in Fn::Sub syntax must contain only alphanumeric characters, "
            "underscores, periods, and colons"
        )


def evaluate(argument: Any, evaluation: Evaluation) -> Any:
    """Return the text with its variables replaced, or the first Unknown among them."""
    text, variables = parts(argument)
    pieces = _VARIABLE.split(text)  # texts, and between them the names of variables
    found: dict[str, str] = {}
    length = len(text)
    for place in range(1, len(pieces), 2):
        name = pieces[place]
        if name.startswith("!"):
            pieces[place] = f"${{{name[1:]}}}"
            continue
        if name not in found:
            value = _value(name, variables, evaluation)
            if isinstance(value, Unknown):
                return value
            written = text_of(value)
            if written is None:
                raise template_error(
                    f"variable {name} in Fn::Sub expression does not resolve to a string"
                )
            found[name] = written
        pieces[place] = found[name]
        length += len(found[name])
    check_length("Fn::Sub", length)
    return "".join(pieces)


def _value(name: str, variables: Mapping[str, Any], evaluation: Evaluation) -> Any:
    if name in variables:
        return evaluation.value(variables[name])
    logical_id, dot, attribute = name.partition(".")
    return evaluation.attribute(logical_id, attribute) if dot else evaluation.reference(name)


SUB = Function("Fn::Sub", check, evaluate)
