"""The stacks that are resources of others: made, changed, taken back and deleted with them.

A nested stack is a stack of its own, and so are its operations; `Operation.parent` says of which
operation of the parent they are part. All that is told here is read from what is stored, so a call
that is repeated, after a crash or to see how far it is, goes on where it stands.

An update waits in UPDATE_COMPLETE_CLEANUP_IN_PROGRESS until the parent's has succeeded: before
that it can go back to its own template, parameters and resources. Creation leaves a stack that
failed to the parent, which deletes it. See docs/adr/0036-nested-stacks.md.
"""

from dataclasses import dataclass
from typing import Any

from penstock.aws.errors import ServiceError
from penstock.stacks.handlers.api_shapes import merged_tags
from penstock.stacks.handlers.failure import code_of
from penstock.stacks.handlers.handler import (
    Failed,
    HandlerErrorCode,
    InProgress,
    Progress,
    ResourceRequest,
    Succeeded,
)
from penstock.stacks.handlers.physical_name import suffix
from penstock.stacks.nested.nested_values import completed
from penstock.stacks.operations.operation import Operation, Options, Parent
from penstock.stacks.operations.refusals import check_updatable
from penstock.stacks.operations.stored_stacks import REVIEW
from penstock.stacks.operations.walk import Phase
from penstock.stacks.planning import nesting, planner
from penstock.stacks.planning.desired import Desired
from penstock.stacks.planning.plan import Plan, PlannedChange
from penstock.stacks.requests.request import desired
from penstock.stacks.stacks import Stacks
from penstock.stacks.state import StackState
from penstock.storage.stacks import StackRow

