"""Creating, updating, deleting and describing stacks."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any

import msgspec

from penstock.aws.service import Call, Request, Response
from penstock.aws.tags import to_pairs
from penstock.stacks.api import drift as drifting
from penstock.stacks.api.lookup import check_root, invalid, page, present, root_of, stack_of
from penstock.stacks.events.findings import Finding
from penstock.stacks.operations.operation import Options, StackDocument
from penstock.stacks.operations.refusals import (
    already_exists,
    check_updatable,
    protected,
    token_used,
)
from penstock.stacks.operations.stored_stacks import REVIEW
from penstock.stacks.operations.turn import MASK
from penstock.stacks.planning import planner, rollback_configuration, unsupported
from penstock.stacks.planning.desired import Desired
from penstock.stacks.planning.plan import Plan
from penstock.stacks.requests import request as requests
from penstock.stacks.requests.stack_policy_source import policy_text
from penstock.stacks.stacks import Stacks
from penstock.stacks.state import StackState
from penstock.storage.stack_drifts import DetectionRow
from penstock.storage.stacks import StackRow

NO_UPDATES = "No updates are to be performed."
_NAME = re.compile(r"[a-zA-Z][-a-zA-Z0-9]*")
_LONGEST_NAME = 128
_UNKNOWN = "Stack with id {} does not exist"


async def create_stack(stacks: Stacks, call: Call, request: Request) -> Response:
    """Plan a new stack and begin to make it."""
    name, token = request["StackName"], request.get("ClientRequestToken")
    _check_name(name)
    _check_failure_options(request)
    existing = await stacks.row(name)
    if existing is not None and existing.status != REVIEW:
        if await _repeated(stacks, existing, request):
            return {"StackId": existing.id}
        raise already_exists(name)
    state = stacks.new_state(name) if existing is None else await stacks.state(existing.id)
    assert state is not None
    exports = await stacks.exports()
    wanted = await requests.desired(
        stacks.in_process, call.principal, request, None, exports, stacks.macros
    )
    plan = stacks.plan(state, wanted)
    operation_id = await stacks.beginnings.execute(
        plan,
        create=True,
        principal=call.principal,
        client_request_token=token,
        options=await _options(stacks, call, request),
        new=state if existing is None else None,
        found=await _validated(stacks, call, request, state, wanted, plan),
    )
    return {"StackId": state.stack_id, "OperationId": operation_id}


async def update_stack(stacks: Stacks, call: Call, request: Request) -> Response:
    """Plan the difference and begin to carry it out; no difference is an error, as on AWS."""
    name, token = request["StackName"], request.get("ClientRequestToken")
    row = await stack_of(stacks, name)
    if await _repeated(stacks, row, request):
        return {"StackId": row.id}
    options = await _options(stacks, call, request)
    check_updatable(row.id, row.status, stacks.document(row), options.on_failure)
    state = await stacks.state(row.id)
    assert state is not None
    exports = await stacks.exports()
    wanted = await requests.desired(
        stacks.in_process, call.principal, request, state, exports, stacks.macros
    )
    plan = stacks.plan(state, wanted)
    if not planner.has_changes(state, plan):
        raise invalid(NO_UPDATES)
    operation_id = await stacks.beginnings.execute(
        plan,
        create=False,
        principal=call.principal,
        client_request_token=token,
        options=options,
        found=await _validated(stacks, call, request, state, wanted, plan),
    )
    return {"StackId": row.id, "OperationId": operation_id}


async def delete_stack(stacks: Stacks, call: Call, request: Request) -> Response:
    """Begin to delete a stack; one that does not exist is no error, as on AWS."""
    unsupported.check_request(request)
    row = await stacks.row(request["StackName"])
    if row is None:
        return {}
    root = await root_of(stacks, row)
    if root is not None and root.protected:
        raise protected(root.name)
    await stacks.beginnings.delete(
        row,
        principal=call.principal,
        role_arn=request.get("RoleARN"),
        retain=request.get("RetainResources") or (),
        force=request.get("DeletionMode") == "FORCE_DELETE_STACK",
        client_request_token=request.get("ClientRequestToken"),
    )
    return {}


async def describe_stacks(stacks: Stacks, call: Call, request: Request) -> Response:
    """Describe one stack (a deleted one by its id), or all that are not deleted."""
    name = request.get("StackName")
    if name:
        row = await stack_of(stacks, name, _UNKNOWN)
        return {"Stacks": await _all_described(stacks, [row])}
    shown, token = page(await stacks.rows(deleted=False), request.get("NextToken"))
    return present({"Stacks": await _all_described(stacks, shown), "NextToken": token})


async def list_stacks(stacks: Stacks, call: Call, request: Request) -> Response:
    """Summarise stacks, those deleted too, by status."""
    wanted = request.get("StackStatusFilter")
    rows = [row for row in await stacks.rows(deleted=True) if not stacks.is_forgotten(row)]
    found = [row for row in rows if not wanted or row.status in wanted]
    shown, token = page(found, request.get("NextToken"))
    drifts = await stacks.drift.newest(shown)
    operations = await _last_operations(stacks, shown)
    summaries = [
        {**_summary(stacks, row, drifts.get(row.id)), **operations[row.id]} for row in shown
    ]
    return present({"StackSummaries": summaries, "NextToken": token})


async def update_termination_protection(stacks: Stacks, call: Call, request: Request) -> Response:
    """Switch termination protection."""
    row = await stack_of(stacks, request["StackName"])
    await check_root(stacks, row, "UpdateTerminationProtection")
    await stacks.protect(row, protected=request["EnableTerminationProtection"])
    return {"StackId": row.id}


async def cancel_update_stack(stacks: Stacks, call: Call, request: Request) -> Response:
    """Stop an update in progress and roll it back."""
    row = await stack_of(stacks, request["StackName"])
    await check_root(stacks, row, "CancelUpdateStack")
    await stacks.recoveries.cancel_update(row)
    return {}


async def continue_update_rollback(stacks: Stacks, call: Call, request: Request) -> Response:
    """Try again what failed in an update's rollback."""
    unsupported.check_request(request)
    row = await stack_of(stacks, request["StackName"])
    await check_root(stacks, row, "ContinueUpdateRollback")
    await stacks.recoveries.continue_rollback(
        row,
        request.get("ResourcesToSkip") or (),
        principal=call.principal,
        role_arn=request.get("RoleARN"),
        token=request.get("ClientRequestToken"),
    )
    return {}


