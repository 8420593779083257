"""Log streams."""

from typing import Any

from penstock.aws.errors import ServiceError
from penstock.aws.pagination import decode_token, encode_token
from penstock.aws.service import Call, Request, Response
from penstock.services.logs.api.identifiers import requested_group
from penstock.services.logs.log_groups import Logs, milliseconds
from penstock.storage.log_files import Extent
from penstock.storage.log_streams import StoredLogStream


async def create_log_stream(logs: Logs, call: Call, request: Request) -> Response:
    """Make an empty stream in a group."""
    await logs.create_stream(request["logGroupName"], request["logStreamName"])
    return {}


async def delete_log_stream(logs: Logs, call: Call, request: Request) -> Response:
    """Remove a stream and its events."""
    await logs.delete_stream(request["logGroupName"], request["logStreamName"])
    return {}


async def describe_log_streams(logs: Logs, call: Call, request: Request) -> Response:
    """List a group's streams by name, or by the time of their last event."""
    by_time = request.get("orderBy", "LogStreamName") == "LastEventTime"
    prefix = request.get("logStreamNamePrefix", "")
    if by_time and prefix:
        raise ServiceError(
            "InvalidParameterException",
            "Cannot order by LastEventTime with a logStreamNamePrefix.",
        )
    group = requested_group(request)
    streams = await logs.streams(group, prefix)
    extents: dict[str, Extent] = {}
    if by_time:
        extents = {stream.id: await logs.files.extent(stream.id) for stream in streams}

    def rank(stream: StoredLogStream) -> tuple[int, str]:
        latest = extents[stream.id].latest_ms if by_time else None
        return latest or 0, stream.name

    descending = request.get("descending", False)
    streams.sort(key=rank, reverse=descending)
    if token := request.get("nextToken"):
        time, name = decode_token(token, "InvalidParameterException", form="ns")
        last = (int(time), name)
        streams = [s for s in streams if (rank(s) < last if descending else rank(s) > last)]
    shown = streams[: request.get("limit", 50)]
    more = len(streams) > len(shown)
    return {
        "logStreams": [
            _description(logs, stream, await logs.files.extent(stream.id)) for stream in shown
        ],
        "nextToken": encode_token(*rank(shown[-1])) if more else None,
    }


def _description(logs: Logs, stream: StoredLogStream, extent: Extent) -> dict[str, Any]:
    return {
        "logStreamName": stream.name,
        "creationTime": milliseconds(stream.created_at),
        "firstEventTimestamp": extent.earliest_ms,
        "lastEventTimestamp": extent.latest_ms,
        "lastIngestionTime": extent.appended_ms,
        "uploadSequenceToken": f"{extent.count:056d}",
        "arn": f"{logs.group_arn(stream.group_name)}:log-stream:{stream.name}",
        "storedBytes": 0,  # as AWS answers since 2019, whatever is stored
    }