_LOOKS_AGAIN_SECONDS = 0.2
_UNDER_WAY = frozenset({"UPDATE_IN_PROGRESS", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"})
_GOING_BACK = frozenset(
    {"UPDATE_ROLLBACK_IN_PROGRESS", "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS"}
)
_UPDATED = frozenset({"UPDATE_COMPLETE", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"})
_FAILURES = frozenset({"UPDATE_ROLLBACK_IN_PROGRESS", "UPDATE_FAILED"})
_LATEST_EVENTS = 1000
_PARENT_GOES_BACK = "Rollback requested by the parent stack."


@dataclass(frozen=True, slots=True)
class _Above:
    """The parent as it stands: its row, and its operation that asks."""

    row: StackRow
    operation: Operation
    phase: str

    @property
    def parent(self) -> Parent:
        """What the nested stack's operations keep of it."""
        return Parent(self.row.id, self.row.root_id or self.row.id, self.operation.id)


class NestedStacks:
    """Does what the handler of AWS::CloudFormation::Stack is asked for."""

    def __init__(self, stacks: Stacks) -> None:
        self._stacks = stacks

    async def create(self, request: ResourceRequest) -> Progress:
        """Begin to make the stack, or tell how far it is."""
        name = nesting.stack_name(
            request.stack_name, request.logical_resource_id, suffix(request.client_request_token)
        )
        planned = _planned(await self._above(request), request)
        made = planned.nested.stack_id if planned is not None and planned.nested else name
        row = await self._stacks.row(request.physical_resource_id or made)
        if planned is not None and planned.nested is not None:
            if row is None or row.status == "DELETE_COMPLETE":
                return _failed(f"Stack [{made}] does not exist", None)
            if row.status == REVIEW:
                return await self._execute(request, row, planned.nested)
        if row is None:
            return await self._begin_create(request, name)
        if row.parent_id != request.stack_id:
            return _failed(f"Stack [{row.name}] already exists", None)
        match row.status:
            case "CREATE_COMPLETE":
                return self._succeeded(row)
            case "CREATE_IN_PROGRESS":
                return _wait(row.id)
            case _:
                told = f"Embedded stack {row.id} was not successfully created: {_reason(row)}"
                return _failed(told, row.id)

    async def update(self, request: ResourceRequest, *, first: bool) -> Progress:
        """Begin to update the stack, or to take back what the parent's operation changed in it,
        or tell how far that is; `first`: this step has begun nothing yet."""
        row, above = await self._there(request), await self._above(request)
        if row is None:
            told = f"Stack [{request.physical_resource_id}] does not exist"
            return _failed(told, request.physical_resource_id)
        ours = await self._is_part_of(row, above)
        if above.phase == Phase.REVERT:
            if ours:
                return await self._go_back(request, row, above, first=first)
            return _wait(row.id) if row.status.endswith("_IN_PROGRESS") else self._succeeded(row)
        if not ours:
            if row.status.endswith("_IN_PROGRESS"):
                return _wait(row.id)
            return await self._ask(request, row, above)
        if row.status in _UPDATED:
            return self._succeeded(row)
        if row.status == "UPDATE_IN_PROGRESS":
            return _wait(row.id)
        return await self._not_updated(row)

    async def delete(self, request: ResourceRequest, *, first: bool) -> Progress:
        """Begin to delete the stack, or tell how far that is; `first`: nothing was begun yet."""
        row = await self._there(request)
        if row is None or row.status == "DELETE_COMPLETE":
            return Succeeded(request.physical_resource_id or "")
        if row.status == "DELETE_FAILED" and not first:
            told = f"Embedded stack {row.id} was not successfully deleted: {_reason(row)}"
            return _failed(told, row.id)
        if row.status in {"DELETE_IN_PROGRESS", *_UNDER_WAY, *_GOING_BACK}:
            return _wait(row.id)
        above = await self._above(request)
        try:
            await self._authorize(request, "DeleteStack", row.id)
            actor = above.operation.actor(Phase(above.phase))
            await self._stacks.beginnings.delete(
                row,
                principal=actor.principal,
                role_arn=actor.role_arn,
                parent=above.parent,
            )
        except ServiceError as error:
            return _refused(error, row.id)
        return _wait(row.id)

    async def look(self, request: ResourceRequest) -> Succeeded | None:
        """Return the stack as it is, None when it does not exist."""
        row = await self._there(request)
        return None if row is None or row.status == "DELETE_COMPLETE" else self._succeeded(row)

    async def _begin_create(self, request: ResourceRequest, name: str) -> Progress:
        above = await self._above(request)
        state = self._stacks.new_state(name)
        try:
            await self._authorize(request, "CreateStack", state.stack_id)
            ancestors = await self._ancestors(above.row)
            nesting.check_depth(ancestors)
            nesting.check_size(await self._stacks.resources_of_root(above.parent.root_id))
            wanted = await self._desired(request, name, above, None)
            await self._stacks.beginnings.execute(
                self._stacks.plan(state, wanted),
                create=True,
                principal=above.operation.principal,
                client_request_token=request.client_request_token,
                options=Options("DO_NOTHING", _minutes(request), parent=above.parent),
                new=state,
            )
        except ServiceError as error:
            return _refused(error, None)
        return _wait(state.stack_id)

    async def _ask(self, request: ResourceRequest, row: StackRow, above: _Above) -> Progress:
        """Begin what the parent's change set planned, else whatever there is to update."""
        planned = _planned(above, request)
        if planned is None:
            return await self._begin_update(request, row, above)
        if planned.nested is None:
            return self._succeeded(row)
        return await self._execute(request, row, planned.nested)

    async def _begin_update(
        self, request: ResourceRequest, row: StackRow, above: _Above
    ) -> Progress:
        state = await self._stacks.state(row.id)
        assert state is not None
        try:
            document, on_failure = self._stacks.document(row), above.operation.on_failure
            check_updatable(row.id, row.status, document, on_failure)
            await self._authorize(request, "UpdateStack", row.id)
            wanted = await self._desired(request, row.name, above, state)
            plan = self._stacks.plan(state, wanted)
            if not planner.has_changes(state, plan):
                return self._succeeded(row)
            await self._stacks.beginnings.execute(
                plan,
                create=False,
                principal=above.operation.principal,
                client_request_token=request.client_request_token,
                options=Options(above.operation.on_failure, parent=above.parent),
            )
        except ServiceError as error:
            return _refused(error, row.id)
        return _wait(row.id)

    async def _execute(self, request: ResourceRequest, row: StackRow, planned: Plan) -> Progress:
        """Begin what the parent's change set planned for this stack, and nothing else."""
        above = await self._above(request)
        create = row.status == REVIEW
        try:
            await self._authorize(request, "ExecuteChangeSet", row.id)
            await self._stacks.beginnings.execute(
                completed(planned, row.name, request),
                create=create,
                principal=above.operation.principal,
                client_request_token=request.client_request_token,
                options=Options(
                    "DO_NOTHING" if create else above.operation.on_failure,
                    _minutes(request) if create else None,
                    parent=above.parent,
                ),
            )
        except ServiceError as error:
            return _refused(error, row.id)
        return _wait(row.id)

    async def _go_back(
        self, request: ResourceRequest, row: StackRow, above: _Above, *, first: bool
    ) -> Progress:
        """Have the stack undo the update that the parent's operation had begun: as who rolls back
        the parent, which may be another than who updated it."""
        if row.status == "UPDATE_ROLLBACK_COMPLETE":
            return self._succeeded(row)
        if row.status in _GOING_BACK:
            return _wait(row.id)
        found = await self._stacks.operation(row)
        assert found is not None
        recoveries = self._stacks.recoveries
        principal, role_arn = above.operation.principal, above.operation.role_arn
        try:
            if row.status in _UNDER_WAY:
                if found[1].principal.arn != principal.arn:
                    await self._authorize(request, "RollbackStack", row.id)
                await self._stacks.stop(found[0].id, _PARENT_GOES_BACK)
            elif row.status == "UPDATE_FAILED":
                await self._authorize(request, "RollbackStack", row.id)
                await recoveries.roll_back(row, principal=principal, role_arn=role_arn)
            elif row.status == "UPDATE_ROLLBACK_FAILED" and first:
                await self._authorize(request, "ContinueUpdateRollback", row.id)
                await recoveries.continue_rollback(row, (), principal=principal, role_arn=role_arn)
            else:
                return await self._not_updated(row)
        except ServiceError as error:
            return _refused(error, row.id)
        return _wait(row.id)

    async def _desired(
        self, request: ResourceRequest, name: str, above: _Above, state: StackState | None
    ) -> Desired:
        """Return what the resource's properties ask the stack to become. Raises ServiceError."""
        return await desired(
            self._stacks.in_process,
            request.principal,
            _request(request, name, above),
            state,
            await self._stacks.exports(),
            self._stacks.macros,
        )

    async def _there(self, request: ResourceRequest) -> StackRow | None:
        return await self._stacks.row(request.physical_resource_id or "")

    async def _above(self, request: ResourceRequest) -> _Above:
        row = await self._stacks.row(request.stack_id)
        assert row is not None, "a handler is called by a stack that there is"
        found = await self._stacks.operation(row)
        assert found is not None, "a handler is called in an operation"
        return _Above(row, found[1], found[0].phase)

    async def _is_part_of(self, row: StackRow, above: _Above) -> bool:
        """Tell whether the stack's last operation was begun by the parent's present one."""
        found = await self._stacks.operation(row)
        parent = found[1].parent if found is not None else None
        return parent is not None and parent.operation_id == above.operation.id

    async def _ancestors(self, row: StackRow) -> list[str]:
        """Return the names of a stack and of those above it, the first one last."""
        names = [row.name]
        while row.parent_id is not None:
            above = await self._stacks.row(row.parent_id)
            if above is None:
                break
            row = above
            names.append(row.name)
        return names

    async def _authorize(self, request: ResourceRequest, action: str, stack_id: str) -> None:
        in_process = self._stacks.in_process
        await in_process.authorize(request.principal, f"cloudformation:{action}", stack_id)

    def _succeeded(self, row: StackRow) -> Succeeded:
        outputs = {one.name: one.value for one in self._stacks.document(row).outputs}
        return Succeeded(row.id, {"Outputs": outputs})

    async def _not_updated(self, row: StackRow) -> Failed:
        """Return the failure of an update; its cause is in the event that told of it."""
        for event in await self._stacks.events(row.id, None, _LATEST_EVENTS):
            if event.physical_id == row.id and event.status in _FAILURES:
                told = f"Currently in {event.status} with reason: {event.reason or ''}".rstrip()
                break
        else:
            told = f"Currently in {row.status}"
        return _failed(f"Embedded stack {row.id} was not successfully updated. {told} ", row.id)


def _request(request: ResourceRequest, name: str, above: _Above) -> dict[str, Any]:
    """Return what CreateStack or UpdateStack would be asked for."""
    plan = above.operation.plan
    assert plan is not None, "a deletion makes nothing"
    tags = merged_tags(request, request.properties.get("Tags"))
    return nesting.request_of(request.properties, name, tags, plan)


def _planned(above: _Above, request: ResourceRequest) -> PlannedChange | None:
    """Return what the parent's change set says of the stack, where it includes nested stacks."""
    plan = above.operation.plan
    for change in plan.changes if plan is not None else ():
        if change.logical_resource_id == request.logical_resource_id and change.change_set_id:
            return change
    return None


def _minutes(request: ResourceRequest) -> int | None:
    given = request.properties.get("TimeoutInMinutes")
    return None if given is None else int(given)


def _wait(stack_id: str) -> InProgress:
    return InProgress(_LOOKS_AGAIN_SECONDS, {"StackId": stack_id}, stack_id)


def _reason(row: StackRow) -> str:
    """Return why a stack failed; AWS's sentence ends with a space."""
    return f"{(row.reason or '').rstrip()} "


def _failed(message: str, physical_id: str | None) -> Failed:
    code = HandlerErrorCode.NOT_STABILIZED
    return Failed(code, message, physical_id, verbatim=True)


def _refused(error: ServiceError, physical_id: str | None) -> Failed:
    return Failed(code_of(error.code), error.message, physical_id, verbatim=True)
