"""A Task from start to removal, over a restart of the server, and what is left of it."""

import asyncio
import contextlib
import io
import tarfile
from pathlib import Path

import pytest

from penstock.containers.docker_runner import DockerRunner
from penstock.containers.images import ImageUnavailable
from penstock.containers.task import ContainerSpec, File, TaskSpec
from tests.docker.tasks.world import World, shell, world

pytestmark = pytest.mark.docker


def another_runner(tasks: World) -> DockerRunner:
    """What the server has after a restart: the same instance, nothing remembered."""
    first = tasks.runner
    return DockerRunner(
        tasks.engine, tasks.network, tasks.images, first._trust, first._endpoints,
        first._cache_volumes, tasks.instance_id,
    )  # fmt: skip


async def test_output_exit_status_and_files(tasks: World) -> None:
    task = shell(
        "t1",
        "exec 2>&1; cat /etc/given; echo on-stderr >&2; echo out > /tmp/result; exit 7",
        files=[File("/etc/given", b"given\n")],
    )
    await tasks.runner.start(task)
    output = b"".join([chunk async for chunk in tasks.runner.logs("t1", "build")])
    assert output == b"given\non-stderr\n"
    assert await tasks.runner.wait("t1", "build") == 7
    archive = b"".join([c async for c in tasks.runner.get_archive("t1", "build", "/tmp/result")])
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        result = tar.extractfile("result")
        assert result is not None
        assert result.read() == b"out\n"
    with pytest.raises(FileNotFoundError):
        _ = [c async for c in tasks.runner.get_archive("t1", "build", "/tmp/absent")]
    states = await tasks.runner.state("t1")
    assert states is not None
    assert states["build"].exit_code == 7
    assert not states["build"].oom_killed


async def test_a_restart_replays_the_output_and_runs_nothing_twice(tasks: World) -> None:
    task = shell("t1", "mkfifo /run/go; echo began; date +%N; read x < /run/go; echo went on")
    await tasks.runner.start(task)
    seen = b""
    async with contextlib.aclosing(tasks.runner.logs("t1", "build")) as chunks:
        async for chunk in chunks:
            seen += chunk
            if seen.count(b"\n") == 2:
                break
    again = another_runner(tasks)
    assert await again.list_tasks("build") == ["t1"]
    await again.start(task)
    replayed = asyncio.create_task(_collect(again, "t1"))
    await again.put_archive("t1", "build", "/tmp", _tar("unused", b""))
    await tasks.engine.json("POST", f"containers/penstock-{tasks.instance_id}-t1-build/kill",
                            params={"signal": "KILL"})  # fmt: skip
    output = await replayed
    assert output.startswith(seen)
    assert output.count(b"began") == 1
    assert await again.wait("t1", "build") == 137
    await again.start(task)  # an ended container is not started again
    states = await again.state("t1")
    assert states is not None
    assert not states["build"].running


async def test_prepare_then_put_then_launch(tasks: World) -> None:
    task = shell("t1", "cat /tmp/late")
    await tasks.runner.prepare(task)
    states = await tasks.runner.state("t1")
    assert states is not None
    assert states["build"].exit_code is None
    assert not states["build"].running
    await tasks.runner.put_archive("t1", "build", "/tmp", _tar("late", b"put in\n"))
    await tasks.runner.launch("t1")
    assert await tasks.runner.wait("t1", "build") == 0
    assert await _collect(tasks.runner, "t1") == b"put in\n"


async def test_containers_of_a_task_share_their_network_and_tasks_share_none(
    tasks: World,
) -> None:
    serve = ["python3", "-m", "http.server", "8000"]
    fetch = ["curl", "-sS", "--retry", "20", "--retry-connrefused", "--retry-delay", "1",
             "-o", "/dev/null", "-w", "%{http_code}", "http://127.0.0.1:8000/"]  # fmt: skip
    both = TaskSpec(
        "t1",
        "build",
        [ContainerSpec("web", "penstock/build:1", serve),
         ContainerSpec("client", "penstock/build:1", fetch)],
    )  # fmt: skip
    await tasks.runner.start(both)
    assert await tasks.runner.wait("t1", "client") == 0
    sandbox = await tasks.engine.json(
        "GET", f"containers/penstock-{tasks.instance_id}-t1-sandbox/json"
    )
    address = sandbox["NetworkSettings"]["Networks"][tasks.network.name]["IPAddress"]
    code, _ = await tasks.run(shell("t2", f"curl -sS -m 3 http://{address}:8000/"))
    assert code == 28  # curl: timed out


async def test_remove_leaves_nothing(tasks: World) -> None:
    before = await tasks.engine.json("GET", "volumes")
    await tasks.runner.start(shell("t1", "sleep 1000", privileged=True))
    await tasks.runner.remove("t1")
    await tasks.runner.remove("t1")
    assert await tasks.objects() == {
        "containers": [],
        "volumes": [],
        "networks": [tasks.network.name],
    }
    after = await tasks.engine.json("GET", "volumes")
    names = {volume["Name"] for volume in before["Volumes"] or ()}
    task_volumes = {v["Name"] for v in after["Volumes"] or () if v["Name"] not in names}
    assert not {name for name in task_volumes if tasks.instance_id in name}
    assert await tasks.runner.state("t1") is None
    assert await tasks.runner.list_tasks("build") == []


async def test_memory_limit_and_its_report(tasks: World) -> None:
    code, _ = await tasks.run(
        shell("t1", "head -c 300M /dev/zero | tail > /dev/null", memory_bytes=100 * 1024 * 1024)
    )
    assert code == 137
    task = shell("t2", "head -c 300M /dev/zero | tail > /dev/null; exit 0",
                 memory_bytes=100 * 1024 * 1024)  # fmt: skip
    await tasks.runner.start(task)
    assert await tasks.runner.wait("t2", "build") == 0
    states = await tasks.runner.state("t2")
    assert states is not None
    assert states["build"].oom_killed


async def test_an_image_that_cannot_be_had_is_named_in_the_engines_words(tasks: World) -> None:
    spec = ContainerSpec("build", "127.0.0.1:9/no/such:image", ["true"])
    with pytest.raises(ImageUnavailable, match=r"127\.0\.0\.1:9"):
        await tasks.runner.start(TaskSpec("t1", "build", [spec]))
    assert (await tasks.objects())["containers"] == []


async def test_two_instances_do_not_see_each_others_tasks(tasks: World, tmp_path: Path) -> None:
    (tmp_path / "second").mkdir()
    async with world(tmp_path / "second") as second:
        await tasks.runner.start(shell("t1", "sleep 1000"))
        await second.runner.remove("t1")
        assert await second.runner.list_tasks("build") == []
        assert await tasks.runner.list_tasks("build") == ["t1"]


async def _collect(runner: DockerRunner, task_id: str) -> bytes:
    return b"".join([chunk async for chunk in runner.logs(task_id, "build")])


def _tar(name: str, content: bytes) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        entry = tarfile.TarInfo(name)
        entry.size = len(content)
        tar.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()
