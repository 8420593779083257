"""Reviews as JSON over HTTP: who is answered, and in whose words the others are refused.

What they answer is walked through in tests/contract/server/test_review_commands.py.
"""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from tests.console_world import ACCOUNT, HOST, REGION, asgi
from tests.databases import opened_database
from tests.signing import sign
from tests.unit.pipelines.test_approval_view import NOW

from penstock.aws.in_process import InProcess
from penstock.aws.own_requests import OwnRequests
from penstock.pipelines.approval_view import ApprovalViews
from penstock.pipelines.review_endpoints import APPROVALS_PATH, CHANGE_SETS_PATH, ReviewEndpoints
from penstock.services.iam import Iam
from penstock.storage.encryption import Cipher

URL = f"http://{HOST}{APPROVALS_PATH}/nothing"


@dataclass
class Key:
    access_key_id: str
    secret_access_key: str
    session_token: str | None = None


@dataclass
class Place:
    """The addresses on a server without approvals and change sets."""

    iam: Iam
    endpoints: ReviewEndpoints

    async def get(self, path: str, headers: dict[str, str]) -> tuple[int, dict[str, str]]:
        app = Starlette(routes=self.endpoints.routes())
        answer = await asgi(app, "GET", path, {"host": HOST, **headers})
        return answer.status, json.loads(answer.body)

    async def key(self) -> Key:
        made = await self.iam.ensure_root()
        return Key(made.access_key_id, made.secret_access_key)


async def place(directory: Path, own_host: str | None) -> AsyncIterator[Place]:
    with opened_database(directory) as database:
        iam = Iam(database, Cipher.open(directory / "key"), ACCOUNT, lambda: NOW)
        in_process = InProcess(list, iam.authorize, ACCOUNT, REGION, lambda: NOW, f"http://{HOST}")
        views = ApprovalViews(
            database, iam.authorize, lambda: NOW, region=REGION, account_id=ACCOUNT
        )
        callers = OwnRequests(iam.find_credential, REGION, lambda: NOW)

        def change_sets() -> Any:
            raise AssertionError("nobody asks for a change set here")

        yield Place(iam, ReviewEndpoints(callers, in_process, views, change_sets, own_host))


@pytest.fixture
async def guarded(tmp_path: Path) -> AsyncIterator[Place]:
    async for each in place(tmp_path, None):
        yield each


@pytest.fixture
async def open_to_all(tmp_path: Path) -> AsyncIterator[Place]:
    async for each in place(tmp_path, "127.0.0.1"):
        yield each


async def signed(guarded: Place, **options: Any) -> dict[str, str]:
    given = {"service": "penstock", "at": NOW, "key": await guarded.key(), "method": "GET"}
    return dict(sign(url=URL, body=b"", **{**given, **options}).headers)


async def test_what_is_not_there_is_said_to_who_signed(guarded: Place) -> None:
    found = await guarded.get(f"{APPROVALS_PATH}/nothing", await signed(guarded))
    assert found == (
        404, {"__type": "ApprovalNotFound", "message": "Approval nothing does not exist"},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"service": "codepipeline"}, "Credential should be scoped to correct service: 'penstock'"),
        ({"region": "eu-west-1"}, "Credential should be scoped to a valid region"),
        ({"method": "POST"}, "The request signature we calculated does not match"),
    ],
)
async def test_another_signature_is_refused(
    guarded: Place, options: dict[str, Any], message: str
) -> None:
    status, found = await guarded.get(f"{APPROVALS_PATH}/nothing", await signed(guarded, **options))
    assert status == 403
    assert message in found["message"]


async def test_without_a_signature_nobody_is_answered(guarded: Place) -> None:
    for path in (f"{APPROVALS_PATH}/nothing", f"{CHANGE_SETS_PATH}?arn=arn:x"):
        status, found = await guarded.get(path, {})
        assert (status, found["message"]) == (403, "Missing Authentication Token")


async def test_without_authentication_no_web_page_is_answered(open_to_all: Place) -> None:
    path = f"{APPROVALS_PATH}/nothing"
    assert (await open_to_all.get(path, {}))[0] == 404
    for headers in (
        {"origin": "http://evil.example"},
        {"sec-fetch-site": "cross-site"},
        {"host": "evil.example"},
    ):
        status, found = await open_to_all.get(path, headers)
        assert (status, found["__type"]) == (403, "AccessDenied")
        assert "With --no-auth" in found["message"]
