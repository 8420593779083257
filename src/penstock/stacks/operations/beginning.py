"""Beginning operations on stacks: one unit of work each, the provisioner does the rest.

That unit of work moves the stack on, if it still is what the plan was made from. Source:
https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_Operations.html
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from penstock import ids
from penstock.aws.errors import ServiceError
from penstock.aws.service import Principal
from penstock.clock import Clock
from penstock.stacks.display import secrets_of
from penstock.stacks.events import findings, operation_events, stack_events
from penstock.stacks.events.findings import Finding
from penstock.stacks.handlers.handler import Support
from penstock.stacks.operations import phases, removals
from penstock.stacks.operations.acting_role import ActingRole
from penstock.stacks.operations.calls import Calls
from penstock.stacks.operations.exports import check_as_planned, check_unused, refused
from penstock.stacks.operations.ledger import Ledger
from penstock.stacks.operations.operation import (
    Actor,
    Operation,
    Options,
    Parent,
    StackDocument,
    Step,
)
from penstock.stacks.operations.operation import Work as StepWork
from penstock.stacks.operations.provisioner import Provisioner
from penstock.stacks.operations.refusals import (
    UPDATABLE,
    already_exists,
    check_deletable,
    check_startable,
    check_updatable,
    does_not_exist,
)
from penstock.stacks.operations.stored_stacks import REVIEW, StoredStacks
from penstock.stacks.operations.turn import Turn
from penstock.stacks.operations.walk import Phase
from penstock.stacks.planning.plan import Plan
from penstock.stacks.policies import stack_policy
from penstock.stacks.resource_types.registry import Handlers
from penstock.stacks.state import StackState
from penstock.stacks.template.load import stored_template
from penstock.stacks.template.template import Template
from penstock.storage import stack_operations, stacks
from penstock.storage.database import Database, Work
from penstock.storage.encryption import Cipher
from penstock.storage.stack_operations import OperationRow
from penstock.storage.stacks import StackRow

_CREATING = frozenset({"CREATE_IN_PROGRESS", "ROLLBACK_IN_PROGRESS"})


@dataclass(frozen=True, slots=True)
class _Beginning:
    """What an operation begins with, and from which statuses of its stack it may."""

    operation: Operation
    phase: Phase
    steps: Sequence[Step]
    document: StackDocument
    """What the stack's row keeps from now on."""
    allowed: Collection[str]
    now: datetime
    imports: frozenset[str] = frozenset()
    """The exports that are used from now on."""
    stop: str | None = None
    """Why it goes back at once."""


