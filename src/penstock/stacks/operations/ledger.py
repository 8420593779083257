"""What is stored of a running operation: every change of it in one unit of work.

A step is stored before its handler is called and after, so what a crash leaves behind is always a
step in progress, whose call may or may not have happened. `run.Run` is the image of that in memory.
"""

import asyncio
import dataclasses
import functools
import itertools
import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar

import msgspec
import sqlalchemy as sa

from penstock.clock import Clock
from penstock.errors import EngineError
from penstock.stacks.events import stack_events, topic_messages
from penstock.stacks.events.stack_events import SealedProperties, Told
from penstock.stacks.operations import exports
from penstock.stacks.operations.group_commit import GroupCommit
from penstock.stacks.operations.operation import Operation, Parent, StackDocument, Step
from penstock.stacks.operations.run import Changes, Run
from penstock.stacks.operations.walk import Phase, all_made
from penstock.stacks.state import DeployedResource
from penstock.storage import change_sets, stack_operations, stacks
from penstock.storage.database import Database
from penstock.storage.encryption import Cipher
from penstock.storage.outbox import publish
from penstock.storage.stack_operations import OperationRow, StepRow
from penstock.storage.stacks import ResourceRow
from penstock.storage.units import Work

T = TypeVar("T")
_log = logging.getLogger(__name__)
_LONGEST_BACK_OFF_SECONDS = 60.0
_FAILED_AND_KEPT = frozenset({"UPDATE_FAILED", "UPDATE_ROLLBACK_FAILED"})


class DeletionRequested(Exception):
    """The stack is to be deleted after this phase, which the walk did not know yet."""


@dataclasses.dataclass(frozen=True, slots=True)
class _Commit:
    """Changes of a run, with the rows that they come to."""

    run: Run
    changes: Changes
    steps: Sequence[StepRow]
    resources: Sequence[ResourceRow]
    now: datetime


