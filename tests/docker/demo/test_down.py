"""`penstock down`: what its dry run names is what it removes, and nothing else."""

import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

INSTANCE = "down" + uuid.uuid4().hex[:6]
OTHER = "other" + uuid.uuid4().hex[:5]
KINDS = ("container", "volume", "network")


def docker(*arguments: str) -> list[str]:
    return subprocess.run(
        ["docker", *arguments], capture_output=True, text=True, check=True
    ).stdout.split()


def objects(instance: str) -> set[str]:
    """`kind name` of every object that carries the instance's label."""
    listed = {
        "container": ("ls", "--all", "--format", "{{.Names}}"),
        "volume": ("ls", "--format", "{{.Name}}"),
        "network": ("ls", "--format", "{{.Name}}"),
    }
    label = ("--filter", f"label=penstock.instance={instance}")
    return {f"{kind} {name}" for kind in KINDS for name in docker(kind, *listed[kind], *label)}


def make(instance: str, image: str) -> None:
    """A task with a network, a volume of its own, a database's volume and a nameless one."""
    label = ("--label", f"penstock.instance={instance}")
    docker("network", "create", *label, f"penstock-{instance}")
    docker("volume", "create", *label, f"penstock-{instance}-task")
    docker(
        *("volume", "create", *label, "--label", "penstock.volume=todos"),
        *("--label", "penstock.cluster=dev", f"penstock-{instance}-todos"),
    )
    docker(
        *("run", "--detach", *label, "--label", "penstock.kind=ecs", "--volume", "/scratch"),
        *("--name", f"penstock-{instance}-app", "--network", f"penstock-{instance}"),
        *("--volume", f"penstock-{instance}-task:/data", image, "sleep", "300"),
    )


def down(directory: Path, *options: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "penstock", "down", "--data-dir", str(directory), *options],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def named(output: str) -> tuple[set[str], set[str]]:
    """`kind name` of what the output says goes, and of what it keeps."""
    gone, _, kept = output.partition("Keeps (--volumes")
    rows = [
        {" ".join(line.split()[:2]) for line in part.splitlines() if line.startswith("  ")}
        for part in (gone, kept)
    ]
    return rows[0], rows[1]


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[Path]:
    """A stopped server's data directory, with objects of it and of another server."""
    images = docker("image", "ls", "--format", "{{.Repository}}:{{.Tag}}", "penstock/debian")
    if not images:
        pytest.skip("the base images are not built: make images")
    (tmp_path / "instance-id").write_text(INSTANCE)
    for instance in (INSTANCE, OTHER):
        make(instance, images[0])
    yield tmp_path
    for instance in (INSTANCE, OTHER):
        for each in sorted(objects(instance)):
            kind, name = each.split()
            docker(kind, "rm", *(["--force", "--volumes"] if kind == "container" else []), name)


def test_a_dry_run_names_exactly_what_goes(directory: Path) -> None:
    before, others = objects(INSTANCE), objects(OTHER)
    volumes = set(docker("volume", "ls", "--quiet"))
    dry = down(directory, "--dry-run")
    assert dry.returncode == 0, dry.stderr
    assert objects(INSTANCE) == before, "a dry run removes nothing"
    gone, kept = named(dry.stdout)
    assert kept == {f"volume penstock-{INSTANCE}-todos"}

    unasked = down(directory)
    assert (unasked.returncode, objects(INSTANCE)) == (2, before)
    assert unasked.stderr == (
        "penstock: nothing was removed: without a terminal to ask at, say --yes\n"
    )

    done = down(directory, "--yes")
    assert done.returncode == 0, done.stderr
    assert named(done.stdout) == (gone, kept)
    assert objects(INSTANCE) == kept
    vanished = {f"volume {name}" for name in volumes - set(docker("volume", "ls", "--quiet"))}
    assert (before - kept) | vanished == gone, "the nameless volume is named, too"
    assert objects(OTHER) == others
    assert (directory / "instance-id").exists(), "the data directory stays"

    everything = down(directory, "--yes", "--volumes")
    assert "removed 1 volume\n" in everything.stdout
    assert objects(INSTANCE) == set()
    again = down(directory, "--yes", "--volumes")
    assert again.returncode == 0
    assert again.stdout.startswith("Nothing is there")


def test_a_server_that_runs_keeps_what_it_has(directory: Path) -> None:
    from penstock.storage.data_directory import DataDirectory

    before = objects(INSTANCE)
    held = DataDirectory.open(directory)
    try:
        done = down(directory, "--yes")
    finally:
        held.close()
    assert done.returncode == 1
    assert "in use by process" in done.stderr
    assert done.stderr.count("\n") == 1
    assert objects(INSTANCE) == before


def test_a_directory_that_no_server_used_is_refused(tmp_path: Path) -> None:
    done = down(tmp_path / "data", "--yes")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "no server has run on" in done.stderr
    assert not (tmp_path / "data").exists()
