"""Builds in containers of the real engine, over real services."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.build_world import World, phases
from tests.docker.tasks.world import World as Engine
from tests.docker.tasks.world import world as engine_world

from penstock.builds.build import BuildStatus
from penstock.builds.plan import Layout


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[Engine]:
    directory = tmp_path / "engine"
    directory.mkdir()
    async with engine_world(directory) as made:
        yield made


@pytest.fixture
async def world(tmp_path: Path, engine: Engine) -> AsyncIterator[World]:
    directory = tmp_path / "data"
    directory.mkdir()
    world = World(directory, engine.runner, Layout())
    world.open()
    await world.furnish()
    await world.runner.start()
    yield world
    await world.close()


SPEC = """\
version: 0.2
env:
  shell: bash
  exported-variables: [WHO]
phases:
  build:
    commands:
      - WHO="$(id -un) $([[ -n $BASH_VERSION ]] && echo bash)"
      - mkdir -p out/deep && echo nonce-$N > out/deep/result.txt && ln -s deep/result.txt out/link
      - test -x run.sh && ./run.sh
      - printf 'caf\\303\\251 \\377 no newline'
artifacts:
  base-directory: out
  files: ['**/*']
  enable-symlinks: yes
"""


async def test_a_build_from_zip_to_zip(world: World, engine: Engine) -> None:
    await world.project(
        environment={
            "type": "LINUX_CONTAINER", "image": "aws/codebuild/standard:7.0",
            "computeType": "BUILD_GENERAL1_SMALL",
            "environmentVariables": [{"name": "N", "value": "42"}],
        },
    )  # fmt: skip
    files = {"buildspec.yml": SPEC, "run.sh": "#!/bin/sh\nexit 0\n"}
    build = await world.pipeline_build(files)
    build = await world.ended(build, 120)
    # The zip was written without modes: the source's `run.sh` is not executable.
    assert phases(build)["BUILD"] == "FAILED", await world.log(build)
    assert build.failure is not None
    assert "test -x run.sh" in build.failure.message
    files["buildspec.yml"] = SPEC.replace("test -x run.sh && ./run.sh", "sh run.sh")
    build = await world.ended(await world.pipeline_build(files, token="second"), 120)
    assert build.status is BuildStatus.SUCCEEDED, await world.log(build)
    assert build.exported_variables == {"WHO": "root bash"}
    assert await world.artifact("out/0") == {
        "deep/result.txt": b"nonce-42\n", "link": b"deep/result.txt"
    }  # fmt: skip
    assert "café \ufffd no newline\n" in await world.log(build)
    assert (await engine.objects())["containers"] == []


SLOW = """\
version: 0.2
phases:
  build:
    commands:
      - echo first; date +%s%N
      - sleep 3
      - echo second
"""


async def test_a_build_goes_on_while_its_server_is_away(world: World, tmp_path: Path) -> None:
    await world.project(SLOW)
    build = await world.start()
    await world.said(await world.reached(build, "BUILD", 60), "first\n")
    await world.close()
    await asyncio.sleep(0.5)
    world.open()
    await world.runner.start()
    ended = await world.ended(build, 60)
    log = await world.log(ended)
    assert ended.status is BuildStatus.SUCCEEDED, log
    assert log.count("first\n") == log.count("second\n") == 1
    assert [line for line in log if "Entering phase" in line][2].endswith("phase BUILD\n")
    assert len({line for line in log if "Entering phase" in line}) == 4


async def test_a_container_that_vanished_makes_a_fault(world: World, engine: Engine) -> None:
    await world.project(SLOW)
    build = await world.reached(await world.start(), "BUILD", 60)
    await world.close()
    await engine.runner.remove(build.uuid)
    world.open()
    await world.runner.start()
    ended = await world.ended(build, 60)
    assert ended.status is BuildStatus.FAULT
    assert ended.failure is not None
    assert "has vanished" in ended.failure.message


async def test_a_stop_ends_what_the_command_started(world: World, engine: Engine) -> None:
    await world.project("version: 0.2\nphases: {build: {commands: ['sleep 100 & sleep 100']}}\n")
    build = await world.reached(await world.start(), "BUILD", 60)
    await world.builds.stop(build.id)
    ended = await world.ended(build, 30)
    assert ended.status is BuildStatus.STOPPED
    assert (await engine.objects())["containers"] == []


async def test_what_no_build_owns_is_reaped_at_start(world: World, engine: Engine) -> None:
    await world.project(SLOW)
    build = await world.reached(await world.start(), "BUILD", 60)
    await world.close()
    world.open()
    await world.database.write(
        lambda c: c.exec_driver_sql(f"DELETE FROM builds WHERE id = '{build.id}'").rowcount
    )
    await world.runner.start()
    assert (await engine.objects())["containers"] == []


PRIVILEGED = """\
version: 0.2
phases:
  build:
    commands:
      - docker version --format '{{.Server.Version}}'
      - docker info --format '{{.Driver}}'
      - mkdir image && echo "$CODEBUILD_BUILD_NUMBER" > image/n
      - printf 'FROM scratch\\nCOPY n /n\\n' > image/Dockerfile
      - docker build -q -t made:1 image
      - docker image ls --format '{{.Repository}}'
"""


@pytest.mark.parametrize("privileged", [True, False])
async def test_a_docker_daemon_of_its_own(
    world: World, engine: Engine, *, privileged: bool
) -> None:
    await world.project(
        PRIVILEGED,
        environment={
            "type": "LINUX_CONTAINER", "image": "aws/codebuild/standard:7.0",
            "computeType": "BUILD_GENERAL1_SMALL", "privilegedMode": privileged,
        },
    )  # fmt: skip
    build = await world.ended(await world.start(), 180)
    log = await world.log(build)
    if privileged:
        assert build.status is BuildStatus.SUCCEEDED, log
        assert "made\n" in log
        assert len((await engine.objects())["volumes"]) == 1
    else:
        assert build.status is BuildStatus.FAILED
        assert any("Cannot connect to the Docker daemon" in line for line in log), log
        assert (await engine.objects())["volumes"] == []
