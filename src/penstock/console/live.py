"""Server-sent events that tell a page to refetch its live part.

The stream follows the outbox: from the Last-Event-ID of a browser that comes back, else from the
position that the page was made at, so nothing between page and stream is missed. It carries no
data: what a page shows, it fetches as the person logged in.
Source: https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

from starlette.responses import Response, StreamingResponse

from penstock.aws.errors import ServiceError
from penstock.aws.http import whole_number
from penstock.console.guard import NO_STORE
from penstock.console.visit import Visit
from penstock.storage.outbox import Event

_HEARTBEAT_SECONDS = 15.0
_GATHER_SECONDS = 0.2
"""Events come in bunches: a page refetches at most this often."""
_RETRY = b"retry: 1000\n\n"
_READ_BY: Mapping[str, tuple[str, str, Callable[[str], Mapping[str, Any]]]] = {
    "pipelines": ("codepipeline", "ListPipelines", lambda _: {}),
    "pipeline": ("codepipeline", "GetPipelineState", lambda name: {"name": name}),
    "builds": ("codebuild", "ListBuilds", lambda _: {}),
    "build": ("codebuild", "BatchGetBuilds", lambda name: {"ids": [name]}),
    "stacks": ("cloudformation", "ListStacks", lambda _: {}),
    "stack": ("cloudformation", "DescribeStacks", lambda name: {"StackName": name}),
}
"""What the page of a topic is read by."""


async def follow(visit: Visit) -> Response:
    """Stream `changed` for the events of `topic`.

    Raises ServiceError for what the visitor may not read: also when something happens is told
    only to those who may see what.
    """
    query = visit.request.query_params
    await _check_topic(visit, query.get("topic", ""))
    start = whole_number(visit.request.headers.get("last-event-id", ""))
    if start is None:
        start = whole_number(query.get("after", "")) or 0
    return StreamingResponse(
        _stream(visit, query.get("topic", ""), start),
        media_type="text/event-stream",
        headers={"Cache-Control": NO_STORE, "X-Accel-Buffering": "no"},
    )


def topics(event: Event) -> set[str]:
    """Return the topics that an event belongs to: a list of things, and one of them."""
    domain = event.kind.partition(".")[0]
    subject = event.subject
    if domain == "pipeline":  # a decision on an approval tells of it by another id
        subject = event.detail.get("pipeline") or event.subject
    if domain == "stack":  # pages name a stack by its name
        subject = event.detail.get("stackName") or _stack_name(event.subject)
    return {f"{domain}s", f"{domain}:{subject}"}


async def _check_topic(visit: Visit, topic: str) -> None:
    """Raise AccessDenied unless the visitor may make the topic's page; what is gone is no harm."""
    kind, _, name = topic.partition(":")
    if kind not in _READ_BY:
        return
    service, operation, make = _READ_BY[kind]
    try:
        await visit.call(service, operation, make(name))
    except ServiceError as error:
        if "AccessDenied" in error.code:
            raise


async def _stream(visit: Visit, topic: str, position: int) -> AsyncIterator[bytes]:
    yield _RETRY
    site = visit.site
    while not site.stopping.is_set():
        events = await _events_after(visit, position)
        if not await _still_welcome(visit):
            return
        if not events:
            yield b": still here\n\n"
            continue
        position = events[-1].position
        if any(topic in topics(event) for event in events):
            yield f"id: {position}\nevent: changed\ndata: {position}\n\n".encode()
            await asyncio.sleep(_GATHER_SECONDS)


async def _events_after(visit: Visit, position: int) -> list[Event]:
    """Return the next events; none when it is time for a sign of life or the server stops."""
    site = visit.site
    following = asyncio.ensure_future(site.outbox.next_after(position))
    stopping = asyncio.ensure_future(site.stopping.wait())
    try:
        await asyncio.wait(
            {following, stopping}, timeout=_HEARTBEAT_SECONDS, return_when=asyncio.FIRST_COMPLETED
        )
        return following.result() if following.done() else []
    finally:
        for waiting in (following, stopping):
            waiting.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.gather(following, stopping, return_exceptions=True)


async def _still_welcome(visit: Visit) -> bool:
    """Tell whether the session still lasts."""
    if visit.site.anonymous is not None:
        return True
    return await visit.site.sessions.of_session(visit.session_token) is not None


def _stack_name(stack_id: str) -> str:
    return stack_id.split("/")[1] if stack_id.count("/") else stack_id
