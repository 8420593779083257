"""May this caller do this? The policies that count for a caller, and IAM's denials.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from penstock.aws.errors import ServiceError
from penstock.aws.policy import Decision, Policy, evaluate, lower_keys
from penstock.aws.policy_conditions import Context
from penstock.aws.policy_document import parse_policy
from penstock.aws.service import Principal, PrincipalKind
from penstock.services.iam import identity, managed_policies

_PRINCIPAL_TYPES = {
    PrincipalKind.ROOT: "Account",
    PrincipalKind.USER: "User",
    PrincipalKind.ASSUMED_ROLE: "AssumedRole",
}


@dataclass(frozen=True, slots=True)
class Permissions:
    """What one role or user may do. `id` tells it from a later one of the same name."""

    id: str
    policies: Sequence[Policy]
    boundary: Policy | None
    tags: Mapping[str, str]


def permissions_of(connection: sa.Connection, identity_arn: str) -> Permissions | None:
    """Return a role's or user's inline and attached policies, parsed; None when it is gone."""
    found = identity.find_by_arn(connection, identity_arn)
    if found is None:
        return None
    texts = list(found.inline_policies.values())
    for policy_arn in found.attached_policies:
        attached = managed_policies.find(connection, policy_arn)
        if attached is not None:
            texts.append(attached.document)
    boundary = None
    if found.permissions_boundary is not None:
        bounding = managed_policies.find(connection, found.permissions_boundary)
        boundary = parse_policy(bounding.document) if bounding else Policy(())
    return Permissions(found.id, [parse_policy(text) for text in texts], boundary, found.tags)


def caller_context(
    principal: Principal, tags: Mapping[str, str], issued_at: datetime | None, now: datetime
) -> Context:
    """Return the condition keys that the caller itself brings, keys in lower case."""
    role_session = principal.kind is PrincipalKind.ASSUMED_ROLE
    context = {
        "aws:principalarn": (principal.policy_arn if role_session else None) or principal.arn,
        "aws:principalaccount": principal.account_id,
        "aws:principaltype": _PRINCIPAL_TYPES[principal.kind],
        "aws:principalisawsservice": "false",
        "aws:userid": principal.user_id,
        "aws:currenttime": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "aws:epochtime": str(int(now.timestamp())),
    }
    if principal.kind is PrincipalKind.USER:
        context["aws:username"] = principal.arn.rpartition("/")[2]
    if issued_at is not None:
        context["aws:multifactorauthpresent"] = "false"
        context["aws:tokenissuetime"] = issued_at.strftime("%Y-%m-%dT%H:%M:%SZ")
    context.update({f"aws:principaltag/{key.lower()}": value for key, value in tags.items()})
    return context


def check(
    principal: Principal,
    permissions: Permissions | None,
    session_policies: Sequence[str],
    action: str,
    resource: str,
    context: Context,
) -> None:
    """Raise AccessDeniedException, saying which kind of policy is at fault, or return.

    `permissions` None means that the role or user no longer exists: it may nothing.
    """
    layers: list[tuple[str, str, Sequence[Policy]]] = [
        ("an identity-based policy", "identity-based policy",
         permissions.policies if permissions else ()),
    ]  # fmt: skip
    if permissions is not None and permissions.boundary is not None:
        layers.append(("a permissions boundary", "permissions boundary", [permissions.boundary]))
    if session_policies:
        parsed = [parse_policy(text) for text in session_policies]
        layers.append(("a session policy", "session policy", parsed))
    found = lower_keys(context)
    decisions = [evaluate(policies, action, resource, found) for _, _, policies in layers]
    for (with_article, _, _), decision in zip(layers, decisions, strict=True):
        if decision is Decision.EXPLICITLY_DENIED:
            reason = f"with an explicit deny in {with_article}"
            raise denied(principal.arn, action, resource, reason)
    for (_, noun, _), decision in zip(layers, decisions, strict=True):
        if decision is Decision.IMPLICITLY_DENIED:
            reason = f"because no {noun} allows the {action} action"
            raise denied(principal.arn, action, resource, reason)


def denied(caller: str, action: str, resource: str, reason: str = "") -> ServiceError:
    """Return AWS's AccessDenied; `reason` follows the resource when AWS tells it."""
    message = f"User: {caller} is not authorized to perform: {action} on resource: {resource}"
    return ServiceError("AccessDeniedException", f"{message} {reason}".rstrip())
