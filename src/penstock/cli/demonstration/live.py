"""Follow an execution as it happens: changes of its actions, and the build's log."""

import textwrap
import time
from typing import Any

from penstock.cli.build_log import BuildLog, open_log
from penstock.cli.connection import Connection
from penstock.cli.demonstration.terminal import Terminal
from penstock.cli.execution import ExecutionView, read_latest
from penstock.cli.layout import WIDTH
from penstock.cli.refusal import Refusal
from penstock.cli.times import took

_POLL_SECONDS = 0.5
_BEGIN_SECONDS = 60
_APPROVAL = "Manual"
_BELOW = "        "


class Follower:
    """Prints what changes, once each, in the pipeline's newest execution.

    `after` is the execution before it, which is passed over; `with_log` adds the build's log.
    """

    def __init__(
        self,
        connection: Connection,
        terminal: Terminal,
        *,
        after: str | None = None,
        with_log: bool = True,
    ) -> None:
        self._codepipeline = connection.client("codepipeline")
        self._codebuild = connection.client("codebuild")
        self._logs = connection.client("logs")
        self._terminal = terminal
        self._after = after
        self._with_log = with_log
        self._shown: dict[str, str] = {}
        self._log: BuildLog | None = None

    def follow(self, pipeline: str) -> ExecutionView:
        """Print until the execution has ended or waits for a person; return how it stands."""
        deadline = time.monotonic() + _BEGIN_SECONDS
        while True:
            view = read_latest(self._codepipeline, pipeline)
            if self._after is None or view.execution_id != self._after:
                self._show(view)
                if view.ended or waits_for_approval(view):
                    self._show_log(view)
                    return view
            elif time.monotonic() > deadline:
                raise Refusal(f"no execution of {pipeline} began in {_BEGIN_SECONDS} seconds")
            time.sleep(_POLL_SECONDS)

    def _show(self, view: ExecutionView) -> None:
        if not self._shown:  # what ran before anyone followed stands before the log
            self._show_changes(view)
        self._show_log(view)
        self._show_changes(view)

    def _show_changes(self, view: ExecutionView) -> None:
        """Print what each action came to, with the time since the execution began."""
        for action in view.actions:
            name = f"{action.stage}/{action.name}"
            if action.status and self._shown.get(name) != action.status:
                self._shown[name] = action.status
                moment = action.started if action.status == "InProgress" else action.changed
                row = f"{took(view.started, moment):>9}  {name}: {action.status}"
                for line in _with_summary(row, action.summary):
                    self._terminal.line(line, "bold")

    def _show_log(self, view: ExecutionView) -> None:
        if self._log is None and self._with_log:
            self._log = self._open(view)
        if self._log is not None:
            for line in self._log.more():
                self._terminal.line(f"    | {line}", "dim")

    def _open(self, view: ExecutionView) -> BuildLog | None:
        ids = [
            action.external_execution_id
            for action in view.actions
            if action.provider == "CodeBuild" and action.external_execution_id
        ]
        if not ids:
            return None
        builds: list[dict[str, Any]] = self._codebuild.batch_get_builds(ids=ids[:1])["builds"]
        return open_log(self._logs, builds[0]) if builds else None


def _with_summary(row: str, summary: str) -> list[str]:
    """Return the summary behind the row, or below it where it is too long for that."""
    if len(row) + 2 + len(summary) <= WIDTH:
        return [f"{row}  {summary}".rstrip()]
    below = textwrap.wrap(
        summary,
        WIDTH,
        initial_indent=_BELOW,
        subsequent_indent=_BELOW,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return [row, *below]


def waits_for_approval(view: ExecutionView) -> bool:
    """Tell whether a manual approval of the execution waits for a person."""
    return any(a.provider == _APPROVAL and a.status == "InProgress" for a in view.actions)
