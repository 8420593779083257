"""Describing the resources and the template of a stack."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.stack_world import TYPE, template, thing

from penstock.stacks.events import stack_events

BODY = template({"A": thing("v1", Metadata={"owner": "me"}), "B": thing("v1", ["A"])})


def message(call: Any, **request: Any) -> str:
    with pytest.raises(ClientError) as error:
        call(**request)
    assert error.value.response["Error"]["Code"] == "ValidationError"
    return str(error.value.response["Error"]["Message"])


def test_describe_stack_resource(server: Any, cloudformation: Any) -> None:
    stack = server.create("app", BODY)
    ids = {name: id_ for name, id_, _ in server.store.things()}
    detail = cloudformation.describe_stack_resource(StackName="app", LogicalResourceId="A")
    found = detail["StackResourceDetail"]
    assert found["PhysicalResourceId"] == ids["A"]
    assert found["ResourceType"] == TYPE
    assert found["ResourceStatus"] == "CREATE_COMPLETE"
    assert found["StackId"] == stack["StackId"]
    assert json.loads(found["Metadata"]) == {"owner": "me"}
    assert (
        message(cloudformation.describe_stack_resource, StackName="none", LogicalResourceId="A")
        == "Stack 'none' does not exist"
    )
    assert (
        message(cloudformation.describe_stack_resource, StackName="app", LogicalResourceId="X")
        == "Resource X does not exist for stack app"
    )


def test_describe_stack_resources(server: Any, cloudformation: Any) -> None:
    server.create("app", BODY)
    ids = {name: id_ for name, id_, _ in server.store.things()}
    found = cloudformation.describe_stack_resources(StackName="app")["StackResources"]
    assert {one["LogicalResourceId"]: one["PhysicalResourceId"] for one in found} == ids
    one = cloudformation.describe_stack_resources(StackName="app", LogicalResourceId="B")
    assert [each["LogicalResourceId"] for each in one["StackResources"]] == ["B"]
    by_id = cloudformation.describe_stack_resources(PhysicalResourceId=ids["A"])
    assert len(by_id["StackResources"]) == 2
    assert message(cloudformation.describe_stack_resources, StackName="none") == (
        "Stack with id none does not exist"
    )


def test_list_stack_resources(server: Any, cloudformation: Any) -> None:
    many = {f"R{number:03d}": {"Type": "AWS::SNS::Topic"} for number in range(130)}
    server.create("app", template(many))
    pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName="app")
    names = [one["LogicalResourceId"] for page in pages for one in page["StackResourceSummaries"]]
    assert names == sorted(many)
    events = cloudformation.get_paginator("describe_stack_events").paginate(StackName="app")
    assert sum(len(page["StackEvents"]) for page in events) == 130 * 3 + 2


def test_an_update_leaves_what_it_does_not_change_as_it_is(
    server: Any, cloudformation: Any
) -> None:
    """Every resource was stored again, with a new time and without its reason."""
    detector = {"Type": "AWS::GuardDuty::Detector", "Properties": {"Enable": True}}
    resources = {"A": thing("v1"), "B": thing("v1", ["A"]), "Recorded": detector}

    def known() -> dict[str, tuple[Any, ...]]:
        found = cloudformation.describe_stack_resources(StackName="app")["StackResources"]
        return {
            one["LogicalResourceId"]: (one["Timestamp"], one.get("ResourceStatusReason"))
            for one in found
        }

    server.create("app", template(resources))
    before = known()
    assert before["Recorded"][1] == stack_events.RECORDED_ONLY
    server.update("app", template({**resources, "C": thing("v1")}))
    after = known()
    assert after.pop("C")
    assert after == before
    marked = {**detector, "Metadata": {"owner": "me"}}
    server.update("app", template({**resources, "Recorded": marked}))
    assert known()["Recorded"][1] == stack_events.RECORDED_ONLY


def test_get_template(server: Any, cloudformation: Any) -> None:
    server.create("app", BODY)
    answer = cloudformation.get_template(StackName="app")
    assert answer["TemplateBody"] == json.loads(BODY)
    assert answer["StagesAvailable"] == ["Original", "Processed"]
    assert message(cloudformation.get_template, StackName="none") == (
        "Stack with id none does not exist"
    )
    assert message(cloudformation.get_template) == (
        "StackName is required if ChangeSetName is not specified."
    )
    cloudformation.create_change_set(
        StackName="app", ChangeSetName="next", TemplateBody=template({"A": thing("v9")})
    )
    proposed = cloudformation.get_template(StackName="app", ChangeSetName="next")
    assert proposed["TemplateBody"]["Resources"].keys() == {"A"}


def test_events_of_an_unknown_stack(cloudformation: Any) -> None:
    assert message(cloudformation.describe_stack_events, StackName="none") == (
        "Stack [none] does not exist"
    )


def rule(bus: str, **more: Any) -> str:
    properties = {"Name": "nightly", "EventBusName": bus, "ScheduleExpression": "rate(1 day)"}
    return template({"Rule": {"Type": "AWS::Events::Rule", "Properties": {**properties, **more}}})


def test_a_rule_on_another_bus_is_another_rule(server: Any) -> None:
    """As recorded (radkawar/stackd, eventbridge_rule_migration.json): a replacement that the change
    set calls Conditional, under the same name. Locks: it was done in place."""
    server.create("app", rule("first"))
    server.client.create_change_set(
        StackName="app", ChangeSetName="move", TemplateBody=rule("second"), DisableValidation=True
    )
    [change] = server.client.describe_change_set(StackName="app", ChangeSetName="move")["Changes"]
    assert change["ResourceChange"]["Replacement"] == "Conditional"
    server.client.execute_change_set(StackName="app", ChangeSetName="move")
    assert server.ended("app")["StackStatus"] == "UPDATE_COMPLETE"
    rule_events = [each for each in server.events("app") if each[0] == "Rule"]
    told = [(status, reason) for _, _, status, reason in rule_events]
    assert told[3:] == [
        ("UPDATE_IN_PROGRESS", None),
        ("UPDATE_IN_PROGRESS", stack_events.REPLACING),
        ("UPDATE_IN_PROGRESS", "Resource creation Initiated"),
        ("UPDATE_COMPLETE", stack_events.RECORDED_ONLY),
        ("DELETE_IN_PROGRESS", None),
        ("DELETE_COMPLETE", None),
    ]
    ids = [physical_id for _, physical_id, _, _ in rule_events]
    assert ids[3:] == [*["first|nightly"] * 2, *["second|nightly"] * 2, *["first|nightly"] * 2]


def test_what_nothing_could_decide_is_said(server: Any) -> None:
    vpc = {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.0.0.0/16"}}
    server.create("app", template({"Net": vpc}))
    dedicated = {**vpc, "Properties": {**vpc["Properties"], "InstanceTenancy": "dedicated"}}
    assert server.update("app", template({"Net": dedicated}))["StackStatus"] == "UPDATE_COMPLETE"
    told = [(status, reason) for name, _, status, reason in server.events("app") if name == "Net"]
    assert told[3:] == [
        ("UPDATE_IN_PROGRESS", None),
        ("UPDATE_COMPLETE", stack_events.RECORDED_IN_PLACE),
    ]
