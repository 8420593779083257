"""Scopes of token requests, and the endpoint's answers without a registry."""

import base64
import json
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest
from starlette.types import Message

from penstock.aws.errors import ServiceError
from penstock.aws.service import Principal, PrincipalKind
from penstock.containers.certificates import Certificates
from penstock.errors import EngineError
from penstock.services.ecr.ecr import Ecr
from penstock.services.ecr.notifications import NotificationEndpoint
from penstock.services.ecr.token_endpoint import TokenEndpoint, Wanted, parse_scopes
from penstock.services.ecr.tokens import PasswordExpired, PasswordInvalid
from penstock.storage.database import Database
from penstock.storage.schema import metadata

NOW = datetime(2024, 5, 1, 12, 0, tzinfo=UTC)
ADA = Principal(
    PrincipalKind.USER,
    "arn:aws:iam::123456789012:user/ada",
    "123456789012",
    "AIDA",
    "AKIA",
    "arn:aws:iam::123456789012:user/ada",
)


class Denied:
    """Which (action, repository) are refused; the rest is allowed."""

    def __init__(self) -> None:
        self.pairs: set[tuple[str, str]] = set()

    async def __call__(
        self, principal: Principal, action: str, resource: str, context: Mapping[str, str] = {}
    ) -> None:
        if (action, resource.rsplit("/", 1)[1]) in self.pairs:
            raise ServiceError("AccessDeniedException", f"{action} denied")


@pytest.fixture
def denied() -> Denied:
    return Denied()


@pytest.fixture
async def ecr(tmp_path: Path, denied: Denied) -> AsyncIterator[Ecr]:
    database = Database.open(tmp_path / "penstock.db")
    metadata.create_all(database.engine)
    pair = Certificates(tmp_path, "us-east-1", lambda: NOW).registry_signing
    ecr = Ecr(
        database,
        denied,
        lambda: NOW,
        registry_url=lambda: None,
        ca=None,
        signing_key_pem=pair.key_pem,
        signing_certificate_pem=pair.certificate_pem,
        account_id="123456789012",
        region="us-east-1",
    )
    for name in ("a", "b"):
        await ecr.create(name, {}, False)
    yield ecr
    await ecr.close()
    database.close()


async def ask(
    app: Any, method: str, query: str = "", headers: Mapping[str, str] = {}, body: bytes = b""
) -> tuple[int, Any]:
    """Call an ASGI application without a socket; return status and parsed body."""
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": method,
        "path": "/",
        "query_string": query.encode(),
        "headers": [(k.encode(), v.encode()) for k, v in headers.items()],
    }
    await app(scope, receive, send)
    content = b"".join(message.get("body", b"") for message in sent)
    kind = dict(sent[0]["headers"]).get(b"content-type", b"")
    return sent[0]["status"], json.loads(content) if b"json" in kind else content


def basic(ecr: Ecr, user: str = "AWS") -> dict[str, str]:
    text = f"{user}:{ecr.signer.password(ADA, NOW)}"
    return {"authorization": "Basic " + base64.b64encode(text.encode()).decode()}


def claims(answer: Any) -> dict[str, Any]:
    return jwt.decode(answer["token"], options={"verify_signature": False})


@pytest.mark.parametrize(
    ("scopes", "wanted"),
    [
        (["repository:a:pull"], [Wanted("a", False)]),
        (["repository:team/a:pull,push"], [Wanted("team/a", True)]),
        (["repository:a:pull repository:b:push"], [Wanted("a", False), Wanted("b", True)]),
        (["repository:a:pull", "repository:a:push"], [Wanted("a", True)]),
        (["repository:a:*"], [Wanted("a", True)]),
        (["repository:a:delete"], []),
        (["registry:catalog:*"], []),
        (["nonsense", ""], []),
    ],
)
def test_scopes(scopes: list[str], wanted: list[Wanted]) -> None:
    assert parse_scopes(scopes) == wanted


async def test_a_token_names_the_principal_and_exactly_what_was_granted(ecr: Ecr) -> None:
    query = "service=penstock-registry&scope=repository:a:pull,push&scope=repository:b:pull"
    status, answer = await ask(TokenEndpoint(ecr), "GET", query, basic(ecr))
    assert status == 200
    assert claims(answer)["sub"] == ADA.arn
    assert claims(answer)["access"] == [
        {"type": "repository", "name": "a", "actions": ["pull", "push"]},
        {"type": "repository", "name": "b", "actions": ["pull"]},
    ]
    assert answer["expires_in"] == 900


