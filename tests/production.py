"""What a user does about production, with the `aws` CLI: adds the stage to the running pipeline,
reads what waits for approval, decides; and what was then really executed, read past the API."""

import json
import sqlite3
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from penstock.pipelines import review
from penstock.stacks.operations.operation import Operation
from penstock.stacks.planning.plan import Plan
from penstock.storage.encryption import Cipher
from tests.delivery import action_states
from tests.deployment import EXAMPLES, PIPELINE_STACK, STACK, outputs
from tests.server_process import ServerProcess

PRODUCTION = f"{STACK}-prod"
STAGE = "Production"
STAGE_FILE = EXAMPLES / "todobackend-aws" / "production-stage.json"


@dataclass(frozen=True, slots=True)
class Waiting:
    """An approval that waits: what PutApprovalResult needs, and what the approver is shown."""

    action: str
    id: str
    token: str
    execution_id: str
    digest: str | None
    review: review.Review


def add_stage(server: ServerProcess, directory: Path) -> None:
    """get-pipeline, edit, update-pipeline, as the example's README says."""
    declared = server.aws("codepipeline", "get-pipeline", "--name", STACK)["pipeline"]
    text = STAGE_FILE.read_text()
    for name in ("DeploymentRole", "Approvals"):
        text = text.replace(f"${{{name}}}", outputs(server, PIPELINE_STACK)[name])
    stage = json.loads(text)
    declared["stages"].append(stage)
    edited = directory / "edited.json"
    edited.write_text(json.dumps({"pipeline": declared}))
    server.aws("codepipeline", "update-pipeline", "--cli-input-json", f"file://{edited}")


def start(server: ServerProcess, name: str = STACK) -> str:
    """Release change; return the execution's id."""
    answer = server.aws("codepipeline", "start-pipeline-execution", "--name", name)
    return str(answer["pipelineExecutionId"])


def approvals(server: ServerProcess) -> list[dict[str, Any]]:
    """Every approval that was ever asked for, oldest first, read from the database."""
    with sqlite3.connect(f"file:{server.data_dir / 'penstock.db'}?mode=ro", uri=True) as database:
        database.row_factory = sqlite3.Row
        return [dict(row) for row in database.execute("SELECT * FROM approvals ORDER BY ordinal")]


def waiting(server: ServerProcess, name: str = STACK) -> Waiting | None:
    """Return the approval that waits in the pipeline, None when none does."""
    state = server.client("codepipeline").get_pipeline_state(name=name)
    for stage in state["stageStates"]:
        for action in stage["actionStates"]:
            latest = action.get("latestExecution", {})
            if latest.get("status") == "InProgress" and "token" in latest:
                id = latest["actionExecutionId"]
                (row,) = (r for r in approvals(server) if r["action_execution_id"] == id)
                return Waiting(
                    action=action["actionName"],
                    id=id,
                    token=latest["token"],
                    execution_id=stage["latestExecution"]["pipelineExecutionId"],
                    digest=row["digest"],
                    review=review.decode(row["review"]),
                )
    return None


def wait_for_approval(
    server: ServerProcess,
    execution_id: str | None = None,
    name: str = STACK,
    seconds: float = 300,
    after: str | None = None,
) -> Waiting:
    """Wait until an approval of that execution waits, other than the one with the id `after`."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = waiting(server, name)
        if found and found.id != after and execution_id in {None, found.execution_id}:
            return found
        time.sleep(0.25)
    raise AssertionError(
        f"nothing waits for approval: {action_states(server, name)}\n{server.log()[-3000:]}"
    )


def decide(
    server: ServerProcess,
    asked: Waiting,
    status: str,
    comment: str = "",
    name: str = STACK,
    check: bool = True,
) -> Any:
    """`aws codepipeline put-approval-result`; status is Approved or Rejected."""
    return server.aws(
        "codepipeline", "put-approval-result",
        "--pipeline-name", name, "--stage-name", STAGE, "--action-name", asked.action,
        "--token", asked.token, "--result", f"summary={comment or status},status={status}",
        check=check,
    )  # fmt: skip


def executed_plans(server: ServerProcess, stack_id: str) -> list[Plan]:
    """The plans that operations on the stack began to run, oldest first, from its own records."""
    cipher = Cipher.open(server.data_dir / "keys" / "secrets.key")
    with sqlite3.connect(f"file:{server.data_dir / 'penstock.db'}?mode=ro", uri=True) as database:
        rows = database.execute(
            "SELECT sealed FROM stack_operations WHERE stack_id = ? ORDER BY started_at, rowid",
            (stack_id,),
        ).fetchall()
    operations = [msgspec.json.decode(cipher.decrypt(row[0]), type=Operation) for row in rows]
    return [each.plan for each in operations if each.plan is not None]
