"""What people approved of a change set, and what has become of it: read from the database.

A change set is identified by its ARN and its plan's digest, as the approval's review holds them.
See docs/adr/0030-a-retry-asks-again.md.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from penstock.pipelines import change_set_actions, review
from penstock.pipelines.actions.provider import ActionJob
from penstock.pipelines.states import ActionStatus
from penstock.stacks.change_sets.change_set import NO_CHANGES, ExecutionStatus
from penstock.storage import action_executions, approvals, change_sets, stacks
from penstock.storage.action_executions import ActionRow
from penstock.storage.approvals import ApprovalRow
from penstock.storage.change_sets import ChangeSetRow
from penstock.storage.database import Database


@dataclass(frozen=True, slots=True)
class Approved:
    """A change set as somebody approved it. `arn` is None when the approver, asked after it had
    been made, was shown no change set of this name."""

    arn: str | None
    digest: str
    action_name: str
    decided_by: str
    decided_at: datetime | None


@dataclass(frozen=True, slots=True)
class Standing:
    """What an action that executes a change set must know of it.

    `executed_arn` is what an earlier call of the same action executed. `remade` says that an
    action of the same stage made the change set, so that a retry of the stage makes it anew.
    """

    approved: tuple[Approved, ...] = ()
    executed_arn: str | None = None
    remade: bool = False


class ApprovedChangeSets:
    """The change sets that the executions of pipelines make, ask about and execute."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def standing(self, job: ActionJob) -> Standing:
        """Return what was approved for the action, in its own pipeline execution."""
        return await self._database.read(lambda c: _standing(c, job))

    async def made(self, job: ActionJob) -> str | None:
        """Return the ARN of the change set that an earlier call of the same action made."""
        return await self._database.read(lambda c: _made(c, job))

    async def digest(self, arn: str) -> str | None:
        """Return the digest of a change set's stored plan; None without such a plan here."""
        row = await self._database.read(lambda c: change_sets.get(c, arn))
        return None if row is None else row.digest


def is_executable(connection: sa.Connection, replace: ActionRow) -> bool:
    """Tell whether what a CHANGE_SET_REPLACE made still stands, and its stack with it.

    An empty change set counts: executing it succeeds and changes nothing.
    """
    configuration = replace.input["resolvedConfiguration"]
    stack = stacks.find(connection, configuration["StackName"])
    if stack is None:
        return False
    row = change_sets.newest(connection, stack.id, configuration["ChangeSetName"])
    return (
        row is not None
        and row.client_token == replace.id
        and row.stack_serial == stack.serial
        and (row.execution_status == ExecutionStatus.AVAILABLE or _is_empty(row))
    )


def _is_empty(row: ChangeSetRow) -> bool:
    return row.execution_status == ExecutionStatus.UNAVAILABLE and row.status_reason == NO_CHANGES


def _standing(connection: sa.Connection, job: ActionJob) -> Standing:
    counting = action_executions.counting(connection, [job.pipeline_execution_id])
    makers = [row for row in counting if _makes(row, job)]
    made = max(makers, key=lambda row: row.sequence, default=None)
    after = {
        row.id
        for row in counting
        if row.status == ActionStatus.SUCCEEDED and (made is None or began_after(row, made))
    }
    given = [
        approval
        for approval in approvals.of_execution(connection, job.pipeline_execution_id)
        if approval.decision == "Approved" and approval.action_execution_id in after
    ]
    return Standing(
        tuple(one for each in given for one in _approved(each, job, shown=bool(makers))),
        _executed(connection, job),
        any(row.stage_name == job.stage_name for row in makers),
    )


def began_after(row: ActionRow, made: ActionRow) -> bool:
    """Tell whether an action began later than another, and not beside it. No clock is trusted:
    only actions of one run order start at one moment."""
    beside = (row.stage_name, row.started_at) == (made.stage_name, made.started_at)
    return row.sequence > made.sequence and not beside


def _made(connection: sa.Connection, job: ActionJob) -> str | None:
    stack = stacks.find(connection, job.configuration["StackName"])
    if stack is None:
        return None
    row = change_sets.made_by(connection, stack.id, job.action_execution_id)
    return None if row is None else row.arn


def _executed(connection: sa.Connection, job: ActionJob) -> str | None:
    stack = stacks.find(connection, job.configuration["StackName"])
    if stack is None:
        return None
    row = change_sets.executed_by(connection, stack.id, job.action_execution_id)
    return None if row is None else row.arn


def _makes(row: ActionRow, job: ActionJob) -> bool:
    """Tell whether an action made the change set that the job executes."""
    wanted = change_set_actions.named(job.configuration)
    succeeded = row.status == ActionStatus.SUCCEEDED
    return succeeded and change_set_actions.does_to(row.input, change_set_actions.MAKE, wanted)


def _approved(approval: ApprovalRow, job: ActionJob, *, shown: bool) -> Iterator[Approved]:
    """Yield what an approval says of the job's change set; `shown` expects it to say something."""
    who = (approval.action_name, approval.decided_by or "", approval.decided_at)
    stack, name = job.configuration["StackName"], job.configuration["ChangeSetName"]
    found = [
        each
        for each in review.decode(approval.review).change_sets
        if each.name == name and stack in (each.stack_name, each.stack_id)
    ]
    yield from (Approved(each.arn, each.digest, *who) for each in found)
    if shown and not found:
        yield Approved(None, "", *who)
