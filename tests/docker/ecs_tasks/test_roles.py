"""What a task's roles give it: images of ECR, and credentials of its own."""

import base64
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.docker.ecs_tasks.conftest import Running, another_runner
from tests.docker.ecs_tasks.test_ecs_tasks import GONE, awslogs, sh
from tests.docker.tasks.test_inner_docker import HOST, registry_token
from tests.docker.tasks.world import World, world
from tests.ecs_world import EcsWorld

pytestmark = pytest.mark.docker

_NO_IMAGES = (
    '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Resource": "*", '
    '"Action": "ecr:GetAuthorizationToken"}]}'
)


@pytest.fixture
async def with_registry(tmp_path: Path) -> AsyncIterator[Running]:
    """ECS on an instance whose registry has the image `app:1`."""
    async with world(tmp_path, with_registry=True) as made:
        ecs = EcsWorld(
            tmp_path,
            made.instance_id,
            pull_token=lambda repository, actions: registry_token(made, repository, *actions),
        )
        ecs.open()
        await ecs.call("ecs", "CreateCluster")
        await ecs.tasks.attach(another_runner(made))
        yield Running(ecs, made)
        await ecs.close()


async def publish(made: World, repository: str) -> None:
    """Push busybox to the registry, by the engine."""
    image = await made.images.resolve("busybox:1.35")
    name = f"{made.registry.host_address}/{repository}"
    auth = {"registrytoken": registry_token(made, repository, "pull", "push")}
    headers = {"X-Registry-Auth": base64.urlsafe_b64encode(json.dumps(auth).encode()).decode()}
    await made.engine.json("POST", f"images/{image}/tag", params={"repo": name, "tag": "1"})
    push = made.engine.progress("POST", f"images/{name}/push", params={"tag": "1"}, headers=headers)
    async for _ in push:
        pass
    await made.engine.json("DELETE", f"images/{name}:1")


async def test_the_execution_role_pulls_and_the_digest_is_told(with_registry: Running) -> None:
    running = with_registry
    await publish(running.world, "app")
    execution = await running.ecs.role("execution")
    main = sh("main", "sleep 1000", image=f"{HOST}/app:1", stopTimeout=2)
    arn = await running.run(await running.register(main, executionRoleArn=execution))
    task = await running.until(arn, "RUNNING")
    name = f"{running.world.registry.host_address}/app"
    image = await running.world.engine.json("GET", f"images/{name}:1/json")
    [digest] = [each for each in image["RepoDigests"] if each.startswith(name)]
    assert task["containers"][0]["imageDigest"] == digest.partition("@")[2]
    await running.ecs.call("ecs", "StopTask", task=arn)
    await running.until(arn, "STOPPED")
    await running.world.engine.json("DELETE", f"images/{name}:1", params={"force": "1"})

    poor = await running.ecs.role("poor", policy=_NO_IMAGES)
    arn = await running.run(await running.register(main, executionRoleArn=poor))
    task = await running.until(arn, "STOPPED")
    assert task["stoppedReason"].startswith("CannotPullContainerError: pull access denied")
    assert "ecr:BatchGetImage" in task["stoppedReason"]


async def test_a_task_has_its_roles_credentials_until_it_stops(running: Running) -> None:
    role = await running.ecs.role("task")
    script = "echo $AWS_CONTAINER_CREDENTIALS_RELATIVE_URI; exec sleep 1000"
    definition = await running.register(
        sh("main", script, stopTimeout=2, logConfiguration=awslogs()), taskRoleArn=role
    )
    arn = await running.run(definition)
    await running.until(arn, "RUNNING")
    stream = f"app/main/{arn.rpartition('/')[2]}"
    while not (lines := await running.logged("/ecs/app", stream)):
        pass
    token = lines[0].removeprefix("/v2/credentials/")
    found = await running.ecs.credentials.credentials_for_token(token)
    assert found is not None
    assert found["RoleArn"] == role
    await running.ecs.call("ecs", "StopTask", task=arn)
    await running.until(arn, "STOPPED")
    assert await running.ecs.credentials.credentials_for_token(token) is None
    assert await running.left() == GONE


async def test_a_role_that_does_not_trust_tasks_is_not_assumed(running: Running) -> None:
    trust = (
        '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": '
        '{"Service": "codebuild.amazonaws.com"}, "Action": "sts:AssumeRole"}]}'
    )
    role = await running.ecs.role("other", trust=trust)
    arn = await running.run(await running.register(sh("main", "true"), taskRoleArn=role))
    task = await running.until(arn, "STOPPED")
    assert task["stopCode"] == "TaskFailedToStart"
    assert task["stoppedReason"].startswith(f"ECS was unable to assume the role '{role}'")
