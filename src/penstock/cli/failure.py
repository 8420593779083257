"""Why a build failed, read from its phases and its log."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_COMMAND_ERROR = re.compile(
    r"Error while executing command: (?P<command>.*)\. Reason: (?P<reason>.*)", re.DOTALL
)
_EXIT = re.compile(r"exit status (\d+)")
_LINE = re.compile(r"Command is at line (?P<line>\d+) of (?P<name>.+)")
_AGENT = re.compile(r"^\[Container\] \S+ \S+ (?P<text>.*)", re.DOTALL)
LINES = 40


@dataclass(frozen=True, slots=True)
class Failure:
    """The last phase that failed; `command` and `exit_code` when a command did."""

    phase: str
    status: str
    code: str
    message: str
    command: str | None = None
    exit_code: int | None = None


def find_failure(build: Mapping[str, Any]) -> Failure | None:
    """Return the last failure of a build (of BatchGetBuilds); None when no phase failed.

    A POST_BUILD that fails merely because BUILD did is still the last, so the failed command
    of the earliest failed phase is preferred over later ones without a command.
    """
    failed = [
        phase
        for phase in build.get("phases", [])
        if phase.get("phaseStatus") not in (None, "SUCCEEDED")
    ]
    found = [_failure(phase) for phase in failed]
    with_command = [failure for failure in found if failure.command is not None]
    if with_command:
        return with_command[0]
    return found[-1] if found else None


def _failure(phase: Mapping[str, Any]) -> Failure:
    contexts: list[Mapping[str, str]] = phase.get("contexts", [])
    context = next((c for c in contexts if c.get("message")), {})
    message = context.get("message", "")
    match = _COMMAND_ERROR.fullmatch(message)
    status = _EXIT.search(match["reason"]) if match else None
    return Failure(
        phase=phase["phaseType"],
        status=phase["phaseStatus"],
        code=context.get("statusCode", ""),
        message=message,
        command=match["command"] if match else None,
        exit_code=int(status[1]) if status else None,
    )


def last_output(log: Sequence[str], command: str | None, limit: int = LINES) -> list[str]:
    """Return at most `limit` lines that `command` printed before it failed.

    Without a command, or when the log does not tell where it ran: the log's last lines.
    """
    begin, end = 0, len(log)
    if command is not None:
        first = command.split("\n", 1)[0]
        for number, line in enumerate(log):
            match = _AGENT.match(line)
            if match is None:
                continue
            if match["text"].startswith(f"Running command {first}"):
                begin, end = number + 1 + _rest_of(command, log[number + 1 :]), len(log)
            elif match["text"].startswith("Command did not exit successfully"):
                end = min(end, number)
    return list(log[begin:end][-limit:])


def _rest_of(command: str, following: Sequence[str]) -> int:
    """Count the lines after `Running command` that are still the command's own text."""
    rest = command.split("\n")[1:]
    return len(rest) if list(following[: len(rest)]) == rest else 0


def buildspec_line(log: Sequence[str], command: str) -> str | None:
    """Return where the failed `command` stands (`buildspec.yml, line 25`), as the log tells it."""
    first = command.split("\n", 1)[0]
    failed = False
    for line in log:
        match = _AGENT.match(line)
        if match is None:
            continue
        if match["text"].startswith(f"Command did not exit successfully {first}"):
            failed = True
        elif failed and (found := _LINE.fullmatch(match["text"])):
            return f"{found['name']}, line {found['line']}"
    return None
