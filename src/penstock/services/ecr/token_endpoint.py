"""The registry's token endpoint: IAM decides, Penstock signs, the registry obeys.

docker sends ECR's password (Basic, user AWS) and the scope that it needs. Each action of
the scope stands for IAM actions, evaluated as the password's principal; a refusal carries
AWS's own text, which docker prints.

A token that may push may also read that repository: the registry demands `pull` of every
upload, where ECR does not.
Source: https://distribution.github.io/distribution/spec/auth/token/
"""

import base64
import binascii
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from penstock.aws.errors import ServiceError
from penstock.aws.service import Principal
from penstock.containers.registry import TOKEN_SERVICE
from penstock.services.ecr.ecr import Ecr
from penstock.services.ecr.tokens import Access, PasswordExpired, PasswordInvalid

_LIFETIME = timedelta(minutes=15)
_LARGEST_FORM = 64 * 1024
_SCOPE = re.compile(r"repository(?:\([a-z0-9]+\))?:(?P<name>[^\s:]+):(?P<actions>[a-z,*]+)")
_PULL = ("ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer")
_PUSH = (
    "ecr:BatchCheckLayerAvailability",
    "ecr:InitiateLayerUpload",
    "ecr:UploadLayerPart",
    "ecr:CompleteLayerUpload",
    "ecr:PutImage",
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """One requested scope. Other actions than pull and push are never granted."""

    repository: str
    push: bool

    @property
    def actions(self) -> Sequence[str]:
        """The actions that the registry's token must name."""
        return ("pull", "push") if self.push else ("pull",)

    @property
    def iam_actions(self) -> Sequence[str]:
        """What the principal needs, in the order in which docker needs it."""
        return _PUSH if self.push else _PULL


class _Refusal(Exception):
    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


class TokenEndpoint:
    """An ASGI application for GET and POST."""

    def __init__(self, ecr: Ecr) -> None:
        self._ecr = ecr

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with a token, or with an error in the registry's own form."""
        request = Request(scope, receive)
        try:
            response: Response = JSONResponse(await self._answer(request))
        except _Refusal as refusal:
            errors = [{"code": refusal.code, "message": refusal.message}]
            response = JSONResponse({"errors": errors}, refusal.status)
        response.headers["Cache-Control"] = "no-store"
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> dict[str, Any]:
        user, password, service, scopes = await _parameters(request)
        if service not in {"", TOKEN_SERVICE}:
            raise _Refusal(400, "UNSUPPORTED", f"expected service {TOKEN_SERVICE}, found {service}")
        now = self._ecr.clock()
        try:
            principal = self._ecr.signer.principal(password, now)
        except PasswordExpired:
            raise _Refusal(
                403, "DENIED", "Your authorization token has expired. Reauthenticate and try again."
            ) from None
        except PasswordInvalid:
            raise _unauthorized("Expected the password of `aws ecr get-login-password`.") from None
        if user != "AWS":
            raise _unauthorized(f"Expected the user name AWS, found {user!r}.")
        access = await self._granted(principal, parse_scopes(scopes))
        token = self._ecr.signer.bearer(principal.arn, access, now=now, lifetime=_LIFETIME)
        return {
            "token": token,
            "access_token": token,
            "expires_in": int(_LIFETIME.total_seconds()),
            "issued_at": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        }

    async def _granted(self, principal: Principal, wanted: Sequence[Wanted]) -> list[Access]:
        """Return what is allowed; raise the first refusal that the client must hear of.

        docker adds pull scopes of other repositories to a push, to mount their layers. It
        can do without them, so a push does not fail by them.
        """
        pushing = any(one.push for one in wanted)
        granted = []
        for one in wanted:
            try:
                await self._check(principal, one)
            except _Refusal:
                if pushing and not one.push:
                    continue
                raise
            granted.append(Access(one.repository, one.actions))
        return granted

    async def _check(self, principal: Principal, wanted: Wanted) -> None:
        arn = self._ecr.arn(wanted.repository)
        try:
            for action in wanted.iam_actions:
                await self._ecr.authorize(principal, action, arn, {})
        except ServiceError as error:
            raise _Refusal(403, "DENIED", error.message) from error
        try:
            await self._ecr.repository(wanted.repository)
        except ServiceError as error:
            raise _Refusal(404, "NAME_UNKNOWN", error.message) from error


def parse_scopes(scopes: Sequence[str]) -> list[Wanted]:
    """Read `repository:NAME:pull,push` scopes, one per repository; others ask for nothing."""
    wanted: dict[str, bool] = {}
    for text in " ".join(scopes).split():
        match = _SCOPE.fullmatch(text)
        if match is None:
            continue
        actions = set(match["actions"].split(","))
        if actions & {"pull", "push", "*"}:
            push = bool(actions & {"push", "*"})
            wanted[match["name"]] = wanted.get(match["name"], False) or push
    return [Wanted(name, push) for name, push in wanted.items()]


async def _parameters(request: Request) -> tuple[str, str, str, list[str]]:
    """Return user, password, service and scopes of a GET (Basic) or POST (OAuth 2) request."""
    if request.method == "POST":
        form = parse_qs((await _small_body(request)).decode(errors="replace"))
        if form.get("grant_type") != ["password"]:
            raise _Refusal(400, "UNSUPPORTED", "expected grant_type=password")
        user, password, service = (
            form.get(name, [""])[0] for name in ("username", "password", "service")
        )
        return user, password, service, form.get("scope", [])
    if request.method != "GET":
        raise _Refusal(405, "UNSUPPORTED", "expected GET or POST")
    user, password = _basic(request.headers.get("authorization", ""))
    query = request.query_params
    return user, password, query.get("service", ""), query.getlist("scope")


async def _small_body(request: Request) -> bytes:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > _LARGEST_FORM:
            raise _Refusal(413, "UNSUPPORTED", f"expected a form of at most {_LARGEST_FORM} bytes")
    return body


def _basic(header: str) -> tuple[str, str]:
    scheme, _, encoded = header.partition(" ")
    try:
        text = base64.b64decode(encoded, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        text = ""
    if scheme.lower() != "basic" or ":" not in text:
        raise _unauthorized("no basic auth credentials")
    user, _, password = text.partition(":")
    return user, password


def _unauthorized(message: str) -> _Refusal:
    return _Refusal(401, "UNAUTHORIZED", message)
