"""SignalResource: word from somewhere else that a resource is ready, or is not.

A signal belongs to the step that makes or changes the resource now; before and after, the resource
cannot be signaled.
Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_SignalResource.html
"""

import sqlalchemy as sa

from penstock.aws.errors import ServiceError
from penstock.stacks.operations import step_requests
from penstock.stacks.operations.exports import refused
from penstock.stacks.operations.ledger import Ledger
from penstock.stacks.operations.operation import Operation, Step
from penstock.stacks.operations.walk import NodeStatus, Phase
from penstock.stacks.responses.addresses import MOST_SIGNALS, Responses, Taken
from penstock.storage import stack_operations, stacks
from penstock.storage.database import Database
from penstock.storage.stack_operations import OperationRow, StepRow
from penstock.storage.stacks import ResourceRow, StackRow

_SIGNALED = frozenset({"CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS"})
_MAKING = frozenset({Phase.CREATE, Phase.UPDATE})


class Signals:
    """Takes signals for the resources of one server's stacks."""

    def __init__(self, database: Database, ledger: Ledger, responses: Responses) -> None:
        self._database = database
        self._ledger = ledger
        self._responses = responses

    async def send(self, stack: StackRow, logical_id: str, unique_id: str, status: str) -> None:
        """Store a signal; SUCCESS or FAILURE.

        Raises ValidationError, in AWS's words: the stack or the resource is not being made, does
        not wait for signals, has this one already, or more than anything waits for.
        """
        if stack.status not in _SIGNALED:  # aws-cloudformation/aws-cloudformation-templates#34
            raise refused(f"Stack {stack.id} is in {stack.status} state and cannot be signaled")
        operation_id = stack.operation_id or ""

        def work(
            c: sa.Connection,
        ) -> tuple[OperationRow | None, list[StepRow], list[ResourceRow]]:
            return (
                stack_operations.get(c, operation_id),
                stack_operations.steps(c, operation_id),
                stacks.resources(c, stack.id),
            )

        row, steps, resources = await self._database.read(work)
        known = {each.logical_id: each.status for each in resources}
        step = self._step(steps, logical_id)
        if row is None or step is None:
            raise _cannot(stack, logical_id, known.get(logical_id))
        if step.signals is None:  # unverified
            raise refused(
                f"Resource {logical_id} does not wait for signals: it has no CreationPolicy with "
                "a ResourceSignal."
            )
        token = step_requests.token(self._ledger.open(row.sealed, Operation), step)
        most = max(MOST_SIGNALS, step.signals.count)
        taken = await self._responses.signal(stack.id, token, unique_id, status, most)
        if taken is Taken.FULL:
            raise refused(  # unverified
                f"Resource {logical_id} has {most} signals and takes no more: expected at most as "
                "many as it waits for."
            )
        if taken is not Taken.STORED:
            raise refused(  # unverified
                f"Signal with ID {unique_id} for resource {logical_id} already exists. Signals "
                "may only be updated with a FAILURE status."
            )

    def _step(self, rows: list[StepRow], logical_id: str) -> Step | None:
        """Return the step in progress that makes or changes the resource."""
        for row in rows:
            if row.logical_id == logical_id and row.status == NodeStatus.RUNNING.value:
                step = self._ledger.open(row.sealed, Step)
                if step.phase in _MAKING:
                    return step
        return None


def _cannot(stack: StackRow, logical_id: str, status: str | None) -> ServiceError:
    if status is None:  # the same text as DescribeStackResource's; here unverified
        return refused(f"Resource {logical_id} does not exist for stack {stack.name}")
    # aws/aws-parallelcluster#1356
    return refused(f"Resource {logical_id} is in {status} state and cannot be signaled")
