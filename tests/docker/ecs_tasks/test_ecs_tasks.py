"""ECS tasks on the engine, read from Docker, over HTTP and from the API."""

import asyncio
import contextlib
from typing import Any

import aiohttp
import pytest

from tests.docker.ecs_tasks.conftest import Running

pytestmark = pytest.mark.docker

NOTHING = (
    '{"Version": "2012-10-17", "Statement": '
    '[{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]}'
)
GONE: dict[str, list[str]] = {"containers": [], "volumes": []}
_SERVE = "httpd -p 8080 -h /data && echo serving && exec tail -f /dev/null"


def sh(name: str, script: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "entryPoint": ["sh", "-c"], "command": [script], **more}


def awslogs(**options: str) -> dict[str, Any]:
    return {
        "logDriver": "awslogs",
        "options": {
            "awslogs-group": "/ecs/app",
            "awslogs-region": "us-east-1",
            "awslogs-stream-prefix": "app",
            "awslogs-create-group": "true",
            **options,
        },
    }


async def get(address: str, port: int, path: str) -> str:
    async with aiohttp.request("GET", f"http://{address}:{port}{path}") as response:
        return (await response.text()).strip()


async def test_containers_depend_share_log_and_answer(running: Running) -> None:
    role = await running.ecs.role("execution")
    await running.ecs.call("ssm", "PutParameter", Name="/app/word", Value="sesame",
                           Type="SecureString")  # fmt: skip
    secret = await running.ecs.call("secretsmanager", "CreateSecret", Name="db",
                                    SecretString='{"password": "hush"}')  # fmt: skip
    definition = await running.register(
        sh("seed", 'echo "$WORD $PASSWORD" > /data/word; echo seeded', essential=False,
           mountPoints=[{"sourceVolume": "data", "containerPath": "/data"}],
           secrets=[{"name": "WORD", "valueFrom": "/app/word"},
                    {"name": "PASSWORD", "valueFrom": secret["ARN"] + ":password::"}],
           logConfiguration=awslogs()),
        sh("web", _SERVE,
           portMappings=[{"containerPort": 8080}],
           mountPoints=[{"sourceVolume": "data", "containerPath": "/data", "readOnly": True}],
           healthCheck={"command": ["CMD-SHELL", "wget -qO- http://127.0.0.1:8080/word"],
                        "interval": 5, "timeout": 2, "retries": 2},
           dependsOn=[{"containerName": "seed", "condition": "SUCCESS"}],
           logConfiguration=awslogs()),
        sh("after", "exec tail -f /dev/null", essential=False,
           dependsOn=[{"containerName": "web", "condition": "HEALTHY"}], stopTimeout=2),
        executionRoleArn=role,
        volumes=[{"name": "data"}],
    )  # fmt: skip
    arn = await running.run(definition)
    task = await running.until(arn, "RUNNING")
    seed, web, after = task["containers"]
    assert (seed["lastStatus"], seed["exitCode"]) == ("STOPPED", 0)
    assert (web["lastStatus"], web["healthStatus"]) == ("RUNNING", "HEALTHY")
    assert after["lastStatus"] == "RUNNING"
    assert task["healthStatus"] == "HEALTHY"
    [binding] = web["networkBindings"]
    assert binding["bindIP"] == "127.0.0.1"
    assert await get("127.0.0.1", binding["hostPort"], "/word") == "sesame hush"
    assert "sesame" not in str(task)
    stream = arn.rpartition("/")[2]
    assert await running.logged("/ecs/app", f"app/seed/{stream}") == ["seeded"]
    assert b"sesame" not in (running.ecs.directory / "penstock.db").read_bytes()

    await running.ecs.call("ecs", "StopTask", task=arn, reason="enough")
    stopped = await running.until(arn, "STOPPED")
    assert stopped["stopCode"] == "UserInitiated"
    assert stopped["stoppedReason"] == "enough"
    assert await running.left() == GONE


