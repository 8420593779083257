"""One invocation of a function, its outcome, and how its log tells of it: pure.

Source: https://docs.aws.amazon.com/lambda/latest/dg/python-logging.html (the form of the lines),
https://docs.aws.amazon.com/lambda/latest/dg/troubleshooting-invocation.html
"""

import base64
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from penstock.errors import EngineError
from penstock.workloads.functions.function import LATEST, Function

MOST_PAYLOAD_BYTES = 6_291_456
"""Of a request and of an answer."""
MOST_EVENT_BYTES = 1_048_576
MOST_OUTPUT_BYTES = 64 << 20
"""Of what one invocation writes to its log; AWS has no such limit, but no disk of its users'."""
_TAIL_BYTES = 4_096
UNHANDLED = "Unhandled"
"""What X-Amz-Function-Error says, for every runtime that is alive."""


class CodeReplaced(EngineError):
    """A function's code was replaced before an invocation had begun; nothing was done for it."""

    def __init__(self, function: Function) -> None:
        super().__init__(
            f"the code of the function {function.name} was replaced meanwhile; invoke it again",
            retryable=True,
        )


@dataclass(frozen=True, slots=True)
class Invocation:
    """What a function is called with. Its id names what it has on the engine."""

    request_id: str
    function: Function
    payload: bytes = field(repr=False)
    log_stream: str
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    client_context: str | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of an invocation: the answer, or with `error` what went wrong, as JSON."""

    payload: bytes = field(repr=False)
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Measures:
    """What an invocation took; unknown is None. Times in seconds, memory in bytes."""

    duration: float
    init: float | None = None
    memory: int | None = None


def log_stream(now: datetime, suffix: str) -> str:
    """Return the name of an execution environment's log stream."""
    return f"{now:%Y/%m/%d}/[{LATEST}]{suffix}"


def start_line(request_id: str) -> str:
    """Return what the log says before the handler is called."""
    return f"START RequestId: {request_id} Version: {LATEST}"


def closing_lines(invocation: Invocation, measures: Measures) -> list[str]:
    """Return what the log says at the end."""
    request_id = invocation.request_id
    milliseconds = measures.duration * 1000
    parts = [
        f"REPORT RequestId: {request_id}",
        f"Duration: {milliseconds:.2f} ms",
        f"Billed Duration: {math.ceil(milliseconds)} ms",
        f"Memory Size: {invocation.function.memory_mb} MB",
    ]
    if measures.memory is not None:
        parts.append(f"Max Memory Used: {measures.memory // (1024 * 1024)} MB")
    if measures.init is not None:
        parts.append(f"Init Duration: {measures.init * 1000:.2f} ms")
    return [f"END RequestId: {request_id}", "\t".join(parts) + "\t"]


def timed_out(invocation: Invocation) -> Outcome:
    """Return the outcome of a function that took too long."""
    return _failed(
        "Sandbox.Timedout",
        f"RequestId: {invocation.request_id} Error: {timeout_text(invocation.function)}",
    )


def timeout_text(function: Function) -> str:
    """Return how a time-out is told."""
    return f"Task timed out after {function.timeout_seconds:.2f} seconds"


def wrote_too_much(invocation: Invocation) -> Outcome:
    """Return the outcome of a function that was ended for what it wrote."""
    return _failed(
        "Penstock.OutputTooLarge",
        f"RequestId: {invocation.request_id} Error: {wrote_too_much_text()}",
    )


def wrote_too_much_text() -> str:
    """Return how an output that is too large is told."""
    return f"The function was ended: it wrote more than {MOST_OUTPUT_BYTES >> 20} MB to its log"


def exited(invocation: Invocation, exit_code: int | None, *, killed: bool) -> Outcome:
    """Return the outcome of a function whose process ended without an answer."""
    return _failed(
        "Runtime.ExitError",
        f"RequestId: {invocation.request_id} Error: {exit_text(exit_code, killed=killed)}",
    )


def exit_text(exit_code: int | None, *, killed: bool) -> str:
    """Return how the end of a process is told; `killed` is by the kernel, out of memory."""
    if killed or exit_code == 137:
        return "Runtime exited with error: signal: killed"
    if exit_code == 139:
        return "Runtime exited with error: signal: segmentation fault"
    if not exit_code:
        return "Runtime exited without providing a reason"
    return f"Runtime exited with error: exit status {exit_code}"


def too_large(size: int) -> Outcome:
    """Return the outcome of a function whose answer is larger than one may be."""
    return _failed(
        "Function.ResponseSizeTooLarge",
        f"Response payload size ({size} bytes) exceeded maximum allowed payload size "
        f"({MOST_PAYLOAD_BYTES} bytes).",
    )


def tail(lines: Sequence[str]) -> str:
    """Return the last 4 KB of a log, in base64, as LogType Tail asks for it."""
    text = "".join(f"{line}\n" for line in lines).encode()
    return base64.b64encode(text[-_TAIL_BYTES:]).decode()


def _failed(error_type: str, message: str) -> Outcome:
    document = {"errorType": error_type, "errorMessage": message}
    return Outcome(json.dumps(document).encode(), UNHANDLED)
