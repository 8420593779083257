"""Whole builds over real services and the real agent, with this host for an engine."""

import asyncio
import json
import re
from pathlib import Path
from typing import Any

import pytest
from tests.build_world import BUCKET, ROLE, World, host_world, phases, zipped
from tests.host_runner import Machine

from penstock.builds import runner
from penstock.builds.build import BuildStatus, EnvironmentVariable, StartBuild
from penstock.builds.execution import Execution
from penstock.errors import EngineError

ALL_SUCCEEDED = {
    "SUBMITTED": "SUCCEEDED", "QUEUED": "SUCCEEDED", "PROVISIONING": "SUCCEEDED",
    "DOWNLOAD_SOURCE": "SUCCEEDED", "INSTALL": "SUCCEEDED", "PRE_BUILD": "SUCCEEDED",
    "BUILD": "SUCCEEDED", "POST_BUILD": "SUCCEEDED", "UPLOAD_ARTIFACTS": "SUCCEEDED",
    "FINALIZING": "SUCCEEDED", "COMPLETED": "None",
}  # fmt: skip

BUILDSPEC = """\
version: 0.2
env:
  exported-variables: [VERSION]
phases:
  build:
    commands:
      - VERSION=$(cat VERSION)
      - mkdir dist && echo "{\\"Version\\":\\"$VERSION\\"}" > dist/version.json
artifacts:
  base-directory: dist
  files: [version.json]
"""


async def test_a_pipeline_build_from_source_to_artifact(world: World) -> None:
    await world.project()
    started = await world.pipeline_build({"buildspec.yml": BUILDSPEC, "VERSION": "1.2.3\n"})
    build = await world.ended(started)
    assert phases(build) == ALL_SUCCEEDED, await world.log(build)
    assert build.status is BuildStatus.SUCCEEDED
    assert build.exported_variables == {"VERSION": "1.2.3"}
    assert build.resolved_source_version == "0123abc"
    assert (await world.artifact("out/0")) == {"version.json": b'{"Version":"1.2.3"}\n'}
    assert build.artifacts[0]["location"] == f"arn:aws:s3:::{BUCKET}/out/0"
    (completed,) = world.events("build.Completed")
    assert completed["status"] == "SUCCEEDED"
    assert world.machine.removed == [build.uuid]
    assert world.machine.tasks == {}


async def test_the_log_reads_as_codebuilds(world: World) -> None:
    await world.project()
    build = await world.ended(
        await world.pipeline_build({"buildspec.yml": BUILDSPEC, "VERSION": "1"})
    )
    log = await world.log(build)
    first = r"\[Container\] \d{4}/\d\d/\d\d \d\d:\d\d:\d\d\.\d{6} Running on Penstock\n"
    assert re.fullmatch(first, log[0])
    said = [line.split(" ", 3)[3].rstrip("\n") for line in log if line.startswith("[Container]")]
    for expected in (
        "Waiting for DOWNLOAD_SOURCE", "Phase is DOWNLOAD_SOURCE", "Phases found in YAML: 1",
        " BUILD: 2 commands", "Phase complete: DOWNLOAD_SOURCE State: SUCCEEDED",
        "Phase context status code:  Message: ", "Entering phase BUILD",
        "Running command VERSION=$(cat VERSION)", "Expanding version.json", "Found 1 file(s)",
        "Phase complete: UPLOAD_ARTIFACTS State: SUCCEEDED",
    ):  # fmt: skip
        assert expected in said


async def test_the_same_token_of_a_pipeline_finds_the_first_build(world: World) -> None:
    await world.project()
    files = {"buildspec.yml": BUILDSPEC, "VERSION": "1"}
    first = await world.pipeline_build(files, token="action-1")
    assert (await world.pipeline_build(files, token="action-1")).id == first.id
    await world.ended(first)
    assert world.machine.launches == [first.uuid]


async def test_several_inputs_and_outputs(world: World) -> None:
    await world.project()
    spec = """\
version: 0.2
phases:
  build:
    commands:
      - cat "$CODEBUILD_SRC_DIR_Config/name" > a.txt
      - ln -s a.txt link
artifacts:
  secondary-artifacts:
    Out0: {files: a.txt}
    Out1: {files: [link], discard-paths: yes}
"""
    build = await world.ended(
        await world.pipeline_build(
            {"buildspec.yml": spec}, outputs=2, more={"Config": {"name": "configured"}}
        )
    )
    assert build.status is BuildStatus.SUCCEEDED, await world.log(build)
    assert await world.artifact("out/0") == {"a.txt": b"configured"}
    assert await world.artifact("out/1") == {"link": b"configured"}


