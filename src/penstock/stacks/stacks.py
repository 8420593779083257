"""Stacks of one account: reading them, and beginning operations on them.

An operation begins with one unit of work that moves the stack on, if it still is what the plan was
made from; the provisioner does the rest. Source:
https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_Operations.html
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from penstock import ids
from penstock.aws.errors import ServiceError
from penstock.aws.in_process import InProcess
from penstock.aws.service import Principal
from penstock.aws.tags import from_pairs
from penstock.clock import Clock
from penstock.services.sts import Sts
from penstock.stacks.display import secrets_of
from penstock.stacks.drift.detections import DriftDetections
from penstock.stacks.events import findings, operation_events, stack_events
from penstock.stacks.events.findings import Finding
from penstock.stacks.handlers.handler import ResourceHandler, Support
from penstock.stacks.operations import phases, removals
from penstock.stacks.operations.acting_role import ActingRole
from penstock.stacks.operations.calls import Calls
from penstock.stacks.operations.exports import check_as_planned, check_unused, refused
from penstock.stacks.operations.ledger import Ledger
from penstock.stacks.operations.operation import Operation, Options, Parent, StackDocument, Step
from penstock.stacks.operations.operation import Work as StepWork
from penstock.stacks.operations.recoveries import Recoveries
from penstock.stacks.operations.refusals import (
    UPDATABLE,
    already_exists,
    check_deletable,
    check_startable,
    check_updatable,
)
from penstock.stacks.operations.signals import Signals
from penstock.stacks.operations.stored_stacks import REVIEW
from penstock.stacks.operations.turn import Turn
from penstock.stacks.operations.walk import Phase
from penstock.stacks.planning import planner
from penstock.stacks.planning.desired import Desired
from penstock.stacks.planning.nesting import NestedPlanning
from penstock.stacks.planning.plan import Plan
from penstock.stacks.policies import stack_policy
from penstock.stacks.resource_types.own_types import own_handlers
from penstock.stacks.resource_types.recorded import recorded_handler
from penstock.stacks.resource_types.registry import Handlers
from penstock.stacks.responses.addresses import Responses
from penstock.stacks.state import StackState
from penstock.stacks.template.load import stored_template
from penstock.stacks.template.template import Template
from penstock.stacks.transforms.macro_registry import Macros
from penstock.stacks.validation.early_validation import EarlyValidation
from penstock.storage import stack_operations, stacks
from penstock.storage.database import Database, Work
from penstock.storage.encryption import Cipher
from penstock.storage.outbox import Outbox
from penstock.storage.stack_operations import OperationRow
from penstock.storage.stacks import StackRow

_CREATING = frozenset({"CREATE_IN_PROGRESS", "ROLLBACK_IN_PROGRESS"})


class Stacks(Recoveries):
    """The stacks of one server. `start` resumes what was running; `close` keeps it resumable."""

    def __init__(
        self,
        database: Database,
        outbox: Outbox,
        cipher: Cipher,
        in_process: InProcess,
        sts: Sts,
        clock: Clock,
        handlers: Callable[[], Mapping[str, ResourceHandler]],
        account_id: str,
        region: str,
        *,
        refuse_recorded: bool = False,
        first_back_off_seconds: float = 0.5,
        response_url: str | None = None,
    ) -> None:
        """`handlers` gives the resource types that are running or kept; every other type with a
        schema is recorded, or refused with `refuse_recorded`. Addresses for answers begin with
        `response_url`; None: with the server's endpoint."""
        self.responses = Responses(
            database, cipher, clock, region, response_url or in_process.endpoint_url
        )
        self.macros = Macros(database, clock, account_id=account_id, region=region)
        own = own_handlers(in_process, self.responses, self.macros)
        self._handlers = Handlers(own, handlers, recorded_handler)
        role = ActingRole(sts, clock)
        super().__init__(
            database,
            cipher,
            Ledger(database, cipher, clock),
            Calls(self._handlers, role, clock, in_process, self.responses),
            role,
            clock,
            account_id,
            region,
            first_back_off_seconds,
        )
        self.responses.arrived = self._provisioner.look_again
        self.signals = Signals(database, self._ledger, self.responses)
        self.in_process = in_process
        self.validation = EarlyValidation(self._handlers, in_process, self._ledger, database, clock)
        self.outbox = outbox
        self._refuse_recorded = refuse_recorded
        self.drift = DriftDetections(database, self, self._ledger, self._handlers, clock)

    async def start(self) -> None:
        """Resume every operation, and every detection of drift, that has not ended."""
        await self.drift.start()
        for operation_id in await self._database.read(stack_operations.unfinished):
            self._provisioner.run(operation_id, resumed=True)

    async def close(self) -> None:
        """Stop; everything goes on at the next `start`."""
        await self.drift.close()
        await self._provisioner.close()

    def begin_review(
        self,
        c: sa.Connection,
        state: StackState,
        request_fields: Mapping[str, Any],
        token: str | None,
        above: StackState | None = None,
        root_id: str | None = None,
    ) -> None:
        """Store a `new_state` in REVIEW_IN_PROGRESS, in the unit of work of the change set that
        creates it.

        `request_fields` are CreateChangeSet's; the stack shows its `Tags` and `Description`.
        `above` is the parent of a nested one. Raises AlreadyExistsException when the name is taken.
        """
        name = state.stack_name
        document = StackDocument(
            tags=from_pairs(request_fields.get("Tags") or ()),
            description=request_fields.get("Description"),
        )
        now = self._clock()
        sealed = self._ledger.seal(document)
        if stacks.find(c, name) is not None:
            raise already_exists(name)
        row = StackRow(
            state.stack_id, name, REVIEW, stack_events.USER_INITIATED, 0, False, None, sealed, now,
            parent_id=above.stack_id if above else None, root_id=root_id,
        )  # fmt: skip
        stacks.insert(c, row)
        self._tell(c, row.id, name, REVIEW, stack_events.USER_INITIATED, token, now)

    def plan(
        self, current: StackState, wanted: Desired, nested: NestedPlanning | None = None
    ) -> Plan:
        """Plan what bringing a stack to what is wanted changes. Raises ServiceError for what
        cannot be planned, and for what the resource types here do not honour."""
        return planner.plan(current, wanted, self._handlers.honoured(), nested)

    async def check_role(self, role_arn: str | None) -> None:
        """Raise AWS's ValidationError for a role that CloudFormation may not assume."""
        if role_arn is not None:
            await self._role.check(role_arn)

    async def check_allowed(
        self, principal: Principal, role_arn: str | None, action: str, stack_id: str
    ) -> None:
        """Raise AccessDenied unless who acts on the stack, its role or else `principal`, may."""
        acting = await self._role.principal(role_arn, principal)
        await self.in_process.authorize(acting, action, stack_id)

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
        await self.check_role(plan.role_arn)
        template = stored_template(plan.template_body)
        chosen = options or Options(
            on_failure="DO_NOTHING" if plan.disable_rollback else "ROLLBACK"
        )
        before = new or await self.state(plan.stack_id)
        if before is None:
            raise refused(f"Stack [{plan.stack_id}] does not exist")
        _check_policies(chosen, template, before)
        row = await self.row(before.stack_id)
        document = self.document(row) if row else StackDocument()
        if not create:
            check_updatable(before.stack_id, before.status, document, chosen.on_failure)
        now = self._clock()
        operation = Operation(
            id=ids.new_uuid(),
            stack_id=before.stack_id,
            stack_name=before.stack_name,
            plan=plan,
            before=before,
            before_document=document,
            before_imports=await self._database.read(lambda c: stacks.imports(c, before.stack_id)),
            principal=principal,
            role_arn=plan.role_arn,
            on_failure=chosen.on_failure,
            deadline=_deadline(chosen, now) if create else None,
            timeout_minutes=chosen.timeout_minutes,
            retain_except_on_create=chosen.retain_except_on_create,
            token=client_request_token,
            leftovers=document.leftovers,
            plan_digest=plan.digest,
            stack_policy=None if create else self._policy_during(row, template, chosen),
            own_stack_policy=row.stack_policy if row else None,
            next_stack_policy=chosen.stack_policy,
            does_nothing_on_failure=chosen.does_nothing_on_failure,
            request_digest=chosen.request_digest,
            parent=chosen.parent,
        )
        turn = Turn(operation, plan, template, await self.exports(), before.resources)
        phase = Phase.CREATE if create else Phase.UPDATE
        steps = phases.first_steps(phase, turn)
        self._check_recorded(
            template.resources[step.logical_id].type
            for step in steps
            if step.work is StepWork.APPLY
        )
        await self._calls.look_at_stacks(operation, turn)
        imports, stop = _imports(turn)
        stop = findings.stop(found) or stop
        imported = list(plan.all_imports())
        kept = phases.document_of(operation, document.outputs)
        allowed = {REVIEW} if create else UPDATABLE

        def work(c: sa.Connection) -> None:
            if also is not None:
                also(c)
            stored = stacks.get(c, before.stack_id)
            if stored is None and create:
                if stacks.find(c, before.stack_name) is not None:
                    raise already_exists(before.stack_name)
                stored = self._new_row(before, chosen, now)
                stacks.insert(c, stored)
            check_startable(stored, before, plan.stack_serial, allowed)
            if stored is not None and stored.stack_policy != operation.own_stack_policy:
                raise _PolicySet
            if imported and plan.of_change_set:
                check_as_planned(imported, self._exports(c))
            if create and chosen.protected:
                stacks.protect(c, before.stack_id, protected=True)
            if create and chosen.stack_policy is not None:
                stacks.set_policy(c, before.stack_id, chosen.stack_policy)
            stacks.add_imports(c, before.stack_id, imports | plan.imports.keys())
            self._begin(
                c, operation, phase, steps, kept, now, stop, allowed,
                {"updated_at": None if create else now},
            )  # fmt: skip
            self._tell_findings(c, operation, phase, found, now)

        try:
            await self._database.write(work)
        except _PolicySet:
            return await self.execute(
                plan, create=create, principal=principal, options=options, new=new, also=also,
                client_request_token=client_request_token, found=found,
            )  # fmt: skip
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
        document = self.document(row)
        role = role_arn or document.role_arn
        if role is not None:
            await self._role.check(role)
        before = await self.state(row.id)
        assert before is not None
        check_deletable(row, before, retain, force=force)
        if row.status in {"DELETE_IN_PROGRESS", "DELETE_COMPLETE"}:
            return
        if row.status in _CREATING:
            if not await self._delete_afterwards(row):
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
        now = self._clock()

        def work(c: sa.Connection) -> None:
            for export in stacks.exports(c):
                if export.stack_id == row.id:
                    check_unused(c, export.name, "deleted")
            found = stacks.get(c, row.id)
            check_startable(found, before, before.serial, {row.status})
            self._begin(c, operation, Phase.DELETE, steps, document, now, None, {row.status}, {})

        await self._database.write(work)
        self._provisioner.run(operation.id)

    async def stop(self, operation_id: str, reason: str) -> None:
        """Have an operation that goes on end and be rolled back; one that has ended stays."""
        await self._provisioner.stop(operation_id, reason)

    async def protect(self, row: StackRow, *, protected: bool) -> None:
        """Switch termination protection."""
        await self._database.write(lambda c: stacks.protect(c, row.id, protected=protected))

    async def set_policy(self, row: StackRow, policy: str) -> None:
        """Give a stack another policy. Raises ServiceError for one that is not valid for it."""
        body = self.document(row).template_body
        names = stored_template(body).resources if body else {}
        stack_policy.check(policy, names)
        await self._database.write(lambda c: stacks.set_policy(c, row.id, policy))

    def _policy_during(
        self, row: StackRow | None, template: Template, options: Options
    ) -> str | None:
        """Return the policy that an update to `template` is held against.

        A new policy counts from the update's end on (classmethod/gradle-aws-plugin#159). Raises
        ServiceError where the stack's own names a resource that the template no longer has.
        """
        own = row.stack_policy if row is not None else None
        if own is not None and options.stack_policy is None:
            stack_policy.check(own, template.resources, existing=True)
        return options.stack_policy_during_update or own

    def _new_row(self, state: StackState, options: Options, now: datetime) -> StackRow:
        sealed = self._ledger.seal(StackDocument())
        return StackRow(
            state.stack_id, state.stack_name, REVIEW, None, 0, options.protected, None, sealed, now,
            parent_id=options.parent.stack_id if options.parent else None,
            root_id=options.parent.root_id if options.parent else None,
        )  # fmt: skip

    def _begin(
        self,
        c: sa.Connection,
        operation: Operation,
        phase: Phase,
        steps: Sequence[Step],
        document: StackDocument,
        now: datetime,
        stop: str | None,
        allowed: Collection[str],
        values: Mapping[str, Any],
    ) -> None:
        row = OperationRow(
            operation.id, operation.stack_id, phase.value, True, stop, False, operation.token,
            self._ledger.seal(operation), now,
        )  # fmt: skip
        stack_operations.insert(c, row)
        for step in steps:
            self._put_step(c, operation.id, step)
        status = phases.STATUS[phase]
        moved = stacks.move(
            c, operation.stack_id, allowed, status,
            reason=stack_events.USER_INITIATED, serial=operation.before.serial + 1,
            operation_id=operation.id, sealed=self._ledger.seal(document), **values,
        )  # fmt: skip
        if not moved:
            raise RuntimeError("the stack's status changed inside one unit of work")
        self._tell(
            c, operation.stack_id, operation.stack_name, status, stack_events.USER_INITIATED,
            operation.token, now,
        )  # fmt: skip

    def _tell_findings(
        self,
        c: sa.Connection,
        operation: Operation,
        phase: Phase,
        found: Sequence[Finding],
        now: datetime,
    ) -> None:
        """Tell what validation found, where it stops the operation."""
        reason = findings.of_stack(found)
        if reason is None:
            return
        operation_events.add_findings(c, self._cipher, operation.stack_id, found, now)
        status = f"{phase.value}_FAILED"
        self._tell(
            c, operation.stack_id, operation.stack_name, status, reason, operation.token, now
        )

    def _check_recorded(self, types: Any) -> None:
        if not self._refuse_recorded:
            return
        only = sorted({t for t in types if self._handlers.support(t) is Support.RECORDED})
        if only:
            raise refused(
                f"Resource types [{', '.join(only)}] are only recorded here (nothing runs behind "
                "them), and this server was started with --refuse-recorded."
            )

    async def _delete_afterwards(self, row: StackRow) -> bool:
        """Have a creation, or its rollback, end with the deletion; False when it is over."""
        operation_id = row.operation_id
        assert operation_id is not None
        now = self._clock()
        status, reason = phases.STATUS[Phase.DELETE], stack_events.USER_INITIATED

        def work(c: sa.Connection) -> bool:
            if not stacks.move(c, row.id, [row.status], status, reason=reason):
                return False
            stack_operations.update(c, operation_id, delete_requested=True)
            stack_operations.request_stop(c, operation_id, reason)
            self._tell(c, row.id, row.name, status, reason, None, now)
            return True

        if not await self._database.write(work):
            return False
        self._provisioner.delete_afterwards(operation_id)
        await self._provisioner.stop(operation_id, reason)
        return True


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
