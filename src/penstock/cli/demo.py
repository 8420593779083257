"""`penstock demo`: the whole road with the bundled example, as far as it goes today:
from two pushes to a running development stack."""

import asyncio
import io
import json
import subprocess
import sys
import urllib.request
import zipfile
from pathlib import Path
from typing import Annotated, Any

import typer

from penstock.cli.connection import Connection, from_data_dir
from penstock.cli.demonstration import server_process
from penstock.cli.demonstration.live import Follower
from penstock.cli.demonstration.place import Place, examples_directory
from penstock.cli.demonstration.removal import remove
from penstock.cli.demonstration.road import DEVELOPMENT_STACK, PIPELINE, Road, find_aws
from penstock.cli.demonstration.terminal import Terminal
from penstock.cli.execution import ExecutionView
from penstock.cli.failure import find_failure
from penstock.cli.logs import headline, read_log
from penstock.cli.refusal import Refusal
from penstock.containers.engine import Engine


def demo(
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Don't ask before starting.")] = False,
    down: Annotated[
        bool, typer.Option("--down", help="Remove everything that the demo made.")
    ] = False,
    data_dir: Annotated[Path, typer.Option("--data-dir", help="Where the demo's data go.")] = Path(
        "~/.penstock/demo"
    ),
    port: Annotated[int, typer.Option(min=1, max=65535, help="The server's port.")] = 4600,
) -> None:
    """Push two repositories, test, publish and deploy the application, and show it."""
    place = Place(data_dir.expanduser().absolute())
    terminal = Terminal()
    if down:
        _take_down(place, terminal)
        return
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
    _run(place, port, terminal)


def plan(place: Place, port: int, engine: str) -> list[str]:
    """Say what will change on this host, before anything does."""
    return [
        "This will, on this machine:",
        *([f"  - remove the demo that is in {place.root}, with its data"] if place.exists else []),
        f"  - start a server on http://127.0.0.1:{port}, with its data in {place.root}",
        f"  - on the container engine ({engine}), build base images from Debian packages where",
        "    no public registry can be reached (the first time: some minutes, about 1.5 GB)",
        "  - run containers there: a registry, a load balancer on an address of 127.0.0.0/8, the",
        "    application, and a build in privileged mode, which is root on that engine's machine",
        "It changes nothing else, and uses no AWS account.",
        f"Remove all of it with: penstock demo --down --data-dir {place.root}",
    ]


def _take_down(place: Place, terminal: Terminal) -> None:
    if not place.exists:
        raise Refusal(f"no demo is in {place.root}")
    for words in remove(place):
        terminal.line(words)
    terminal.line("Kept: base images on the engine (named penstock/*), for the next time.")


async def _engine_version() -> str:
    """Return the engine's version; raise EngineError when there is none to use."""
    engine = Engine()
    try:
        version = await engine.json("GET", "version", timeout_seconds=20)
    finally:
        await engine.close()
    return f"version {version['Version']}"


def _run(place: Place, port: int, terminal: Terminal) -> None:
    with terminal.step("Base images"):
        command = [sys.executable, "-m", "penstock.containers.images"]
        if subprocess.run(command, check=False, stdin=subprocess.DEVNULL).returncode:
            raise Refusal("the base images could not be built: see above")
    with terminal.step("Start the server"):
        server_process.start(place, port)
        connection = from_data_dir(place.root)
        terminal.line(f"serving {connection.endpoint_url}")
    road = Road(place, connection, terminal)
    road.make_trees()
    with terminal.step("Push two repositories"):
        road.make_repositories()
        road.push()
    with terminal.step("Deploy the pipeline"):
        road.make_pipeline()
    with terminal.step("Follow its execution"):
        execution = Follower(connection, terminal).follow(PIPELINE)
    if execution.status != "Succeeded":
        _explain(connection, execution, terminal)
        raise Refusal(f"the execution ended as {execution.status}")
    with terminal.step("The published image"):
        for line in published(road, connection, execution):
            terminal.line(line)
    with terminal.step("The development stack"):
        url = public_url(road)
        terminal.line(f"GET {url}version")
        terminal.line(read(f"{url}version"))
    _finish(place, connection, terminal, url)


def published(road: Road, connection: Connection, execution: ExecutionView) -> list[str]:
    """Return the image's AWS name and digest as ECR tells them, and version.json."""
    build = next(a for a in execution.actions if "Version" in a.output_artifacts)
    bucket, key = build.output_artifacts["Version"]
    body = connection.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    with zipfile.ZipFile(io.BytesIO(body)) as artifact:
        version_json = artifact.read("version.json").decode().strip()
    tag = json.loads(version_json)["Version"]
    described: dict[str, Any] = json.loads(
        road.aws(
            "ecr describe-images --repository-name todobackend"
            f" --image-ids imageTag={tag} --output json"
        )
    )["imageDetails"][0]
    registry = f"{connection.account_id}.dkr.ecr.{connection.region}.amazonaws.com"
    return [
        f"image         {registry}/todobackend:{tag}",
        f"digest        {described['imageDigest']}",
        f"version.json  {version_json}",
    ]


def public_url(road: Road) -> str:
    """Return the development stack's PublicURL."""
    stacks = json.loads(
        road.aws(f"cloudformation describe-stacks --stack-name {DEVELOPMENT_STACK} --output json")
    )["Stacks"]
    outputs = {each["OutputKey"]: each["OutputValue"] for each in stacks[0]["Outputs"]}
    return str(outputs["PublicURL"])


def read(url: str) -> str:
    """Return the text at `url`; raise Refusal when it does not answer."""
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310 (an output of ours)
            return str(answer.read().decode())
    except OSError as error:
        raise Refusal(f"expected an answer at {url}, found: {error}") from error


def _explain(connection: Connection, execution: ExecutionView, terminal: Terminal) -> None:
    for action in execution.actions:
        if action.status != "Failed":
            continue
        terminal.line(f"{action.stage}/{action.name}: {action.summary}", "red")
        if action.provider != "CodeBuild" or not action.external_execution_id:
            continue
        ids = [action.external_execution_id]
        build = connection.client("codebuild").batch_get_builds(ids=ids)["builds"][0]
        if failure := find_failure(build):
            log = read_log(connection, build)
            for line in headline(action.external_execution_id, failure, log):
                terminal.line(line, "red")


def _finish(place: Place, connection: Connection, terminal: Terminal, url: str) -> None:
    terminal.line()
    for title, seconds in terminal.steps:
        terminal.line(f"{seconds:7.1f} s  {title}")
    repositories = f"{connection.endpoint_url}/v1/repos"
    option = f"--data-dir {place.root}"
    terminal.line()
    for name, value in (
        ("development", url),
        ("AWS API", connection.endpoint_url),
        ("console", f"penstock console {option}"),
        ("git", f"{repositories}/todobackend"),
        ("", f"{repositories}/todobackend-aws"),
        ("your shell", f'eval "$(penstock env {option})"'),
        ("again", f"cd {place.tree('todobackend')}"),
        ("", "change something, commit, git push"),
        ("then", f"penstock status {option}"),
        ("", f"penstock logs --follow {option}"),
        ("remove", f"penstock demo --down {option}"),
    ):
        terminal.line(f"{name:12} {value}")