async def test_deletion_is_never_granted(ecr: Ecr) -> None:
    _, answer = await ask(
        TokenEndpoint(ecr), "GET", "scope=repository:a:pull,push,delete", basic(ecr)
    )
    assert claims(answer)["access"][0]["actions"] == ["pull", "push"]


async def test_a_refused_mount_source_does_not_fail_the_push(ecr: Ecr, denied: Denied) -> None:
    denied.pairs.add(("ecr:BatchGetImage", "b"))
    query = "scope=repository:b:pull&scope=repository:a:pull,push"
    status, answer = await ask(TokenEndpoint(ecr), "GET", query, basic(ecr))
    assert status == 200
    assert [one["name"] for one in claims(answer)["access"]] == ["a"]

    status, answer = await ask(TokenEndpoint(ecr), "GET", "scope=repository:b:pull", basic(ecr))
    assert (status, answer["errors"][0]["code"]) == (403, "DENIED")


async def test_the_oauth_form_gives_a_token_too(ecr: Ecr) -> None:
    password = ecr.signer.password(ADA, NOW)
    form = f"grant_type=password&username=AWS&password={password}&scope=repository:a:pull"
    headers = {"content-type": "application/x-www-form-urlencoded"}
    status, answer = await ask(TokenEndpoint(ecr), "POST", "", headers, form.encode())
    assert status == 200
    assert answer["access_token"] == answer["token"]


@pytest.mark.parametrize(
    ("method", "query", "user", "status"),
    [
        ("GET", "service=elsewhere", "AWS", 400),
        ("GET", "", "root", 401),
        ("PUT", "", "AWS", 405),
        ("POST", "", "AWS", 400),
    ],
)
async def test_other_requests_are_refused(
    ecr: Ecr, method: str, query: str, user: str, status: int
) -> None:
    assert (await ask(TokenEndpoint(ecr), method, query, basic(ecr, user)))[0] == status


async def test_a_password_lasts_twelve_hours_and_keeps_its_principal(ecr: Ecr) -> None:
    password = ecr.signer.password(ADA, NOW)
    assert ecr.signer.principal(password, NOW + timedelta(hours=11, minutes=59)) == ADA
    with pytest.raises(PasswordExpired):
        ecr.signer.principal(password, NOW + timedelta(hours=12))
    with pytest.raises(PasswordInvalid):
        ecr.signer.principal(password[:-4] + "AAAA", NOW)
    with pytest.raises(PasswordInvalid):
        ecr.signer.principal(ecr.mint("a", ["pull"]), NOW)


async def test_without_a_registry_the_error_says_what_to_do(ecr: Ecr) -> None:
    repository = await ecr.repository("a")
    with pytest.raises(EngineError, match="Start Docker, or set DOCKER_HOST"):
        await ecr.images(repository)


@pytest.mark.parametrize(
    ("secret", "body", "status"),
    [
        ("right", b'{"events": []}', 200),
        ("wrong", b'{"events": []}', 401),
        ("right", b'{"events": 1}', 400),
        ("right", b"no json", 400),
    ],
)
async def test_notifications_need_the_secret_and_the_form(
    ecr: Ecr, secret: str, body: bytes, status: int
) -> None:
    app = NotificationEndpoint(ecr, "right")
    headers = {"authorization": f"Bearer {secret}"}
    assert (await ask(app, "POST", "", headers, body))[0] == status


async def test_a_push_that_cannot_be_looked_at_yet_is_asked_for_again(ecr: Ecr) -> None:
    event = (
        b'{"events": [{"action": "push", "timestamp": "2024-05-01T12:00:00.5Z", "target": '
        b'{"repository": "a", "digest": "sha256:1", "mediaType": '
        b'"application/vnd.docker.distribution.manifest.v2+json"}, "actor": {"name": "x"}}]}'
    )
    app = NotificationEndpoint(ecr, "right")
    status, _ = await ask(app, "POST", "", {"authorization": "Bearer right"}, event)
    assert status == 503
