"""`penstock demo` from nothing to a published image, and back to nothing."""

import json
import os
import re
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

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


def test_the_demo_deploys_what_it_published_and_goes_without_a_trace(directory: Path) -> None:
    done = demo("--yes", "--data-dir", str(directory), "--port", str(free_port()))
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr

    stored = json.loads((directory / "root-credentials.json").read_text())
    ecr = boto3.client(
        "ecr",
        endpoint_url=stored["Endpoint"],
        region_name="us-east-1",
        aws_access_key_id=stored["AccessKeyId"],
        aws_secret_access_key=stored["SecretAccessKey"],
    )
    (image,) = ecr.describe_images(repositoryName="todobackend")["imageDetails"]
    name = f"123456789012.dkr.ecr.us-east-1.amazonaws.com/todobackend:{image['imageTags'][0]}"
    assert re.search(rf"^image +{re.escape(name)}$", done.stdout, re.MULTILINE)
    assert re.search(rf"^digest +{image['imageDigest']}$", done.stdout, re.MULTILINE)
    assert f'{{"Version":"{image["imageTags"][0]}"}}' in done.stdout
    assert "$ aws cloudformation deploy --stack-name todobackend-pipeline" in done.stdout
    assert "Build/TestAndPublish: Succeeded" in done.stdout
    assert "Dev/Deploy: Succeeded" in done.stdout
    url = re.search(r"^development +(http://\S+)$", done.stdout, re.MULTILINE)
    assert url is not None
    with urllib.request.urlopen(f"{url[1]}version", timeout=10) as answer:
        assert json.load(answer)["nonce"]

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
