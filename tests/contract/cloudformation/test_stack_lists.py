"""Lists of stacks and their pages, and what is said of operations that are not here."""

from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.contract.cloudformation.conftest import CloudFormationServer

from penstock.aws import models
from penstock.clock import utc_now
from penstock.stacks.api import OPERATIONS
from penstock.stacks.api.absent import INSTEAD
from penstock.storage.tables.stacks import stacks as table

EMPTY = '{"Conditions": {"No": {"Fn::Equals": ["a", "b"]}}, "Resources": {"A": {"Condition": "No", \
"Type": "AWS::SQS::Queue"}}}'


def test_every_operation_is_here_or_says_what_to_do_instead() -> None:
    known = models.load("cloudformation").operation_names
    assert OPERATIONS.keys() | INSTEAD.keys() >= known
    assert not OPERATIONS.keys() & INSTEAD.keys()
    assert INSTEAD.keys() <= known


@pytest.mark.parametrize(
    ("call", "request_members", "said"),
    [
        ("list_stack_sets", {}, "deploy its template with CreateStack"),
        ("list_types", {}, "a custom resource makes what AWS does not have"),
        ("estimate_template_cost", {"TemplateBody": EMPTY}, "pricing calculator"),
        ("list_generated_templates", {}, "no template is written from resources"),
        ("list_stack_refactors", {}, "do not move between stacks"),
        ("describe_change_set_hooks", {"ChangeSetName": "c", "StackName": "s"}, "no hooks"),
    ],
)
def test_an_operation_that_is_not_here(
    cloudformation: Any, call: str, request_members: dict[str, Any], said: str
) -> None:
    with pytest.raises(ClientError) as caught:
        getattr(cloudformation, call)(**request_members)
    error = caught.value.response["Error"]
    assert error["Code"] == "NotImplemented"
    assert said in error["Message"]


def test_pages_and_filters(server: CloudFormationServer) -> None:
    for number in range(101):
        server.client.create_change_set(
            StackName=f"s{number:03}", ChangeSetName="c", TemplateBody=EMPTY,
            ChangeSetType="CREATE",
        )  # fmt: skip
    pages = list(server.client.get_paginator("list_stacks").paginate())
    assert [len(page["StackSummaries"]) for page in pages] == [100, 1]
    names = [one["StackName"] for page in pages for one in page["StackSummaries"]]
    assert sorted(names) == [f"s{number:03}" for number in range(101)]
    described = list(server.client.get_paginator("describe_stacks").paginate())
    assert [len(page["Stacks"]) for page in described] == [100, 1]
    live = server.client.list_stacks(StackStatusFilter=["CREATE_COMPLETE"])
    assert live["StackSummaries"] == []
    with pytest.raises(ClientError) as caught:
        server.client.list_stacks(NextToken="no-token")
    assert caught.value.response["Error"]["Code"] == "ValidationError"


def test_a_deleted_stack_is_told_of_for_90_days(server: CloudFormationServer) -> None:
    stack_id = server.create("s", EMPTY)["StackId"]
    server.client.delete_stack(StackName="s")
    assert server.ended(stack_id)["StackStatus"] == "DELETE_COMPLETE"
    [listed] = server.client.list_stacks(StackStatusFilter=["DELETE_COMPLETE"])["StackSummaries"]
    assert listed["StackId"] == stack_id
    assert server.client.describe_stack_events(StackName=stack_id)["StackEvents"]
    with pytest.raises(ClientError) as caught:
        server.client.describe_stacks(StackName="s")
    assert caught.value.response["Error"]["Message"] == "Stack with id s does not exist"
    long_ago = utc_now() - timedelta(days=91)
    server.aws.run(
        server.stacks._database.write(
            lambda c: c.execute(table.update().values(deleted_at=long_ago))
        )
    )
    assert server.client.list_stacks()["StackSummaries"] == []
    with pytest.raises(ClientError) as caught:
        server.client.describe_stacks(StackName=stack_id)
    assert caught.value.response["Error"]["Message"] == f"Stack with id {stack_id} does not exist"


def test_the_last_operation_in_lists(server: CloudFormationServer) -> None:
    """As DescribeStacks tells it (recorded there), deleted stacks with it."""
    server.create("made", EMPTY)
    [described] = server.client.describe_stacks(StackName="made")["Stacks"]
    server.client.create_change_set(
        StackName="review", ChangeSetName="c", TemplateBody=EMPTY, ChangeSetType="CREATE"
    )

    def listed() -> dict[str, list[tuple[str, str]]]:
        found = server.client.list_stacks()["StackSummaries"]
        return {
            one["StackName"]: [
                (each["OperationType"], each["OperationId"])
                for each in one.get("LastOperations", ())
            ]
            for one in found
        }

    [last] = described["LastOperations"]
    assert listed() == {"made": [("CREATE_STACK", last["OperationId"])], "review": []}
    server.client.delete_stack(StackName="made")
    server.ended(described["StackId"])
    [(kind, operation_id)] = listed()["made"]
    assert kind == "DELETE_STACK"
    assert operation_id != last["OperationId"]
