"""Small API operations on one connection, beside a bare ASGI application that answers the same.

    python -m benchmarks.api_requests [--requests 2000]

The server is `penstock serve` without a container engine; the bare one is the same HTTP
server (uvicorn, httptools, uvloop) answering bytes that it was given. Each request is signed once
and sent again and again by a client that does nothing but count its answers. Rounds alternate.
"""

import argparse
import asyncio
import contextlib
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import uvloop
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from starlette.types import Receive, Scope, Send

from penstock.listeners import Listener

_ROUNDS = 5
_TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": ["codebuild.amazonaws.com", "codepipeline.amazonaws.com"]},
            "Action": "sts:AssumeRole",
        }
    ],
}


def free_port() -> int:
    """Return a port that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def process(*arguments: str, port: int) -> Iterator[None]:
    """Run a Python process that serves `port`."""
    started = subprocess.Popen(
        [sys.executable, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        deadline = time.monotonic() + 60
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            if started.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"{arguments} does not serve port {port}")
            time.sleep(0.05)
        yield
    finally:
        started.terminate()
        started.wait(30)


async def serve_bare(port: int, body: bytes) -> None:
    """Answer every request with `body`, once it was read whole."""

    async def app(_scope: Scope, receive: Receive, send: Send) -> None:
        while (await receive()).get("more_body", False):
            pass
        headers = [
            (b"content-type", b"application/x-amz-json-1.1"),
            (b"content-length", str(len(body)).encode()),
        ]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    await Listener(app, "127.0.0.1", port).start()
    await asyncio.Event().wait()


def signed(key: dict[str, str], service: str, target: str, parameters: dict[str, Any]) -> bytes:
    """Return the request of a JSON operation as it goes over the wire."""
    body = json.dumps(parameters).encode()
    headers = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": target}
    request = AWSRequest("POST", f"{key['Endpoint']}/", data=body, headers=headers)
    credentials = Credentials(key["AccessKeyId"], key["SecretAccessKey"])
    SigV4Auth(credentials, service, key["Region"]).add_auth(request)
    lines = [f"{name}: {value}" for name, value in request.headers.items()]
    host = urlsplit(key["Endpoint"]).netloc
    head = ["POST / HTTP/1.1", f"Host: {host}", f"Content-Length: {len(body)}", *lines]
    return "\r\n".join([*head, "", ""]).encode() + body


async def answers(port: int, request: bytes, count: int) -> tuple[float, bytes]:
    """Send `request` `count` times over one connection; return requests a second, and a body."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    started = time.perf_counter()
    body = b""
    for _ in range(count):
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(
            int(line.partition(b":")[2])
            for line in head.lower().split(b"\r\n")
            if line.startswith(b"content-length:")
        )
        body = await reader.readexactly(length)
        if not head.startswith(b"HTTP/1.1 200"):
            raise SystemExit(f"expected 200, found {head!r} {body!r}")
    rate = count / (time.perf_counter() - started)
    writer.close()
    return rate, body


def furnish(key: dict[str, str]) -> dict[str, bytes]:
    """Make a pipeline and a build; return requests that read them, by operation."""
    session = boto3.session.Session(key["AccessKeyId"], key["SecretAccessKey"])

    def client(service: str) -> Any:
        return session.client(service, key["Region"], endpoint_url=key["Endpoint"])

    role = client("iam").create_role(
        RoleName="benchmark", AssumeRolePolicyDocument=json.dumps(_TRUST)
    )["Role"]["Arn"]
    client("s3").create_bucket(Bucket="benchmark-artifacts")
    client("codecommit").create_repository(repositoryName="app")
    builds = client("codebuild")
    builds.create_project(
        name="project",
        source={"type": "NO_SOURCE", "buildspec": "version: 0.2\nphases: {}\n"},
        artifacts={"type": "NO_ARTIFACTS"},
        environment={
            "type": "LINUX_CONTAINER",
            "image": "aws/codebuild/standard:7.0",
            "computeType": "BUILD_GENERAL1_SMALL",
        },
        serviceRole=role,
    )
    build = builds.start_build(projectName="project")["build"]["id"]

    def action(name: str, provider: str, **more: Any) -> dict[str, Any]:
        type_id = {"category": name, "owner": "AWS", "provider": provider, "version": "1"}
        return {"name": name, "actionTypeId": type_id, **more}

    source = action(
        "Source", "CodeCommit", outputArtifacts=[{"name": "App"}],
        configuration={"RepositoryName": "app", "BranchName": "main"},
    )  # fmt: skip
    work = action(
        "Build", "CodeBuild", inputArtifacts=[{"name": "App"}],
        configuration={"ProjectName": "project"},
    )  # fmt: skip
    client("codepipeline").create_pipeline(
        pipeline={
            "name": "pipeline",
            "roleArn": role,
            "artifactStore": {"type": "S3", "location": "benchmark-artifacts"},
            "stages": [{"name": "S", "actions": [source]}, {"name": "B", "actions": [work]}],
        }
    )
    return {
        "GetPipeline": signed(
            key, "codepipeline", "CodePipeline_20150709.GetPipeline", {"name": "pipeline"}
        ),
        "BatchGetBuilds": signed(
            key, "codebuild", "CodeBuild_20161006.BatchGetBuilds", {"ids": [build]}
        ),
    }


def measure(directory: Path, count: int) -> None:
    """Measure and print."""
    port = free_port()
    nowhere = f"unix://{directory}/no-engine.sock"
    serve = ("-m", "penstock", "serve", "--data-dir", str(directory / "data"), "--port", str(port))
    os.environ["DOCKER_HOST"] = nowhere
    with process(*serve, port=port):
        key = json.loads((directory / "data" / "root-credentials.json").read_text())
        print("| Operation | Requests/s, one connection | Bare ASGI | Ratio | ms more |")
        print("|---|---|---|---|---|")
        for name, request in furnish(key).items():
            _, body = asyncio.run(answers(port, request, 20))
            answer = directory / "answer"
            answer.write_bytes(body)
            bare_port = free_port()
            bare = ("-m", "benchmarks.api_requests", "--bare", str(bare_port), str(answer))
            with process(*bare, port=bare_port):
                ours, theirs = [], []
                for _ in range(_ROUNDS):
                    ours.append(asyncio.run(answers(port, request, count))[0])
                    theirs.append(asyncio.run(answers(bare_port, request, count))[0])
            rate, raw = statistics.median(ours), statistics.median(theirs)
            more = (1 / rate - 1 / raw) * 1000
            print(f"| {name} | {rate:.0f} | {raw:.0f} | {rate / raw:.2f} | {more:.2f} |")


def main() -> None:
    """Measure, or be the bare server."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=1000, help="in each round")
    parser.add_argument("--bare", nargs=2, metavar=("PORT", "FILE"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.bare:
        port, answer = arguments.bare
        uvloop.run(serve_bare(int(port), Path(answer).read_bytes()))
        return
    with tempfile.TemporaryDirectory() as directory:
        measure(Path(directory), arguments.requests)


if __name__ == "__main__":
    main()
