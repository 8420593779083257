"""Task definitions through boto3: what AWS takes and what it rejects."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

_ARN = "arn:aws:ecs:us-east-1:123456789012:task-definition"
_MAIN = {"name": "main", "image": "app", "memory": 64}
_FARGATE: dict[str, Any] = {
    "requiresCompatibilities": ["FARGATE"], "networkMode": "awsvpc", "cpu": "256",
    "memory": "512",
}  # fmt: skip


def _register(ecs: Any, *containers: dict[str, Any], **more: Any) -> dict[str, Any]:
    request = {"family": "app", "containerDefinitions": list(containers) or [_MAIN], **more}
    made: dict[str, Any] = ecs.register_task_definition(**request)["taskDefinition"]
    return made


def _refused(ecs: Any, *containers: dict[str, Any], **more: Any) -> str:
    with pytest.raises(ClientError) as raised:
        _register(ecs, *containers, **more)
    error = raised.value.response["Error"]
    assert error["Code"] == "ClientException"
    message: str = error["Message"]
    return message


def test_revisions_count_on(ecs: Any) -> None:
    made = _register(ecs)
    assert made["taskDefinitionArn"] == f"{_ARN}/app:1"
    assert made["networkMode"] == "bridge"
    assert made["compatibilities"] == ["EC2"]
    assert made["containerDefinitions"] == [
        {**_MAIN, "cpu": 0, "essential": True, "environment": [], "mountPoints": [],
         "portMappings": [], "volumesFrom": []}
    ]  # fmt: skip
    port = {"containerPort": 80}
    second = _register(ecs, {**_MAIN, "portMappings": [port]}, tags=[{"key": "a", "value": "1"}])
    [mapping] = second["containerDefinitions"][0]["portMappings"]
    assert mapping == {"containerPort": 80, "hostPort": 0, "protocol": "tcp"}
    described = ecs.describe_task_definition(taskDefinition="app", include=["TAGS"])
    assert described["taskDefinition"]["revision"] == 2
    assert described["tags"] == [{"key": "a", "value": "1"}]
    assert ecs.describe_task_definition(taskDefinition="app:1")["taskDefinition"] == made
    with pytest.raises(ClientError, match="Unable to describe task definition"):
        ecs.describe_task_definition(taskDefinition="absent")


def test_lists_by_family_and_status(ecs: Any) -> None:
    for family in ("app", "app", "db"):
        _register(ecs, family=family)
    arns = [f"{_ARN}/app:1", f"{_ARN}/app:2", f"{_ARN}/db:1"]
    assert ecs.list_task_definitions()["taskDefinitionArns"] == arns
    assert ecs.list_task_definitions(sort="DESC")["taskDefinitionArns"] == arns[::-1]
    page = ecs.list_task_definitions(maxResults=2)
    rest = ecs.list_task_definitions(nextToken=page["nextToken"])
    assert page["taskDefinitionArns"] + rest["taskDefinitionArns"] == arns
    gone = ecs.deregister_task_definition(taskDefinition="db:1")["taskDefinition"]
    assert gone["status"] == "INACTIVE"
    assert ecs.list_task_definitions(familyPrefix="db")["taskDefinitionArns"] == []
    assert ecs.list_task_definitions(status="INACTIVE")["taskDefinitionArns"] == arns[2:]
    assert ecs.list_task_definition_families()["families"] == ["app", "db"]
    assert ecs.list_task_definition_families(status="ACTIVE")["families"] == ["app"]
    assert ecs.list_task_definition_families(familyPrefix="d")["families"] == ["db"]


def test_pages_go_on_after_a_family_that_others_begin_with(ecs: Any) -> None:
    """Locks: a page that ended between `app` and `app-web` came again."""
    for family in ("app", "app-web", "app1", "app1", "app_db"):
        _register(ecs, family=family)
    arns = ecs.list_task_definitions()["taskDefinitionArns"]
    for sort in ("ASC", "DESC"):
        pages = ecs.get_paginator("list_task_definitions").paginate(
            sort=sort, PaginationConfig={"PageSize": 1}
        )
        found = [arn for page in pages for arn in page["taskDefinitionArns"]]
        assert found == (arns if sort == "ASC" else arns[::-1])
    assert len(set(arns)) == 5


def test_only_inactive_revisions_are_deleted(ecs: Any) -> None:
    _register(ecs)
    failed = ecs.delete_task_definitions(taskDefinitions=["app:1"])["failures"]
    assert "still in ACTIVE status" in failed[0]["detail"]
    ecs.deregister_task_definition(taskDefinition="app:1")
    deleted = ecs.delete_task_definitions(taskDefinitions=["app:1"])["taskDefinitions"]
    assert deleted[0]["status"] == "DELETE_IN_PROGRESS"
    assert _register(ecs)["revision"] == 2
    with pytest.raises(ClientError, match="does not exist"):
        ecs.deregister_task_definition(taskDefinition="app:9")


def test_what_aws_rejects(ecs: Any) -> None:
    assert _refused(ecs, {"name": "main", "image": "app"}) == (
        "Invalid setting for container 'main'. At least one of 'memory' or 'memoryReservation' "
        "must be specified."
    )
    assert "name should not be null" in _refused(ecs, {"image": "app", "memory": 64})
    assert "at least one essential" in _refused(ecs, {**_MAIN, "essential": False})
    assert "must be unique" in _refused(ecs, _MAIN, _MAIN)
    mount = {"sourceVolume": "data", "containerPath": "/data"}
    assert _refused(ecs, {**_MAIN, "mountPoints": [mount]}) == "Unknown volume 'data'."
    secret = {"name": "A", "valueFrom": "b"}
    assert "must also specify a value for 'executionRoleArn'" in _refused(
        ecs, {**_MAIN, "secrets": [secret]}
    )
    depends = {**_MAIN, "dependsOn": [{"containerName": "db", "condition": "START"}]}
    assert "no container of the task definition" in _refused(ecs, depends)
    a = {**_MAIN, "name": "a", "dependsOn": [{"containerName": "b", "condition": "START"}]}
    b = {**_MAIN, "name": "b", "dependsOn": [{"containerName": "a", "condition": "START"}]}
    assert "is a cycle" in _refused(ecs, a, b)


def test_fargate_has_its_sizes(ecs: Any) -> None:
    made = _register(ecs, {"name": "main", "image": "app"}, **_FARGATE)
    assert made["compatibilities"] == ["EC2", "FARGATE"]
    assert _register(ecs, **{**_FARGATE, "cpu": ".5 vCPU", "memory": "1 GB"})["cpu"] == "512"
    assert _refused(ecs, **{**_FARGATE, "memory": "4096"}) == (
        "No Fargate configuration exists for given values."
    )
    assert _refused(ecs, **{**_FARGATE, "networkMode": "bridge"}) == (
        "Fargate only supports network mode ‘awsvpc’."
    )


def test_fargate_needs_an_execution_role_for_ecr_and_logs(ecs: Any) -> None:
    image = "123456789012.dkr.ecr.us-east-1.amazonaws.com/app:1"
    text = "Fargate requires task definition to have execution role ARN to support "
    assert _refused(ecs, {"name": "main", "image": image}, **_FARGATE) == f"{text}ECR images."
    options = {"awslogs-group": "g", "awslogs-region": "us-east-1", "awslogs-stream-prefix": "p"}
    log = {"logDriver": "awslogs", "options": options}
    main = {"name": "main", "image": "app", "logConfiguration": log}
    assert _refused(ecs, main, **_FARGATE) == f"{text}log driver awslogs."
    _register(ecs, main, executionRoleArn="execution", **_FARGATE)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"networkMode": "host"}, "networkMode host"),
        ({"pidMode": "host"}, "pidMode"),
        ({"volumes": [{"name": "s", "host": {"sourcePath": "/var/run/docker.sock"}}]}, "engine"),
        ({"volumes": [{"name": "e", "efsVolumeConfiguration": {"fileSystemId": "fs-1"}}]}, "EFS"),
    ],
)
def test_what_would_be_root_or_without_effect_is_refused(
    ecs: Any, changes: dict[str, Any], named: str
) -> None:
    assert named in _refused(ecs, **changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"privileged": True},
        {"logConfiguration": {"logDriver": "fluentd"}},
        {"resourceRequirements": [{"type": "GPU", "value": "1"}]},
        {"firelensConfiguration": {"type": "fluentbit"}},
        {"linuxParameters": {"capabilities": {"add": ["SYS_ADMIN"]}}},
    ],
)
def test_what_a_container_may_not_have_is_refused(ecs: Any, changes: dict[str, Any]) -> None:
    assert "Penstock does not support" in _refused(ecs, {**_MAIN, **changes})
