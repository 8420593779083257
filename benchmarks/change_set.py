"""Change sets of 10, 100 and 500 resources, beside moto's server and beside parsing alone.

    python -m benchmarks.change_set [--moto moto_server] [--rounds 5]

Both servers are asked by boto3 over HTTP in the same way: a stack is created from a template in
S3, then a change set of an update of every tenth resource is created, waited for, and described
with property values, page by page. moto (5, `pip install 'moto[server,cloudformation]'`, in an
environment of its own) keeps everything in memory and stores nothing. Parsing alone is PyYAML's C
loader, and `json.loads`, on the same text. Rounds alternate; medians. At last both are started
anew, and a stack of 500 resources is the first thing that each does.
"""

import argparse
import contextlib
import json
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import yaml
from benchmarks.api_requests import free_port, process
from botocore.config import Config

from penstock.stacks.template.load import load_template

SIZES = (10, 100, 500)
BUCKET = "benchmark-templates"
_ONE = Config(retries={"total_max_attempts": 1}, read_timeout=300)


def template(count: int, version: str) -> dict[str, Any]:
    """Return a template of `count` kept resources; every tenth has `version` in it."""
    resources: dict[str, Any] = {}
    for number in range(count):
        topic, name = f"Topic{number // 10}", f"R{number:03}"
        value = version if number % 10 == 3 else "1"
        if number % 10 == 0:
            resources[topic] = {
                "Type": "AWS::SNS::Topic",
                "Properties": {"DisplayName": {"Fn::Sub": "${AWS::StackName}-" + name}},
            }
        elif number % 10 < 6:
            resources[name] = {
                "Type": "AWS::SSM::Parameter",
                "Properties": {
                    "Type": "String",
                    "Name": {"Fn::Sub": f"/${{AWS::StackName}}/{name}"},
                    "Description": {"Fn::Join": [" ", [{"Ref": "Purpose"}, name]]},
                    "Value": {"Fn::Sub": f"${{{topic}}} {value}"},
                },
            }
        else:
            resources[name] = {
                "Type": "AWS::Logs::LogGroup",
                "Properties": {
                    "LogGroupName": {"Fn::Sub": f"/${{AWS::StackName}}/{name}"},
                    "RetentionInDays": 7,
                },
            }
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Parameters": {"Purpose": {"Type": "String", "Default": "benchmark"}},
        "Resources": resources,
        "Outputs": {"First": {"Value": {"Ref": "Topic0"}}},
    }


@dataclass
class Server:
    """One of the two, and what was measured on it: seconds by phase."""

    name: str
    session: Any
    endpoint: str
    measured: dict[str, list[float]] = field(default_factory=dict)

    def client(self, service: str) -> Any:
        """Return a client of a service."""
        return self.session.client(service, endpoint_url=self.endpoint, config=_ONE)

    def timed(self, phase: str, work: Callable[[], Any]) -> Any:
        """Do the work and note how long it took."""
        started = time.perf_counter()
        answer = work()
        self.measured.setdefault(phase, []).append(time.perf_counter() - started)
        return answer

    def median(self, phase: str) -> float:
        """Return the median of a phase in milliseconds."""
        return statistics.median(self.measured[phase]) * 1000


def _url(server: Server, key: str, body: str) -> str:
    server.client("s3").put_object(Bucket=BUCKET, Key=key, Body=body.encode())
    return f"https://{BUCKET}.s3.amazonaws.com/{key}"


def create_stack(server: Server, name: str, url: str) -> None:
    """Create a stack and wait until it is complete."""
    client = server.client("cloudformation")
    client.create_stack(StackName=name, TemplateURL=url)
    while True:
        [stack] = client.describe_stacks(StackName=name)["Stacks"]
        if stack["StackStatus"] == "CREATE_COMPLETE":
            return
        if stack["StackStatus"] != "CREATE_IN_PROGRESS":
            raise SystemExit(f"{server.name}: expected CREATE_COMPLETE, found {stack}")
        time.sleep(0.02)


def change_set(server: Server, stack: str, url: str, name: str, expected: int) -> None:
    """Create a change set, describe it with property values, and remove it."""
    client = server.client("cloudformation")

    def create() -> str:
        made = client.create_change_set(
            StackName=stack, ChangeSetName=name, TemplateURL=url, ChangeSetType="UPDATE"
        )
        while True:
            found = client.describe_change_set(ChangeSetName=made["Id"])
            if found["Status"] == "CREATE_COMPLETE":
                return str(made["Id"])
            if found["Status"] not in {"CREATE_PENDING", "CREATE_IN_PROGRESS"}:
                raise SystemExit(f"{server.name}: expected CREATE_COMPLETE, found {found}")
            time.sleep(0.005)

    def describe(identity: str) -> int:
        pages = client.get_paginator("describe_change_set").paginate(
            ChangeSetName=identity, IncludePropertyValues=True
        )
        return sum(len(page["Changes"]) for page in pages)

    def both() -> None:
        identity = server.timed("create", create)
        found = server.timed("describe", lambda: describe(identity))
        if found != expected:
            raise SystemExit(f"{server.name}: expected {expected} changes, found {found}")

    server.timed("change set", both)
    client.delete_change_set(ChangeSetName=name, StackName=stack)


