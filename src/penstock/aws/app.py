"""The AWS API as an ASGI application: everything that no other part of the server answers."""

import contextlib
import re
from collections.abc import AsyncIterator, Sequence

from starlette.types import ASGIApp, Receive, Scope, Send

from penstock.aws.dispatch import Dispatcher
from penstock.aws.http import ClientGone, HttpRequest, HttpResponse, http_request
from penstock.aws.principals import FindCredential
from penstock.aws.service import Authorize, Service
from penstock.clock import Clock

_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


def aws_app(
    services: Sequence[Service],
    *,
    find_credential: FindCredential,
    authorize: Authorize,
    account_id: str,
    region: str,
    clock: Clock,
    authenticate: bool = True,
    for_tasks: bool = False,
) -> ASGIApp:
    """Return the application. `authenticate=False` lets any credentials act as root, `for_tasks`
    says of every call that a Task made it.

    Raise ValueError for an operation that AWS's model does not have. The models are loaded here,
    once (10 ms each), so that no request waits for them.
    """
    dispatcher = Dispatcher(
        services,
        find_credential=find_credential,
        authorize=authorize,
        account_id=account_id,
        region=region,
        clock=clock,
        authenticate=authenticate,
        for_tasks=for_tasks,
    )

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise ValueError(f"expected an HTTP request, found {scope['type']!r}")
        incoming = _Incoming(receive)
        request = _read_request(scope, incoming)
        with contextlib.suppress(ClientGone):
            response = await dispatcher.handle(request)
            # A client that still waits for "100 Continue" will not send its body now: the
            # connection cannot carry another request.
            unsent = "expect" in request.headers and not incoming.complete
            await _send(response, send, close=unsent)

    return app


class _Incoming:
    """A request's body, and whether all of it was read."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self.complete = False

    async def blocks(self) -> AsyncIterator[bytes]:
        while not self.complete:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise ClientGone
            self.complete = not message.get("more_body", False)
            if block := message.get("body", b""):
                yield block


def _read_request(scope: Scope, incoming: _Incoming) -> HttpRequest:
    headers: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]},{value}" if name in headers else value
    raw_path = scope.get("raw_path") or scope["path"].encode()
    return http_request(
        method=scope["method"],
        raw_path=raw_path.decode("latin-1").partition("?")[0] or "/",
        raw_query=scope["query_string"].decode("latin-1"),
        headers=headers,
        body=incoming.blocks(),
        scheme=scope.get("scheme", "http"),
    )


async def _send(response: HttpResponse, send: Send, *, close: bool) -> None:
    body = response.body
    headers = dict(response.headers) | ({"connection": "close"} if close else {})
    if isinstance(body, bytes) and response.status not in {204, 304}:
        headers.setdefault("content-length", str(len(body)))
    start = {
        "type": "http.response.start",
        "status": response.status,
        "headers": [
            (name.encode("latin-1"), _header_value(value)) for name, value in headers.items()
        ],
    }
    if isinstance(body, bytes):
        await send(start)
        await send({"type": "http.response.body", "body": body})
        return
    try:
        await send(start)
        async for block in body:
            await send({"type": "http.response.body", "body": block, "more_body": True})
    finally:
        if hasattr(body, "aclose"):
            await body.aclose()
    await send({"type": "http.response.body", "body": b""})


def _header_value(value: str) -> bytes:
    """Return what is sent: control characters, which would end the header, become spaces.

    Callers choose some values (`response-content-type`, metadata of objects).
    """
    text = _CONTROL.sub(" ", value)
    try:
        return text.encode("latin-1")  # as it came, for what came in a header
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace")
