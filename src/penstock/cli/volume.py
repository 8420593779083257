"""`penstock volume`: the databases that stacks leave behind, listed and removed by name."""

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
import urllib3

from penstock.cli.connection import DEFAULT_DATA_DIR, DataDir
from penstock.cli.refusal import Refusal
from penstock.containers.engine import Engine
from penstock.containers.shared_volumes import (
    SharedVolume,
    VolumeInUse,
    list_shared,
    remove_shared,
)

volume = typer.Typer(
    help="The volumes that outlive tasks and stacks.", no_args_is_help=True, add_completion=False
)


@volume.command("list")
def list_volumes(data_dir: DataDir = None) -> None:
    """List the shared volumes of this server's tasks."""
    found = asyncio.run(_list(_instance_id(data_dir)))
    if not found:
        print("no shared volumes")
    for each in found:
        print(f"{each.name:32} {each.cluster:24} {each.created_at}")


@volume.command("remove")
def remove_volume(
    name: Annotated[str, typer.Argument(help="The volume's name, as `volume list` shows it.")],
    cluster: Annotated[
        str | None, typer.Option(help="Its cluster, where several have a volume of that name.")
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """Remove a shared volume with everything in it. There is no way back."""
    asyncio.run(_remove(_instance_id(data_dir), name, cluster))
    print(f"removed {name}")


async def _list(instance_id: str) -> list[SharedVolume]:
    engine = Engine()
    try:
        return await list_shared(engine, instance_id)
    finally:
        await engine.close()


async def _remove(instance_id: str, name: str, cluster: str | None) -> None:
    engine = Engine()
    try:
        await remove_shared(engine, chosen(await list_shared(engine, instance_id), name, cluster))
    except VolumeInUse as problem:
        raise Refusal(f"{name} is in use; stop its tasks or delete its stack: {problem}") from None
    finally:
        await engine.close()


def chosen(known: Sequence[SharedVolume], name: str, cluster: str | None) -> SharedVolume:
    """Return the one volume that is meant; raise Refusal."""
    found = [each for each in known if each.name == name and cluster in (None, each.cluster)]
    if not found:
        names = ", ".join(f"{each.name} ({each.cluster})" for each in known) or "none"
        raise Refusal(f"no shared volume is called {name}; volumes: {names}")
    if len(found) > 1:
        clusters = ", ".join(each.cluster for each in found)
        raise Refusal(f"several clusters have a volume {name}; give --cluster: {clusters}")
    return found[0]


def _instance_id(data_dir: Path | None) -> str:
    """Return the id of the server that is meant: by its directory, or as `penstock env` says."""
    endpoint_url = os.environ.get("AWS_ENDPOINT_URL")
    if data_dir is None and endpoint_url:
        return _told_instance_id(endpoint_url)
    root = (data_dir or DEFAULT_DATA_DIR).expanduser()
    try:
        return (root / "instance-id").read_text().strip()
    except FileNotFoundError:
        raise Refusal(f"no server has run on {root}; choose another --data-dir") from None


def _told_instance_id(endpoint_url: str) -> str:
    try:
        answer = urllib3.request("GET", f"{endpoint_url}/_penstock/health", timeout=5, retries=1)
        return str(answer.json()["instance"])
    except (urllib3.exceptions.HTTPError, ValueError, KeyError) as error:
        raise Refusal(
            f"expected a server of Penstock at {endpoint_url}, which AWS_ENDPOINT_URL names; give "
            "--data-dir"
        ) from error
