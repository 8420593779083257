"""A real `penstock serve` without a container engine: who is let in, and how it ends."""

import http.client
import json
import os
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from botocore.exceptions import ClientError
from tests.server_process import ServerProcess, free_port

NO_ENGINE = "unix:///nonexistent/docker.sock"
ANYBODY = "/?Action=ListRoles&Version=2010-05-08"


def get(server: ServerProcess, path: str, **headers: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
    connection.request(
        "GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()}
    )
    response = connection.getresponse()
    body = response.read().decode()
    connection.close()
    return response.status, body


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    server = ServerProcess(tmp_path_factory.mktemp("server") / "data")
    yield server.start(DOCKER_HOST=NO_ENGINE)
    server.stop()


@pytest.fixture(scope="module")
def open_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    server = ServerProcess(tmp_path_factory.mktemp("open-server") / "data", options=["--no-auth"])
    yield server.start(DOCKER_HOST=NO_ENGINE)
    server.stop()


def test_the_data_directory_is_its_owners_alone(server: ServerProcess) -> None:
    public = {"instance-id"}
    opened = [
        str(path.relative_to(server.data_dir))
        for path in [server.data_dir, *server.data_dir.rglob("*")]
        if stat.S_IMODE(path.stat().st_mode) & 0o077
        and path.parent in (server.data_dir, server.data_dir.parent)
    ]
    assert set(opened) <= public


def test_nobody_is_let_in_without_a_signature(server: ServerProcess) -> None:
    for path in (ANYBODY, "/", "/bucket/key", "/v2/credentials/x"):
        assert get(server, path)[0] in (400, 403)
    assert get(server, "/v1/repos/app/info/refs?service=git-upload-pack")[0] == 401
    assert get(server, "/_penstock/registry/token?service=penstock-registry")[0] == 401
    assert get(server, "/_penstock/registry/notifications")[0] == 404
    assert get(server, "/_penstock/health")[0] == 200


def test_a_browser_at_the_servers_address_is_shown_the_console(server: ServerProcess) -> None:
    """Locks: whoever opened the address that `serve` prints met S3's AccessDenied."""
    page = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
    connection.request("GET", "/", headers=page)
    answer = connection.getresponse()
    assert (answer.status, answer.headers["location"]) == (307, "/console/")
    connection.close()
    assert get(server, "/console/", **page)[0] == 401
    for path, headers in (
        ("/", {"Authorization": "AWS4-HMAC-SHA256 x", **page}),
        ("/?versions", page),
        ("/bucket", page),
    ):
        assert get(server, path, **headers)[0] in (400, 403)


def test_status_says_why_no_builds_run(server: ServerProcess) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "penstock", "status", "--data-dir", str(server.data_dir)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr.startswith("No builds run: the container engine is not ready: ")
    assert "/nonexistent/docker.sock" in done.stderr


def test_what_needs_the_engine_says_that_there_is_none(server: ServerProcess) -> None:
    """Locks: InvalidateProjectCache answered 200 and did nothing."""
    codebuild, iam = server.client("codebuild"), server.client("iam")
    principal = {"Service": "codebuild.amazonaws.com"}
    statement = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
    trust = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    role = iam.create_role(RoleName="build", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    codebuild.create_project(
        name="app",
        source={"type": "NO_SOURCE", "buildspec": "version: 0.2\nphases: {}\n"},
        artifacts={"type": "NO_ARTIFACTS"},
        environment={
            "type": "LINUX_CONTAINER",
            "image": "aws/codebuild/standard:7.0",
            "computeType": "BUILD_GENERAL1_SMALL",
        },
        serviceRole=role,
    )
    with pytest.raises(ClientError) as raised:
        codebuild.invalidate_project_cache(projectName="app")
    assert raised.value.response["Error"]["Code"] == "ServiceUnavailableException"
    assert "/nonexistent/docker.sock" in raised.value.response["Error"]["Message"]
    build = codebuild.start_build(projectName="app")["build"]
    time.sleep(0.5)
    (waiting,) = codebuild.batch_get_builds(ids=[build["id"]])["builds"]
    assert (waiting["currentPhase"], waiting["buildComplete"]) == ("QUEUED", False)
    codebuild.stop_build(id=build["id"])
    (stopped,) = codebuild.batch_get_builds(ids=[build["id"]])["builds"]
    assert (stopped["buildStatus"], stopped["buildComplete"]) == ("STOPPED", True)
    deleted = codebuild.delete_project(name="app")
    assert deleted["ResponseMetadata"]["RetryAttempts"] == 0
    assert codebuild.list_projects()["projects"] == []


def test_a_second_server_on_the_directory_is_refused(server: ServerProcess) -> None:
    done = subprocess.run(
        [
            *(sys.executable, "-m", "penstock", "serve"),
            *(f"--data-dir={server.data_dir}", f"--port={free_port()}"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert server.process is not None
    assert done.returncode == 1
    assert f"found it in use by process {server.process.pid}" in done.stderr


def test_a_taken_port_is_named(server: ServerProcess, tmp_path: Path) -> None:
    other = [f"--data-dir={tmp_path / 'other'}", f"--port={server.port}"]
    done = subprocess.run(
        [sys.executable, "-m", "penstock", "serve", *other],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == (
        f"penstock: [Errno 98] cannot listen on 127.0.0.1, port {server.port}: "
        "Address already in use"
    )
    assert "alembic" not in done.stderr, "how the database is made concerns nobody"


def test_a_key_that_is_none_is_one_line(tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text("no key")
    done = subprocess.run(
        [
            *(sys.executable, "-m", "penstock", "serve", f"--key-file={key}"),
            *(f"--data-dir={tmp_path / 'data'}", f"--port={free_port()}"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("penstock: expected 32 bytes in URL-safe base64 in the key file")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Host": "localhost"}, 200),
        ({"Host": "bucket.s3.localhost:4600"}, 200),
        ({"Host": "[::1]:4600"}, 200),
        ({"Sec_Fetch_Site": "none"}, 200),
        ({"Sec_Fetch_Site": "cross-site"}, 403),
        ({"Sec_Fetch_Site": "same-origin"}, 403),
        ({"Origin": "null"}, 403),
        ({"Host": "rebound.example"}, 403),
        ({"Host": "localhost.example"}, 403),
    ],
)
def test_without_authentication_web_pages_are_refused(
    open_server: ServerProcess, headers: dict[str, str], status: int
) -> None:
    """Locks: an image whose address is an operation has no Origin; neither has a page that let
    its own name lead here."""
    assert get(open_server, ANYBODY, **headers)[0] == status
    git = "/v1/repos/app/info/refs?service=git-upload-pack"
    assert get(open_server, git, **headers)[0] == (404 if status == 200 else 403)


def test_a_head_without_end_is_refused(server: ServerProcess) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n")
        endless = b"X-Padding: " + b"a" * 50_000 + b"\r\n"
        with pytest.raises(OSError, match=r"reset|Broken pipe"):
            client.sendall(endless * 1000)


def test_the_server_ends_within_seconds_whatever_is_open(tmp_path: Path) -> None:
    server = ServerProcess(tmp_path / "data").start(DOCKER_HOST=NO_ENGINE)
    server.client("codecommit").create_repository(repositoryName="app")
    with socket.create_connection(("127.0.0.1", server.port)) as idle:
        idle.sendall(b"PUT /bucket/key HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nsome")
        key = server.credentials
        address = f"http://{key['AccessKeyId']}:{key['SecretAccessKey']}@127.0.0.1:{server.port}"
        push = subprocess.Popen(
            ["git", "-c", "http.postBuffer=1", "ls-remote", f"{address}/v1/repos/app"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "GIT_TERMINAL_PROMPT": "0"},
        )
        started = time.monotonic()
        assert server.stop() == 0
        assert time.monotonic() - started < 12
        push.wait(20)
    assert "Traceback" not in server.log()
