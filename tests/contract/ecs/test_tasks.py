"""Tasks through boto3, on a server whose engine has not come up: they wait."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

_MAIN = {"name": "main", "image": "app", "memory": 64, "cpu": 10}
_AWSVPC = {"awsvpcConfiguration": {"subnets": ["subnet-1"]}}


@pytest.fixture
def app(ecs: Any) -> str:
    registered = ecs.register_task_definition(family="app", containerDefinitions=[_MAIN])
    arn: str = registered["taskDefinition"]["taskDefinitionArn"]
    return arn


def _refused(call: Any, **arguments: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as raised:
        call(**arguments)
    error = raised.value.response["Error"]
    return error["Code"], error["Message"]


def test_a_task_is_run_described_listed_and_stopped(ecs: Any, app: str) -> None:
    overrides = {"containerOverrides": [{"name": "main", "command": ["x"]}]}
    ran = ecs.run_task(
        taskDefinition="app", startedBy="me", overrides=overrides,
        tags=[{"key": "a", "value": "1"}],
    )  # fmt: skip
    [task] = ran["tasks"]
    arn = task["taskArn"]
    assert arn.startswith("arn:aws:ecs:us-east-1:123456789012:task/default/")
    assert len(arn.rpartition("/")[2]) == 32
    assert task["taskDefinitionArn"] == app
    assert task["group"] == "family:app"
    assert (task["lastStatus"], task["desiredStatus"]) == ("PROVISIONING", "RUNNING")
    assert (task["cpu"], task["memory"], task["launchType"]) == ("10", "64", "EC2")
    assert task["containers"][0]["lastStatus"] == "PENDING"
    described = ecs.describe_tasks(tasks=[arn, "f" * 32], include=["TAGS"])
    assert described["tasks"][0]["tags"] == [{"key": "a", "value": "1"}]
    assert described["tasks"][0]["overrides"]["containerOverrides"][0]["command"] == ["x"]
    assert [failure["reason"] for failure in described["failures"]] == ["MISSING"]
    assert ecs.describe_clusters()["clusters"][0]["pendingTasksCount"] == 1
    for filters in ({}, {"family": "app"}, {"startedBy": "me"}, {"launchType": "EC2"}):
        assert ecs.list_tasks(**filters)["taskArns"] == [arn]
    for filters in ({"family": "db"}, {"serviceName": "app"}, {"desiredStatus": "STOPPED"}):
        assert ecs.list_tasks(**filters)["taskArns"] == []
    stopped = ecs.stop_task(task=arn, reason="enough")["task"]
    assert (stopped["desiredStatus"], stopped["stopCode"]) == ("STOPPED", "UserInitiated")
    assert stopped["stoppedReason"] == "enough"
    assert ecs.stop_task(task=arn, reason="again")["task"]["stoppedReason"] == "enough"
    assert _refused(ecs.stop_task, task="f" * 32) == (
        "InvalidParameterException",
        "The referenced task was not found.",
    )


def test_a_client_token_runs_the_same_tasks_once(ecs: Any, app: str) -> None:
    first = ecs.run_task(taskDefinition="app", count=2, clientToken="t")["tasks"]
    again = ecs.run_task(taskDefinition="app", count=2, clientToken="t")["tasks"]
    assert [task["taskArn"] for task in first] == [task["taskArn"] for task in again]
    assert len(ecs.list_tasks()["taskArns"]) == 2
    other = {"containerOverrides": [{"name": "main", "command": ["y"]}]}
    code, _ = _refused(ecs.run_task, taskDefinition="app", clientToken="t", overrides=other)
    assert code == "ConflictException"


def test_tags_of_a_task(ecs: Any, app: str) -> None:
    arn = ecs.run_task(taskDefinition="app", enableECSManagedTags=True)["tasks"][0]["taskArn"]
    ecs.tag_resource(resourceArn=arn, tags=[{"key": "a", "value": "1"}])
    tags = ecs.list_tags_for_resource(resourceArn=arn)["tags"]
    assert tags == [{"key": "a", "value": "1"}, {"key": "aws:ecs:clusterName", "value": "default"}]


def test_start_task_names_this_host(ecs: Any, app: str) -> None:
    [instance] = ecs.list_container_instances()["containerInstanceArns"]
    started = ecs.start_task(taskDefinition="app", containerInstances=[instance, "absent"])
    assert [task["containerInstanceArn"] for task in started["tasks"]] == [instance]
    assert started["failures"] == [{"arn": "absent", "reason": "MISSING"}]
    assert len(ecs.list_tasks(containerInstance=instance)["taskArns"]) == 1
    assert ecs.list_tasks(containerInstance="absent")["taskArns"] == []


def test_what_aws_rejects(ecs: Any, app: str) -> None:
    assert _refused(ecs.run_task, taskDefinition="absent") == (
        "ClientException",
        "TaskDefinition not found.",
    )
    assert _refused(ecs.run_task, taskDefinition="app", cluster="absent") == (
        "ClusterNotFoundException",
        "Cluster not found.",
    )
    assert _refused(ecs.run_task, taskDefinition="app", launchType="FARGATE") == (
        "InvalidParameterException",
        "Task definition does not support launch_type FARGATE.",
    )
    assert _refused(ecs.run_task, taskDefinition="app", networkConfiguration=_AWSVPC) == (
        "InvalidParameterException",
        "Network Configuration is not valid for the given networkMode of this task definition.",
    )
    ecs.register_task_definition(family="vpc", containerDefinitions=[_MAIN], networkMode="awsvpc")
    assert _refused(ecs.run_task, taskDefinition="vpc") == (
        "InvalidParameterException",
        "Network Configuration must be provided when networkMode 'awsvpc' is specified.",
    )
    overrides = {"containerOverrides": [{"name": "db"}]}
    assert _refused(ecs.run_task, taskDefinition="app", overrides=overrides) == (
        "InvalidParameterException",
        "Override for container named db is not a container in the TaskDefinition.",
    )
    ecs.deregister_task_definition(taskDefinition="app:1")
    assert _refused(ecs.run_task, taskDefinition="app:1") == (
        "ClientException",
        "TaskDefinition is inactive",
    )
    assert "no ECS Exec" in _refused(
        ecs.run_task, taskDefinition="vpc", enableExecuteCommand=True
    )[1]  # fmt: skip