def context(build: Any, phase: str) -> tuple[str, str]:
    (found,) = (p for p in build.phases if p.phase_type == phase)
    assert found.phase_status is BuildStatus.FAILED
    return found.contexts[0].status_code, found.contexts[0].message


async def test_a_missing_buildspec(world: World) -> None:
    await world.project()
    build = await world.ended(await world.pipeline_build({"README": ""}))
    code, message = context(build, "DOWNLOAD_SOURCE")
    assert code == "YAML_FILE_ERROR"
    assert re.fullmatch(r"stat /.*/src\d+/src/buildspec.yml: no such file or directory", message)
    assert world.machine.launches == []
    assert (await world.log(build))[-1].endswith(f"YAML_FILE_ERROR Message: {message}\n")


@pytest.mark.parametrize(
    ("commands", "phase", "code", "message"),
    [
        (
            "exit 3", "BUILD", "COMMAND_EXECUTION_ERROR",
            "Error while executing command: exit 3. Reason: exit status 3",
        ),
        (
            "true", "UPLOAD_ARTIFACTS", "CLIENT_ERROR", "no matching artifact paths found",
        ),
    ],
)  # fmt: skip
async def test_failures_of_phases(
    world: World, commands: str, phase: str, code: str, message: str
) -> None:
    await world.project()
    spec = f"version: 0.2\nphases: {{build: {{commands: ['{commands}']}}}}\nartifacts:\n"
    build = await world.ended(await world.pipeline_build({"buildspec.yml": f"{spec}  files: x\n"}))
    assert context(build, phase) == (code, message)
    assert build.status is BuildStatus.FAILED
    assert build.failure is not None
    assert build.failure.message == message
    assert world.machine.tasks == {}


async def test_a_base_directory_that_matches_nothing(world: World) -> None:
    await world.project()
    spec = "version: 0.2\nphases: {build: {}}\nartifacts: {files: x, base-directory: 'no/such'}\n"
    build = await world.ended(await world.pipeline_build({"buildspec.yml": spec}))
    assert context(build, "UPLOAD_ARTIFACTS") == (
        "CLIENT_ERROR", "no matching base directory path found for no/such"
    )  # fmt: skip


async def test_a_role_that_does_not_trust_codebuild(world: World) -> None:
    await world.project()
    build = await world.builds.start(
        StartBuild(
            "app", None, "root",
            overrides={
                "serviceRoleOverride": ROLE + "-absent", "sourceTypeOverride": "NO_SOURCE",
                "buildspecOverride": "version: 0.2\nphases: {}\n",
                "artifactsOverride": {"type": "NO_ARTIFACTS"},
            },
        )
    )  # fmt: skip
    ended = await world.ended(build)
    code, message = context(ended, "PROVISIONING")
    assert code == "ACCESS_DENIED"
    assert "not authorized to perform: sts:AssumeRole" in message


async def _one(content: bytes) -> Any:
    yield content


LOGS = {"Effect": "Allow", "Action": "logs:*", "Resource": "*"}


@pytest.mark.parametrize(
    ("allowed", "phase", "code", "named"),
    [
        ([], "PROVISIONING", "ACCESS_DENIED", "logs:CreateLogStream"),
        ([LOGS], "DOWNLOAD_SOURCE", "CLIENT_ERROR", "s3:GetObject"),
        (
            [LOGS, {"Effect": "Allow", "Action": "s3:Get*", "Resource": "*"}],
            "UPLOAD_ARTIFACTS", "CLIENT_ERROR", "s3:PutObject",
        ),
    ],
)  # fmt: skip
async def test_what_the_role_may_not_do_its_build_cannot(
    world: World, allowed: list[dict[str, Any]], phase: str, code: str, named: str
) -> None:
    await world.project()
    await world.allow([*allowed, {"Effect": "Allow", "Action": "iam:Get*", "Resource": "*"}])
    build = await world.ended(
        await world.pipeline_build({"buildspec.yml": BUILDSPEC, "VERSION": "1"})
    )
    found, message = context(build, phase)
    assert found == code
    assert named in message


