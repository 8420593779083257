"""What Tasks reach: signed requests only, even where everybody else is let in; no console."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from starlette.types import ASGIApp
from tests.signing import sign

from penstock.clock import utc_now
from penstock.config import Config
from penstock.server import Server
from penstock.storage.data_directory import DataDirectory


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    config = Config(
        data_dir=tmp_path / "data",
        port=0,
        authenticate=False,
        docker_host="unix:///nonexistent/docker.sock",
    )
    data = DataDirectory.open(config.data_dir)
    server = Server(config, data)
    await server.start()
    yield server
    await server.close()
    data.close()


async def asked(
    app: ASGIApp, path: str, method: str = "GET", sent_body: bytes = b"", **headers: str
) -> tuple[int, bytes]:
    raw, _, query = path.partition("?")
    scope = {
        "type": "http",
        "method": method,
        "path": raw,
        "raw_path": raw.encode(),
        "query_string": query.encode(),
        "headers": [
            (name.encode(), value.encode())
            for name, value in {"host": "localhost", **headers}.items()
        ],
        "http_version": "1.1",
        "scheme": "https",
        "client": ("172.17.0.2", 1),
    }
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": sent_body, "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    await app(scope, receive, send)
    body = b"".join(message.get("body", b"") for message in sent)
    return sent[0]["status"], body


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/?Action=ListRoles&Version=2010-05-08", 403),
        ("/bucket/key", 403),
        ("/v1/repos/app/info/refs?service=git-upload-pack", 401),
        ("/v1/repos/app/info/refs?service=git-receive-pack", 401),
        ("/_penstock/registry/token?service=penstock-registry", 401),
        ("/_penstock/health", 404),
        ("/_penstock/registry/notifications", 404),
        ("/v2/credentials/anything", 403),
        ("/console/", 403),
    ],
)
async def test_tasks_must_sign_where_nobody_else_must(
    server: Server, path: str, status: int
) -> None:
    assert (await asked(server._task_host._apps["tls"], path))[0] == status


async def test_nobody_approves_through_the_tasks_listener(server: Server) -> None:
    key = await server._iam.ensure_root()
    approval = {
        "pipelineName": "pipe", "stageName": "Gate", "actionName": "Approve",
        "result": {"summary": "", "status": "Approved"},
        "token": "00000000-0000-0000-0000-000000000000",
    }  # fmt: skip
    body = json.dumps(approval).encode()
    headers = {
        "content-type": "application/x-amz-json-1.1",
        "x-amz-target": "CodePipeline_20150709.PutApprovalResult",
    }
    own = SimpleNamespace(
        access_key_id=key.access_key_id, secret_access_key=key.secret_access_key, session_token=None
    )
    signed = sign(url="https://localhost/", body=body, headers=headers, key=own, at=utc_now())
    status, answer = await asked(
        server._task_host._apps["tls"], "/", "POST", body, **dict(signed.headers)
    )
    assert status == 400
    told = json.loads(answer)
    assert told["__type"].endswith("AccessDeniedException")
    assert "a build or a task never approves" in str(told)


async def test_the_plain_listener_serves_credentials_and_the_registry_alone(
    server: Server,
) -> None:
    app = server._task_host._apps["http"]
    assert (await asked(app, "/v2/credentials/" + "x" * 43))[0] == 404
    for path in ("/", "/?Action=ListRoles&Version=2010-05-08", "/v1/repos/app/info/refs",
                 "/_penstock/health", "/console/"):  # fmt: skip
        assert (await asked(app, path))[0] == 404
    notify = "/_penstock/registry/notifications"
    assert (await asked(app, notify, "POST"))[0] == 401
    assert (await asked(app, notify, "POST", authorization="Bearer guess"))[0] == 401
    assert (await asked(app, notify, "POST", authorization="Bearer é"))[0] == 401
