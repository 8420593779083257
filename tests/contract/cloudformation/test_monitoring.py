"""RollbackConfiguration without triggers: an operation that waits before it cleans up."""

import time
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from tests.contract.cloudformation.conftest import CloudFormationServer
from tests.stack_world import template, thing
from tests.waiting import until

WAITS = {"MonitoringTimeInMinutes": 5}


def ids(server: CloudFormationServer) -> list[str]:
    return [name for name, _, _ in server.store.things()]


def until_made(server: CloudFormationServer, count: int) -> str:
    """Wait until so many things are there and nothing else happens; return the stack's status."""

    def made() -> str | None:
        found = server.client.describe_stack_resources(StackName="app")["StackResources"]
        done = all(each["ResourceStatus"].endswith("_COMPLETE") for each in found)
        if not done or len(ids(server)) != count:
            return None
        [stack] = server.client.describe_stacks(StackName="app")["Stacks"]
        return str(stack["StackStatus"])

    return until(made, seen=lambda: ids(server))


def test_an_update_waits_before_it_cleans_up_and_can_be_cancelled(
    server: CloudFormationServer,
) -> None:
    server.create("app", template({"A": thing("1", name="one")}))
    body = template({"A": thing("1", name="two")})
    server.client.update_stack(StackName="app", TemplateBody=body, RollbackConfiguration=WAITS)
    assert until_made(server, 2) == "UPDATE_IN_PROGRESS"
    [stack] = server.client.describe_stacks(StackName="app")["Stacks"]
    assert stack["RollbackConfiguration"] == WAITS
    time.sleep(0.3)
    assert ids(server) == ["A", "A"], "what was replaced is still there"
    server.client.cancel_update_stack(StackName="app")
    assert server.ended("app")["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    [(_, _, properties)] = server.store.things()
    assert properties["Name"] == "one"
    [stack] = server.client.describe_stacks(StackName="app")["Stacks"]
    assert stack["RollbackConfiguration"] == {}, "the update's went with it"


def test_a_creation_waits_and_can_be_ended_by_a_deletion(server: CloudFormationServer) -> None:
    made = server.client.create_stack(
        StackName="app", TemplateBody=template({"A": thing("1")}), RollbackConfiguration=WAITS
    )
    assert until_made(server, 1) == "CREATE_IN_PROGRESS"
    server.client.delete_stack(StackName="app")
    assert server.ended(made["StackId"])["StackStatus"] == "DELETE_COMPLETE"
    assert ids(server) == []


def test_a_change_set_shows_it_and_its_execution_waits(server: CloudFormationServer) -> None:
    body = template({"A": thing("1")})
    server.client.create_change_set(
        StackName="app", ChangeSetName="c", ChangeSetType="CREATE", TemplateBody=body,
        RollbackConfiguration=WAITS,
    )  # fmt: skip
    found = server.client.describe_change_set(StackName="app", ChangeSetName="c")
    assert found["RollbackConfiguration"] == WAITS
    server.client.execute_change_set(StackName="app", ChangeSetName="c")
    assert until_made(server, 1) == "CREATE_IN_PROGRESS"


@pytest.mark.parametrize(
    ("configuration", "said"),
    [
        ({"MonitoringTimeInMinutes": 181}, "less than or equal to 180"),
        ({"MonitoringTimeInMinutes": -1}, "greater than or equal to 0"),
        (
            {
                "MonitoringTimeInMinutes": 5,
                "RollbackTriggers": [
                    {
                        "Type": "AWS::CloudWatch::Alarm",
                        "Arn": "arn:aws:cloudwatch:us-east-1:123456789012:alarm:errors",
                    }
                ],
            },
            "alarm:errors could never trigger a rollback. Leave out RollbackTriggers;",
        ),
    ],
)
def test_what_is_refused(
    server: CloudFormationServer, configuration: dict[str, Any], said: str
) -> None:
    with pytest.raises(ClientError) as caught:
        server.aws.client("cloudformation", config=Config(parameter_validation=False)).create_stack(
            StackName="app", TemplateBody=template({"A": thing("1")}),
            RollbackConfiguration=configuration,
        )  # fmt: skip
    assert said in caught.value.response["Error"]["Message"]
