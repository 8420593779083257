import json
import os
import socket
import subprocess
import sys

import pytest

from penstock.cli.demonstration import server_process
from penstock.cli.demonstration.place import Place


@pytest.fixture
def place(tmp_path):
    place = Place(tmp_path / "data")
    place.files.mkdir(parents=True)
    return place


@pytest.fixture
def sleeper(place):
    """A process whose command line is that of a server on this place."""
    code = "import sys, time; sys.stdout.write('up'); sys.stdout.flush(); time.sleep(60)"
    command = [sys.executable, "-c", code, "serve", "--data-dir", str(place.root)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.read(2) == b"up"
        yield process
        process.kill()


def test_a_taken_port_is_passed_over():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert server_process.choose_port(port) > port


def test_no_aws_setting_of_the_users_reaches_the_demo(monkeypatch):
    monkeypatch.setenv("AWS_PROFILE", "production")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "secret")
    found = server_process.clean_environment()
    assert {k: v for k, v in found.items() if k.startswith("AWS_")} == {
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }
    assert found["PATH"] == os.environ["PATH"]


def test_the_servers_process_is_recognised_and_stopped(place, sleeper):
    place.marker.write_text(json.dumps({"pid": sleeper.pid}))
    assert server_process.running_pid(place) == sleeper.pid
    assert server_process.stop(place) is True
    assert sleeper.wait(10) == -15
    assert server_process.stop(place) is False


def test_a_process_id_that_now_belongs_to_another_is_never_stopped(place):
    place.marker.write_text(json.dumps({"pid": os.getpid()}))
    assert server_process.running_pid(place) is None
    assert server_process.stop(place) is False


def test_without_a_readable_marker_nothing_runs(place):
    assert server_process.running_pid(place) is None
    place.marker.write_text("{")
    assert server_process.running_pid(place) is None
