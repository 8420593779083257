"""Reading stacks as they are stored: rows for lists, documents decrypted, the planner's state."""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from penstock import ids
from penstock.arns import arn
from penstock.stacks.events import operation_events
from penstock.stacks.events.operation_events import OperationEvent
from penstock.stacks.operations.ledger import Ledger
from penstock.stacks.operations.operation import GONE, Operation, StackDocument
from penstock.stacks.state import DeployedResource, StackState
from penstock.storage import stack_operation_events, stack_operations, stacks
from penstock.storage.database import Database
from penstock.storage.encryption import Cipher
from penstock.storage.stack_operation_events import OperationEventRow
from penstock.storage.stack_operations import EventRow, OperationRow
from penstock.storage.stacks import ResourceRow, StackRow

REVIEW = "REVIEW_IN_PROGRESS"


class StoredStacks:
    """The stacks of one account, to be read. Live stacks go by name or id, deleted ones by id."""

    def __init__(
        self, database: Database, cipher: Cipher, ledger: Ledger, account_id: str, region: str
    ) -> None:
        self._database = database
        self._cipher = cipher
        self._ledger = ledger
        self.account_id = account_id
        self.region = region

    async def row(self, name_or_id: str) -> StackRow | None:
        """Return a live stack by name, any stack by id."""
        return await self._database.read(lambda c: stacks.find(c, name_or_id))

    async def rows(self, *, deleted: bool) -> list[StackRow]:
        """Return the stacks, newest first; with `deleted` also those that are gone."""
        return await self._database.read(lambda c: stacks.scan(c, deleted=deleted))

    def document(self, row: StackRow) -> StackDocument:
        """Return what a stack's row keeps encrypted."""
        return self._ledger.open(row.sealed, StackDocument)

    async def resources(self, stack_id: str) -> list[ResourceRow]:
        """Return a stack's resources, those deleted with it too."""
        return await self._database.read(lambda c: stacks.resources(c, stack_id))

    def resource(self, row: ResourceRow) -> DeployedResource:
        """Return what a resource's row keeps encrypted."""
        return self._ledger.resource(row.sealed)

    async def resources_of_root(self, root_id: str) -> int:
        """Return how many resources a stack and all that are nested in it have."""
        return await self._database.read(lambda c: stacks.resources_of_root(c, root_id))

    async def stack_of_physical_id(self, physical_id: str) -> str | None:
        """Return the id of the live stack that has a physical resource."""
        return await self._database.read(lambda c: stacks.stack_of_physical_id(c, physical_id))

    async def events(self, stack_id: str, before: int | None, limit: int) -> list[EventRow]:
        """Return a stack's events, newest first, of ordinals below `before`."""
        return await self._database.read(
            lambda c: stack_operations.events(c, stack_id, before, limit)
        )

    async def operation_events(self, stack_id: str) -> list[OperationEvent]:
        """Return the events of a stack and of its operations, oldest first."""

        def work(c: sa.Connection) -> tuple[list[EventRow], list[OperationEventRow]]:
            every = stack_operations.events(c, stack_id, None, None)
            return every, stack_operation_events.of_stack(c, stack_id)

        return operation_events.merged(*await self._database.read(work), self._cipher)

    async def operations_of(self, ordinals: Sequence[int], stack_id: str) -> dict[int, str]:
        """Return the id of the operation that each of a stack's events belongs to, by ordinal."""
        own = await self._database.read(lambda c: stack_operation_events.of_stack(c, stack_id))
        return operation_events.operations_of(ordinals, own)

    async def last_operations(self, stack_ids: Sequence[str]) -> dict[str, tuple[str, str]]:
        """Return the type and id of the operation that began last on each of the stacks."""
        return await self._database.read(lambda c: stack_operation_events.begun(c, list(stack_ids)))

    async def stack_of_operation(self, operation_id: str) -> str | None:
        """Return the id of the stack that an operation is on, None without one."""
        return await self._database.read(lambda c: stack_operation_events.stack_of(c, operation_id))

    def event_properties(self, row: EventRow) -> str | None:
        """Return an event's ResourceProperties, JSON text."""
        return self._cipher.decrypt(row.sealed_properties) if row.sealed_properties else None

    async def state(self, name_or_id: str) -> StackState | None:
        """Return a live stack by name, any stack by id, as the planner wants it."""

        def work(c: sa.Connection) -> tuple[StackRow, list[ResourceRow]] | None:
            row = stacks.find(c, name_or_id)
            return (row, stacks.resources(c, row.id)) if row else None

        found = await self._database.read(work)
        return self._state(*found) if found else None

    def new_state(self, name: str) -> StackState:
        """Return a stack that does not exist yet, under a new id; nothing is stored."""
        stack_id = arn(
            "cloudformation", self.region, self.account_id, f"stack/{name}/{ids.new_uuid()}"
        )
        return StackState(stack_id, name, self.region, self.account_id, REVIEW, 0)

    def row_in_review(
        self,
        state: StackState,
        document: StackDocument,
        now: datetime,
        *,
        reason: str | None = None,
        protected: bool = False,
        parent_id: str | None = None,
        root_id: str | None = None,
    ) -> StackRow:
        """Return the row of a `new_state`, before its first operation; nothing is stored."""
        return StackRow(
            id=state.stack_id,
            name=state.stack_name,
            status=REVIEW,
            reason=reason,
            serial=0,
            protected=protected,
            operation_id=None,
            sealed=self._ledger.seal(document),
            created_at=now,
            parent_id=parent_id,
            root_id=root_id,
        )

    async def exports(self) -> dict[str, str]:
        """Return every export's value by name."""
        return await self._database.read(self.exports_in)

    async def exporters(self) -> dict[str, str]:
        """Return the id of the stack that has each export."""
        rows = await self._database.read(stacks.exports)
        return {row.name: row.stack_id for row in rows}

    async def importers(self, export_name: str) -> list[str]:
        """Return the names of the stacks that import an export."""
        return await self._database.read(lambda c: stacks.importers(c, export_name))

    async def operation_of_token(self, stack_id: str, token: str | None) -> OperationRow | None:
        """Return the operation that a client request token began on a stack."""
        if token is None:
            return None
        return await self._database.read(lambda c: stack_operations.by_token(c, stack_id, token))

    async def digest_of_token(self, stack_id: str, token: str | None) -> str | None:
        """Return the digest of the request on a stack that had a client request token, `` where
        the operation was begun by another kind of request; None where there was none."""
        row = await self.operation_of_token(stack_id, token)
        if row is None:
            return None
        return self._ledger.open(row.sealed, Operation).request_digest or ""

    async def operation(self, row: StackRow) -> tuple[OperationRow, Operation] | None:
        """Return the operation on a stack that goes on, or was the last; None before the first."""
        operation_id = row.operation_id
        if operation_id is None:
            return None
        found = await self._database.read(lambda c: stack_operations.get(c, operation_id))
        return None if found is None else (found, self._ledger.open(found.sealed, Operation))

    async def executed_digest(self, name_or_id: str) -> str | None:
        """Return the digest of the plan that the stack's last operation was begun with.

        It is the digest of the change set whose plan that was. None without an operation, and
        when the last one was a deletion. A rollback, also one by hand, is part of its operation.
        """

        def work(c: sa.Connection) -> OperationRow | None:
            row = stacks.find(c, name_or_id)
            if row is None or row.operation_id is None:
                return None
            return stack_operations.get(c, row.operation_id)

        found = await self._database.read(work)
        return None if found is None else self._ledger.open(found.sealed, Operation).plan_digest

    def exports_in(self, c: sa.Connection) -> dict[str, str]:
        """Return what `exports` does, in a unit of work."""
        return {row.name: self._cipher.decrypt(row.sealed) for row in stacks.exports(c)}

    def _state(self, row: StackRow, resources: Sequence[ResourceRow]) -> StackState:
        document = self.document(row)
        return StackState(
            stack_id=row.id,
            stack_name=row.name,
            region=self.region,
            account_id=self.account_id,
            status=row.status,
            serial=row.serial,
            template_body=document.template_body,
            original_body=document.original_body,
            parameters=document.parameters,
            tags=document.tags,
            capabilities=document.capabilities,
            role_arn=document.role_arn,
            notification_arns=document.notification_arns,
            monitoring_minutes=document.monitoring_minutes,
            resources={
                each.logical_id: self.resource(each)
                for each in resources
                if each.status not in GONE
            },
            outputs={one.name: one.value for one in document.outputs},
        )