class Beginnings:
    """Begins operations on the stacks of one server."""

    def __init__(
        self,
        stored: StoredStacks,
        database: Database,
        cipher: Cipher,
        ledger: Ledger,
        calls: Calls,
        handlers: Handlers,
        role: ActingRole,
        provisioner: Provisioner,
        clock: Clock,
        *,
        refuse_recorded: bool,
    ) -> None:
        self._stored = stored
        self._database = database
        self._cipher = cipher
        self._ledger = ledger
        self._calls = calls
        self._handlers = handlers
        self._role = role
        self._provisioner = provisioner
        self._clock = clock
        self._refuse_recorded = refuse_recorded

    async def execute(
        self,
        plan: Plan,
        *,
        create: bool,
        principal: Principal,
        client_request_token: str | None = None,
        options: Options | None = None,
        new: StackState | None = None,
        also: Work[None] | None = None,
        found: Sequence[Finding] = (),
    ) -> str:
        """Begin to carry out a plan; returns the operation's id once that is stored.

        `found` is what validation has against the plan: the operation fails at once and goes back.
        `new` is the `new_state` of a stack that is not stored yet. `also` is done first in the same
        unit of work; a ServiceError of its refuses the whole. Raises ServiceError: the stack
        moved on since the plan was made, its role does not trust CloudFormation, or something in
        the plan is only recorded and that is refused.
        """
        if plan.role_arn is not None:
            await self._role.check(plan.role_arn)
        chosen = options or Options(
            on_failure="DO_NOTHING" if plan.disable_rollback else "ROLLBACK"
        )
        before = new or await self._stored.state(plan.stack_id)
        if before is None:
            raise does_not_exist(plan.stack_id)
        while True:
            operation = await self._operation(
                plan, before, chosen, principal, client_request_token, create=create
            )
            begins = await self._first(operation, plan, found, create=create)

            def work(c: sa.Connection, begins: _Beginning = begins) -> None:
                if also is not None:
                    also(c)
                self._check_stored(c, begins.operation, plan, chosen, begins.allowed, begins.now)
                self._begin(c, begins)
                self._tell_findings(c, begins, found)

            try:
                await self._database.write(work)
            except _PolicySet:
                continue
            self._provisioner.run(operation.id)
            return operation.id

    async def delete(
        self,
        row: StackRow,
        *,
        principal: Principal,
        role_arn: str | None = None,
        retain: Collection[str] = (),
        force: bool = False,
        client_request_token: str | None = None,
        parent: Parent | None = None,
    ) -> None:
        """Begin to delete a stack; repeating it while it goes on does nothing.

        What `retain` names stays, and with `force` whatever cannot be deleted. Raises ServiceError:
        protected, an export in use, or in the middle of an update.
        """
        document = self._stored.document(row)
        role = role_arn or document.role_arn
        if role is not None:
            await self._role.check(role)
        before = await self._stored.state(row.id)
        assert before is not None
        check_deletable(row, before, retain, force=force)
        if row.status in {"DELETE_IN_PROGRESS", "DELETE_COMPLETE"}:
            return
        if row.status in _CREATING:
            if not await self._delete_afterwards(row, Actor(principal, role)):
                raise refused(f"Stack:{row.id} has moved on; delete it again.")
            return
        operation = Operation(
            id=ids.new_uuid(),
            stack_id=row.id,
            stack_name=row.name,
            plan=None,
            before=before,
            before_document=document,
            before_imports=(),
            principal=principal,
            role_arn=role,
            token=client_request_token,
            retain=sorted(retain),
            force=force,
            parent=parent,
            leftovers=document.leftovers,
        )
        steps = removals.deletion(before.resources.values(), operation)
        begins = _Beginning(operation, Phase.DELETE, steps, document, {row.status}, self._clock())

        def work(c: sa.Connection) -> None:
            for export in stacks.exports(c):
                if export.stack_id == row.id:
                    check_unused(c, export.name, "deleted")
            found = stacks.get(c, row.id)
            check_startable(found, before, before.serial, {row.status})
            self._begin(c, begins)

        await self._database.write(work)
        self._provisioner.run(operation.id)

    async def _operation(
        self,
        plan: Plan,
        before: StackState,
        options: Options,
        principal: Principal,
        token: str | None,
        *,
        create: bool,
    ) -> Operation:
        """Return the operation that carries out a plan. Raises ServiceError where the stack, or
        what its policies name, does not allow it."""
        template = stored_template(plan.template_body)
        _check_policies(options, template, before)
        row = await self._stored.row(before.stack_id)
        document = self._stored.document(row) if row else StackDocument()
        if not create:
            check_updatable(before.stack_id, before.status, document, options.on_failure)
        return Operation(
            id=ids.new_uuid(),
            stack_id=before.stack_id,
            stack_name=before.stack_name,
            plan=plan,
            before=before,
            before_document=document,
            before_imports=await self._database.read(lambda c: stacks.imports(c, before.stack_id)),
            principal=principal,
            role_arn=plan.role_arn,
            on_failure=options.on_failure,
            deadline=_deadline(options, self._clock()) if create else None,
            timeout_minutes=options.timeout_minutes,
            retain_except_on_create=options.retain_except_on_create,
            token=token,
            leftovers=document.leftovers,
            plan_digest=plan.digest,
            stack_policy=None if create else _policy_during(row, template, options),
            own_stack_policy=row.stack_policy if row else None,
            next_stack_policy=options.stack_policy,
            does_nothing_on_failure=options.does_nothing_on_failure,
            request_digest=options.request_digest,
            parent=options.parent,
        )

    async def _first(
        self, operation: Operation, plan: Plan, found: Sequence[Finding], *, create: bool
    ) -> _Beginning:
        """Return what carrying out a plan begins with. Raises ServiceError for what is only
        recorded where that is refused."""
        template, before = stored_template(plan.template_body), operation.before
        exports = await self._stored.exports()
        turn = Turn(operation, plan, template, exports, before.resources, before.secret_resources)
        phase = Phase.CREATE if create else Phase.UPDATE
        steps = phases.first_steps(phase, turn)
        applied = [step.logical_id for step in steps if step.work is StepWork.APPLY]
        self._check_recorded(template.resources[name].type for name in applied)
        await self._calls.look_at_stacks(operation, turn)
        imports, stop = _imports(turn)
        return _Beginning(
            operation,
            phase,
            steps,
            phases.document_of(operation, operation.before_document.outputs),
            {REVIEW} if create else UPDATABLE,
            self._clock(),
            imports | plan.imports.keys(),
            findings.stop(found) or stop,
        )

    def _check_stored(
        self,
        c: sa.Connection,
        operation: Operation,
        plan: Plan,
        options: Options,
        allowed: Collection[str],
        now: datetime,
    ) -> None:
        """Raise ServiceError unless the stack, and what the plan was made from, are what they were;
        store the stack where it is new. Raises _PolicySet."""
        before, create = operation.before, REVIEW in allowed
        stored = stacks.get(c, before.stack_id)
        if stored is None and create:
            if stacks.find(c, before.stack_name) is not None:
                raise already_exists(before.stack_name)
            stored = self._new_row(before, options, now)
            stacks.insert(c, stored)
        check_startable(stored, before, plan.stack_serial, allowed)
        if stored is not None and stored.stack_policy != operation.own_stack_policy:
            raise _PolicySet
        if plan.of_change_set and (imported := list(plan.all_imports())):
            check_as_planned(imported, self._stored.exports_in(c))
        if create and options.protected:
            stacks.protect(c, before.stack_id, protected=True)
        if create and options.stack_policy is not None:
            stacks.set_policy(c, before.stack_id, options.stack_policy)

    def _new_row(self, state: StackState, options: Options, now: datetime) -> StackRow:
        return self._stored.row_in_review(
            state,
            StackDocument(),
            now,
            protected=options.protected,
            parent_id=options.parent.stack_id if options.parent else None,
            root_id=options.parent.root_id if options.parent else None,
        )

    def _begin(self, c: sa.Connection, begins: _Beginning) -> None:
        operation, now = begins.operation, begins.now
        row = OperationRow(
            id=operation.id,
            stack_id=operation.stack_id,
            phase=begins.phase.value,
            active=True,
            stop=begins.stop,
            delete_requested=False,
            token=operation.token,
            sealed=self._ledger.seal(operation),
            started_at=now,
        )
        stack_operations.insert(c, row)
        rows = [self._ledger.step_row(operation.id, step) for step in begins.steps]
        stack_operations.put_steps(c, rows)
        stacks.add_imports(c, operation.stack_id, begins.imports)
        status, reason = phases.STATUS[begins.phase], stack_events.USER_INITIATED
        values = {} if begins.phase is not Phase.UPDATE else {"updated_at": now}
        moved = stacks.move(
            c, operation.stack_id, begins.allowed, status,
            reason=reason, serial=operation.before.serial + 1,
            operation_id=operation.id, sealed=self._ledger.seal(begins.document), **values,
        )  # fmt: skip
        if not moved:
            raise RuntimeError("the stack's status changed inside one unit of work")
        self._ledger.tell(c, operation.stack_id, status, reason, operation.token, now)

    def _tell_findings(
        self, c: sa.Connection, begins: _Beginning, found: Sequence[Finding]
    ) -> None:
        """Tell what validation found, where it stops the operation."""
        reason = findings.of_stack(found)
        if reason is None:
            return
        operation, now = begins.operation, begins.now
        operation_events.add_findings(c, self._cipher, operation.stack_id, found, now)
        status = f"{begins.phase.value}_FAILED"
        self._ledger.tell(c, operation.stack_id, status, reason, operation.token, now)

    def _check_recorded(self, types: Iterable[str]) -> None:
        if not self._refuse_recorded:
            return
        only = sorted({t for t in types if self._handlers.support(t) is Support.RECORDED})
        if only:
            raise refused(
                f"Resource types [{', '.join(only)}] are only recorded here (nothing runs behind "
                "them), and this server was started with --refuse-recorded."
            )

    async def _delete_afterwards(self, row: StackRow, deleter: Actor) -> bool:
        """Have a creation, or its rollback, end with the deletion, as `deleter`; False when it is
        over."""
        operation_id = row.operation_id
        assert operation_id is not None
        now = self._clock()
        status, reason = phases.STATUS[Phase.DELETE], stack_events.USER_INITIATED

        def work(c: sa.Connection) -> bool:
            if not stacks.move(c, row.id, [row.status], status, reason=reason):
                return False
            self._ledger.change(c, operation_id, deleter=deleter)
            stack_operations.update(c, operation_id, delete_requested=True)
            stack_operations.request_stop(c, operation_id, reason)
            self._ledger.tell(c, row.id, status, reason, None, now)
            return True

        if not await self._database.write(work):
            return False
        self._provisioner.delete_afterwards(operation_id, deleter)
        await self._provisioner.stop(operation_id, reason)
        return True


