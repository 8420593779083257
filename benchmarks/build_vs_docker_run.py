"""A build, from the request to COMPLETED, beside `docker run` of the same commands.

    python -m benchmarks.build_vs_docker_run [ROUNDS]

Both use the build image, with the same limits, one after the other in each round. A build does
more: it makes the Task's own network with names and credentials, downloads and unpacks its source,
writes a durable log, stores an artifact, and removes all of it.
"""

import asyncio
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.build_world import World
from tests.docker.tasks.world import world as engine_world

from penstock.builds.build import BuildStatus
from penstock.builds.plan import Layout
from penstock.containers.image_recipes import BUILD

COMMANDS = ["echo start", "seq 1 20000", "sleep 1", "echo result > result.txt"]
BUILDSPEC = (
    "version: 0.2\nphases:\n  build:\n    commands:\n"
    + "".join(f"      - {command}\n" for command in COMMANDS)
    + "artifacts:\n  files: result.txt\n"
)


def docker_run(image: str) -> float:
    """Return the seconds of `docker run --rm` of the commands."""
    began = time.perf_counter()
    subprocess.run(
        ["docker", "run", "--rm", "--memory", "3g", "--entrypoint", "/bin/sh", image,
         "-c", "\n".join(COMMANDS)],
        check=True, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    return time.perf_counter() - began


async def build(world: World, number: int) -> tuple[float, dict[str, float]]:
    """Return the seconds of a whole build, and of each of its phases."""
    began = time.perf_counter()
    started = await world.pipeline_build({"buildspec.yml": BUILDSPEC}, token=str(number))
    ended = await world.ended(started, 120)
    seconds = time.perf_counter() - began
    if ended.status is not BuildStatus.SUCCEEDED:
        raise SystemExit(f"the build ended {ended.status}: {ended.failure}")
    phases = {
        phase.phase_type.value: (phase.end_time - phase.start_time).total_seconds()
        for phase in ended.phases
        if phase.end_time is not None
    }
    return seconds, phases


async def main(rounds: int) -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        for part in ("engine", "data"):
            (directory / part).mkdir()
        async with engine_world(directory / "engine") as engine:
            image = await engine.images.ensure(BUILD)
            world = World(directory / "data", engine.runner, Layout())
            world.open()
            await world.furnish()
            await world.project()
            await world.runner.start()
            plain, whole, phases = [], [], []
            for number in range(rounds + 1):
                seconds = await asyncio.to_thread(docker_run, image)
                took, parts = await build(world, number)
                if number:  # the first round warms caches
                    plain.append(seconds)
                    whole.append(took)
                    phases.append(parts)
            await world.close()
    show("docker run", plain)
    show("build", whole)
    print(f"ratio        {statistics.median(whole) / statistics.median(plain):6.2f}")
    for phase in phases[0]:
        print(f"  {phase:17}{statistics.median(part[phase] for part in phases):6.2f} s")


def show(name: str, seconds: list[float]) -> None:
    """Print a median and its range."""
    median = statistics.median(seconds)
    print(f"{name:12} {median:6.2f} s  ({min(seconds):.2f}-{max(seconds):.2f})")


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 5))