async def test_an_essential_container_ends_its_task(running: Running) -> None:
    definition = await running.register(
        sh("main", "echo bye; sleep 1; exit 3", logConfiguration=awslogs()),
        sh("side", "trap 'echo told; exit 0' TERM; while :; do sleep 0.1; done",
           essential=False, logConfiguration=awslogs()),
    )  # fmt: skip
    arn = await running.run(definition)
    task = await running.until(arn, "STOPPED")
    assert task["stopCode"] == "EssentialContainerExited"
    assert task["stoppedReason"] == "Essential container in task exited"
    main, side = task["containers"]
    assert main["exitCode"] == 3
    assert side["exitCode"] == 0
    stream = arn.rpartition("/")[2]
    assert await running.logged("/ecs/app", f"app/main/{stream}") == ["bye"]
    assert await running.logged("/ecs/app", f"app/side/{stream}") == ["told"]
    assert await running.left() == GONE


async def test_a_task_goes_on_without_its_server_and_is_adopted(running: Running) -> None:
    script = "i=0; while :; do echo line $i; i=$((i+1)); sleep 0.05; done"
    definition = await running.register(
        sh("count", script, logConfiguration=awslogs(), stopTimeout=2,
           healthCheck={"command": ["CMD-SHELL", "true"], "interval": 5}),
    )  # fmt: skip
    arn = await running.run(definition)
    before = await running.until(arn, "RUNNING")
    await asyncio.sleep(1.5)
    await running.restart()
    after = await running.until(arn, lambda task: task["healthStatus"] == "HEALTHY")
    assert after["lastStatus"] == "RUNNING"
    assert after["containers"][0]["runtimeId"] == before["containers"][0]["runtimeId"]
    await asyncio.sleep(1)
    await running.ecs.call("ecs", "StopTask", task=arn)
    stopped = await running.until(arn, "STOPPED")
    assert stopped["containers"][0]["exitCode"] == 137
    lines = await running.logged("/ecs/app", f"app/count/{arn.rpartition('/')[2]}")
    assert len(lines) > 30
    assert lines == [f"line {i}" for i in range(len(lines))]
    assert await running.left() == GONE


async def test_a_health_check_that_fails_makes_the_task_unhealthy(running: Running) -> None:
    definition = await running.register(
        sh("web", "exec sleep 1000", stopTimeout=2,
           healthCheck={"command": ["CMD-SHELL", "exit 1"], "interval": 5, "retries": 1}),
    )  # fmt: skip
    arn = await running.run(definition)
    task = await running.until(arn, lambda found: found["healthStatus"] == "UNHEALTHY")
    assert task["lastStatus"] == "RUNNING"
    await running.ecs.call("ecs", "StopTask", task=arn)
    await running.until(arn, "STOPPED")


async def test_what_cannot_start_says_why(running: Running) -> None:
    absent = await running.run(
        await running.register({"name": "main", "image": "127.0.0.1:9/no/such:image"})
    )
    task = await running.until(absent, "STOPPED")
    assert task["stopCode"] == "TaskFailedToStart"
    assert task["stoppedReason"].startswith("CannotPullContainerError: Error response from daemon")
    assert task["containers"][0]["reason"] == task["stoppedReason"]

    group = await running.run(
        await running.register(
            sh("main", "true", logConfiguration=awslogs(**{"awslogs-create-group": "false"}))
        )
    )
    task = await running.until(group, "STOPPED")
    assert task["stoppedReason"].startswith("ResourceInitializationError: failed to validate")

    role = await running.ecs.role("poor", policy=NOTHING)
    await running.ecs.call("ssm", "PutParameter", Name="/app/word", Value="sesame", Type="String")
    secret = await running.run(
        await running.register(
            sh("main", "true", secrets=[{"name": "WORD", "valueFrom": "/app/word"}]),
            executionRoleArn=role,
        )
    )
    task = await running.until(secret, "STOPPED")
    assert task["stoppedReason"].startswith(
        "ResourceInitializationError: unable to pull secrets or registry auth: execution resource "
        "retrieval failed: unable to retrieve secrets from ssm: service call has been retried 1 "
        "time(s): AccessDeniedException"
    )

    process = await running.run(
        await running.register({"name": "main", "entryPoint": ["/no/such"], "command": ["x"]})
    )
    task = await running.until(process, "STOPPED")
    assert task["stopCode"] == "TaskFailedToStart"
    assert task["stoppedReason"].startswith("CannotStartContainerError: Error response")
    assert await running.left() == GONE


