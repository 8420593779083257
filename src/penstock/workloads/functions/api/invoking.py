"""Invoke: with an answer, as an event, or only to ask whether one may.

Source: https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
"""

from collections.abc import AsyncIterator
from typing import Any

import msgspec

from penstock.aws.errors import ServiceError
from penstock.aws.service import Call, Request, Response
from penstock.workloads.functions.api.domain import Lambda
from penstock.workloads.functions.function import LATEST
from penstock.workloads.functions.invocation import MOST_EVENT_BYTES, MOST_PAYLOAD_BYTES
from penstock.workloads.functions.refusals import cannot_honour

_EVENT, _DRY_RUN = "Event", "DryRun"


async def invoke(domain: Lambda, call: Call, request: Request) -> Response:
    """Run a function. What goes wrong in it is told by FunctionError, not by an error of the
    call."""
    named = domain.named(request)
    for name in ("DurableExecutionName", "TenantId"):
        if request.get(name):
            raise cannot_honour(name, "invoke it without.")
    kind = request.get("InvocationType") or "RequestResponse"
    payload = checked_payload(await _whole(request.get("Payload") or b""), kind)
    function, _ = await domain.functions.get(named)
    if kind == _DRY_RUN:
        return {"StatusCode": 204, "ExecutedVersion": LATEST}
    if kind == _EVENT:
        await domain.invocations.accept(function, payload)
        return {"StatusCode": 202}
    outcome, log = await domain.invocations.invoke(
        function, payload, request.get("ClientContext"), nested=call.principal.of_task
    )
    answer: dict[str, Any] = {
        "StatusCode": 200,
        "ExecutedVersion": LATEST,
        "Payload": outcome.payload,
    }
    if outcome.error is not None:
        answer["FunctionError"] = outcome.error
    if request.get("LogType") == "Tail":
        answer["LogResult"] = log
    return answer


async def _whole(payload: bytes | AsyncIterator[bytes]) -> bytes:
    """Return the payload: the wire gives it as a stream, callers in this process whole."""
    if isinstance(payload, bytes):
        return payload
    return b"".join([block async for block in payload])


def checked_payload(payload: bytes, kind: str) -> bytes:
    """Return what the function gets: the request's JSON, an empty object where there is none."""
    most = MOST_EVENT_BYTES if kind == _EVENT else MOST_PAYLOAD_BYTES
    if len(payload) > most:
        raise ServiceError(
            "RequestTooLargeException",
            f"{len(payload)} byte payload is too large for the {kind} invocation type "
            f"(limit {most} bytes)",
        )
    if not payload:
        return b"{}"
    try:
        payload.decode()
        msgspec.json.decode(payload, type=msgspec.Raw)  # reads it, and makes nothing of it
    except (UnicodeDecodeError, msgspec.DecodeError, RecursionError) as error:
        raise ServiceError(
            "InvalidRequestContentException",
            f"Could not parse request body into json: {error}",  # what follows differs from AWS's
            Type="User",
        ) from error
    return payload
