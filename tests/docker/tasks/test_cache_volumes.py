"""The pool of layer caches: one Task at a time, over crashes, within a size."""

import pytest

from penstock.containers.cache_volumes import CacheVolumes
from penstock.containers.task import VolumeMount
from tests.docker.tasks.world import World, shell

pytestmark = pytest.mark.docker


async def test_a_volume_belongs_to_one_task_until_it_is_released(tasks: World) -> None:
    pool = tasks.cache_volumes
    first = await pool.lease("project-a", "t1")
    assert await pool.lease("project-a", "t1") == first
    second = await pool.lease("project-a", "t2")
    other = await pool.lease("project-b", "t3")
    assert len({first, second, other}) == 3
    await pool.release("t1")
    await pool.release("t1")
    assert await pool.lease("project-a", "t4") == first


async def test_after_a_crash_the_engine_knows_whose_it_is(tasks: World) -> None:
    volume = await tasks.runner.lease("project", "t1")
    task = shell("t1", "sleep 1000", mounts=[VolumeMount(volume, "/var/lib/docker")])
    await tasks.runner.prepare(task)
    after = CacheVolumes(tasks.engine, tasks.instance_id)
    assert await after.lease("project", "t1") == volume
    assert await after.lease("project", "t2") != volume
    await tasks.runner.remove("t1")
    fresh = CacheVolumes(tasks.engine, tasks.instance_id)
    assert await fresh.lease("project", "t3") == volume


async def test_the_pool_is_trimmed_to_its_size_sparing_what_is_in_use(tasks: World) -> None:
    pool = CacheVolumes(tasks.engine, tasks.instance_id, most_bytes=1024 * 1024)
    names = {}
    for task_id in ("t1", "t2"):
        names[task_id] = await pool.lease("project", task_id)
        await tasks.run(
            shell(
                task_id,
                "head -c 3M /dev/zero > /cache/x",
                mounts=[VolumeMount(names[task_id], "/cache")],
            )
        )
    await pool.release("t1")
    assert await pool.trim() == [names["t1"]]
    assert (await tasks.objects())["volumes"] == [names["t2"]]


async def test_a_deleted_projects_caches_go(tasks: World) -> None:
    pool = tasks.cache_volumes
    kept = await pool.lease("project-b", "t0")
    await pool.lease("project-a", "t1")
    await pool.release("t1")
    await pool.remove_all("project-a")
    assert (await tasks.objects())["volumes"] == [kept]