async def test_an_image_that_cannot_be_had(world: World) -> None:
    await world.project("version: 0.2\nphases: {}\n")
    world.machine.missing_images.add("nowhere/image:1")
    build = await world.ended(await world.start(imageOverride="nowhere/image:1"))
    code, message = context(build, "PROVISIONING")
    assert code == "BUILD_CONTAINER_UNABLE_TO_PULL_IMAGE"
    assert "pull access denied for nowhere/image:1" in message


async def test_passing_trouble_of_the_engine_is_retried(world: World) -> None:
    await world.project("version: 0.2\nphases: {build: {commands: ['true']}}\n")
    world.machine.trouble = [EngineError("the engine is busy", retryable=True)]
    build = await world.ended(await world.start())
    assert build.status is BuildStatus.SUCCEEDED


async def test_lasting_trouble_of_the_engine_is_a_fault_never_a_failure(world: World) -> None:
    await world.project("version: 0.2\nphases: {build: {commands: ['true']}}\n")
    world.machine.trouble = [EngineError("no space left on the engine", retryable=False)]
    build = await world.ended(await world.start())
    assert build.status is BuildStatus.FAULT
    assert build.failure is not None
    assert build.failure.message == "no space left on the engine"


SECRETS = """\
version: 0.2
env:
  exported-variables: [PASSWORD, SHOWN, AWS_THING]
  parameter-store: {LOGIN: /app/login}
  secrets-manager: {PASSWORD: 'app:password', WHOLE: app}
phases:
  build:
    commands:
      - echo "$LOGIN and $PASSWORD and $FROM_PROJECT"
      - printf '%s' "${PASSWORD%????}"; printf '%s\\n' "${PASSWORD#"${PASSWORD%????}"}"
      - echo "$WHOLE" | cut -c1-13 | grep password && test ${#WHOLE} = 36 && echo whole
      - export SHOWN="has $PASSWORD inside"; export AWS_THING=x
      - sh -c 'exit 1' first-line-of-login
"""


async def test_secrets_reach_commands_and_nothing_else(world: World) -> None:
    await world.secret("app", json.dumps({"password": "correct-horse-battery"}).replace(" ", ""))
    await world.parameter("/app/login", "first-line-of-login\nsecond line of it")
    await world.project(
        SECRETS,
        environment={
            "type": "LINUX_CONTAINER", "image": "i", "computeType": "BUILD_GENERAL1_SMALL",
            "environmentVariables": [
                {"name": "FROM_PROJECT", "value": "app:password", "type": "SECRETS_MANAGER"}
            ],
        },
    )  # fmt: skip
    build = await world.ended(await world.start())
    log = "".join(await world.log(build))
    assert "***\n*** and *** and ***\n" in log
    assert "\nwhole\n" in log
    assert build.exported_variables == {"SHOWN": "has *** inside"}
    for path in world.directory.rglob("*"):
        assert path.is_dir() or b"correct-horse" not in path.read_bytes(), path
    assert "correct-horse" not in log
    assert build.failure is not None
    assert build.failure.message == (
        "Error while executing command: sh -c 'exit 1' ***. Reason: exit status 1"
    )


@pytest.mark.parametrize(
    ("env", "code", "named"),
    [
        ("parameter-store: {A: /absent}", "Decrypted Variables Error",
         "parameter does not exist: /absent"),
        ("secrets-manager: {A: absent}", "Secrets Manager Error Message",
         "ResourceNotFoundException"),
    ],
)  # fmt: skip
async def test_references_to_nothing(world: World, env: str, code: str, named: str) -> None:
    await world.project(f"version: 0.2\nenv: {{{env}}}\nphases: {{}}\n")
    build = await world.ended(await world.start())
    found, message = context(build, "DOWNLOAD_SOURCE")
    assert found == code
    assert named in message


async def test_a_role_without_access_to_a_secret(world: World) -> None:
    await world.secret("app", "hidden value")
    await world.project("version: 0.2\nenv: {secrets-manager: {A: app}}\nphases: {}\n")
    await world.allow([LOGS])
    build = await world.ended(await world.start())
    _, message = context(build, "DOWNLOAD_SOURCE")
    assert "AccessDenied" in message
    assert "secretsmanager:GetSecretValue" in message


SLEEPING = "version: 0.2\nphases: {build: {commands: ['echo started; exec sleep 60']}}\n"


