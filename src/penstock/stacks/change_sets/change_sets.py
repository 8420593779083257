"""Change sets: plans that were shown to somebody and are executed as they are, or not at all.

A change set holds its plan, encrypted, since it holds the values of parameters. Describing and
executing read that one plan; its digest names it (docs/adr/0031-digest-of-a-plan.md).
Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-updating-stacks-changesets.html
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from penstock.aws.errors import ServiceError
from penstock.aws.in_process import InProcess
from penstock.aws.service import Principal
from penstock.clock import Clock
from penstock.stacks.change_sets import drafting
from penstock.stacks.change_sets.change_set import (
    EXECUTED,
    MOST_PENDING,
    OTHER_PLAN,
    ChangeSet,
    ExecutionStatus,
    Status,
    by_root,
    cannot_delete,
    cannot_execute,
    in_progress,
    is_named,
    mismatch,
    not_found,
    too_many,
)
from penstock.stacks.change_sets.drafting import NOTHING_CHANGES, Draft, Outcome, failure
from penstock.stacks.change_sets.nested_change_sets import NestedChangeSet, NestedPlans, flat
from penstock.stacks.change_sets.stored_change_sets import StoredChangeSets
from penstock.stacks.display import secrets_of
from penstock.stacks.events import findings, operation_events
from penstock.stacks.events.findings import Finding
from penstock.stacks.operations.exports import refused
from penstock.stacks.operations.operation import Options
from penstock.stacks.planning.plan import Plan
from penstock.stacks.planning.planner import has_changes
from penstock.stacks.requests.request import Desired, desired
from penstock.stacks.stacks import Stacks
from penstock.stacks.state import StackState
from penstock.storage import change_sets as rows
from penstock.storage import outbox
from penstock.storage import stacks as stored_stacks
from penstock.storage.change_sets import ChangeSetRow
from penstock.storage.database import Database
from penstock.storage.encryption import Cipher

_WARNING = "[WARN]"


class ChangeSets(StoredChangeSets):
    """The change sets of all stacks."""

    def __init__(
        self,
        database: Database,
        cipher: Cipher,
        stacks: Stacks,
        in_process: InProcess,
        clock: Clock,
    ) -> None:
        super().__init__(database, cipher, stacks)
        self._stacks = stacks
        self._in_process = in_process
        self._clock = clock

    async def create(self, principal: Principal, request: Mapping[str, Any]) -> ChangeSet:
        """Plan what the request asks for, and keep the plan.

        With the ClientToken of an earlier request that asked for the same, returns its change
        set. Raises ServiceError; what only the planning finds makes a FAILED change set.
        """
        create = request.get("ChangeSetType", "UPDATE") == "CREATE"
        if request.get("ChangeSetType") == "IMPORT":
            raise refused("Penstock has no resource import; use ChangeSetType CREATE or UPDATE.")
        stack = await self._stacks.state(request["StackName"])
        if stack is not None and (known := await self._repeated(stack, request)) is not None:
            return known
        drafting.check_request(stack, request, create=create)
        exports = await self._stacks.exports()
        wanted = await desired(
            self._in_process, principal, request, stack, exports, self._stacks.macros
        )
        await self._stacks.check_role(wanted.role_arn)
        try:
            return await self._store(stack, wanted, principal, request, create=create)
        except _Overtaken:
            return await self.create(principal, request)

    async def execute(
        self,
        name_or_arn: str,
        stack_name: str | None,
        principal: Principal,
        client_request_token: str | None = None,
        *,
        disable_rollback: bool | None = None,
        retain_except_on_create: bool = False,
    ) -> None:
        """Begin to execute the stored plan; the stack's other change sets are gone then.

        All of that is one unit of work: an execution has begun, or nothing has happened. Repeating
        it with the same token does nothing more. Raises ServiceError
        InvalidChangeSetStatusException unless the change set is AVAILABLE.
        """
        found = await self.find(name_or_arn, stack_name, executed=True)
        row = found.row
        if client_request_token and row.execution_token == client_request_token:
            return
        if not is_named(row, name_or_arn):
            raise not_found(name_or_arn)
        planned = found.document.plan
        if row.execution_status != ExecutionStatus.AVAILABLE or planned is None:
            raise cannot_execute(row)
        if planned.digest != row.digest:  # stored by a version with plans of another form
            await self._change(row, ExecutionStatus.OBSOLETE, status_reason=OTHER_PLAN)
            raise cannot_execute(
                dataclasses.replace(row, execution_status=ExecutionStatus.OBSOLETE)
            )
        on_failure = drafting.on_failure(found.document, disable_rollback)

        def claim(connection: sa.Connection) -> None:
            _claim(connection, row, client_request_token)

        await self._stacks.beginnings.execute(
            planned,
            create=found.document.create,
            principal=principal,
            client_request_token=client_request_token,
            options=Options(on_failure, retain_except_on_create=retain_except_on_create),
            also=claim,
        )

    async def delete(self, name_or_arn: str, stack_name: str | None) -> None:
        """Remove a change set; one that does not exist is no error, as on AWS.

        Raises ServiceError InvalidChangeSetStatusException while it is executed, and for the ARN of
        one that was.
        """
        found = await self._find(name_or_arn, stack_name)
        if found is None:
            return
        row = await self._settled(found)
        if not is_named(row, name_or_arn):
            return

        def work(connection: sa.Connection) -> None:
            now = rows.get(connection, row.arn)
            if now is not None and now.execution_status == ExecutionStatus.EXECUTE_IN_PROGRESS:
                raise in_progress()
            if now is not None and now.execution_status in EXECUTED:
                raise cannot_delete(now)
            if now is not None and now.root_arn is not None:
                raise by_root(now)
            rows.delete(connection, row.arn)

        await self._database.write(work)

    async def _repeated(self, stack: StackState, request: Mapping[str, Any]) -> ChangeSet | None:
        """Return the change set that this very request made; refuse another of its name.

        A name is free again once its change set was executed (elias5000/clouds-aws#9): only a
        ClientToken tells a request that is repeated then from a new one.
        """
        row = await self._database.read(
            lambda c: rows.newest(c, stack.stack_id, request["ChangeSetName"])
        )
        if row is None:
            return None
        document = self._open(row)
        refusal = mismatch(row, document, request)
        row = await self._settled(row)
        repeated = refusal is None and "ClientToken" in request
        if row.execution_status in EXECUTED and not repeated:
            return None
        if refusal is not None:
            raise refusal
        return ChangeSet(row, document)

    async def _store(
        self,
        stack: StackState | None,
        wanted: Desired,
        principal: Principal,
        request: Mapping[str, Any],
        *,
        create: bool,
    ) -> ChangeSet:
        """Plan, and store the change set, with its stack where that is new, in one unit of work.

        Raises _Overtaken when another request stored a change set of that name, or the stack.
        """
        planned_for = stack or self._stacks.new_state(request["StackName"])
        includes = bool(request.get("IncludeNestedStacks"))
        nested: Sequence[NestedChangeSet] = ()
        if includes:
            planned, outcome, nested = await self._with_nested(
                NestedPlans(self._stacks, principal, request), planned_for, wanted
            )
        else:
            planned, outcome = self._planned(planned_for, wanted)
        found: list[Finding] = []
        if planned is not None and not request.get("DisableValidation"):
            validation = self._stacks.validation
            found = await validation.of_plan(principal, planned_for, wanted, planned)
            found += await validation.warnings(principal, planned)
            if (reason := findings.of_change_set(found)) is not None:
                outcome = failure(reason)
        draft = drafting.of_request(planned_for, wanted, request, planned, outcome, create=create)
        made = ChangeSet(self._row(draft), draft.document)
        name, token = request["ChangeSetName"], request.get("ClientToken")

        def work(connection: sa.Connection) -> None:
            if stack is None:
                if stored_stacks.find(connection, planned_for.stack_name) is not None:
                    raise _Overtaken
                self._stacks.begin_review(connection, planned_for, request, token)
            other = rows.newest(connection, planned_for.stack_id, name)
            if other is not None and other.execution_status not in EXECUTED:
                raise _Overtaken
            if rows.pending(connection, planned_for.stack_id) >= MOST_PENDING:
                raise too_many(planned_for.stack_id)
            rows.insert(connection, made.row)
            self._insert_nested(connection, nested, made.row, planned_for, request)
            operation_events.add_change_set(
                connection, self._cipher, planned_for.stack_id, made.row.arn, found,
                failed=made.row.status == Status.FAILED, now=made.row.created_at,
            )  # fmt: skip

        await self._database.write(work)
        return made

    def _row(self, draft: Draft) -> ChangeSetRow:
        sealed = self._cipher.encrypt(msgspec.json.encode(draft.document).decode())
        return draft.row(sealed, self._clock())

    async def _with_nested(
        self, plans: NestedPlans, stack: StackState, wanted: Desired
    ) -> tuple[Plan | None, Outcome, Sequence[NestedChangeSet]]:
        """Return the plan with those of nested stacks, how that ended, and their change sets."""
        if wanted.failure is not None:
            return None, failure(wanted.failure), ()
        try:
            found = await plans.plan(stack, wanted)
        except ServiceError as error:
            return None, failure(_told(error.message, stack, wanted)), ()
        if found.failure is not None:
            return found.plan, failure(found.failure), found.nested
        if not found.changes(stack):
            return found.plan, NOTHING_CHANGES, found.nested
        return found.plan, _warned(found.plan, stack, wanted), found.nested

    def _insert_nested(
        self,
        connection: sa.Connection,
        nested: Sequence[NestedChangeSet],
        root: ChangeSetRow,
        stack: StackState,
        request: Mapping[str, Any],
    ) -> None:
        """Store the change sets of nested stacks, and the stacks that are new."""
        above = stored_stacks.get(connection, stack.stack_id)
        root_id = above.root_id if above is not None and above.root_id else stack.stack_id
        for each, parent_arn, parent in flat(nested, root.arn, stack):
            if each.create:
                token = request.get("ClientToken")
                self._stacks.begin_review(connection, each.state, {}, token, parent, root_id)
            row = self._row(each.draft(parent_arn, root.arn))
            rows.insert(connection, row)
            operation_events.add_change_set(
                connection, self._cipher, row.stack_id, row.arn, each.findings,
                failed=row.status == Status.FAILED, now=row.created_at,
            )  # fmt: skip

    def _planned(self, stack: StackState, wanted: Desired) -> tuple[Plan | None, Outcome]:
        """Return the plan, and how its making ended."""
        if wanted.failure is not None:
            return None, failure(wanted.failure)
        try:
            planned = self._stacks.plan(stack, wanted)
        except ServiceError as error:
            return None, failure(_told(error.message, stack, wanted))
        if not has_changes(stack, planned):
            return planned, NOTHING_CHANGES
        return planned, _warned(planned, stack, wanted)


class _Overtaken(Exception):
    """Another request stored what this one was about to store."""


def _told(message: str, stack: StackState, wanted: Desired) -> str:
    """Return why a change set failed, without secrets that evaluation quotes."""
    resources = stack.resources.values()
    return secrets_of(stack.parameters, wanted.parameters, resources=resources).masked_text(message)


def _warned(planned: Plan, stack: StackState, wanted: Desired) -> Outcome:
    """Return the outcome of a plan that can be executed: what it warns of, each with its mark."""
    texts = (text.removeprefix(_WARNING) for text in planned.warnings)
    return Outcome("\n".join(_WARNING + _told(text, stack, wanted) for text in texts) or None)


def _claim(connection: sa.Connection, row: ChangeSetRow, token: str | None) -> None:
    """Mark the change set as being executed, and remove the others; its execution is unique."""
    begun = rows.change(
        connection,
        row,
        ExecutionStatus.EXECUTE_IN_PROGRESS,
        execution_token=token,
        executed_after=outbox.last_position(connection),
    )
    if not begun:
        now = rows.get(connection, row.arn)
        raise not_found(row.arn) if now is None else cannot_execute(now)
    for each in rows.nested(connection, row.arn):
        if each.status == Status.CREATE_COMPLETE:
            rows.change(connection, each, ExecutionStatus.EXECUTE_IN_PROGRESS)
    rows.delete_others(connection, row)
