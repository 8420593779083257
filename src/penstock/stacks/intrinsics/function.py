"""What every intrinsic function is: a check of its argument's shape, and its evaluation.

`check` looks at the argument as the template writes it (functions inside are not evaluated) and
raises AWS's ValidationError. `evaluate` may be called only with a checked argument.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from penstock.stacks.intrinsics.unknown import Unknown
from penstock.stacks.template.errors import template_error

LONGEST_TEXT = 2_000_000
"""Characters of a function's value: a template of AWS's largest size in Base64 still fits, and
functions inside functions cannot grow without end."""
LONGEST_TOGETHER = 8_000_000
"""Characters of all values of one template's functions, so that many of them end as well."""
_MEMBER = 8
"""What a member of a list or map counts beside its characters."""


class NoValue:
    """What `{"Ref": "AWS::NoValue"}` gives: the property or item is left out."""

    def __repr__(self) -> str:
        return "AWS::NoValue"


NO_VALUE = NoValue()


class Evaluation(Protocol):
    """What a function may ask while it is evaluated."""

    @property
    def region(self) -> str:
        """The stack's region."""
        ...

    def value(self, node: Any) -> Any:
        """Return a node of the template evaluated; NO_VALUE where it says so."""
        ...

    def condition(self, name: str) -> bool:
        """Return the value of a member of Conditions."""
        ...

    def reference(self, name: str) -> Any:
        """Return what Ref of a parameter, pseudo parameter or resource gives."""
        ...

    def attribute(self, logical_id: str, attribute: str) -> Any:
        """Return what Fn::GetAtt gives."""
        ...

    def mapped(self, name: str, top: str, second: str) -> Any:
        """Return a value of Mappings, None where there is none."""
        ...

    def export(self, name: str) -> str:
        """Return an exported output's value."""
        ...

    def stack_output(self, stack: str, output: str) -> Any:
        """Return an output of another stack of the account."""
        ...


@dataclass(frozen=True, slots=True)
class Function:
    """One intrinsic function. `conditional` ones give booleans."""

    name: str
    check: Callable[[Any], None]
    evaluate: Callable[[Any, Evaluation], Any]
    conditional: bool = False


def function_of(node: Any) -> tuple[str, Any] | None:
    """Return name and argument when a node of a template is a function call.

    `{"Condition": …}` is one only where conditions are written, and not counted here.
    """
    if type(node) is dict and len(node) == 1:
        name = next(iter(node))
        if name == "Ref" or name.startswith("Fn::"):
            return name, node[name]
    return None


def may_give(node: Any, *kinds: type) -> bool:
    """Tell whether a node is one of `kinds`, or a function that could give one."""
    return isinstance(node, kinds) or function_of(node) is not None


def members(node: Any, value: Callable[[Any], Any]) -> Any:
    """Return a list or map with each member's `value`, without those that are AWS::NoValue."""
    if isinstance(node, list):
        return [found for item in node if (found := value(item)) is not NO_VALUE]
    return {key: found for key, member in node.items() if (found := value(member)) is not NO_VALUE}


def text_of(value: Any) -> str | None:
    """Return a scalar as AWS writes it into strings, None for lists and maps."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    return None


def check_length(name: str, length: int) -> None:
    """Raise before the function `name` builds a text that is too long."""
    if length > LONGEST_TEXT:
        raise template_error(f"the value of {name} is longer than {LONGEST_TEXT} characters")


def length_of(value: Any) -> int:
    """Return the characters in an evaluated value, with some for each member that it has."""
    if isinstance(value, str):
        return len(value)
    if isinstance(value, dict):
        return sum(_MEMBER + len(key) + length_of(member) for key, member in value.items())
    if isinstance(value, list | tuple):
        return sum(_MEMBER + length_of(item) for item in value)
    return 0


def first_unknown(values: Any) -> Unknown | None:
    """Return the first Unknown among a list's items."""
    return next((one for one in values if isinstance(one, Unknown)), None)