async def test_a_shared_volume_survives_its_tasks(running: Running) -> None:
    volumes = [{
        "name": "db",
        "dockerVolumeConfiguration": {"scope": "shared", "autoprovision": True},
    }]  # fmt: skip
    mounts = [{"sourceVolume": "db", "containerPath": "/db"}]
    write = await running.register(sh("w", "echo kept > /db/x", mountPoints=mounts),
                                   volumes=volumes)  # fmt: skip
    read = await running.register(
        sh("r", "cat /db/x", mountPoints=mounts, logConfiguration=awslogs()), volumes=volumes
    )
    await running.until(await running.run(write), "STOPPED")
    name = f"penstock-{running.world.instance_id}-volume-default.db"
    assert (await running.left())["volumes"] == [name]
    arn = await running.run(read)
    await running.until(arn, "STOPPED")
    assert await running.logged("/ecs/app", f"app/r/{arn.rpartition('/')[2]}") == ["kept"]


async def test_an_app_on_port_80_is_published_and_has_its_credentials(running: Running) -> None:
    role = await running.ecs.role("task")
    own = "$AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"
    script = (
        f'mkdir /data; wget -qO- "http://169.254.170.2{own}" > /data/got; '
        "httpd -p 80 -h /data && echo serving && exec tail -f /dev/null"
    )
    definition = await running.register(
        sh("web", script, stopTimeout=2, portMappings=[{"containerPort": 80}]),
        taskRoleArn=role,
        networkMode="bridge",
    )
    arn = await running.run(definition)
    task = await running.until(arn, "RUNNING")
    [binding] = task["containers"][0]["networkBindings"]
    assert binding["containerPort"] == 80
    async with asyncio.timeout(20):
        while True:
            with contextlib.suppress(aiohttp.ClientError):
                answer = await get("127.0.0.1", binding["hostPort"], "/got")
                break
            await asyncio.sleep(0.1)
    assert answer.startswith("stand-in 169.254.170.2 /v2/credentials/")
    await running.ecs.call("ecs", "StopTask", task=arn)
    await running.until(arn, "STOPPED")
    assert await running.left() == GONE


async def test_awsvpc_has_its_own_address_and_none_has_no_way_out(running: Running) -> None:
    definition = await running.register(
        sh("web", "mkdir /data; echo hello > /data/x; " + _SERVE, stopTimeout=2,
           portMappings=[{"containerPort": 8080}]),
        networkMode="awsvpc",
    )  # fmt: skip
    configuration = {"awsvpcConfiguration": {"subnets": ["subnet-1"]}}
    arn = await running.run(definition, networkConfiguration=configuration)
    task = await running.until(arn, "RUNNING")
    [details] = [each["details"] for each in task["attachments"]]
    address = details[0]["value"]
    assert await get(address, 8080, "/x") == "hello"
    alone = await running.run(
        await running.register(
            sh("main", "ip route | grep default; echo routes $?", logConfiguration=awslogs()),
            networkMode="none",
        )
    )
    await running.until(alone, "STOPPED")
    lines = await running.logged("/ecs/app", f"app/main/{alone.rpartition('/')[2]}")
    assert lines == ["routes 1"]
    await running.ecs.call("ecs", "StopTask", task=arn)
    await running.until(arn, "STOPPED")
    assert await running.left() == GONE
