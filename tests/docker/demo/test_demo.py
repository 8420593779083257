"""`penstock demo` from nothing to three releases to production, and back to nothing."""

import json
import os
import re
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from tests.server_process import free_port

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]


def demo(*options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "penstock", "demo", *options],
        env={**os.environ, "AWS_PROFILE": "a-real-account", "AWS_SESSION_TOKEN": "real"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    directory = tmp_path_factory.mktemp("demo") / "data"
    yield directory
    if directory.exists():
        demo("--down", "--data-dir", str(directory))


def labelled(instance: str, kind: str) -> list[str]:
    filters = ["--filter", f"label=penstock.instance={instance}"]
    all_states = ["--all"] if kind == "container" else []
    return subprocess.run(
        ["docker", kind, "ls", "--quiet", *all_states, *filters],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()


def registry_address(instance: str) -> str:
    """The address of this host that the demo's registry has."""
    port = subprocess.run(
        [
            "docker", "inspect", f"penstock-{instance}-registry",
            "--format", '{{ index .Config.Labels "penstock.port" }}',
        ],
        capture_output=True, text=True, check=True,
    ).stdout.strip()  # fmt: skip
    return f"127.0.0.1:{port}"


def client(directory: Path, service: str) -> Any:
    stored = json.loads((directory / "root-credentials.json").read_text())
    return boto3.client(
        service,
        endpoint_url=stored["Endpoint"],
        region_name="us-east-1",
        aws_access_key_id=stored["AccessKeyId"],
        aws_secret_access_key=stored["SecretAccessKey"],
    )


def release_at(name: str, printed: str) -> dict[str, str]:
    """What answers at the URL that the demo printed under this name in the end."""
    url = re.search(rf"^{name} +(http://\S+)$", printed, re.MULTILINE)
    assert url is not None, printed[-2000:]
    with urllib.request.urlopen(f"{url[1]}version", timeout=10) as answer:
        return dict(json.load(answer))


@pytest.fixture(scope="module")
def printed(directory: Path) -> str:
    """What the whole demo said."""
    done = demo("--yes", "--data-dir", str(directory), "--port", str(free_port()))
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr
    return done.stdout


def test_what_was_published_is_what_development_and_production_run(
    printed: str, directory: Path
) -> None:
    images = client(directory, "ecr").describe_images(repositoryName="todobackend")["imageDetails"]
    assert len(images) == 3, "one for each commit"
    first = next(each for each in images if each["imageTags"][0].startswith("1.0.0-"))
    name = f"123456789012.dkr.ecr.us-east-1.amazonaws.com/todobackend:{first['imageTags'][0]}"
    assert re.search(rf"^image +{re.escape(name)}$", printed, re.MULTILINE)
    assert re.search(rf"^digest +{first['imageDigest']}$", printed, re.MULTILINE)
    assert f'{{"Version":"{first["imageTags"][0]}"}}' in printed
    assert "$ aws cloudformation deploy --stack-name todobackend-pipeline" in printed

    development, production = (release_at(n, printed) for n in ("development", "production"))
    assert development == production
    assert production["version"] == "1.2.0"


def test_each_release_was_decided_and_production_got_the_approved_ones(
    printed: str, directory: Path
) -> None:
    codepipeline = client(directory, "codepipeline")
    found = codepipeline.list_pipeline_executions(pipelineName="todobackend")
    statuses = [each["status"] for each in reversed(found["pipelineExecutionSummaries"])]
    assert statuses == ["Succeeded", "Succeeded", "Failed", "Succeeded"]
    actions = codepipeline.list_action_executions(pipelineName="todobackend")
    executed = [
        each["status"]
        for each in actions["actionExecutionDetails"]
        if (each["stageName"], each["actionName"]) == ("Production", "Execute")
    ]
    assert executed == ["Succeeded", "Succeeded"], "the rejected one was never executed"
    requests = re.search(r"^(\d+) requests meanwhile: (.*); 0 failed$", printed, re.MULTILINE)
    assert requests is not None
    assert int(requests[1]) > 0
    assert re.fullmatch(r"\d+ from 1\.0\.0, \d+ from 1\.2\.0", requests[2])


def test_it_goes_without_a_trace(printed: str, directory: Path) -> None:
    assert printed
    instance = (directory / "instance-id").read_text().strip()
    assert labelled(instance, "container"), "the registry runs"
    registry = registry_address(instance)
    down = demo("--down", "--data-dir", str(directory))
    assert down.returncode == 0, down.stdout + down.stderr
    assert not directory.exists()
    pulled = subprocess.run(
        ["docker", "image", "ls", "--quiet", "--filter", f"reference={registry}/*"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert pulled.stdout == "", "what was pulled from the demo's registry is gone too"
    assert {kind: labelled(instance, kind) for kind in ("container", "volume", "network")} == {
        "container": [],
        "volume": [],
        "network": [],
    }


def test_a_demo_that_is_not_there_cannot_be_removed(tmp_path: Path) -> None:
    done = demo("--down", "--data-dir", str(tmp_path))
    assert done.returncode == 1
    assert done.stderr == f"penstock: no demo is in {tmp_path}\n"
    assert tmp_path.exists()


def test_a_directory_with_something_else_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    done = demo("--yes", "--data-dir", str(tmp_path))
    assert done.returncode == 1
    assert "not a demo's" in done.stderr
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.txt"]
