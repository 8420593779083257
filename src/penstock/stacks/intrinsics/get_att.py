"""`{"Fn::GetAtt": [resource, attribute]}`, in YAML also `resource.attribute`.

The attribute may have dots (`Endpoint.Address`) and may be a Ref to a parameter.
"""

from typing import Any

from penstock.stacks.intrinsics.function import Evaluation, Function
from penstock.stacks.template.errors import template_error


def parts(argument: Any) -> tuple[Any, Any]:
    """Return the resource's name and the attribute, the latter perhaps a Ref."""
    listed = argument.split(".", 1) if isinstance(argument, str) else argument
    if not isinstance(listed, list) or len(listed) != 2:
        return None, None
    return listed[0], listed[1]


def check(argument: Any) -> None:
    """Raise unless there are a resource's name and an attribute."""
    name, attribute = parts(argument)
    named = isinstance(name, str) and name
    text = isinstance(attribute, str) and attribute
    reference = isinstance(attribute, dict) and attribute.keys() == {"Ref"}
    if not named or not (text or reference):
        raise template_error(
            "every Fn::GetAtt object requires two non-empty parameters, "
            "the resource name and the resource attribute"
        )


def evaluate(argument: Any, evaluation: Evaluation) -> Any:
    """Return the attribute of the resource."""
    name, attribute = parts(argument)
    return evaluation.attribute(name, str(evaluation.value(attribute)))


GET_ATT = Function("Fn::GetAtt", check, evaluate)
