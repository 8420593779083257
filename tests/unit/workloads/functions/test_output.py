"""What a container writes, told apart: lines, records, and the measures of the end."""

import base64
from unittest.mock import Mock

import pytest

from penstock.aws.errors import ServiceError
from penstock.clock import utc_now
from penstock.containers.observation import Line
from penstock.workloads.functions.function import Code, Function
from penstock.workloads.functions.function_log import FunctionLog
from penstock.workloads.functions.invocation import (
    Invocation,
    Measures,
    closing_lines,
    exit_text,
    tail,
)
from penstock.workloads.functions.output import Ended, Output

FUNCTION = Function(
    name="worker", arn="arn:aws:lambda:us-east-1:123456789012:function:worker", generation="1",
    runtime="python3.12", role="arn:aws:iam::123456789012:role/worker", handler="index.handler",
    code=Code("blob", 1, "sha"), memory_mb=128, revision_id="1", modified_at="now",
)  # fmt: skip
INVOCATION = Invocation("id", FUNCTION, b"{}", "stream")


def made() -> tuple[Output, FunctionLog]:
    log = FunctionLog(Mock(), utc_now, "group", "stream")
    return Output("nonce", "id", log), log


def feed(output: Output, *texts: str) -> None:
    for second, text in enumerate(texts, 1):
        output.feed(Line(second * 1_000_000_000, text))


def test_lines_and_records() -> None:
    output, log = made()
    feed(
        output,
        "while it is imported",
        '\x1enonce {"kind": "started", "init": 0.25}',
        "hello",
        'no end of line\x1enonce {"kind": "log", "text": "[INFO] two\\nlines"}',
        '\x1enonce {"kind": "ended", "error": false, "duration": 0.5, "memory": 1048576}',
    )
    assert list(log.tail) == [
        "while it is imported",
        "START RequestId: id Version: $LATEST",
        "hello",
        "no end of line",
        "[INFO] two\nlines",
    ]
    assert output.started.is_set()
    assert output.ended == Ended(error=False, duration=0.5, memory=1048576)
    assert output.measures == Measures(0.5, 0.25, 1048576)


def test_a_record_without_the_nonce_is_a_line() -> None:
    output, log = made()
    feed(output, '\x1eguess {"kind": "ended"}', "\x1enonce nothing to read")
    assert output.ended is None
    assert list(log.tail) == ['\x1eguess {"kind": "ended"}']


@pytest.mark.parametrize(
    "record",
    [
        "[]",
        '"ended"',
        "null",
        "[" * 16_000,
        "1" * 5_000,
        '{"kind": ["ended"]}',
        '{"kind": "else"}',
        '{"kind": "started", "init": "x"}',
        '{"kind": "started", "init": -1}',
        '{"kind": "log", "text": 1}',
        '{"kind": "ended"}',
        '{"kind": "ended", "error": "no", "duration": 0.5}',
        '{"kind": "ended", "error": false, "duration": "x"}',
        '{"kind": "ended", "error": false, "duration": NaN}',
        '{"kind": "ended", "error": false, "duration": 1e308}',
        '{"kind": "ended", "error": false, "duration": 0.5, "memory": "x"}',
        '{"kind": "ended", "error": false, "duration": 0.5, "memory": -1}',
    ],
)
def test_a_forged_record_is_none(record: str) -> None:
    """Each of them raised: where it was read, or where the report was written."""
    output, log = made()
    feed(output, f"\x1enonce {record}")
    assert output.ended is None
    assert not output.started.is_set()
    closing_lines(INVOCATION, output.measures)
    assert list(log.tail) == []


def test_half_a_character_in_a_record() -> None:
    output, log = made()
    feed(output, '\x1enonce {"kind": "log", "text": "half \\ud83d"}')
    assert list(log.tail) == ["half \ufffd"]
    assert base64.b64decode(tail(list(log.tail))).decode() == "half \ufffd\n"


def test_what_never_told_of_its_end_is_measured_by_its_lines() -> None:
    output, _ = made()
    feed(output, '\x1enonce {"kind": "started"}', "a", "b")
    assert output.measures == Measures(2.0, None, None)


def test_the_end_of_the_log() -> None:
    end, report = closing_lines(INVOCATION, Measures(0.0123456, 0.1, 50 * 1024 * 1024))
    assert end == "END RequestId: id"
    assert report == (
        "REPORT RequestId: id\tDuration: 12.35 ms\tBilled Duration: 13 ms\tMemory Size: 128 MB\t"
        "Max Memory Used: 50 MB\tInit Duration: 100.00 ms\t"
    )
    assert "Max Memory Used" not in closing_lines(INVOCATION, Measures(1.0))[1]


def test_how_a_process_ended() -> None:
    assert exit_text(1, killed=False) == "Runtime exited with error: exit status 1"
    assert exit_text(137, killed=False) == "Runtime exited with error: signal: killed"
    assert exit_text(0, killed=False) == "Runtime exited without providing a reason"


def test_the_tail_is_the_last_four_kilobytes() -> None:
    found = base64.b64decode(tail(["x" * 5000, "last"]))
    assert len(found) == 4096
    assert found.endswith(b"xxx\nlast\n")


async def test_a_role_that_may_not_write_has_no_log() -> None:
    async def deny(*_: object) -> None:
        raise ServiceError("AccessDeniedException", "no")

    logs = Mock()
    log = FunctionLog(logs, utc_now, "/aws/lambda/worker", "stream")
    await log.begin(deny, Mock(), {"region": "us-east-1", "account_id": "123456789012"})
    log.say("hello")
    await log.close()
    assert logs.mock_calls == []
    assert list(log.tail) == ["hello"]