def _policy_during(row: StackRow | None, template: Template, options: Options) -> str | None:
    """Return the policy that an update to `template` is held against.

    A new policy counts from the update's end on (classmethod/gradle-aws-plugin#159). Raises
    ServiceError where the stack's own names a resource that the template no longer has.
    """
    own = row.stack_policy if row is not None else None
    if own is not None and options.stack_policy is None:
        stack_policy.check(own, template.resources, existing=True)
    return options.stack_policy_during_update or own


def _deadline(options: Options, now: datetime) -> datetime | None:
    """Return when a creation fails that has not ended."""
    minutes = options.timeout_minutes
    return None if minutes is None else now + timedelta(minutes=minutes)


class _PolicySet(Exception):
    """The stack has another policy than the one that was read a moment before."""


def _check_policies(options: Options, template: Template, before: StackState) -> None:
    """Raise ServiceError for stack policies that name what the stack does not have."""
    if options.stack_policy is not None:
        stack_policy.check(options.stack_policy, template.resources)
    if options.stack_policy_during_update is not None:
        named = template.resources.keys() | before.resources.keys()
        stack_policy.check(options.stack_policy_during_update, named)


def _imports(turn: Turn) -> tuple[frozenset[str], str | None]:
    """Return the exports that a template uses, and why it cannot be carried out, if so."""
    try:
        return turn.imports(), None
    except ServiceError as error:
        before, plan = turn.operation.before, turn.plan
        secrets = secrets_of(before.parameters, plan.parameters, resources=turn.deployed.values())
        reason = secrets.masked_text(error.message.rstrip("."))
        return frozenset(), f"{reason}. Rollback requested by user."