async def rollback_stack(stacks: Stacks, call: Call, request: Request) -> Response:
    """Roll back a failed operation whose rollback was disabled."""
    unsupported.check_request(request)
    row = await stack_of(stacks, request["StackName"])
    await check_root(stacks, row, "RollbackStack")
    operation_id = await stacks.recoveries.roll_back(
        row,
        principal=call.principal,
        role_arn=request.get("RoleARN"),
        token=request.get("ClientRequestToken"),
        retain_except_on_create=bool(request.get("RetainExceptOnCreate", False)),
    )
    return {"StackId": row.id, "OperationId": operation_id}


OPERATIONS = {
    "CancelUpdateStack": cancel_update_stack,
    "ContinueUpdateRollback": continue_update_rollback,
    "CreateStack": create_stack,
    "DeleteStack": delete_stack,
    "DescribeStacks": describe_stacks,
    "ListStacks": list_stacks,
    "RollbackStack": rollback_stack,
    "UpdateStack": update_stack,
    "UpdateTerminationProtection": update_termination_protection,
}


async def _validated(
    stacks: Stacks,
    call: Call,
    request: Request,
    state: StackState,
    wanted: Desired,
    plan: Plan,
) -> list[Finding]:
    """Return what early validation has against a plan; nothing with DisableValidation."""
    if request.get("DisableValidation"):
        return []
    return await stacks.validation.of_plan(call.principal, state, wanted, plan)


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise invalid(
            f"1 validation error detected: Value '{name}' at 'stackName' failed to satisfy "
            "constraint: Member must satisfy regular expression pattern: "
            "[a-zA-Z][-a-zA-Z0-9]*|arn:[-a-zA-Z0-9:/._+]*"
        )
    if len(name) > _LONGEST_NAME:
        raise invalid(
            f"1 validation error detected: Value '{name}' at 'stackName' failed to satisfy "
            f"constraint: Member must have length less than or equal to {_LONGEST_NAME}"
        )


def _check_failure_options(request: Request) -> None:
    if request.get("OnFailure") and request.get("DisableRollback") is not None:
        raise invalid("You can specify either DisableRollback or OnFailure, but not both.")


