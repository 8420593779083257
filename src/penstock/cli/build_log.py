"""A build's log, as CloudWatch Logs serves it, line by line."""

from collections.abc import Iterator, Mapping
from typing import Any


class BuildLog:
    """Reads one log stream forward; each `more()` continues where the last one ended."""

    def __init__(self, logs: Any, group: str, stream: str) -> None:
        self._logs = logs
        self._names = {"logGroupName": group, "logStreamName": stream}
        self._token: str | None = None

    def more(self) -> Iterator[str]:
        """Yield the lines that have come since; nothing while the stream does not exist."""
        while True:
            token = {"nextToken": self._token} if self._token else {}
            try:
                answer = self._logs.get_log_events(**self._names, startFromHead=True, **token)
            except self._logs.exceptions.ResourceNotFoundException:
                return
            for event in answer["events"]:
                yield from event["message"].removesuffix("\n").split("\n")
            if answer["nextForwardToken"] == self._token or not answer["events"]:
                self._token = answer["nextForwardToken"]
                return
            self._token = answer["nextForwardToken"]


def open_log(logs: Any, build: Mapping[str, Any]) -> BuildLog | None:
    """Return the log of a build (of BatchGetBuilds); None before it has one."""
    found = build.get("logs", {})
    if not found.get("groupName") or not found.get("streamName"):
        return None
    return BuildLog(logs, found["groupName"], found["streamName"])
