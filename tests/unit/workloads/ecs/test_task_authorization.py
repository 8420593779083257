"""Who may run a task with which roles."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.ecs_world import ACCOUNT, EcsWorld

from penstock.aws.errors import ServiceError
from penstock.aws.service import Principal, PrincipalKind

DEFINITION = f"arn:aws:ecs:us-east-1:{ACCOUNT}:task-definition/app"


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[EcsWorld]:
    made = EcsWorld(tmp_path)
    made.open()
    await made.call("ecs", "CreateCluster")
    role = await made.role("app")
    main = {"name": "main", "image": "app", "memory": 64}
    await made.call(
        "ecs", "RegisterTaskDefinition", family="app", containerDefinitions=[main],
        taskRoleArn=role,
    )  # fmt: skip
    yield made
    await made.close()


async def user(world: EcsWorld, *statements: dict[str, Any]) -> Principal:
    made = (await world.call("iam", "CreateUser", UserName="u"))["User"]
    allowed = [{"Effect": "Allow", **each} for each in statements]
    policy = json.dumps({"Version": "2012-10-17", "Statement": allowed})
    await world.call("iam", "PutUserPolicy", UserName="u", PolicyName="p", PolicyDocument=policy)
    arn = made["Arn"]
    return Principal(PrincipalKind.USER, arn, ACCOUNT, made["UserId"], "AKIAUSER", arn)


async def test_a_family_alone_is_authorized_as_its_newest_revision(world: EcsWorld) -> None:
    principal = await user(
        world,
        {"Action": "ecs:RunTask", "Resource": f"{DEFINITION}:1"},
        {"Action": "iam:PassRole", "Resource": f"arn:aws:iam::{ACCOUNT}:role/app",
         "Condition": {"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}}},
    )  # fmt: skip
    ran = await world.in_process.call(principal, "ecs", "RunTask", {"taskDefinition": "app"})
    assert len(ran["tasks"]) == 1
    main = {"name": "main", "image": "app", "memory": 64}
    await world.call("ecs", "RegisterTaskDefinition", family="app", containerDefinitions=[main])
    with pytest.raises(ServiceError, match=r"ecs:RunTask on resource: .*task-definition/app:2"):
        await world.in_process.call(principal, "ecs", "RunTask", {"taskDefinition": "app"})


async def test_the_roles_of_a_task_must_be_passed(world: EcsWorld) -> None:
    principal = await user(world, {"Action": "ecs:*", "Resource": "*"})
    with pytest.raises(ServiceError, match=r"iam:PassRole on resource: .*role/app"):
        await world.in_process.call(principal, "ecs", "RunTask", {"taskDefinition": "app"})
    request = {
        "family": "app",
        "containerDefinitions": [{"name": "main", "image": "app", "memory": 64}],
        "executionRoleArn": "app",
    }
    with pytest.raises(ServiceError, match=r"iam:PassRole on resource: .*role/app"):
        await world.in_process.call(principal, "ecs", "RegisterTaskDefinition", request)


@pytest.mark.parametrize("place", ["us-east-1:999999999999", f"eu-west-1:{ACCOUNT}"])
async def test_a_denial_holds_whichever_account_an_arn_tells(world: EcsWorld, place: str) -> None:
    """Operations take a cluster's ARN by its name alone."""
    denied = f"arn:aws:ecs:us-east-1:{ACCOUNT}:cluster/default"
    principal = await user(
        world,
        {"Action": "ecs:*", "Resource": "*"},
        {"Effect": "Deny", "Action": "ecs:*", "Resource": denied},
    )
    request = {"resourceArn": f"arn:aws:ecs:{place}:cluster/default", "tags": [{"key": "a"}]}
    with pytest.raises(ServiceError, match=f"ecs:TagResource on resource: {denied}"):
        await world.in_process.call(principal, "ecs", "TagResource", request)
