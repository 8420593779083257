import subprocess

import pytest

from penstock.cli.connection import Connection
from penstock.cli.demonstration.place import REPOSITORIES, Place
from penstock.cli.demonstration.road import Road
from penstock.cli.demonstration.terminal import Terminal

CONNECTION = Connection("http://127.0.0.1:4711", "us-east-1", "123456789012", "key", "secret")


@pytest.fixture
def place(tmp_path):
    place = Place(tmp_path)
    Road(place, CONNECTION, Terminal()).make_trees()
    return place


def git(place, name, *arguments):
    return subprocess.run(
        ["git", *arguments], cwd=place.tree(name), capture_output=True, text=True, check=True
    ).stdout


@pytest.mark.parametrize("name", REPOSITORIES)
def test_each_tree_is_one_clean_commit_ready_to_be_pushed(place, name):
    assert git(place, name, "status", "--porcelain") == ""
    assert git(place, name, "log", "--format=%s") == "Begin\n"
    assert git(place, name, "branch", "--show-current") == "main\n"
    assert git(place, name, "remote", "get-url", "origin") == (
        f"http://127.0.0.1:4711/v1/repos/{name}\n"
    )


def test_the_application_is_complete(place):
    files = git(place, "todobackend", "ls-files").split()
    for needed in ("buildspec.yml", "Dockerfile", ".dockerignore", "docker-compose.yml", "NONCE"):
        assert needed in files
    assert not [name for name in files if "__pycache__" in name]


def test_no_key_is_written_into_a_tree(place):
    config = (place.tree("todobackend") / ".git" / "config").read_text()
    assert "secret" not in config
    assert f"env --data-dir {place.root}" in config
