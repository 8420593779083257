"""`penstock down`: remove a server's workloads from its container engine, or delete one stack."""

import asyncio
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from penstock.cli import stack_removal
from penstock.cli.connection import DEFAULT_DATA_DIR, DataDir, connect, directory, from_data_dir
from penstock.cli.refusal import Refusal
from penstock.containers import instance_objects
from penstock.containers.engine import Engine
from penstock.containers.instance_objects import EngineObject
from penstock.storage.data_directory import DataDirectory, DataDirectoryLocked

_NOTHING = "Nothing was removed: this was a dry run."


def down(
    stack: Annotated[
        str | None, typer.Option("--stack", help="Delete this stack, on the server that runs.")
    ] = None,
    volumes: Annotated[
        bool,
        typer.Option("--volumes", help="Also the volumes with data: databases, published images."),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be removed; remove nothing.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Don't ask.")] = False,
    data_dir: DataDir = None,
) -> None:
    """Remove everything that a stopped server left on its container engine, or delete one stack.

    The data directory stays: a server started on it brings its stacks back.
    """
    if stack is not None:
        if volumes:
            raise Refusal(
                "--volumes does not go with --stack; after it: penstock volume remove NAME", 2
            )
        _delete_stack(stack, data_dir, dry_run=dry_run, yes=yes)
        return
    root = _chosen_directory(data_dir)
    if not (root / "instance-id").exists():
        raise Refusal(f"no server has run on {root}; choose another --data-dir")
    if dry_run:
        instance = (root / "instance-id").read_text().strip()
        _tell(root, *divided(asyncio.run(_find(instance)), volumes=volumes))
        print(_NOTHING)
        if (busy := _busy(root)) is not None:
            print(f"A server runs on it: {busy} before anything is removed.")
        return
    held = DataDirectory.open(root)  # no server may start meanwhile, nor run now
    try:
        removed, kept = divided(asyncio.run(_find(held.instance_id)), volumes=volumes)
        _tell(root, removed, kept)
        if removed:
            _ask(yes)
            asyncio.run(_remove(removed))
            print(f"removed {instance_objects.counts(removed)}")
    finally:
        held.close()


def _busy(root: Path) -> str | None:
    """Return what keeps this directory's objects from being removed: a server that runs on it."""
    try:
        DataDirectory.open(root).close()
    except DataDirectoryLocked as locked:
        holder = f"process {locked.pid}" if locked.pid is not None else "it"
        return f"stop {holder}"
    return None


def divided(
    found: list[EngineObject], *, volumes: bool
) -> tuple[list[EngineObject], list[EngineObject]]:
    """Return what goes, and what stays since it is data."""
    if volumes:
        return found, []
    return [each for each in found if not each.is_data], [each for each in found if each.is_data]


def lines(root: Path, removed: list[EngineObject], kept: list[EngineObject]) -> list[str]:
    """Say what goes and what stays."""
    told = [f"Removes, of the server on {root}:" if removed else "Nothing is there to be removed."]
    told += [f"  {_words(each)}" for each in removed]
    if kept:
        told += ["Keeps (--volumes removes them, with no way back):"]
        told += [f"  {_words(each)}" for each in kept]
    return [*told, f"Keeps {root} and the base images (penstock/*), which any server here may use."]


def _words(each: EngineObject) -> str:
    return f"{each.noun:9} {each.name}" + (f"  ({each.about})" if each.about else "")


def _tell(root: Path, removed: list[EngineObject], kept: list[EngineObject]) -> None:
    print("\n".join(lines(root, removed, kept)), flush=True)


def _delete_stack(name: str, data_dir: Path | None, *, dry_run: bool, yes: bool) -> None:
    cloudformation = connect(data_dir).client("cloudformation")
    removal = stack_removal.plan_removal(cloudformation, name)
    print("\n".join(stack_removal.lines(removal)), flush=True)
    if dry_run:
        print(_NOTHING)
        return
    _ask(yes)
    stack_removal.delete(cloudformation, removal, lambda line: print(line, flush=True))
    print(f"deleted {name}")


def _ask(yes: bool) -> None:
    if yes:
        return
    if not sys.stdin.isatty():
        raise Refusal("nothing was removed: without a terminal to ask at, say --yes", 2)
    if not typer.confirm("Remove?"):
        raise Refusal("nothing was removed")


def _chosen_directory(data_dir: Path | None) -> Path:
    """Return the data directory; raise Refusal where the environment names another server."""
    root = directory(data_dir)
    url = os.environ.get("AWS_ENDPOINT_URL")
    if data_dir is not None or not url:
        return root
    if (root / "root-credentials.json").exists() and from_data_dir(root).endpoint_url == url:
        return root
    raise Refusal(
        f"AWS_ENDPOINT_URL names {url}, which is not the server on {DEFAULT_DATA_DIR}; say whose "
        "objects are to go: --data-dir DIR"
    )


async def _find(instance_id: str) -> list[EngineObject]:
    engine = Engine()
    try:
        return await instance_objects.find(engine, instance_id)
    finally:
        await engine.close()


async def _remove(objects: list[EngineObject]) -> None:
    engine = Engine()
    try:
        await instance_objects.remove(engine, objects)
    finally:
        await engine.close()
