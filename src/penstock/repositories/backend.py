"""One HTTP request through `git http-backend`: CGI, streamed both ways with flat memory.

Source: https://git-scm.com/docs/git-http-backend and RFC 3875 (CGI).
"""

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable, Mapping

from starlette.types import Receive, Scope, Send

from penstock.errors import EngineError
from penstock.repositories.git import CHUNK_SIZE, GitProcess, GitProcesses
from penstock.repositories.report import ReportHoldback

_log = logging.getLogger(__name__)

_PROTOCOL = re.compile(r"[a-z0-9=:.]{1,100}")


class ClientGone(Exception):
    """The client closed its connection before its answer was complete."""


def cgi_environment(
    scope: Scope, headers: Mapping[str, str], *, directory: str, endpoint: str, user: str
) -> dict[str, str]:
    """Return http-backend's variables for a request to `endpoint` of the bare `directory`.

    No CONTENT_LENGTH: with one, http-backend turns for ever in a loop when its input ends early,
    as it does when the server dies. Without, the end of its input is the end of the request.
    """
    client = scope.get("client")
    environment = {
        "GIT_HTTP_EXPORT_ALL": "1",
        "PATH_INFO": f"/{directory}/{endpoint}",
        "REQUEST_METHOD": scope["method"],
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_PROTOCOL": "HTTP/" + scope.get("http_version", "1.1"),
        "REMOTE_USER": user,
        "REMOTE_ADDR": client[0] if client else "local",
    }
    for variable, header in (
        ("CONTENT_TYPE", "content-type"),
        ("HTTP_CONTENT_ENCODING", "content-encoding"),
    ):
        if header in headers:
            environment[variable] = headers[header]
    if _PROTOCOL.fullmatch(headers.get("git-protocol", "")):
        environment["GIT_PROTOCOL"] = headers["git-protocol"]
    return environment


async def exchange(
    git: GitProcesses,
    environment: Mapping[str, str],
    receive: Receive,
    send: Send,
    record_push: Callable[[], Awaitable[None]] | None,
) -> None:
    """Serve one request; raise ClientGone when the client went first.

    With `record_push` the response's report and end wait until it has returned; what it
    raises breaks the connection off, so the client never takes the push for done.
    No process is left when this returns or raises.
    """
    process = await git.spawn(
        "http-backend",
        environment={**environment, "GIT_PROJECT_ROOT": str(git.root)},
        stdin=True,
    )
    body = asyncio.create_task(_forward_body(process, receive))
    answer = asyncio.create_task(_forward_answer(process, send, record_push))
    try:
        await asyncio.wait({body, answer}, return_when=asyncio.FIRST_COMPLETED)
        if not answer.done():
            body.result()
            raise ClientGone
        answer.result()
    finally:
        for task in (body, answer):
            task.cancel()
        await asyncio.gather(body, answer, return_exceptions=True)
        await process.end()


async def _forward_body(process: GitProcess, receive: Receive) -> None:
    """Feed the request's body to git; return when the client has gone."""
    reading = True
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        last = not message.get("more_body", False)
        if reading:
            reading = await process.feed(message.get("body", b""), last=last) and not last


async def _forward_answer(
    process: GitProcess, send: Send, record_push: Callable[[], Awaitable[None]] | None
) -> None:
    status, headers = await _read_head(process)
    holdback = ReportHoldback() if record_push is not None else None
    await send({"type": "http.response.start", "status": status, "headers": headers})
    while chunk := await process.stdout.read(CHUNK_SIZE):
        body = holdback.feed(chunk) if holdback is not None else chunk
        if body:
            await send({"type": "http.response.body", "body": body, "more_body": True})
    if await process.wait():
        _log.warning("git http-backend failed: %s", (await process.stderr()).strip())
    if record_push is not None:
        await record_push()
    await send(
        {"type": "http.response.body", "body": holdback.rest() if holdback is not None else b""}
    )


async def _read_head(process: GitProcess) -> tuple[int, list[tuple[bytes, bytes]]]:
    """Read the CGI header lines; raise EngineError when git ended without them."""
    try:
        head = await process.stdout.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
        await process.end()
        raise EngineError(
            f"git http-backend gave no answer: {(await process.stderr()).strip()}", retryable=False
        ) from error
    status = 200
    headers = []
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"status":
            status = int(value.split()[0])
        elif name:
            headers.append((name.lower().strip(), value.strip()))
    return status, headers
