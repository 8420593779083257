"""Calls a Python handler once, inside the function's container.

It is told in invocation.json what to call; what it writes to standard output is the function's log,
with records among its lines (`output.py` of the server reads them), and the answer is a file.
Forms of errors: https://docs.aws.amazon.com/lambda/latest/dg/python-exceptions.html
"""

import importlib
import json
import logging
import os
import resource
import sys
import time
import traceback
from pathlib import Path
from types import SimpleNamespace
from typing import Any

_RUNTIME = Path(os.environ["LAMBDA_RUNTIME_DIR"])
_RESULT = _RUNTIME / "out" / "result"
_TEXT = 2500
"""Characters in one record: the engine cuts lines at 16 KB."""


class HandlerError(Exception):
    """The handler cannot be had; `kind` is AWS's type of the error."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class Records:
    """Tells the server, on standard output, what is not a line of the function's."""

    def __init__(self, nonce: str) -> None:
        self._nonce = nonce

    def tell(self, kind: str, **members: Any) -> None:
        """Write one record."""
        sys.stdout.flush()
        sys.stderr.flush()
        record = json.dumps({"kind": kind, **members}, ensure_ascii=False)
        os.write(1, f"\x1e{self._nonce} {record}\n".encode("utf-8", "replace"))

    def log(self, text: str) -> None:
        """Write a text that is one event of the log."""
        for begin in range(0, len(text) or 1, _TEXT):
            self.tell("log", text=text[begin : begin + _TEXT])


class LogHandler(logging.Handler):
    """The root logger's handler, with AWS's form of a line."""

    def __init__(self, records: Records, request_id: str) -> None:
        super().__init__()
        self._records = records
        self._request_id = request_id
        form = f"[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t{request_id}\t%(message)s"
        formatter = logging.Formatter(form, "%Y-%m-%dT%H:%M:%S")
        formatter.converter = time.gmtime
        self.setFormatter(formatter)

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record of logging's."""
        self._records.log(self.format(record))


class Context:
    """What a handler is given beside the event.

    Source: https://docs.aws.amazon.com/lambda/latest/dg/python-context.html
    """

    def __init__(self, told: dict[str, Any], deadline: float) -> None:
        self.function_name = told["function_name"]
        self.function_version = "$LATEST"
        self.invoked_function_arn = told["function_arn"]
        self.memory_limit_in_mb = str(told["memory_mb"])
        self.aws_request_id = told["request_id"]
        self.log_group_name = told["log_group"]
        self.log_stream_name = told["log_stream"]
        self.identity = SimpleNamespace(cognito_identity_id=None, cognito_identity_pool_id=None)
        self.client_context = _client_context(told["client_context"])
        self._deadline = deadline

    def get_remaining_time_in_millis(self) -> int:
        """Return the milliseconds until the function is ended."""
        return max(0, int((self._deadline - time.monotonic()) * 1000))

    def log(self, message: Any) -> None:
        """Write to the function's log."""
        sys.stdout.write(str(message))


def _client_context(text: str | None) -> Any:
    if not text:
        return None
    import base64

    found = json.loads(base64.b64decode(text))
    client = SimpleNamespace(**(found.get("client") or {}))
    return SimpleNamespace(client=client, custom=found.get("custom"), env=found.get("env"))


def find_handler(name: str) -> Any:
    """Import what `module.function` names; HandlerError."""
    module_name, dot, function_name = name.rpartition(".")
    if not dot:
        raise HandlerError(
            "Runtime.MalformedHandlerName",
            f"Bad handler '{name}': not enough values to unpack (expected 2, got 1)",
        )
    try:
        module = importlib.import_module(module_name.replace("/", "."))
    except ImportError as error:
        raise HandlerError(
            "Runtime.ImportModuleError", f"Unable to import module '{module_name}': {error}"
        ) from error
    except SyntaxError as error:
        raise HandlerError(
            "Runtime.UserCodeSyntaxError",
            f"Syntax error in module '{module_name}': {error}",
        ) from error
    if not hasattr(module, function_name):
        raise HandlerError(
            "Runtime.HandlerNotFound",
            f"Handler '{function_name}' missing on module '{module_name}'",
        )
    return getattr(module, function_name)


def described(error: BaseException, request_id: str) -> dict[str, Any]:
    """Return an error as the answer that tells of it."""
    if isinstance(error, HandlerError):
        return {
            "errorMessage": str(error),
            "errorType": error.kind,
            "requestId": request_id,
            "stackTrace": [],
        }
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if not _own(frame)]
    return {
        "errorMessage": str(error),
        "errorType": type(error).__name__,
        "requestId": request_id,
        "stackTrace": traceback.format_list(frames),
    }


def _own(frame: traceback.FrameSummary) -> bool:
    return frame.filename == __file__ or frame.filename.startswith("<frozen importlib")


def as_log(answer: dict[str, Any]) -> str:
    """Return how the log tells of an error."""
    text = f"[ERROR] {answer['errorType']}: {answer['errorMessage']}"
    if answer["stackTrace"]:
        text += "\nTraceback (most recent call last):\n" + "".join(answer["stackTrace"])
    return text.rstrip("\n")


def call(told: dict[str, Any], records: Records, began: float) -> tuple[str, bool, float]:
    """Call the handler; return the answer as JSON, whether it tells of an error, and seconds."""
    event = json.loads((_RUNTIME / "event.json").read_bytes())
    problem: BaseException | None = None
    handler: Any = None
    try:
        handler = find_handler(told["handler"])
    except Exception as error:  # noqa: BLE001 (whatever the user's module raises)
        problem = error
    started = time.monotonic()
    records.tell("started", init=started - began)
    try:
        if problem is not None:
            raise problem
        result = handler(event, Context(told, started + told["timeout_seconds"]))
        try:
            answer = json.dumps(result, ensure_ascii=False)
        except (TypeError, ValueError) as error:
            raise HandlerError(
                "Runtime.MarshalError", f"Unable to marshal response: {error}"
            ) from error
    except Exception as error:  # noqa: BLE001 (the boundary of the user's code)
        failed = described(error, told["request_id"])
        records.log(as_log(failed))
        return json.dumps(failed, ensure_ascii=False), True, time.monotonic() - started
    return answer, False, time.monotonic() - started


def main() -> None:
    """Call the handler and end, whatever it left running."""
    began = time.monotonic()
    told = json.loads((_RUNTIME / "invocation.json").read_bytes())
    records = Records(told["nonce"])
    sys.path.insert(0, os.environ["LAMBDA_TASK_ROOT"])
    logging.getLogger().addHandler(LogHandler(records, told["request_id"]))
    answer, failed, seconds = call(told, records, began)
    _RESULT.write_bytes(answer.encode("utf-8", "surrogatepass"))
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    records.tell("ended", error=failed, duration=seconds, memory=memory)
    os._exit(0)


if __name__ == "__main__":
    main()
