"""Reading change sets as they are stored, with what has become of their stacks since.

Whether an execution succeeded is read from the stack's events, so a restart loses nothing; a plan
whose stack moved on is OBSOLETE. One that was executed leaves its name and the lists, and stays to
be read by its ARN (recorded: github.com/radkawar/stackd, testdata/aws, changeset_name_reuse.json).
"""

import dataclasses
from typing import Any

import msgspec
import sqlalchemy as sa

from penstock.stacks.change_sets.change_set import (
    EXECUTED,
    ChangeSet,
    Document,
    ExecutionStatus,
    is_named,
    not_found,
)
from penstock.stacks.operations.exports import refused
from penstock.stacks.operations.stored_stacks import StoredStacks
from penstock.stacks.state import StackState
from penstock.storage import change_sets as rows
from penstock.storage import outbox
from penstock.storage.change_sets import ChangeSetRow
from penstock.storage.database import Database
from penstock.storage.encryption import Cipher
from penstock.storage.stacks import StackRow

_SUCCEEDED = frozenset({"CREATE_COMPLETE", "UPDATE_COMPLETE"})


class StoredChangeSets:
    """The change sets of all stacks, to be read."""

    def __init__(self, database: Database, cipher: Cipher, stored_stacks: StoredStacks) -> None:
        self._database = database
        self._cipher = cipher
        self._stored_stacks = stored_stacks

    async def find(
        self, name_or_arn: str, stack_name: str | None = None, *, executed: bool = False
    ) -> ChangeSet:
        """Return a change set by ARN, or by name and its stack's name or id; `executed`: by name
        one that was executed, too.

        Raises ServiceError ChangeSetNotFoundException or, for the stack, ValidationError.
        """
        found = await self._find(name_or_arn, stack_name)
        row = None if found is None else await self._settled(found)
        if row is None or not (executed or is_named(row, name_or_arn)):
            raise not_found(name_or_arn)
        return ChangeSet(row, self._open(row))

    async def arn_of(self, name: str, stack_name: str) -> str | None:
        """Return the ARN of a stack's newest change set of a name, executed or not."""
        stack = await self._stored_stacks.row(stack_name)
        if stack is None:
            return None
        found = await self._database.read(lambda c: rows.newest(c, stack.id, name))
        return None if found is None else found.arn

    async def stack_id(self, arn: str) -> str | None:
        """Return the id of the stack that a change set, by its ARN, is of; None without one."""
        found = await self._database.read(lambda c: rows.get(c, arn))
        return None if found is None else found.stack_id

    async def all(self, stack_name: str, *, executed: bool = False) -> list[ChangeSetRow]:
        """Return the stack's change sets, oldest first; with `executed` also those that were."""
        stack = await self._stack(stack_name)
        found = await self._database.read(lambda c: rows.of_stack(c, stack.id, executed=executed))
        settled = [await self._settled(row) for row in found]
        return [row for row in settled if executed or row.execution_status not in EXECUTED]

    async def stack(self, row: ChangeSetRow) -> StackState | None:
        """Return the change set's stack as it is now."""
        return await self._stored_stacks.state(row.stack_id)

    def _open(self, row: ChangeSetRow) -> Document:
        return msgspec.json.decode(self._cipher.decrypt(row.sealed), type=Document)

    async def _find(self, name_or_arn: str, stack_name: str | None) -> ChangeSetRow | None:
        if name_or_arn.startswith("arn:"):
            found = await self._database.read(lambda c: rows.get(c, name_or_arn))
            if stack_name is None or found is None:
                return found
            # The caller was allowed the stack named beside it: that must be the change set's own.
            return found if found.stack_id == (await self._stack(stack_name)).id else None
        if stack_name is None:
            raise refused(
                "StackName must be specified if ChangeSetName is not specified as an ARN."
            )
        stack = await self._stack(stack_name)
        return await self._database.read(lambda c: rows.newest(c, stack.id, name_or_arn))

    async def _stack(self, name_or_id: str) -> StackRow:
        stack = await self._stored_stacks.row(name_or_id)
        if stack is None:
            raise refused(f"Stack [{name_or_id}] does not exist")
        return stack

    async def _settled(self, row: ChangeSetRow) -> ChangeSetRow:
        """Return the row with what has become of its execution, or of its stack, since."""
        status: ExecutionStatus | None = None
        reason = row.status_reason
        if row.execution_status == ExecutionStatus.EXECUTE_IN_PROGRESS:
            status = await self._outcome(row)
        elif row.execution_status == ExecutionStatus.AVAILABLE:
            stack = await self._stored_stacks.row(row.stack_id)
            moved = stack is None or stack.serial != row.stack_serial
            if moved or await self._nested_moved(row):
                status = ExecutionStatus.OBSOLETE
                reason = "The stack has changed since the change set was created: create a new one."
        if status is None:
            return row
        await self._change(row, status, status_reason=reason)
        return dataclasses.replace(row, execution_status=status, status_reason=reason)

    async def _nested_moved(self, row: ChangeSetRow) -> bool:
        """Tell whether a nested stack is no longer what its part of the plan was made from."""
        for each in await self._database.read(lambda c: rows.nested(c, row.arn)):
            stack = await self._stored_stacks.row(each.stack_id)
            if stack is None or stack.serial != each.stack_serial:
                return True
        return False

    async def _outcome(self, row: ChangeSetRow) -> ExecutionStatus | None:
        """Return how the execution ended, None while it goes on: the stack's next Completed; of a
        nested stack's what became of the root's."""
        if row.root_arn is not None:
            root_arn = row.root_arn
            root = await self._database.read(lambda c: rows.get(c, root_arn))
            status = None if root is None else (await self._settled(root)).execution_status
            return ExecutionStatus(status) if status in EXECUTED else None

        def completed(connection: sa.Connection) -> str | None:
            position = row.executed_after or 0
            while found := outbox.read_after(connection, position, kinds=["stack.Completed"]):
                for event in found:
                    if event.subject == row.stack_id:
                        return str(event.detail["status"])
                position = found[-1].position
            return None

        status = await self._database.read(completed)
        if status is None:
            return None
        succeeded = status in _SUCCEEDED
        return ExecutionStatus.EXECUTE_COMPLETE if succeeded else ExecutionStatus.EXECUTE_FAILED

    async def _change(self, row: ChangeSetRow, status: ExecutionStatus, **values: Any) -> bool:
        return await self._database.write(lambda c: rows.change(c, row, status, **values))
