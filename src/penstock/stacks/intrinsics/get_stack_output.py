"""`{"Fn::GetStackOutput": {"StackName": …, "OutputName": …}}`: another stack's output.

A weak reference: nothing keeps the other stack, or its output, as it is. Source:
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-getstackoutput.html
Where AWS takes it: aws-cloudformation/cfn-lint#4519.
"""

from typing import Any

from penstock.stacks.intrinsics.function import (
    Evaluation,
    Function,
    first_unknown,
    may_give,
    text_of,
)
from penstock.stacks.template.errors import template_error

_MEMBERS = ("StackName", "OutputName", "Region", "RoleArn")


def check(argument: Any) -> None:
    """Raise unless the argument names a stack and an output."""
    if (
        not isinstance(argument, dict)
        or not {"StackName", "OutputName"} <= argument.keys() <= set(_MEMBERS)
        or not all(may_give(each, str) for each in argument.values())
    ):  # unverified
        raise template_error(
            "every Fn::GetStackOutput object requires the strings StackName and OutputName, and "
            "may have Region and RoleArn"
        )


def evaluate(argument: Any, evaluation: Evaluation) -> Any:
    """Return the output's value, or the Unknown that an argument is.

    Raises ServiceError for another region's stack, and for one that is read as a role: there is
    one account and one region here.
    """
    values = {name: evaluation.value(argument[name]) for name in _MEMBERS if name in argument}
    unknown = first_unknown(values.values())
    if unknown is not None:
        return unknown
    texts = {name: text_of(value) for name, value in values.items()}
    if not all(texts.values()):
        raise template_error(
            "the values in Fn::GetStackOutput must be strings or functions that return strings"
        )
    region = texts.get("Region", evaluation.region)
    if region != evaluation.region:
        raise template_error(
            f"Fn::GetStackOutput of a stack in {region} is not supported here: this server has "
            f"the stacks of {evaluation.region} alone"
        )
    if "RoleArn" in texts:
        raise template_error(
            "Fn::GetStackOutput with RoleArn is not supported here: this server has the stacks of "
            "one account, which are read as the stack's own role; leave out RoleArn"
        )
    return evaluation.stack_output(str(texts["StackName"]), str(texts["OutputName"]))


def is_in(node: Any) -> bool:
    """Tell whether a node of a template has the function anywhere in it."""
    if isinstance(node, dict):
        return "Fn::GetStackOutput" in node or any(map(is_in, node.values()))
    return isinstance(node, list) and any(map(is_in, node))


GET_STACK_OUTPUT = Function("Fn::GetStackOutput", check, evaluate)
