"""The approval that waits: decided by the person, here or in the console, or by the demo itself."""

import shlex
import time
from dataclasses import dataclass
from typing import Any

from penstock.cli.connection import Connection
from penstock.cli.console import login_link
from penstock.cli.demonstration.place import Place
from penstock.cli.demonstration.road import PIPELINE, Road
from penstock.cli.demonstration.terminal import Terminal
from penstock.cli.refusal import Refusal

APPROVED = "Approved"
REJECTED = "Rejected"
_OTHERWISE = "Decided at the terminal"
_KEYS = {"a": APPROVED, "approve": APPROVED, "r": REJECTED, "reject": REJECTED}
_POLL_SECONDS = 0.5
_BEGIN_SECONDS = 30
_TAKES_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Waiting:
    """One approval action that waits; `id` is its action execution's, `token` what decides it."""

    stage: str
    action: str
    id: str
    token: str


class Approvals:
    """Has the demo's approvals decided. `asks` says whether a person does, or the demo."""

    def __init__(
        self, place: Place, connection: Connection, terminal: Terminal, road: Road, *, asks: bool
    ) -> None:
        self._place = place
        self._connection = connection
        self._codepipeline = connection.client("codepipeline")
        self._terminal = terminal
        self._road = road
        self._asks = asks

    def waiting(self) -> Waiting | None:
        """Return the pipeline's approval that waits, or None."""
        state = self._codepipeline.get_pipeline_state(name=PIPELINE)
        return next(iter(_waiting(state)), None)

    def decide(self, wanted: str, summary: str) -> str:
        """Return what was decided: `wanted` where nobody is asked, else the person's choice.

        Returns when the pipeline has taken the decision.
        """
        found = self._found()
        decision = self._ask(found, wanted) if self._asks else wanted
        if decision is not None:
            self._put(found, decision, summary if decision == wanted else _OTHERWISE)
        self._wait_until_taken(found)
        return self._decision(found)

    def _found(self) -> Waiting:
        """Return the approval that waits; it may be decided once its message is sent."""
        deadline = time.monotonic() + _BEGIN_SECONDS
        while (found := self.waiting()) is None:
            if time.monotonic() > deadline:
                raise Refusal(f"expected an approval that waits in {PIPELINE}, found none")
            time.sleep(_POLL_SECONDS)
        return found

    def _ask(self, found: Waiting, wanted: str) -> str | None:
        """Return what the person typed; None when they decided elsewhere."""
        connection, line = self._connection, self._terminal.line
        line("Your decision. In the console:")
        line(f"  log in  {login_link(connection)}")
        line("          (works once, for five minutes; for another:")
        line(f"          penstock console --data-dir {self._place.root})")
        line(f"  then    {connection.endpoint_url}/console/approvals/{found.id}")
        verb = "approve" if wanted == APPROVED else "reject"
        line(f"Or here: a + Enter approves, r + Enter rejects. The demo's next step: {verb} it.")
        while True:
            typed = self._terminal.typed(_POLL_SECONDS).lower()
            if typed in _KEYS:
                return _KEYS[typed]
            if typed:
                line("expected a (approve) or r (reject)")
            if self.waiting() != found:
                line("Decided in the console.")
                return None

    def _put(self, found: Waiting, decision: str, summary: str) -> None:
        result = f"status={decision},summary={summary}"
        self._road.aws(
            f"codepipeline put-approval-result --pipeline-name {PIPELINE}"
            f" --stage-name {found.stage} --action-name {found.action}"
            f" --token {found.token} --result {shlex.quote(result)}"
        )

    def _wait_until_taken(self, found: Waiting) -> None:
        deadline = time.monotonic() + _TAKES_SECONDS
        while self.waiting() == found:
            if time.monotonic() > deadline:
                raise Refusal(f"{found.stage}/{found.action} still waits after its decision")
            time.sleep(_POLL_SECONDS / 2)

    def _decision(self, found: Waiting) -> str:
        """Read from the action's history what was decided."""
        pages = self._codepipeline.get_paginator("list_action_executions").paginate(
            pipelineName=PIPELINE
        )
        for page in pages:
            for each in page["actionExecutionDetails"]:
                if each["actionExecutionId"] == found.id:
                    return APPROVED if each["status"] == "Succeeded" else REJECTED
        raise Refusal(f"expected {found.id} among the pipeline's actions, found it nowhere")


def _waiting(state: dict[str, Any]) -> list[Waiting]:
    """Return the approvals in an answer of GetPipelineState that wait."""
    return [
        Waiting(stage["stageName"], action["actionName"], latest["actionExecutionId"], token)
        for stage in state["stageStates"]
        for action in stage["actionStates"]
        if (latest := action.get("latestExecution", {})).get("status") == "InProgress"
        and (token := latest.get("token"))
    ]
