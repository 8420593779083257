"""What one stack of the example runs: where it answers, what it says, in which containers."""

import json
import urllib.request
from dataclasses import dataclass

from penstock.cli.connection import Connection
from penstock.cli.demonstration.road import Road
from penstock.cli.refusal import Refusal

_TIMEOUT_SECONDS = 10
_SHORT_ID = 12


@dataclass(frozen=True, slots=True)
class Deployed:
    """`version` and `nonce` are what GET /version answers; `containers` are short engine ids."""

    url: str
    version: str
    nonce: str
    containers: tuple[str, ...]

    @property
    def address(self) -> str:
        """Where it tells its version."""
        return f"{self.url}version"

    @property
    def answer(self) -> str:
        """What it says that it runs, as a short row."""
        return f"version {self.version}, nonce {self.nonce}"


def look(connection: Connection, stack: str, url: str) -> Deployed:
    """Ask the application at `url`, and ECS for the containers of the stack's running tasks."""
    found = json.loads(read(f"{url}version"))
    return Deployed(url, found["version"], found["nonce"], containers(connection, stack))


def containers(connection: Connection, cluster: str) -> tuple[str, ...]:
    """Return the short ids of the containers of the cluster's running tasks, sorted."""
    ecs = connection.client("ecs")
    pages = ecs.get_paginator("list_tasks").paginate(cluster=cluster, desiredStatus="RUNNING")
    arns = [arn for page in pages for arn in page["taskArns"]]
    if not arns:
        return ()
    tasks = ecs.describe_tasks(cluster=cluster, tasks=arns)["tasks"]
    ids = {c["runtimeId"] for task in tasks for c in task["containers"] if c.get("runtimeId")}
    return tuple(sorted(each[:_SHORT_ID] for each in ids))


def public_url(road: Road, stack: str) -> str:
    """Return the stack's output PublicURL, asked as a user asks."""
    query = "Stacks[0].Outputs[?OutputKey=='PublicURL'].OutputValue"
    return road.aws(
        f'cloudformation describe-stacks --stack-name {stack} --query "{query}" --output text'
    ).strip()


def read(url: str) -> str:
    """Return the text at `url`; raise Refusal when it does not answer."""
    try:
        with urllib.request.urlopen(url, timeout=_TIMEOUT_SECONDS) as answer:  # noqa: S310 (ours)
            return str(answer.read().decode())
    except OSError as error:
        raise Refusal(f"expected an answer at {url}, found: {error}") from error
