"""`penstock down --stack` against the real API: what it says beforehand is what then happens."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.contract.cloudformation.conftest import CloudFormationServer

from penstock.cli import stack_removal
from penstock.cli.refusal import Refusal

TEMPLATE = json.dumps(
    {
        "Resources": {
            "Gone": {"Type": "AWS::SNS::Topic"},
            "Thing": {
                "Type": "AWS::SSM::Parameter",
                "Properties": {"Type": "String", "Value": "1"},
            },
            "Kept": {"Type": "AWS::SNS::Topic", "DeletionPolicy": "Retain"},
        }
    }
)


def names(resources: Any) -> set[str]:
    return {each["LogicalResourceId"] for each in resources}


def test_the_plan_is_what_the_deletion_does(server: CloudFormationServer) -> None:
    stack_id = server.create("dev", TEMPLATE)["StackId"]
    removal = stack_removal.plan_removal(server.client, "dev")
    assert server.ended("dev")["StackStatus"] == "CREATE_COMPLETE", "planning changes nothing"
    assert names(removal.deleted) == {"Gone", "Thing"}
    assert names(removal.kept) == {"Kept"}
    told = "\n".join(stack_removal.lines(removal))
    assert told.index("Gone") < told.index("Keeps, by their DeletionPolicy:") < told.index("Kept")

    shown: list[str] = []
    stack_removal.delete(server.client, removal, shown.append)
    assert server.ended(stack_id)["StackStatus"] == "DELETE_COMPLETE"
    after = {
        logical: status
        for logical, _, status, _ in server.events(stack_id)
        if status.startswith("DELETE") and not status.endswith("PROGRESS")
    }
    assert {name for name, status in after.items() if status == "DELETE_COMPLETE"} == {
        "dev", "Gone", "Thing",
    }  # fmt: skip
    assert any("DELETE_COMPLETE" in line and "Thing" in line for line in shown)
    assert not any("CREATE_" in line for line in shown), "earlier events are not repeated"
    assert len(shown) == len(set(shown))


def test_a_stack_that_is_not_there_is_told_with_those_there_are(
    server: CloudFormationServer,
) -> None:
    server.create("dev", TEMPLATE)
    with pytest.raises(Refusal, match=r"^no stack is called prod; stacks: dev$"):
        stack_removal.plan_removal(server.client, "prod")


def test_a_protected_stack_is_refused_with_the_way_out(server: CloudFormationServer) -> None:
    server.create("dev", TEMPLATE, EnableTerminationProtection=True)
    with pytest.raises(Refusal, match="--no-enable-termination-protection --stack-name dev"):
        stack_removal.plan_removal(server.client, "dev")


def test_a_stack_that_only_has_a_change_set_goes(server: CloudFormationServer) -> None:
    server.client.create_change_set(
        StackName="prod", ChangeSetName="release", ChangeSetType="CREATE", TemplateBody=TEMPLATE
    )
    server.client.get_waiter("change_set_create_complete").wait(
        StackName="prod", ChangeSetName="release", WaiterConfig={"Delay": 0.05}
    )
    removal = stack_removal.plan_removal(server.client, "prod")
    assert stack_removal.lines(removal) == ["Deletes the stack prod."]
    stack_removal.delete(server.client, removal, lambda line: None)
    with pytest.raises(Refusal, match="stacks: none"):
        stack_removal.plan_removal(server.client, "prod")


def test_a_refused_deletion_says_what_stands_in_its_way(server: CloudFormationServer) -> None:
    exported = json.loads(TEMPLATE) | {
        "Outputs": {"Shared": {"Value": "1", "Export": {"Name": "shared"}}}
    }
    server.create("dev", json.dumps(exported))
    importing = {
        "Resources": {
            "Thing": {
                "Type": "AWS::SSM::Parameter",
                "Properties": {"Type": "String", "Value": {"Fn::ImportValue": "shared"}},
            }
        }
    }
    server.create("other", json.dumps(importing))
    removal = stack_removal.plan_removal(server.client, "dev")
    with pytest.raises(ClientError, match="shared") as refused:
        stack_removal.delete(server.client, removal, lambda line: None)
    assert "other" in str(refused.value)