async def test_a_stopped_build_ends_at_once(world: World) -> None:
    await world.project(SLEEPING)
    build = await world.start()
    await world.said(await world.reached(build, "BUILD"), "started")
    await world.builds.stop(build.id)
    ended = await world.ended(build)
    assert ended.status is BuildStatus.STOPPED
    assert phases(ended)["BUILD"] == "STOPPED"
    assert phases(ended)["COMPLETED"] == "None"
    assert world.machine.tasks == {}


async def test_a_build_stopped_while_its_image_is_pulled_never_runs(world: World) -> None:
    await world.project(SLEEPING)
    world.machine.slow_images.add("huge/image")
    build = await world.reached(await world.start(imageOverride="huge/image"), "PROVISIONING")
    await world.builds.stop(build.id)
    ended = await world.ended(build)
    assert (ended.status, phases(ended)["PROVISIONING"]) == (BuildStatus.STOPPED, "STOPPED")
    assert world.machine.launches == []


async def test_a_build_stopped_in_its_queue_never_runs(world: World) -> None:
    await world.project(SLEEPING, concurrentBuildLimit=1)
    first, second = await world.start(), await world.start()
    await world.reached(first, "BUILD")
    await world.builds.stop(second.id)
    ended = await world.ended(second)
    assert (ended.status, phases(ended)["QUEUED"]) == (BuildStatus.STOPPED, "STOPPED")
    assert world.machine.launches == [first.uuid]
    await world.builds.stop(first.id)
    await world.ended(first)


async def test_a_queued_build_is_stopped_without_a_runner(tmp_path: Path, machine: Machine) -> None:
    """Locks: without a container engine, a stop was stored and the build queued for ever."""
    (tmp_path / "data").mkdir()
    world = host_world(tmp_path / "data", machine)
    world.open()
    await world.furnish()
    await world.project(SLEEPING)
    build = await world.start()
    stopped = await world.builds.stop(build.id)
    assert stopped is not None
    assert stopped.complete
    assert (stopped.status, phases(stopped)["QUEUED"]) == (BuildStatus.STOPPED, "STOPPED")
    assert [event["status"] for event in world.events("build.Completed")] == ["STOPPED"]
    await world.builds.stop(build.id)
    assert len(world.events("build.Completed")) == 1
    world.database.close()


async def test_a_builds_credentials_end_where_the_engine_does_not(world: World) -> None:
    """Locks: a Task that could not be removed kept the credentials of its role."""
    await world.project(SLEEPING)
    build = await world.reached(await world.start(), "BUILD")
    token = world.machine.tasks[build.uuid].role_credentials_token
    assert token is not None

    async def remove(task_id: str) -> None:
        raise EngineError("the container engine did not answer", retryable=False)

    world.docker.remove = remove  # type: ignore[method-assign]
    await world.builds.stop(build.id)
    assert (await world.ended(build)).status is BuildStatus.STOPPED
    assert await world.credentials.credentials_for_token(token) is None


