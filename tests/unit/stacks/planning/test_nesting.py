"""Planning a stack with those nested in it: each is asked for at its turn."""

from collections.abc import Mapping
from typing import Any

import pytest
from tests.stack_states import deployed, new_stack, wanted

from penstock.aws.errors import ServiceError
from penstock.stacks.planning.nesting import NESTED_STACK, Asked, Whole, go_on
from penstock.stacks.planning.planner import in_turn, plan
from penstock.stacks.state import StackState
from penstock.stacks.template.evaluate import Unknown


def nested(value: Any) -> dict[str, Any]:
    properties = {"TemplateURL": "http://x/child.json", "Parameters": {"Name": value}}
    return {"Type": NESTED_STACK, "Properties": properties}


def output_of(name: str) -> dict[str, Any]:
    return {"Fn::GetAtt": [name, "Outputs.Id"]}


BODY = {
    "Resources": {
        "First": nested("one"),
        "Second": nested(output_of("First")),
        "Third": nested(output_of("Second")),
        "Topic": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": output_of("Third")}},
    },
    "Outputs": {"Id": {"Value": output_of("Third")}},
}


def walked(
    state: StackState, answers: Mapping[str, str], body: Mapping[str, Any] = BODY
) -> tuple[list[tuple[str, Any]], Whole]:
    """What is asked (logical id, the parameter Name) where `answers` are the outputs, and the
    plan."""
    planning = in_turn(state, wanted(body), {})
    asked = []
    found = go_on(planning)
    while isinstance(found, Asked):
        asked.append((found.logical_id, found.properties["Parameters"]["Name"]))
        answer = answers.get(found.logical_id)
        found = go_on(planning, None if answer is None else {"Outputs": {"Id": answer}})
    return asked, found


def test_each_is_asked_for_with_what_those_before_it_answered() -> None:
    """Locks: the whole parent was planned again for every nested stack."""
    asked, whole = walked(new_stack(), {"First": "1st", "Second": "2nd", "Third": "3rd"})
    assert asked == [("First", "one"), ("Second", "1st"), ("Third", "2nd")]
    assert whole.outputs == {"Id": "3rd"}
    [topic] = [each for each in whole.plan.changes if each.logical_resource_id == "Topic"]
    assert topic.after_context == '{"Properties":{"TopicName":"3rd"}}'


def test_one_that_answers_nothing_leaves_the_next_to_the_execution() -> None:
    asked, whole = walked(new_stack(), {"First": "1st"})
    assert asked[1] == ("Second", "1st")
    assert isinstance(asked[2][1], Unknown)
    assert isinstance(whole.outputs["Id"], Unknown)


def test_without_answers_it_is_the_plan_of_the_stack_alone() -> None:
    assert walked(new_stack(), {})[1].plan == plan(new_stack(), wanted(BODY))


def test_of_a_deployed_stack_what_is_answered_counts() -> None:
    body = {"Resources": {**BODY["Resources"]}}
    for name in ("First", "Second", "Third"):
        body["Resources"][name] = nested("one")
    state = deployed({"Resources": {**body["Resources"], "Topic": {"Type": "AWS::SNS::Topic"}}})
    asked, whole = walked(state, {"Third": "new"}, body)
    assert [name for name, _ in asked] == ["First", "Second", "Third"]
    [topic] = [each for each in whole.plan.changes if each.logical_resource_id == "Topic"]
    assert '"TopicName":"new"' in str(topic.after_context)


def test_a_plan_that_is_refused_ends_the_walk() -> None:
    body = {"Resources": {"First": nested("one"), "Topic": {"Type": "AWS::SNS::Topic"}}}
    state = deployed({"Resources": {"Topic": {"Type": "AWS::SQS::Queue"}}})
    with pytest.raises(ServiceError, match="Update of resource type is not permitted"):
        go_on(in_turn(state, wanted(body), {}))
