"""Which stacks are read for Fn::GetStackOutput, as whom, and what stays unknown."""

import json
from typing import Any

import pytest

from penstock.aws.errors import ServiceError
from penstock.aws.principals import root
from penstock.stacks.lookups.stack_outputs import StackOutputLookups
from penstock.stacks.template import evaluate
from penstock.stacks.template.load import load_template
from penstock.stacks.template.scope import OtherStack, Scope

ACCOUNT = "123456789012"
ROOT = root(ACCOUNT)


class Stacks:
    """DescribeStacks of these outputs; a stack without any is denied, another does not exist."""

    def __init__(self, **outputs: dict[str, str] | None) -> None:
        self.outputs = outputs
        self.asked: list[tuple[Any, str]] = []

    async def call(
        self, principal: Any, service: str, operation: str, given: Any
    ) -> dict[str, Any]:
        assert (service, operation) == ("cloudformation", "DescribeStacks")
        name = given["StackName"]
        self.asked.append((principal, name))
        if name not in self.outputs:
            raise ServiceError("ValidationError", f"Stack with id {name} does not exist")
        found = self.outputs[name]
        if found is None:
            raise ServiceError("AccessDenied", "not authorized")
        pairs = [{"OutputKey": key, "OutputValue": value} for key, value in found.items()]
        return {"Stacks": [{"Outputs": pairs}]}


def output(stack: Any, name: str = "Id") -> dict[str, Any]:
    return {"Fn::GetStackOutput": {"StackName": stack, "OutputName": name}}


def queue(name: Any, **more: Any) -> dict[str, Any]:
    return {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": name}, **more}


def scope(known: dict[str, OtherStack], **resources: Any) -> Scope:
    document = {
        "Conditions": {"Never": {"Fn::Equals": ["a", "b"]}},
        "Resources": resources,
        "Outputs": {"O": {"Value": output("told")}} if "Told" in resources else {},
    }
    return Scope(
        template=load_template(json.dumps({k: v for k, v in document.items() if v})),
        parameters={},
        region="us-east-1",
        account_id=ACCOUNT,
        stack_id="arn",
        stack_name="app",
        other_stacks=known,
    )


async def completed(stacks: Stacks, made: Scope, **more: Any) -> None:
    lookups = StackOutputLookups(stacks)  # type: ignore[arg-type]
    known = made.other_stacks
    assert isinstance(known, dict)
    await lookups.complete(ROOT, made, known, **more)


async def test_one_stack_may_name_another() -> None:
    """The stack's name is itself another's output: that one is read first."""
    known: dict[str, OtherStack] = {}
    stacks = Stacks(index={"Id": "net"}, net={"Id": "vpc-1"})
    made = scope(known, A=queue(output(output("index"))), B=queue(output("net")))
    await completed(stacks, made)
    assert known == {"index": OtherStack({"Id": "net"}), "net": OtherStack({"Id": "vpc-1"})}
    assert [name for _, name in stacks.asked] == ["index", "net"]
    assert {principal for principal, _ in stacks.asked} == {ROOT}
    assert evaluate.properties(made, "A") == {"QueueName": "vpc-1"}


async def test_what_is_known_or_not_used_is_not_read() -> None:
    known = {"net": OtherStack({"Id": "x"})}
    stacks = Stacks()
    made = scope(known, A=queue(output("net")), B=queue(output("off"), Condition="Never"))
    await completed(stacks, made)
    assert stacks.asked == []
    assert known == {"net": OtherStack({"Id": "x"})}


async def test_a_template_that_names_no_stack_is_not_evaluated() -> None:
    stacks = Stacks()
    await completed(stacks, scope({}, A=queue("a")))
    assert stacks.asked == []


@pytest.mark.parametrize(
    ("more", "read"), [({}, {"mine", "told"}), ({"logical_ids": ["A"]}, {"mine"})]
)
async def test_outputs_are_looked_at_with_all_resources_alone(
    more: dict[str, Any], read: set[str]
) -> None:
    known: dict[str, OtherStack] = {}
    made = scope(known, A=queue(output("mine")), Told=queue("t"))
    await completed(Stacks(mine={"Id": "1"}, told={"Id": "2"}), made, **more)
    assert known.keys() == read


async def test_a_stack_that_there_is_none_of_is_told_once_it_is_evaluated() -> None:
    known: dict[str, OtherStack] = {}
    made = scope(known, A=queue(output("none")))
    await completed(Stacks(), made)
    assert known == {"none": OtherStack({}, "Stack with id none does not exist")}
    with pytest.raises(ServiceError, match="none"):
        evaluate.properties(made, "A")


async def test_what_may_not_be_read_is_unknown_where_another_reads_it_later() -> None:
    known: dict[str, OtherStack] = {}
    made = scope(known, A=queue(output("secret")))
    await completed(Stacks(secret=None), made, later=True)
    assert known == {"secret": OtherStack(None)}
    assert evaluate.contains_unknown(evaluate.properties(made, "A"))
    denied: dict[str, OtherStack] = {}
    await completed(Stacks(secret=None), scope(denied, A=queue(output("secret"))))
    assert denied == {"secret": OtherStack({}, "not authorized")}