def parsing(text: str, rounds: int) -> dict[str, float]:
    """Return milliseconds of parsing alone: PyYAML's C loader, json, and Penstock's load."""

    def median(work: Callable[[], Any]) -> float:
        found = []
        for _ in range(rounds):
            started = time.perf_counter()
            work()
            found.append(time.perf_counter() - started)
        return statistics.median(found) * 1000

    document = yaml.load(text, Loader=yaml.CSafeLoader)
    as_json = json.dumps(document)
    return {
        "PyYAML": median(lambda: yaml.load(text, Loader=yaml.CSafeLoader)),
        "json": median(lambda: json.loads(as_json)),
        "load": median(lambda: load_template(text)),
    }


def measure(servers: list[Server], count: int, rounds: int) -> None:
    """Measure one size on every server, in turn, and print it."""
    texts = {
        version: yaml.safe_dump(template(count, version), sort_keys=False)
        for version in ("1", *(f"{2 + number}" for number in range(rounds + 1)))
    }
    stack = f"benchmark-{count}"
    urls = {}
    for server in servers:
        server.measured.clear()
        urls[server.name] = {v: _url(server, f"{count}-{v}.yml", t) for v, t in texts.items()}
        server.timed("stack", lambda s=server: create_stack(s, stack, urls[s.name]["1"]))
    for number in range(rounds + 1):
        if number == 1:  # the first one warms up
            for server in servers:
                for phase in ("create", "describe", "change set"):
                    server.measured[phase].clear()
        for server in servers:
            url = urls[server.name][f"{2 + number}"]  # no text twice
            change_set(server, stack, url, f"c{number}", count // 10)
    alone = parsing(texts["2"], rounds)
    print(f"\n{count} resources, {len(texts['2'])} bytes of YAML; parsing alone: ", end="")
    print(", ".join(f"{name} {found:.1f} ms" for name, found in alone.items()))
    for server in servers:
        total = server.median("change set")
        to_parsing = total / alone["PyYAML"]
        print(
            f"  {server.name:9} change set {total:7.1f} ms = create {server.median('create'):7.1f}"
            f" + describe {server.median('describe'):6.1f}; {to_parsing:5.1f} x PyYAML;"
            f" stack created in {server.median('stack'):8.1f} ms"
        )
    if len(servers) > 1:
        ours, theirs = servers
        change_sets, stacks = (
            theirs.median(phase) / ours.median(phase) for phase in ("change set", "stack")
        )
        print(f"  moto / Penstock: change set {change_sets:.2f}, stack {stacks:.2f}")


@contextlib.contextmanager
def penstock(directory: Path) -> Iterator[Server]:
    """Serve without a container engine."""
    port = free_port()
    os.environ["DOCKER_HOST"] = f"unix://{directory}/no-engine.sock"
    data = directory / "data"
    serve = ("-m", "penstock", "serve", "--data-dir", str(data), "--port", str(port))
    with process(*serve, port=port):
        key = json.loads((data / "root-credentials.json").read_text())
        session = boto3.session.Session(
            key["AccessKeyId"], key["SecretAccessKey"], region_name=key["Region"]
        )
        yield Server("Penstock", session, key["Endpoint"])


@contextlib.contextmanager
def moto(command: str) -> Iterator[Server]:
    """Serve moto, whose interpreter stands beside its command."""
    port = free_port()
    start = f"import os; os.execv({command!r}, ['moto_server', '-p', '{port}'])"
    with process("-c", start, port=port):
        session = boto3.session.Session("a", "b", region_name="us-east-1")
        yield Server("moto", session, f"http://127.0.0.1:{port}")


@contextlib.contextmanager
def _servers(moto_command: str | None) -> Iterator[list[Server]]:
    """Start both, moto where it is there, each with a bucket for templates."""
    with tempfile.TemporaryDirectory() as directory, contextlib.ExitStack() as stack:
        servers = [stack.enter_context(penstock(Path(directory)))]
        if moto_command:
            servers.append(stack.enter_context(moto(moto_command)))
        for server in servers:
            server.client("s3").create_bucket(Bucket=BUCKET)
        yield servers


def measure_first(servers: list[Server], count: int) -> None:
    """Measure a stack's creation on servers that have done nothing yet, and print it."""
    text = yaml.safe_dump(template(count, "1"), sort_keys=False)
    print(f"\n{count} resources, the first stack of a server just started:")
    for server in servers:
        url = _url(server, "first.yml", text)
        server.timed("stack", lambda s=server, u=url: create_stack(s, "first", u))
        print(f"  {server.name:9} stack created in {server.median('stack'):8.1f} ms")


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--moto", default=shutil.which("moto_server"), help="moto's moto_server")
    parser.add_argument("--rounds", type=int, default=5)
    chosen = parser.parse_args()
    if not chosen.moto:
        print("moto_server is not there (pip install 'moto[server,cloudformation]'): left out")
    with _servers(chosen.moto) as servers:
        for count in SIZES:
            measure(servers, count, chosen.rounds)
    with _servers(chosen.moto) as servers:
        measure_first(servers, SIZES[-1])
    return 0


if __name__ == "__main__":
    sys.exit(main())
