"""Inline and attached policies of roles and users, inside the caller's unit of work.

Source of the quotas: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
"""

from datetime import datetime

import sqlalchemy as sa

from penstock.aws.errors import ServiceError
from penstock.aws.policy_document import MalformedPolicy, PolicyKind, parse_policy
from penstock.services.iam import identity, managed_policies
from penstock.services.iam.identity import Identity, Kind

_INLINE_CHARACTERS = {Kind.ROLE: 10_240, Kind.USER: 2_048}
_MOST_ATTACHED = 10


def check_document(text: str, kind: PolicyKind) -> None:
    """Raise MalformedPolicyDocument with IAM's text when the document is not valid."""
    try:
        parse_policy(text, kind)
    except MalformedPolicy as error:
        raise ServiceError("MalformedPolicyDocumentException", str(error)) from error


def policy_characters(text: str) -> int:
    """Return the size that IAM counts: white space is free."""
    return sum(1 for character in text if not character.isspace())


def put_inline(
    connection: sa.Connection, target: Identity, name: str, document: str, now: datetime
) -> None:
    """Add or replace an inline policy; MalformedPolicyDocument, LimitExceeded."""
    check_document(document, PolicyKind.INLINE)
    inline = {**target.inline_policies, name: document}
    limit = _INLINE_CHARACTERS[target.kind]
    if sum(policy_characters(text) for text in inline.values()) > limit:
        raise ServiceError(
            "LimitExceededException",
            f"Maximum policy size of {limit} bytes exceeded for {target.kind.value} {target.name}",
        )
    identity.change(connection, target, now, inline=inline)


def get_inline(target: Identity, name: str) -> str:
    """Return the inline policy's document; NoSuchEntity."""
    document = target.inline_policies.get(name)
    if document is None:
        raise _no_inline(target.kind, name)
    return document


def delete_inline(connection: sa.Connection, target: Identity, name: str, now: datetime) -> None:
    """Remove an inline policy; NoSuchEntity."""
    get_inline(target, name)
    inline = {key: text for key, text in target.inline_policies.items() if key != name}
    identity.change(connection, target, now, inline=inline)


def attach(connection: sa.Connection, target: Identity, policy_arn: str, now: datetime) -> None:
    """Attach a managed policy; repeating is safe. NoSuchEntity, LimitExceeded."""
    managed_policies.check_attachable_arn(policy_arn)
    if managed_policies.find(connection, policy_arn) is None:
        raise managed_policies.not_attachable(policy_arn)
    if policy_arn in target.attached_policies:
        return
    if len(target.attached_policies) >= _MOST_ATTACHED:
        raise ServiceError(
            "LimitExceededException",
            f"Cannot exceed quota for PoliciesPer{target.kind.value.capitalize()}: "
            f"{_MOST_ATTACHED}",
        )
    identity.change(connection, target, now, attached=[*target.attached_policies, policy_arn])


def detach(connection: sa.Connection, target: Identity, policy_arn: str, now: datetime) -> None:
    """Detach a managed policy; NoSuchEntity when it is not attached."""
    managed_policies.check_attachable_arn(policy_arn)
    if policy_arn not in target.attached_policies:
        raise ServiceError("NoSuchEntityException", f"Policy {policy_arn} was not found.")
    attached = [other for other in target.attached_policies if other != policy_arn]
    identity.change(connection, target, now, attached=attached)


def bound(
    connection: sa.Connection, target: Identity, policy_arn: str | None, now: datetime
) -> None:
    """Set (or with None remove) the permissions boundary; InvalidInput, NoSuchEntity."""
    if policy_arn is not None:
        managed_policies.check_boundary(connection, policy_arn)
    identity.change(connection, target, now, boundary=policy_arn)


def _no_inline(kind: Kind, name: str) -> ServiceError:
    return ServiceError(
        "NoSuchEntityException", f"The {kind.value} policy with name {name} cannot be found."
    )