async def test_a_build_outlives_trouble_of_the_database(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Locks: when not even the failure could be stored, nobody carried the build on."""
    await world.project("version: 0.2\nphases: {build: {commands: ['true']}}\n")
    monkeypatch.setattr(runner, "_RETRY_SECONDS", (0.01,))
    struck = asyncio.Event()

    async def fails(*_: Any) -> None:
        raise EngineError("the database could not commit", retryable=False)

    async def fails_too(*_: Any) -> None:
        struck.set()
        await fails()

    with monkeypatch.context() as trouble:
        trouble.setattr(Execution, "advance", fails)
        trouble.setattr(Execution, "finish", fails_too)
        build = await world.start()
        await struck.wait()
    assert (await world.ended(build)).status is BuildStatus.SUCCEEDED


async def test_the_concurrent_build_limit_queues_in_order(world: World, tmp_path: Path) -> None:
    spec = f"version: 0.2\nphases: {{build: {{commands: ['echo $N >> {tmp_path}/order']}}}}\n"
    await world.project(spec, concurrentBuildLimit=1)
    variables = [[{"name": "N", "value": str(n)}] for n in range(4)]
    builds = [
        await world.builds.start(StartBuild("app", None, "root", (EnvironmentVariable(**v[0]),)))
        for v in variables
    ]
    for build in builds:
        assert (await world.ended(build)).status is BuildStatus.SUCCEEDED
    assert (tmp_path / "order").read_text().split() == ["0", "1", "2", "3"]
    assert [build.number for build in builds] == [1, 2, 3, 4]


async def test_a_build_that_takes_too_long_times_out(world: World) -> None:
    await world.project(SLEEPING)
    # The wire refuses less than five minutes; the domain takes what it is given.
    build = await world.start(timeoutInMinutesOverride=0.01)
    ended = await world.ended(build)
    assert ended.status is BuildStatus.TIMED_OUT
    assert ended.failure is not None
    assert ended.failure.status_code == "BUILD_TIMED_OUT"


async def test_disabled_logs_keep_nothing(world: World) -> None:
    await world.project(
        "version: 0.2\nphases: {build: {commands: ['echo unseen']}}\n",
        logsConfig={"cloudWatchLogs": {"status": "DISABLED"}},
    )
    build = await world.ended(await world.start())
    assert build.status is BuildStatus.SUCCEEDED
    assert build.log_group is None
    assert await world.logs.groups() == []


async def test_a_named_log_group_and_stream_prefix(world: World) -> None:
    await world.project(
        "version: 0.2\nphases: {build: {commands: ['echo seen']}}\n",
        logsConfig={
            "cloudWatchLogs": {"status": "ENABLED", "groupName": "mine", "streamName": "app"}
        },
    )
    build = await world.ended(await world.start())
    assert (build.log_group, build.log_stream) == ("mine", f"app/{build.uuid}")
    assert "seen\n" in await world.log(build)


async def test_an_s3_project_stores_where_it_was_told(world: World) -> None:
    await world.objects.put(BUCKET, "src/app.zip", _one(zipped({"a/b.txt": "b", "c.txt": "c"})))
    spec = "version: 0.2\nphases: {}\nartifacts: {files: '**/*', name: built-$CODEBUILD_CI}\n"
    await world.projects.create(
        "app",
        {
            "source": {"type": "S3", "location": f"{BUCKET}/src/app.zip", "buildspec": spec},
            "artifacts": {
                "type": "S3", "location": BUCKET, "path": "built", "namespaceType": "BUILD_ID",
                "name": "app", "packaging": "NONE", "overrideArtifactName": True,
            },
            "environment": {
                "type": "LINUX_CONTAINER", "image": "i", "computeType": "BUILD_GENERAL1_SMALL",
            },
            "serviceRole": ROLE,
        },
        {},
    )  # fmt: skip
    build = await world.ended(await world.start())
    assert build.status is BuildStatus.SUCCEEDED, await world.log(build)
    for name, content in (("a/b.txt", b"b"), ("c.txt", b"c")):
        key = f"built/{build.uuid}/built-true/{name}"
        _, chunks = await world.objects.get(BUCKET, key)
        assert b"".join([chunk async for chunk in chunks]) == content


async def test_credentials_end_with_the_task(world: World) -> None:
    await world.project(SLEEPING)
    build = await world.reached(await world.start(), "BUILD")
    token = world.machine.tasks[build.uuid].role_credentials_token
    assert token is not None
    given = await world.credentials.credentials_for_token(token)
    assert given is not None
    assert given["RoleArn"] == ROLE
    assert given["AccessKeyId"].startswith("ASIA")
    assert await world.credentials.credentials_for_token("x" * 43) is None
    await world.builds.stop(build.id)
    await world.ended(build)
    assert await world.credentials.credentials_for_token(token) is None
    found = await world.iam.credentials.by_access_key(given["AccessKeyId"])
    assert found is None


async def test_the_environment_of_commands(world: World) -> None:
    await world.project(
        "version: 0.2\nenv: {variables: {A: spec, B: spec, CODEBUILD_CI: forged}}\n"
        "phases: {build: {commands: ['env | sort']}}\n",
        environment={
            "type": "LINUX_CONTAINER", "image": "i", "computeType": "BUILD_GENERAL1_SMALL",
            "environmentVariables": [{"name": "A", "value": "project"}],
        },
    )  # fmt: skip
    build = await world.ended(await world.start())
    found = dict(
        line.rstrip("\n").split("=", 1)
        for line in await world.log(build)
        if "=" in line and not line.startswith("[")
    )
    assert (found["A"], found["B"], found["CODEBUILD_CI"]) == ("project", "spec", "true")
    assert found["CODEBUILD_BUILD_ID"] == build.id
    assert found["AWS_REGION"] == "us-east-1"
