"""What the registry tells of pushes: who pushed which image, and when.

A notification is a hint; `Ecr.images` finds what a lost one would have told.
Source: https://distribution.github.io/distribution/about/notifications/
"""

import hmac
import logging
from datetime import datetime

import msgspec
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from penstock.errors import EngineError
from penstock.services.ecr.ecr import Ecr
from penstock.services.ecr.registry_client import MANIFEST_TYPES

_log = logging.getLogger(__name__)


class _Target(msgspec.Struct):
    repository: str
    digest: str = ""
    media_type: str = msgspec.field(name="mediaType", default="")


class _Actor(msgspec.Struct):
    name: str = ""


class _Event(msgspec.Struct):
    action: str
    timestamp: datetime
    target: _Target
    actor: _Actor = msgspec.field(default_factory=_Actor)


class _Envelope(msgspec.Struct):
    events: list[_Event]


class NotificationEndpoint:
    """An ASGI application; `secret` is what the registry sends as `Bearer <secret>`."""

    def __init__(self, ecr: Ecr, secret: str) -> None:
        self._ecr = ecr
        self._expected = f"Bearer {secret}".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Record the pushes; the registry repeats what is not answered with 200."""
        response = await self._answer(Request(scope, receive))
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        given = request.headers.get("authorization", "").encode()
        if not hmac.compare_digest(given, self._expected):
            return PlainTextResponse("Expected the registry's own secret.\n", 401)
        try:
            envelope = msgspec.json.decode(await request.body(), type=_Envelope)
        except msgspec.DecodeError as error:
            return PlainTextResponse(f"Expected an envelope of events: {error}\n", 400)
        try:
            for event in envelope.events:
                await self._record(event)
        except EngineError as error:
            _log.warning("a push could not be recorded yet: %s", error)
            return PlainTextResponse(f"{error}\n", 503)
        return PlainTextResponse("")

    async def _record(self, event: _Event) -> None:
        if event.action == "push" and event.target.media_type in MANIFEST_TYPES:
            await self._ecr.record_push(
                event.target.repository,
                event.target.digest,
                event.timestamp,
                event.actor.name or None,
            )
