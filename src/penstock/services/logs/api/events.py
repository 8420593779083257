"""Writing, reading and searching log events.

Source: https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html
"""

import uuid
from collections.abc import Sequence
from datetime import timedelta
from itertools import pairwise
from typing import Any

from penstock.aws.errors import ServiceError
from penstock.aws.pagination import decode_token, encode_token
from penstock.aws.service import Call, Request, Response
from penstock.services.logs.api.identifiers import requested_group
from penstock.services.logs.filter_pattern import compile_pattern
from penstock.services.logs.log_groups import Logs, expired_before_ms, milliseconds
from penstock.services.logs.reading import Position, parse_position, read_page
from penstock.services.logs.search import Found, Key, Search, search
from penstock.storage.log_files import LogEvent
from penstock.storage.log_streams import StoredLogStream

_DAY_MS = 24 * 3600 * 1000
_BATCH_BYTES = 1_048_576
_EVENT_OVERHEAD_BYTES = 26
_OLDEST = timedelta(days=14)
_NEWEST = timedelta(hours=2)
_EVENTS_A_PAGE = 10_000
_FOREVER_MS = 1 << 62


async def put_log_events(logs: Logs, call: Call, request: Request) -> Response:
    """Append a batch; events too old, too new or expired are left out and reported."""
    events = [LogEvent(event["timestamp"], event["message"]) for event in request["logEvents"]]
    _validate_batch(events)
    group = await logs.group(request["logGroupName"])
    expired_ms = expired_before_ms(group, call.now)
    too_old_ms = milliseconds(call.now - _OLDEST)
    too_new_ms = milliseconds(call.now + _NEWEST)
    expired = _earlier(events, expired_ms) if expired_ms is not None else 0
    too_old = _earlier(events, too_old_ms)
    new_from = _earlier(events, too_new_ms + 1)
    accepted = events[max(expired, too_old) : new_from]
    end = await logs.put(group.name, request["logStreamName"], accepted)
    rejected: dict[str, int] = {}
    if too_old:
        rejected["tooOldLogEventEndIndex"] = too_old
    if expired:
        rejected["expiredLogEventEndIndex"] = expired
    if new_from < len(events):
        rejected["tooNewLogEventStartIndex"] = new_from
    response: dict[str, Any] = {"nextSequenceToken": f"{end:056d}"}
    return response | ({"rejectedLogEventsInfo": rejected} if rejected else {})


async def get_log_events(logs: Logs, call: Call, request: Request) -> Response:
    """Read a page of one stream; the tokens lead on both ways."""
    group = await logs.group(requested_group(request))
    stream = await logs.stream(group.name, request["logStreamName"])
    if "nextToken" in request:
        position = parse_position(request["nextToken"])
    elif request.get("startFromHead", False):
        position = Position(forward=True, offset=0)
    else:
        position = Position(forward=False, offset=await logs.files.size(stream.id))
    oldest_ms = expired_before_ms(group, call.now)
    page = await read_page(
        logs.files,
        stream.id,
        position,
        max(request.get("startTime", 0), oldest_ms or 0),
        request.get("endTime", _FOREVER_MS),
        request.get("limit", _EVENTS_A_PAGE),
    )
    return {
        "events": [
            {
                "timestamp": event.timestamp_ms,
                "message": event.message,
                "ingestionTime": event.ingested_ms,
            }
            for event in page.events
        ],
        "nextForwardToken": str(page.forward),
        "nextBackwardToken": str(page.backward),
    }


async def filter_log_events(logs: Logs, call: Call, request: Request) -> Response:
    """Search a group's streams; events come in order of time across them."""
    names, prefix = request.get("logStreamNames"), request.get("logStreamNamePrefix")
    if names and prefix:
        raise ServiceError(
            "InvalidParameterException",
            "logStreamNames and logStreamNamePrefix are mutually exclusive parameters.",
        )
    group = await logs.group(requested_group(request))
    if names:
        streams = [await logs.stream(group.name, name) for name in names]
    else:
        streams = await logs.streams(group.name, prefix or "")
    newest_first = not request.get("startFromHead", True)
    after: Key | None = None
    if token := request.get("nextToken"):
        direction, time, stream_id, offset = decode_token(
            token, "InvalidParameterException", form="snsn"
        )
        newest_first, after = direction == "b", (int(time), stream_id, int(offset))
    oldest_ms = expired_before_ms(group, call.now)
    query = Search(
        streams=streams,
        start_ms=max(request.get("startTime", 0), oldest_ms or 0),
        end_ms=request.get("endTime", _FOREVER_MS) + 1,
        matches=compile_pattern(request.get("filterPattern", "")),
        newest_first=newest_first,
    )
    found, more = await search(logs.files, query, request.get("limit", _EVENTS_A_PAGE), after)
    token = encode_token("b" if newest_first else "f", *found[-1].key) if more else None
    return {
        "events": [_filtered(item) for item in found],
        "searchedLogStreams": [],
        "nextToken": token,
    }


def _validate_batch(events: Sequence[LogEvent]) -> None:
    size = sum(len(e.message.encode(errors="replace")) + _EVENT_OVERHEAD_BYTES for e in events)
    if size > _BATCH_BYTES:
        message = f"Upload too large: {size} bytes exceeds limit of {_BATCH_BYTES}"
    elif any(later.timestamp_ms < event.timestamp_ms for event, later in pairwise(events)):
        message = "Log events in a single PutLogEvents request must be in chronological order."
    elif events and events[-1].timestamp_ms - events[0].timestamp_ms > _DAY_MS:
        message = (
            "The batch of log events in a single PutLogEvents request cannot span more than "
            "24 hours."
        )
    else:
        return
    raise ServiceError("InvalidParameterException", message)


def _earlier(events: Sequence[LogEvent], time_ms: int) -> int:
    """Return how many of the events, which are in order of time, are before `time_ms`."""
    return sum(event.timestamp_ms < time_ms for event in events)


def _filtered(found: Found) -> dict[str, Any]:
    return {
        "logStreamName": found.stream.name,
        "timestamp": found.event.timestamp_ms,
        "message": found.event.message,
        "ingestionTime": found.event.ingested_ms,
        "eventId": _event_id(found.stream, found.key),
    }


def _event_id(stream: StoredLogStream, key: Key) -> str:
    """Return 56 digits that always belong to this event: time, stream, offset."""
    time, _, offset = key
    return f"{time:016d}{uuid.UUID(stream.id).int % 10**24:024d}{offset:016d}"
