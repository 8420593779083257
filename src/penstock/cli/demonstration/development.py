"""The first half of the demo: from two pushes to the development stack's answer."""

import io
import json
import zipfile
from typing import Any

from penstock.cli.connection import Connection
from penstock.cli.demonstration.deployed import Deployed, look, public_url
from penstock.cli.demonstration.explanation import explain
from penstock.cli.demonstration.live import Follower
from penstock.cli.demonstration.road import DEVELOPMENT_STACK, PIPELINE, Road
from penstock.cli.demonstration.terminal import Terminal
from penstock.cli.execution import ExecutionView
from penstock.cli.refusal import Refusal


def deliver(connection: Connection, terminal: Terminal, road: Road) -> Deployed:
    """Push, deploy the pipeline, follow its first execution; return what development runs."""
    road.make_trees()
    with terminal.step("Push two repositories"):
        road.make_repositories()
        road.push()
    with terminal.step("Deploy the pipeline"):
        road.make_pipeline()
    with terminal.step("Follow its execution"):
        execution = Follower(connection, terminal).follow(PIPELINE)
    if execution.status != "Succeeded":
        explain(connection, execution, terminal)
        raise Refusal(f"the execution ended as {execution.status}")
    with terminal.step("The published image"):
        for line in published(road, connection, execution):
            terminal.line(line)
    with terminal.step("The development stack"):
        found = look(connection, DEVELOPMENT_STACK, public_url(road, DEVELOPMENT_STACK))
        terminal.line(f"GET {found.address}")
        terminal.line(f"    {found.answer}")
    return found


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