async def _options(stacks: Stacks, call: Call, request: Request) -> Options:
    on_failure = request.get("OnFailure")
    if on_failure is None:
        on_failure = "DO_NOTHING" if request.get("DisableRollback") else "ROLLBACK"
    reading = partial(policy_text, stacks.in_process, call.principal, request)
    return Options(
        on_failure,
        request.get("TimeoutInMinutes"),
        bool(request.get("EnableTerminationProtection", False)),
        bool(request.get("RetainExceptOnCreate", False)),
        await reading(),
        await reading("StackPolicyDuringUpdate"),
        request.get("OnFailure") == "DO_NOTHING",
        _digest(request),
    )


async def _repeated(stacks: Stacks, row: StackRow, request: Request) -> bool:
    """Return whether this very request was made before; raise AWS's TokenAlreadyExistsException
    where another one had its token."""
    token = request.get("ClientRequestToken")
    known = await stacks.digest_of_token(row.id, token)
    if token is None or known is None:
        return False
    if known != _digest(request):
        raise token_used(token)
    return True


def _digest(request: Request) -> str:
    return hashlib.sha256(msgspec.json.encode(request, order="sorted")).hexdigest()


async def _all_described(stacks: Stacks, shown: Sequence[StackRow]) -> list[dict[str, Any]]:
    drifts = await stacks.drift.newest(shown)
    operations = await _last_operations(stacks, shown)
    return [{**_described(stacks, row, drifts.get(row.id)), **operations[row.id]} for row in shown]


async def _last_operations(
    stacks: Stacks, shown: Sequence[StackRow]
) -> dict[str, dict[str, list[dict[str, str]]]]:
    """Return the member LastOperations of each stack, by its id; none before the first."""
    found = await stacks.last_operations([row.id for row in shown])
    last = {
        stack_id: [{"OperationType": kind, "OperationId": operation_id}]
        for stack_id, (kind, operation_id) in found.items()
    }
    return {row.id: {"LastOperations": last[row.id]} if row.id in last else {} for row in shown}


def _described(stacks: Stacks, row: StackRow, drift: DetectionRow | None) -> dict[str, Any]:
    document = stacks.document(row)
    return present(
        {
            "StackId": row.id,
            "StackName": row.name,
            "ChangeSetId": document.change_set_id,
            "Description": document.description,
            "Parameters": _parameters(document) or None,
            "CreationTime": row.created_at,
            "DeletionTime": row.deleted_at,
            "LastUpdatedTime": row.updated_at,
            "RollbackConfiguration": rollback_configuration.described(document.monitoring_minutes),
            "StackStatus": row.status,
            "StackStatusReason": row.reason,
            "DisableRollback": document.disable_rollback,
            "DeploymentConfig": {
                "Mode": "STANDARD",
                "DisableRollback": document.disable_rollback,
            },
            "NotificationARNs": list(document.notification_arns),
            "TimeoutInMinutes": document.timeout_minutes,
            "Capabilities": list(document.capabilities) or None,
            "Outputs": _outputs(document) or None,
            "RoleARN": document.role_arn,
            "Tags": to_pairs(document.tags),
            "EnableTerminationProtection": row.protected,
            "DriftInformation": drifting.of_stack(drift),
            "ParentId": row.parent_id,
            "RootId": row.root_id,
        }
    )


def _parameters(document: StackDocument) -> list[dict[str, str]]:
    return [
        present(
            {
                "ParameterKey": name,
                "ParameterValue": MASK if value.no_echo else value.value,
                "ResolvedValue": MASK if value.no_echo and value.resolved else value.resolved,
            }
        )
        for name, value in document.parameters.items()
    ]


def _outputs(document: StackDocument) -> list[dict[str, str]]:
    return [
        present(
            {
                "OutputKey": one.name,
                "OutputValue": one.value,
                "Description": one.description,
                "ExportName": one.export_name,
            }
        )
        for one in document.outputs
    ]


def _summary(stacks: Stacks, row: StackRow, drift: DetectionRow | None) -> Mapping[str, Any]:
    times: dict[str, datetime | None] = {
        "CreationTime": row.created_at,
        "LastUpdatedTime": row.updated_at,
        "DeletionTime": row.deleted_at,
    }
    return present(
        {
            "StackId": row.id,
            "StackName": row.name,
            "TemplateDescription": stacks.document(row).description,
            **times,
            "StackStatus": row.status,
            "StackStatusReason": row.reason,
            "DriftInformation": drifting.of_stack(drift),
            "ParentId": row.parent_id,
            "RootId": row.root_id,
        }
    )