class Ledger:
    """Stores and loads operations of one server."""

    def __init__(self, database: Database, cipher: Cipher, clock: Clock) -> None:
        self._database = database
        self._cipher = cipher
        self._clock = clock
        self._group = GroupCommit(self._store)
        self.resource = functools.lru_cache(maxsize=4096)(self._resource)

    def _resource(self, sealed: str) -> DeployedResource:
        """Return a resource that `seal` was given. Planning reads all of a stack, again and again,
        and nobody changes a value of it: `resource` keeps the last ones."""
        return self.open(sealed, DeployedResource)

    def seal(self, value: Any) -> str:
        """Return a value as encrypted JSON."""
        return self._cipher.encrypt(msgspec.json.encode(value).decode())

    def open(self, sealed: str, kind: type[T]) -> T:
        """Return what `seal` was given."""
        return msgspec.json.decode(self._cipher.decrypt(sealed), type=kind)

    async def load(self, operation_id: str) -> Run | None:
        """Return an unfinished operation as it is stored, None when it has ended."""

        def work(
            c: sa.Connection,
        ) -> tuple[OperationRow | None, list[StepRow], list[ResourceRow]]:
            row = stack_operations.get(c, operation_id)
            found = stacks.resources(c, row.stack_id) if row else []
            return row, stack_operations.steps(c, operation_id), found

        row, steps, resources = await self._database.read(work)
        if row is None or not row.active:
            return None
        run = Run(
            self.open(row.sealed, Operation), Phase(row.phase), {},
            {each.logical_id: self.resource(each.sealed) for each in resources},
            row.stop, row.delete_requested, SealedProperties(self._cipher),
        )  # fmt: skip
        run.put_steps(self.open(stored.sealed, Step) for stored in steps)
        return run

    async def commit(self, run: Run, changes: Changes) -> None:
        """Store `changes`, then make them in `run`. Trouble of the database is waited out.

        What is committed at the same time, of any run, is one unit of work.

        Raises, with nothing stored, ServiceError when an export of `outputs` is refused, and
        DeletionRequested when a phase would end without regard to that.
        """
        if not changes:
            return
        changes = changes.without(run.secrets)
        now = self._clock()
        steps = [self.step_row(run.operation.id, step) for step in changes.steps]
        resources = [
            self.resource_row(run.operation.stack_id, each, reason, now)
            for each, reason in changes.resources
        ]
        await self._group.add(_Commit(run, changes, steps, resources, now))
        run.make(changes)

    async def request_stop(self, run: Run, reason: str) -> None:
        """Stop what is being made; the first reason stays, without secrets that it quotes."""
        told = run.secrets.masked_text(reason)
        await self.store_stop(run.operation.id, told)
        run.stop = run.stop or told
        run.wake()

    async def store_stop(self, operation_id: str, reason: str) -> None:
        """Note that an operation is to stop, whether it is loaded or not; one that has ended
        stays as it is. `reason` has no secrets."""
        await self._patiently(lambda c: stack_operations.request_stop(c, operation_id, reason))

    async def refresh(self, run: Run) -> None:
        """Read again what callers may have asked of the operation while it was loaded; what they
        have told the run meanwhile stays."""
        operation_id = run.operation.id
        row = await self._database.read(lambda c: stack_operations.get(c, operation_id))
        if row is not None:
            run.stop = run.stop or row.stop
            run.delete_requested = run.delete_requested or row.delete_requested
            if row.delete_requested and run.operation.deleter is None:
                deleter = self.open(row.sealed, Operation).deleter
                run.operation = dataclasses.replace(run.operation, deleter=deleter)

    async def look_at_others(self, run: Run) -> None:
        """Set `held`: the cleanup of a nested stack waits until that of its parent has begun."""
        parent = run.operation.parent
        run.held = (
            run.phase is Phase.CLEANUP
            and parent is not None
            and await self._database.read(lambda c: self._may_go_back(c, parent))
        )

    async def look_at_time(self, run: Run) -> None:
        """Set `monitored`. From when on is stored, so a restart makes it wait no longer."""
        minutes = run.operation.plan.monitoring_minutes if run.operation.plan else 0
        run.monitored = False
        if not minutes or not all_made(run.walk):
            return
        until = run.operation.monitored_until
        if until is None:
            until = self._clock() + timedelta(minutes=minutes)
            operation_id, waits = run.operation.id, until
            await self._patiently(lambda c: self.change(c, operation_id, monitored_until=waits))
            run.operation = dataclasses.replace(run.operation, monitored_until=until)
        run.monitored = self._clock() < until

    def change(self, connection: sa.Connection, operation_id: str, **values: Any) -> None:
        """Store other values of an operation's fields than those that it began with."""
        row = stack_operations.get(connection, operation_id)
        assert row is not None
        operation = dataclasses.replace(self.open(row.sealed, Operation), **values)
        stack_operations.update(connection, operation_id, sealed=self.seal(operation))

    async def has_nested(self, run: Run) -> bool:
        """Tell whether an operation on a stack nested in this one goes on."""
        stack_id = run.operation.stack_id
        return await self._database.read(lambda c: stack_operations.any_nested(c, stack_id))

    def _may_go_back(self, connection: sa.Connection, parent: Parent) -> bool:
        """Tell whether an operation may still be rolled back, its own parent's included."""
        stack = stacks.get(connection, parent.stack_id)
        found = stack_operations.get(connection, parent.operation_id)
        if stack is None or found is None or stack.operation_id != found.id:
            return False
        if found.phase in {Phase.UPDATE, Phase.REVERT}:
            return found.active or stack.status in _FAILED_AND_KEPT
        above = self.open(found.sealed, Operation).parent
        return (
            found.phase == Phase.CLEANUP
            and above is not None
            and self._may_go_back(connection, above)
        )

    async def _patiently(self, work: Work[Any]) -> None:
        seconds = 0.1
        while True:
            try:
                await self._database.write(work)
                return
            except EngineError as error:
                if not error.retryable:
                    raise
                _log.warning("an operation on a stack waits for the database: %s", error)
                await asyncio.sleep(seconds)
                seconds = min(2 * seconds, _LONGEST_BACK_OFF_SECONDS)

    async def _store(self, commits: Sequence[_Commit]) -> None:
        await self._patiently(lambda connection: self._write(connection, commits))

    def _write(self, connection: sa.Connection, commits: Sequence[_Commit]) -> None:
        """Write commits in their order; those of steps alone, one after the other, together."""
        for of_steps, some in itertools.groupby(
            commits, lambda commit: commit.changes.of_steps_alone
        ):
            if of_steps:
                self._write_steps(connection, list(some))
            else:
                for commit in some:
                    self._write_turn(connection, commit)

    def _write_turn(self, connection: sa.Connection, commit: _Commit) -> None:
        """Write what may be refused, or changes the stack itself."""
        run, changes = commit.run, commit.changes
        operation, stack_id = run.operation, run.operation.stack_id
        if changes.phase is not None or changes.finished:
            stored = stack_operations.get(connection, operation.id)
            if stored is not None and stored.delete_requested and not run.delete_requested:
                raise DeletionRequested
        if changes.outputs is not None:
            exports.replace(
                connection, self._cipher, stack_id, changes.outputs, checked=not changes.given_back
            )
        if changes.imports is not None:
            stacks.replace_imports(connection, stack_id, changes.imports)
        self._write_steps(connection, [commit])
        if changes.phase is not None or changes.finished:
            phase = changes.phase or run.phase
            stack_operations.update(
                connection, operation.id, phase=phase.value, active=not changes.finished
            )
        if changes.status is not None:
            self._write_stack(connection, operation, changes, commit.now)

    def _write_steps(self, connection: sa.Connection, commits: Sequence[_Commit]) -> None:
        """Write the steps, resources and events of several commits by one statement each."""
        stack_operations.put_steps(connection, [row for each in commits for row in each.steps])
        stacks.put_resources(connection, [row for each in commits for row in each.resources])
        for commit in commits:
            for name in commit.changes.gone:
                stacks.delete_resource(connection, commit.run.operation.stack_id, name)
        told = [_told(commit) for commit in commits]
        event_ids = stack_events.store(connection, told)
        for commit, events, ids in zip(commits, told, event_ids, strict=True):
            topics = commit.run.operation.topics
            topic_messages.publish(connection, topics, events, ids, self._cipher)

    def tell(
        self,
        connection: sa.Connection,
        stack_id: str,
        status: str,
        reason: str,
        token: str | None,
        now: datetime,
    ) -> None:
        """Store the event of a stack's new status, and tell the stack's topics."""
        row = stacks.get(connection, stack_id)
        assert row is not None
        event = stack_events.of_stack(stack_id, row.name, status, reason)
        told = Told(stack_id, row.name, [event], token, now, SealedProperties(self._cipher))
        [event_ids] = stack_events.store(connection, [told])
        topics = self.open(row.sealed, StackDocument).notification_arns
        topic_messages.publish(connection, topics, told, event_ids, self._cipher)

    def _write_stack(
        self, connection: sa.Connection, operation: Operation, changes: Changes, now: datetime
    ) -> None:
        assert changes.status is not None
        stack_id = operation.stack_id
        found = stacks.get(connection, stack_id)
        assert found is not None
        values: dict[str, Any] = {"reason": changes.reason}
        if changes.document is not None:
            values["sealed"] = self.seal(changes.document)
        set_meanwhile = found.stack_policy != operation.own_stack_policy
        if changes.stack_policy is not None and not set_meanwhile:
            values["stack_policy"] = changes.stack_policy
        if changes.status == "DELETE_COMPLETE":
            values["deleted_at"] = now
            stacks.replace_imports(connection, stack_id, ())
            stacks.replace_exports(connection, stack_id, ())
            change_sets.delete_of_stack(connection, stack_id)
        stacks.move(connection, stack_id, [found.status], changes.status, **values)
        if changes.finished:
            detail = {"status": changes.status, "stackName": found.name}
            publish(connection, stack_events.COMPLETED, stack_id, detail, now)

    def step_row(self, operation_id: str, step: Step) -> StepRow:
        """Return a step as it is stored."""
        return StepRow(operation_id, step.phase.value, step.key, step.status.value, self.seal(step))

    def resource_row(
        self, stack_id: str, resource: DeployedResource, reason: str | None, now: datetime
    ) -> ResourceRow:
        """Return a resource as it is stored."""
        return ResourceRow(
            stack_id=stack_id,
            logical_id=resource.logical_resource_id,
            type=resource.resource_type,
            physical_id=resource.physical_resource_id,
            status=resource.status,
            reason=reason,
            sealed=self.seal(resource),
            updated_at=now,
        )


def _told(commit: _Commit) -> Told:
    operation = commit.run.operation
    return Told(
        operation.stack_id, operation.stack_name, commit.changes.events, operation.token,
        commit.now, commit.run.told,
    )  # fmt: skip
