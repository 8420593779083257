"""`penstock demo`: the whole road with the bundled example, from two pushes to production."""

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from penstock.cli.connection import Connection, from_data_dir
from penstock.cli.demonstration import server_process
from penstock.cli.demonstration.approval import Approvals
from penstock.cli.demonstration.deployed import Deployed
from penstock.cli.demonstration.development import deliver
from penstock.cli.demonstration.explanation import where_to_look
from penstock.cli.demonstration.place import Place, examples_directory
from penstock.cli.demonstration.production import Production
from penstock.cli.demonstration.removal import remove, remove_base_images
from penstock.cli.demonstration.road import Road, find_aws
from penstock.cli.demonstration.terminal import Terminal
from penstock.cli.refusal import Refusal
from penstock.containers.engine import Engine


def demo(
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Don't ask; approve releases by itself.")
    ] = False,
    down: Annotated[
        bool, typer.Option("--down", help="Remove everything that the demo made.")
    ] = False,
    images: Annotated[
        bool, typer.Option("--images", help="With --down: the base images on the engine, too.")
    ] = False,
    data_dir: Annotated[Path, typer.Option("--data-dir", help="Where the demo's data go.")] = Path(
        "~/.penstock/demo"
    ),
    port: Annotated[int, typer.Option(min=1, max=65535, help="The server's port.")] = 4600,
) -> None:
    """Push two repositories; test, publish and deploy the application; release it to production.

    Nothing reaches production that was not approved: by you, or with --yes by the demo.
    """
    place = Place(data_dir.expanduser().absolute())
    terminal = Terminal()
    if down:
        _take_down(place, terminal, images=images)
        return
    if images:
        raise Refusal("--images goes with --down", exit_code=2)
    place.check_free()
    examples_directory()
    find_aws()
    engine = asyncio.run(_engine_version())
    if not place.exists:
        port = server_process.choose_port(port)
    for line in plan(place, port, engine):
        terminal.line(line)
    if not yes and sys.stdin.isatty() and not typer.confirm("Go on?"):
        raise Refusal("nothing was changed")
    if place.exists:
        with terminal.step("Remove the demo that was here"):
            for words in remove(place):
                terminal.line(words)
        port = server_process.choose_port(port)
    _run(place, port, terminal, asks=not yes and sys.stdin.isatty())


def plan(place: Place, port: int, engine: str) -> list[str]:
    """Say what will change on this host, before anything does."""
    again = [f"  - remove the demo that is in {place.root}, with its data"] if place.exists else []
    return [
        "This will, on this machine:",
        *again,
        f"  - start a server on http://127.0.0.1:{port}, with its data in",
        f"    {place.root}",
        f"  - on the container engine ({engine}), build base images from",
        "    Debian packages where no public registry can be reached (the first time:",
        "    some minutes, about 1.5 GB)",
        "  - run containers there: a registry, a load balancer on addresses of",
        "    127.0.0.0/8, the application for development and for production, and builds",
        "    in privileged mode, which are root on that engine's machine",
        "It changes nothing else, and uses no AWS account. Three releases to production",
        "wait for your decision, here or in the console; with --yes the demo decides.",
        "Remove all of it with:",
        f"  penstock demo --down --data-dir {place.root}",
    ]


def _take_down(place: Place, terminal: Terminal, *, images: bool) -> None:
    if not place.exists and not images:
        raise Refusal(f"no demo is in {place.root}")
    for words in remove(place) if place.exists else ():
        terminal.line(words)
    if images:
        for words in remove_base_images():
            terminal.line(words)
        return
    terminal.line("Kept: base images on the engine (named penstock/*), for the next time and")
    terminal.line("for any other server there. They go with: penstock demo --down --images")


async def _engine_version() -> str:
    """Return the engine's version; raise EngineError when there is none to use."""
    engine = Engine()
    try:
        version = await engine.json("GET", "version", timeout_seconds=20)
    finally:
        await engine.close()
    return f"version {version['Version']}"


def _run(place: Place, port: int, terminal: Terminal, *, asks: bool) -> None:
    with terminal.step("Base images"):
        command = [sys.executable, "-m", "penstock.containers.images"]
        if subprocess.run(command, check=False, stdin=subprocess.DEVNULL).returncode:
            raise Refusal("the base images could not be built: see above")
    with terminal.step("Start the server"):
        server_process.start(place, port)
        connection = from_data_dir(place.root)
        terminal.line(f"serving {connection.endpoint_url}")
    terminal.line("The commands below are run as if after:")
    terminal.line(f'$ eval "$(penstock env --data-dir {place.root})"', "cyan")
    complete = False
    try:
        _walk(place, connection, terminal, asks=asks)
        complete = True
    finally:
        if not complete:  # also when the person interrupts it
            where_to_look(place, connection, terminal)


def _walk(place: Place, connection: Connection, terminal: Terminal, *, asks: bool) -> None:
    road = Road(place, connection, terminal)
    development = deliver(connection, terminal, road)
    approvals = Approvals(place, connection, terminal, road, asks=asks)
    production = Production(connection, terminal, road, approvals, development).release()
    _finish(place, connection, terminal, development, production)


def _finish(
    place: Place,
    connection: Connection,
    terminal: Terminal,
    development: Deployed,
    production: Deployed,
) -> None:
    terminal.line()
    for title, seconds in terminal.steps:
        terminal.line(f"{seconds:7.1f} s  {title}")
    terminal.line(f"{sum(seconds for _, seconds in terminal.steps):7.1f} s  in all")
    repositories = f"{connection.endpoint_url}/v1/repos"
    option = f"--data-dir {place.root}"
    terminal.line()
    for name, value in (
        ("development", development.url),
        ("production", production.url),
        ("AWS API", connection.endpoint_url),
        ("console", f"penstock console {option}"),
        ("git", f"{repositories}/todobackend"),
        ("", f"{repositories}/todobackend-aws"),
        ("your shell", f'eval "$(penstock env {option})"'),
        ("again", f"cd {place.tree('todobackend')}"),
        ("", "change something, commit, git push"),
        ("then", f"penstock logs --follow {option}"),
        ("", f"penstock status {option}"),
        ("approve it", f"penstock approve {option}"),
        ("remove", f"penstock demo --down {option}"),
    ):
        terminal.line(f"{name:12} {value}")
