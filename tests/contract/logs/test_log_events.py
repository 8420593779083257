"""Writing, reading and searching events through boto3 and the aws CLI."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from penstock.storage.log_files import LogEvent


@pytest.fixture
def stream(server: Any, logs: Any) -> dict[str, str]:
    server.aws.run(server.domain.ensure_stream("g", "s"))
    return {"logGroupName": "g", "logStreamName": "s"}


def _put(logs: Any, stream: dict[str, str], first_ms: int, count: int, start: int = 0) -> Any:
    return logs.put_log_events(
        **stream,
        logEvents=[
            {"timestamp": first_ms + n, "message": f"line {n}"} for n in range(start, start + count)
        ],
    )


def _messages(response: Any) -> list[str]:
    return [event["message"] for event in response["events"]]


def test_what_is_put_is_got(logs: Any, stream: dict[str, str], now_ms: int) -> None:
    _put(logs, stream, now_ms, 3)
    events = logs.get_log_events(**stream)["events"]
    assert [(e["timestamp"], e["message"]) for e in events] == [
        (now_ms + n, f"line {n}") for n in range(3)
    ]
    assert all(abs(event["ingestionTime"] - now_ms) < 60_000 for event in events)
    by_arn = logs.get_log_events(
        logGroupIdentifier="arn:aws:logs:us-east-1:123456789012:log-group:g", logStreamName="s"
    )
    assert by_arn["events"] == events
    with pytest.raises(ClientError, match="one of logGroupName and logGroupIdentifier"):
        logs.get_log_events(logStreamName="s")
    with pytest.raises(ClientError) as raised:
        logs.describe_log_streams(logGroupName="g", logGroupIdentifier="g")
    error = raised.value.response["Error"]
    # localstack/localstack tests/aws/services/logs/test_logs_streams.snapshot.json, from AWS.
    assert (error["Code"], error["Message"]) == (
        "ValidationException",
        "LogGroup name and LogGroup ARN are mutually exclusive parameters.",
    )


def test_pages_forward_end_with_the_same_token(
    logs: Any, stream: dict[str, str], now_ms: int
) -> None:
    _put(logs, stream, now_ms, 10)
    seen: list[str] = []
    arguments: dict[str, Any] = {"startFromHead": True, "limit": 4}
    while True:
        page = logs.get_log_events(**stream, **arguments)
        seen += _messages(page)
        token = page["nextForwardToken"]
        if token == arguments.get("nextToken"):
            break
        arguments["nextToken"] = token
    assert seen == [f"line {n}" for n in range(10)]
    assert token.startswith("f/")
    _put(logs, stream, now_ms, 2, start=10)
    assert _messages(logs.get_log_events(**stream, **arguments)) == ["line 10", "line 11"]
    back = logs.get_log_events(**stream, nextToken=page["nextBackwardToken"], limit=3)
    assert _messages(back) == ["line 7", "line 8", "line 9"]


def test_pages_backward_end_with_the_same_token(
    logs: Any, stream: dict[str, str], now_ms: int
) -> None:
    _put(logs, stream, now_ms, 10)
    page = logs.get_log_events(**stream, limit=4)
    assert _messages(page) == [f"line {n}" for n in range(6, 10)]
    forward = logs.get_log_events(**stream, nextToken=page["nextForwardToken"])
    assert forward["events"] == []
    assert forward["nextForwardToken"] == page["nextForwardToken"]
    page = logs.get_log_events(**stream, limit=4, nextToken=page["nextBackwardToken"])
    assert _messages(page) == [f"line {n}" for n in range(2, 6)]
    page = logs.get_log_events(**stream, limit=4, nextToken=page["nextBackwardToken"])
    assert _messages(page) == ["line 0", "line 1"]
    last = logs.get_log_events(**stream, nextToken=page["nextBackwardToken"])
    assert last["events"] == []
    assert last["nextBackwardToken"] == page["nextBackwardToken"]


def test_times_bound_what_is_got(
    server: Any, logs: Any, stream: dict[str, str], now_ms: int
) -> None:
    batch = [LogEvent(now_ms + n, f"line {n} " + "." * 250) for n in range(5000)]
    for first in range(0, 5000, 500):  # several compressed chunks
        server.aws.run(server.domain.put("g", "s", batch[first : first + 500]))
    times = {"startTime": now_ms + 2500, "endTime": now_ms + 2503}
    for head in (True, False):
        page = logs.get_log_events(**stream, **times, startFromHead=head)
        assert [event["timestamp"] - now_ms for event in page["events"]] == [2500, 2501, 2502]
    found = logs.filter_log_events(logGroupName="g", **times)["events"]
    assert [event["timestamp"] - now_ms for event in found] == [2500, 2501, 2502, 2503]
    pages = logs.get_log_events(**stream, startFromHead=True, limit=10_000)
    assert 3000 < len(pages["events"]) < 5000  # 1 MiB
    more = logs.get_log_events(**stream, nextToken=pages["nextForwardToken"], startFromHead=True)
    assert len(pages["events"]) + len(more["events"]) == 5000


def test_a_foreign_token_is_refused(logs: Any, stream: dict[str, str]) -> None:
    with pytest.raises(ClientError, match="The specified nextToken is invalid"):
        logs.get_log_events(**stream, nextToken="x/1")
    with pytest.raises(ClientError, match="InvalidParameterException"):
        logs.filter_log_events(logGroupName="g", nextToken="nothing of ours")


def test_batches_that_aws_refuses(logs: Any, stream: dict[str, str], now_ms: int) -> None:
    for events, message in [
        ([(now_ms, "b"), (now_ms - 1, "a")], "must be in chronological order"),
        ([(now_ms - 86_400_001, "a"), (now_ms, "b")], "cannot span more than 24 hours"),
        ([(now_ms, "x" * 200_000)] * 6, "Upload too large: 1200156 bytes exceeds limit of 1048576"),
    ]:
        with pytest.raises(ClientError, match=message):
            logs.put_log_events(
                **stream,
                logEvents=[{"timestamp": time, "message": text} for time, text in events],
            )
    assert logs.get_log_events(**stream)["events"] == []


def test_events_outside_the_accepted_times_are_left_out_and_reported(
    logs: Any, stream: dict[str, str], now_ms: int
) -> None:
    day = 86_400_000
    old = _put(logs, stream, now_ms - 15 * day, 2)
    assert old["rejectedLogEventsInfo"] == {"tooOldLogEventEndIndex": 2}
    new = logs.put_log_events(
        **stream,
        logEvents=[
            {"timestamp": now_ms, "message": "kept"},
            {"timestamp": now_ms + 3 * 3_600_000, "message": "of the future"},
        ],
    )
    assert new["rejectedLogEventsInfo"] == {"tooNewLogEventStartIndex": 1}
    logs.put_retention_policy(logGroupName="g", retentionInDays=3)
    expired = _put(logs, stream, now_ms - 4 * day, 1)
    assert expired["rejectedLogEventsInfo"] == {"expiredLogEventEndIndex": 1}
    logs.delete_retention_policy(logGroupName="g")
    assert _messages(logs.get_log_events(**stream)) == ["kept"]


def _two_streams(server: Any, now_ms: int) -> None:
    for name, remainder in (("even", 0), ("odd", 1)):
        server.aws.run(server.domain.ensure_stream("g", name))
        events = [
            LogEvent(now_ms + n, f"{name} {n} {'ERROR' if n % 5 == 0 else 'ok'}")
            for n in range(remainder, 40, 2)
        ]
        server.aws.run(server.domain.put("g", name, events))


@pytest.mark.parametrize("limit", [1, 7, 10_000])
def test_a_search_merges_streams_by_time_in_pages(
    server: Any, logs: Any, now_ms: int, limit: int
) -> None:
    _two_streams(server, now_ms)
    for from_head in (True, False):
        arguments: dict[str, Any] = {"limit": limit, "startFromHead": from_head}
        found: list[Any] = []
        while True:
            page = logs.filter_log_events(logGroupName="g", startTime=now_ms, **arguments)
            assert len(page["events"]) <= limit
            found += page["events"]
            if "nextToken" not in page:
                break
            arguments = {"limit": limit, "nextToken": page["nextToken"]}
        times = [event["timestamp"] - now_ms for event in found]
        assert times == (list(range(40)) if from_head else list(range(39, -1, -1)))
        assert {event["logStreamName"] for event in found} == {"even", "odd"}
        ids = [event["eventId"] for event in found]
        assert len(set(ids)) == 40
        assert all(len(event_id) == 56 and event_id.isdecimal() for event_id in ids)


def test_events_that_arrive_late_are_found_in_their_place(
    server: Any, logs: Any, now_ms: int
) -> None:
    server.aws.run(server.domain.ensure_stream("g", "s"))
    padding = "." * 250
    for first in (4000, 0, 2000):  # whole chunks out of order
        for start in range(first, first + 2000, 500):
            events = [LogEvent(now_ms + n, f"{n}{padding}") for n in range(start, start + 500)]
            server.aws.run(server.domain.put("g", "s", events))
    pages = logs.get_paginator("filter_log_events").paginate(
        logGroupName="g", PaginationConfig={"PageSize": 900}
    )
    times = [event["timestamp"] - now_ms for page in pages for event in page["events"]]
    assert times == list(range(6000))


def test_a_search_is_narrowed_by_stream(server: Any, logs: Any, now_ms: int) -> None:
    _two_streams(server, now_ms)
    for arguments in ({"logStreamNames": ["odd"]}, {"logStreamNamePrefix": "o"}):
        found = logs.filter_log_events(logGroupName="g", **arguments)["events"]
        assert len(found) == 20
        assert {event["logStreamName"] for event in found} == {"odd"}
    with pytest.raises(ClientError, match="The specified log stream does not exist"):
        logs.filter_log_events(logGroupName="g", logStreamNames=["none"])
    with pytest.raises(ClientError, match="mutually exclusive"):
        logs.filter_log_events(logGroupName="g", logStreamNames=["odd"], logStreamNamePrefix="o")


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("ERROR", ["[ERROR 400] BAD REQUEST", "ERROR: disk full"]),
        ("ERROR REQUEST", ["[ERROR 400] BAD REQUEST"]),
        ("?WARN ?full", ["ERROR: disk full", "WARN slow", "WARN very slow"]),
        ("WARN -very", ["WARN slow"]),
        ('"very slow"', ["WARN very slow"]),
        ('"[ERROR 400]"', ["[ERROR 400] BAD REQUEST"]),
        ("error", []),
        ("", ["[ERROR 400] BAD REQUEST", "ERROR: disk full", "WARN slow", "WARN very slow"]),
    ],
)
def test_filter_patterns(
    logs: Any, stream: dict[str, str], now_ms: int, pattern: str, expected: list[str]
) -> None:
    messages = ["[ERROR 400] BAD REQUEST", "ERROR: disk full", "WARN slow", "WARN very slow"]
    logs.put_log_events(
        **stream, logEvents=[{"timestamp": now_ms, "message": text} for text in messages]
    )
    found = logs.filter_log_events(logGroupName="g", filterPattern=pattern)
    assert _messages(found) == expected


@pytest.mark.parametrize("pattern", ["{ $.level = 1 }", "[a, b]", "%ERR%", "(x)"])
def test_patterns_that_are_not_matched_are_refused(
    logs: Any, stream: dict[str, str], pattern: str
) -> None:
    with pytest.raises(ClientError, match=r"InvalidParameterException.*expected terms"):
        logs.filter_log_events(logGroupName="g", filterPattern=pattern)


def test_polling_as_aws_logs_tail_follow_does_sees_each_event_once(
    server: Any, logs: Any, stream: dict[str, str], now_ms: int
) -> None:
    """`aws logs tail --follow` (version 2) asks from the newest time on, and skips known ids."""
    seen: dict[str, str] = {}
    start_ms = now_ms - 10_000
    for batch in range(5):
        _put(logs, stream, now_ms, 3, start=batch * 2)  # some of equal times
        pages = logs.get_paginator("filter_log_events").paginate(
            logGroupName="g", startTime=start_ms, interleaved=True, PaginationConfig={"PageSize": 2}
        )
        for event in [event for page in pages for event in page["events"]]:
            seen.setdefault(event["eventId"], event["message"])
            start_ms = max(start_ms, event["timestamp"])
    everything = _messages(logs.get_log_events(**stream, startFromHead=True))
    assert len(everything) == 15
    assert sorted(seen.values()) == sorted(everything)


def test_the_aws_command_line_searches(
    server: Any, logs: Any, stream: dict[str, str], now_ms: int
) -> None:
    _put(logs, stream, now_ms, 3)
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": "/nonexistent",
        "AWS_ENDPOINT_URL": server.aws.url,
        "AWS_ACCESS_KEY_ID": "AKIAROOTROOTROOTROOT",
        "AWS_SECRET_ACCESS_KEY": "root-secret/+=",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    aws = Path(sys.executable).with_name("aws")
    command = [str(aws), "logs", "filter-log-events", "--log-group-name", "g", "--output", "text"]
    finished = subprocess.run(
        [*command, "--query", "events[].message"],
        env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert finished.stdout.split("\t") == ["line 0", "line 1", "line 2\n"]
