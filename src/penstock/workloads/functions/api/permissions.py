"""A function's policy: kept and shown, and not asked (docs/adr/0038-functions-run-in-tasks.md).

AddPermission can only allow, and only callers that this server does not have: what is kept denies
nobody, and lets nobody in.
Source: https://docs.aws.amazon.com/lambda/latest/api/API_AddPermission.html
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from penstock.aws.service import Call, Request, Response
from penstock.workloads.functions.api.domain import Lambda
from penstock.workloads.functions.function import Function
from penstock.workloads.functions.refusals import (
    cannot_honour,
    changed_meanwhile,
    conflict,
    invalid,
    no_policy,
    policy_too_long,
)

_MOST_POLICY_BYTES = 20_480
"""https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html"""
_ACCOUNT = re.compile(r"\d{12}")
_SERVICE = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)*\.amazon(aws)?\.com(\.cn)?")


async def add_permission(domain: Lambda, call: Call, request: Request) -> Response:
    """Add a statement to a function's policy."""
    named = domain.named(request)
    for name in ("FunctionUrlAuthType", "InvokedViaFunctionUrl"):
        if request.get(name):
            raise cannot_honour(name, "functions have no URLs here.")
    statement = _statement(request, named.arn)

    def add(function: Function) -> Function:
        _check_revision(request, function)
        if any(each["Sid"] == statement["Sid"] for each in function.statements):
            raise conflict(
                f"The statement id ({statement['Sid']}) provided already exists. Please provide a "
                "new statement id, or remove the existing statement."
            )
        statements = (*function.statements, statement)
        size = len(_policy(statements).encode())
        if size > _MOST_POLICY_BYTES:
            raise policy_too_long(size, _MOST_POLICY_BYTES)
        return msgspec.structs.replace(function, statements=statements)

    await domain.functions.write(named, add)
    return {"Statement": json.dumps(statement, separators=(",", ":"))}


async def remove_permission(domain: Lambda, call: Call, request: Request) -> Response:
    """Remove a statement from a function's policy."""
    named = domain.named(request)

    def remove(function: Function) -> Function:
        _check_revision(request, function)
        kept = tuple(each for each in function.statements if each["Sid"] != request["StatementId"])
        if len(kept) == len(function.statements):
            raise no_policy()
        return msgspec.structs.replace(function, statements=kept)

    await domain.functions.write(named, remove)
    return {}


async def get_policy(domain: Lambda, call: Call, request: Request) -> Response:
    """Return a function's policy; ResourceNotFound where it has no statement."""
    function, _ = await domain.functions.get(domain.named(request))
    if not function.statements:
        raise no_policy()
    return {"Policy": _policy(function.statements), "RevisionId": function.revision_id}


def _policy(statements: Sequence[Mapping[str, Any]]) -> str:
    policy = {"Version": "2012-10-17", "Id": "default", "Statement": list(statements)}
    return json.dumps(policy, separators=(",", ":"))


def _check_revision(request: Request, function: Function) -> None:
    if request.get("RevisionId") not in (None, function.revision_id):
        raise changed_meanwhile()


def _statement(request: Request, function_arn: str) -> dict[str, Any]:
    """Return the statement as AWS writes it."""
    conditions: dict[str, Any] = {}
    if request.get("SourceAccount"):
        conditions["StringEquals"] = {"AWS:SourceAccount": request["SourceAccount"]}
    if request.get("EventSourceToken"):
        conditions.setdefault("StringEquals", {})["lambda:EventSourceToken"] = request[
            "EventSourceToken"
        ]
    if request.get("PrincipalOrgID"):
        conditions.setdefault("StringEquals", {})["aws:PrincipalOrgID"] = request["PrincipalOrgID"]
    if request.get("SourceArn"):
        conditions["ArnLike"] = {"AWS:SourceArn": request["SourceArn"]}
    statement = {
        "Sid": request["StatementId"],
        "Effect": "Allow",
        "Principal": _principal(request["Principal"]),
        "Action": request["Action"],
        "Resource": function_arn,
    }
    return statement | ({"Condition": conditions} if conditions else {})


def _principal(text: str) -> Any:
    if text == "*":
        return text
    if _ACCOUNT.fullmatch(text):
        return {"AWS": f"arn:aws:iam::{text}:root"}
    if text.startswith("arn:"):
        return {"AWS": text}
    if _SERVICE.fullmatch(text):
        return {"Service": text}
    raise invalid("The provided principal was invalid. Please check the principal and try again.")
