"""Whose objects `penstock down` means, and what it says before anything goes."""

import json
import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from penstock.cli import down
from penstock.cli.application import app
from penstock.cli.refusal import Refusal
from penstock.containers.instance_objects import EngineObject, counts
from penstock.storage.data_directory import DataDirectory

REGISTRY = EngineObject("container", "penstock-x-registry", "containers/1", "registry")
NETWORK = EngineObject("network", "penstock-x", "networks/1")
DATA = EngineObject("volume", "penstock-x-todos", "volumes/1", "todos: data of cluster dev", True)


def serve(directory: Path, url: str) -> None:
    """Leave what a server at `url` leaves in its data directory."""
    directory.mkdir(parents=True, exist_ok=True)
    stored = {
        "Endpoint": url,
        "Region": "us-east-1",
        "AccountId": "123456789012",
        "AccessKeyId": "AKIA",
        "SecretAccessKey": "secret",
    }
    (directory / "root-credentials.json").write_text(json.dumps(stored))


@pytest.fixture
def default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The default data directory, in a home of the test's."""
    directory = tmp_path / "data"
    serve(directory, "http://127.0.0.1:4600")
    monkeypatch.setattr(down, "directory", lambda given: given or directory)
    return directory


def test_the_environments_server_is_the_default_directorys_own(
    default: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:4600")
    assert down._chosen_directory(None) == default


def test_another_servers_objects_are_not_guessed(
    default: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody who had set the variables of one server would remove another's objects."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:4700")
    with pytest.raises(Refusal, match=r"AWS_ENDPOINT_URL names http://127.0.0.1:4700.*--data-dir"):
        down._chosen_directory(None)
    assert down._chosen_directory(tmp_path / "other") == tmp_path / "other"


def test_data_is_kept_unless_it_is_named() -> None:
    found = [REGISTRY, DATA, NETWORK]
    assert down.divided(found, volumes=False) == ([REGISTRY, NETWORK], [DATA])
    assert down.divided(found, volumes=True) == (found, [])


def test_everything_is_said_with_what_it_is_for(tmp_path: Path) -> None:
    assert down.lines(tmp_path, [REGISTRY, NETWORK], [DATA]) == [
        f"Removes, of the server on {tmp_path}:",
        "  container penstock-x-registry  (registry)",
        "  network   penstock-x",
        "Keeps (--volumes removes them, with no way back):",
        "  volume    penstock-x-todos  (todos: data of cluster dev)",
        f"Keeps {tmp_path} and the base images (penstock/*), which any server here may use.",
    ]


def test_counts_are_words() -> None:
    assert counts([]) == "nothing"
    assert counts([REGISTRY, NETWORK, REGISTRY]) == "2 containers, 1 network"


def test_volumes_of_one_stack_are_not_this_commands() -> None:
    done = CliRunner().invoke(app, ["down", "--stack", "dev", "--volumes"])
    assert isinstance(done.exception, Refusal)
    assert done.exception.exit_code == 2
    assert "penstock volume remove NAME" in str(done.exception)


def test_a_dry_run_says_that_the_server_must_be_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Locks: a dry run listed what goes, and the same command without it was refused."""

    async def found(_instance: str) -> list[EngineObject]:
        return [REGISTRY]

    monkeypatch.setattr(down, "_find", found)
    command = ["down", "--dry-run", "--data-dir", str(tmp_path)]
    held = DataDirectory.open(tmp_path)
    try:
        told = CliRunner().invoke(app, command).output
    finally:
        held.close()
    assert "penstock-x-registry" in told
    assert f"A server runs on it: stop process {os.getpid()} before anything is removed." in told
    assert "A server runs" not in CliRunner().invoke(app, command).output
