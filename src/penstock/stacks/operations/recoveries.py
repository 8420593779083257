"""Ending differently what an operation began: stopping an update, rolling back, trying again.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/stack-failure-options.html
and .../using-cfn-updating-stacks-continueupdaterollback.html
"""

import dataclasses
from collections.abc import Collection
from datetime import datetime

import msgspec
import sqlalchemy as sa

from penstock.aws.service import Principal
from penstock.clock import Clock
from penstock.stacks.events import operation_events, stack_events
from penstock.stacks.operations import phases
from penstock.stacks.operations.acting_role import ActingRole
from penstock.stacks.operations.exports import refused
from penstock.stacks.operations.last_stable import Merged, has_nested, merged
from penstock.stacks.operations.ledger import Ledger
from penstock.stacks.operations.operation import Operation, StackDocument, Step
from penstock.stacks.operations.provisioner import Provisioner
from penstock.stacks.operations.refusals import FAILED, check_skip
from penstock.stacks.operations.walk import AFTER_FAILURE, NodeStatus, Phase
from penstock.storage import stack_operations, stacks
from penstock.storage.database import Database
from penstock.storage.stacks import StackRow


class Recoveries:
    """Stops, rolls back and tries again operations on the stacks of one server."""

    def __init__(
        self,
        database: Database,
        ledger: Ledger,
        role: ActingRole,
        provisioner: Provisioner,
        clock: Clock,
    ) -> None:
        self._database = database
        self._ledger = ledger
        self._role = role
        self._provisioner = provisioner
        self._clock = clock

    async def continue_rollback(
        self,
        row: StackRow,
        skip: Collection[str],
        *,
        principal: Principal,
        role_arn: str | None = None,
        token: str | None = None,
    ) -> None:
        """Try again what failed in an update's rollback, leaving out the resources of `skip`.

        A stack without a role goes on as `principal`, not as who began the update.
        """
        if row.status != "UPDATE_ROLLBACK_FAILED" or row.operation_id is None:
            # unverified
            raise refused(f"Stack:{row.id} is in {row.status} state and can not continue rollback.")
        if role_arn is not None:
            await self._role.check(role_arn)
        operation_id = row.operation_id
        stored = await self._database.read(lambda c: stack_operations.steps(c, operation_id))
        steps = [self._ledger.open(each.sealed, Step) for each in stored]
        again = [step for step in steps if step.phase is Phase.REVERT]
        check_skip(again, skip)
        now = self._clock()

        def work(c: sa.Connection) -> None:
            _check_still(c, row)
            self._act_as(c, operation_id, principal, role_arn, token)
            for step in again:
                self._try_again(c, row.id, operation_id, step, skip, now)
            stack_operations.update(c, operation_id, active=True, token=token)
            status = phases.STATUS[Phase.REVERT]
            stacks.move(
                c, row.id, [row.status], status,
                reason=stack_events.USER_INITIATED, serial=row.serial + 1,
            )  # fmt: skip
            self._ledger.tell(c, row.id, status, stack_events.USER_INITIATED, token, now)

        await self._database.write(work)
        self._provisioner.run(operation_id)

    async def roll_back(
        self,
        row: StackRow,
        *,
        principal: Principal,
        role_arn: str | None = None,
        token: str | None = None,
        retain_except_on_create: bool = False,
    ) -> str:
        """Roll back what failed and was kept: a creation, or an update with DisableRollback; after
        several of them, to what the stack was before the first.

        A stack without a role is rolled back as `principal`. Returns the id of the rollback, as
        events have it.
        """
        if row.status not in FAILED or row.operation_id is None:
            raise refused(  # unverified
                f"Stack:{row.id} is in {row.status} state and can not be rolled back."
            )
        if role_arn is not None:
            await self._role.check(role_arn)
        operation_id = row.operation_id

        def work(c: sa.Connection) -> str:
            _check_still(c, row)
            stored = stack_operations.get(c, operation_id)
            assert stored is not None
            operation = self._ledger.open(stored.sealed, Operation)
            phase = Phase(stored.phase)
            if operation.before.status in FAILED:
                whole = self._since_stable(c, row, operation)
                operation, phase = whole.operation, whole.phase
                for step in whole.steps:
                    self._put_step(c, operation_id, step)
            changed = dataclasses.replace(
                operation,
                on_failure="ROLLBACK",
                token=token,
                principal=principal,
                role_arn=role_arn or operation.role_arn,
                retain_except_on_create=retain_except_on_create
                or operation.retain_except_on_create,
            )
            sealed = self._ledger.seal(changed)
            stack_operations.update(
                c, operation_id, active=True, token=token, sealed=sealed, phase=phase.value
            )
            following = AFTER_FAILURE[phase, "ROLLBACK"]
            assert isinstance(following, Phase)
            status = phases.STATUS[following]  # the walk's first decision tells it
            stacks.move(c, row.id, [row.status], status, serial=row.serial + 1)
            return operation_events.rollback_id(c, row.id)

        rollback_id = await self._database.write(work)
        self._provisioner.run(operation_id)
        return rollback_id

    def _since_stable(self, c: sa.Connection, row: StackRow, last: Operation) -> Merged:
        """Return what several failed operations did, as one. Raises ServiceError where stacks are
        nested in the stack."""
        first = last
        for stored in stack_operations.of_stack(c, row.id):
            first = self._ledger.open(stored.sealed, Operation)
            if first.before.status not in FAILED:
                break
        there = {
            each.logical_id: self._ledger.resource(each.sealed)
            for each in stacks.resources(c, row.id)
        }
        if has_nested(there, first.before.resources):
            raise refused(
                f"Stack:{row.id} was updated from {last.before.status}, and has nested stacks, "
                "which went on by themselves: Penstock cannot roll back several operations of "
                "such a stack. Update it again with DisableRollback, or delete it."
            )
        steps = [
            self._ledger.open(each.sealed, Step) for each in stack_operations.steps(c, last.id)
        ]
        found = stacks.get(c, row.id)
        assert found is not None
        leftovers = self._ledger.open(found.sealed, StackDocument).leftovers
        return merged(last, first, steps, there, leftovers)

    async def cancel_update(self, row: StackRow) -> None:
        """Stop an update in progress, and roll it back."""
        if row.status != "UPDATE_IN_PROGRESS" or row.operation_id is None:
            # text: what clients look for (github.com/ConduitVC/aws-utils and others)
            raise refused("CancelUpdateStack cannot be called from current stack status")
        await self._provisioner.stop(row.operation_id, stack_events.USER_INITIATED)

    def _put_step(self, c: sa.Connection, operation_id: str, step: Step) -> None:
        stack_operations.put_step(c, self._ledger.step_row(operation_id, step))

    def _act_as(
        self,
        c: sa.Connection,
        operation_id: str,
        principal: Principal,
        role_arn: str | None,
        token: str | None,
    ) -> None:
        stored = stack_operations.get(c, operation_id)
        assert stored is not None
        operation = self._ledger.open(stored.sealed, Operation)
        changed = dataclasses.replace(
            operation,
            principal=principal,
            role_arn=role_arn or operation.role_arn,
            token=token,
        )
        stack_operations.update(c, operation_id, sealed=self._ledger.seal(changed))

    def _try_again(
        self,
        c: sa.Connection,
        stack_id: str,
        operation_id: str,
        step: Step,
        skip: Collection[str],
        now: datetime,
    ) -> None:
        if step.status is NodeStatus.SUCCEEDED:
            return
        if step.logical_id in skip:
            assert step.old is not None
            kept = msgspec.structs.replace(step.old, status="UPDATE_COMPLETE")
            stacks.put_resource(c, self._ledger.resource_row(stack_id, kept, None, now))
            self._put_step(
                c, operation_id, msgspec.structs.replace(step, status=NodeStatus.SUCCEEDED)
            )
            return
        waiting = msgspec.structs.replace(
            step, status=NodeStatus.WAITING, attempt=step.attempt + 1, context=None, reason=None
        )
        self._put_step(c, operation_id, waiting)


def _check_still(c: sa.Connection, row: StackRow) -> None:
    """Raise ServiceError unless the stack is as the caller saw it: another request may have come
    first, and may have ended in the same status again."""
    found = stacks.get(c, row.id)
    if found is None or (found.status, found.serial) != (row.status, row.serial):
        raise refused(f"Stack:{row.id} has moved on; look at its status and try again.")
