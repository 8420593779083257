"""ResourceProperties of events of what goes or comes back.

Recorded on AWS: radkawar/stackd, testdata/aws, eventbridge_rule_migration.json (a rollback shows
what is there again, cleanups show nothing); logs that people have published show them in rollbacks
of creations, and in deletions.
"""

import json
from typing import Any

import pytest
from tests.contract.cloudformation.conftest import CloudFormationServer
from tests.stack_world import template, thing

PASSWORD = {"Password": {"Type": "String", "NoEcho": True, "Default": "swordfish"}}


def shown(server: CloudFormationServer, stack: str, name: str, *statuses: str) -> list[Any]:
    """The properties that the events of a resource show, the last ones of these statuses."""
    found = server.client.describe_stack_events(StackName=stack)["StackEvents"]
    return [
        json.loads(one["ResourceProperties"]) if "ResourceProperties" in one else None
        for one in found
        if one["LogicalResourceId"] == name and one["ResourceStatus"] in statuses
    ]


def test_a_deletion_shows_what_goes(server: CloudFormationServer) -> None:
    body = template({"A": thing("1", DeletionPolicy="Retain"), "B": thing("2", how="x")})
    made = server.create("app", body)
    server.client.delete_stack(StackName="app")
    server.ended(made["StackId"])
    b = {"Type": "String", "Value": "2", "Description": "x"}
    assert shown(server, made["StackId"], "B", "DELETE_IN_PROGRESS", "DELETE_COMPLETE") == [b, b]
    assert shown(server, made["StackId"], "A", "DELETE_SKIPPED") == [
        {"Type": "String", "Value": "1"}
    ]


def test_a_rollback_of_a_creation_shows_what_goes(server: CloudFormationServer) -> None:
    body = template({"A": thing("1"), "B": thing("2", ["A"], how="fail-before")})
    server.create("app", body)
    a = {"Type": "String", "Value": "1"}
    assert shown(server, "app", "A", "DELETE_IN_PROGRESS", "DELETE_COMPLETE") == [a, a]
    [failed] = shown(server, "app", "B", "DELETE_COMPLETE")
    assert failed["Description"] == "fail-before"


def test_a_rollback_of_an_update_shows_what_comes_back(server: CloudFormationServer) -> None:
    server.create("app", template({"A": thing("1"), "R": thing("1", name="one")}))
    changed = {"A": thing("2"), "R": thing("2", name="two")}
    broken = thing("x", how="fail-before", DependsOn=["A", "R"])
    ended = server.update("app", template({**changed, "B": broken}))
    assert ended["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    back, *_ = shown(server, "app", "A", "UPDATE_COMPLETE")
    assert back == {"Type": "String", "Value": "1"}
    again, *_ = shown(server, "app", "R", "UPDATE_COMPLETE")
    assert again == {"Type": "String", "Value": "1", "Name": "one"}
    assert shown(server, "app", "R", "DELETE_COMPLETE") == [None], "of a cleanup"


@pytest.mark.parametrize("deleted", [True, False])
def test_no_secret_is_shown(server: CloudFormationServer, deleted: bool) -> None:
    """What is built from a secret is one whole, also where it goes."""
    secret = {"Fn::Base64": {"Fn::Sub": "user:${Password}"}}
    keeper, plain = thing(), thing("1")
    keeper["Properties"]["Value"] = secret
    reader = thing(DependsOn="Keeper")
    reader["Properties"]["Value"] = {"Fn::GetAtt": ["Keeper", "Value"]}
    resources = {"Keeper": keeper, "Reader": reader, "Plain": plain}
    if not deleted:
        resources["B"] = thing("x", how="fail-before", DependsOn=["Keeper", "Reader", "Plain"])
    made = server.create("app", template(resources, Parameters=PASSWORD))
    if deleted:
        server.client.delete_stack(StackName="app")
        server.ended(made["StackId"])
    for name in ("Keeper", "Reader"):
        assert shown(server, made["StackId"], name, "DELETE_COMPLETE") == [
            {"Type": "String", "Value": "****"}
        ]
    assert shown(server, made["StackId"], "Plain", "DELETE_COMPLETE") == [
        {"Type": "String", "Value": "1"}
    ]


def test_the_form_of_the_text(server: CloudFormationServer) -> None:
    """As recorded: scalars are text, and there are no spaces between members."""
    topic = {"Type": "AWS::SQS::Queue", "Properties": {"DelaySeconds": 5, "FifoQueue": False}}
    server.create("app", template({"Q": topic}))
    found = server.client.describe_stack_events(StackName="app")["StackEvents"]
    texts = {one["ResourceProperties"] for one in found if "ResourceProperties" in one}
    assert texts == {'{"DelaySeconds":"5","FifoQueue":"false"}'}


def test_a_replacement_that_failed_at_once_is_told_by_the_cleanup(
    server: CloudFormationServer,
) -> None:
    """As recorded: its physical id is empty, and what it was to replace is there again."""
    server.create("app", template({"R": thing("1", name="one")}))
    ended = server.update("app", template({"R": thing("1", name="two", how="fail-before")}))
    assert ended["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    [(_, physical_id, _)] = server.store.things()
    told = [each[1:3] for each in server.events("app") if each[0] == "R"]
    assert told[-2:] == [(physical_id, "UPDATE_COMPLETE"), ("", "DELETE_COMPLETE")]
