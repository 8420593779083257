"""Trust policies of roles: checked as IAM checks them when they are stored."""

import sqlalchemy as sa

from penstock.arns import parse_arn
from penstock.aws.errors import ServiceError
from penstock.aws.policy_document import PolicyKind, parse_policy
from penstock.services.iam import identity
from penstock.services.iam.identity_policies import check_document, policy_characters

_MOST_CHARACTERS = 2_048


def check_trust_policy(connection: sa.Connection, account_id: str, text: str) -> None:
    """Raise MalformedPolicyDocument or LimitExceeded unless a role may have this trust policy.

    A role or user of this account that the policy names must exist, as on AWS.
    """
    check_document(text, PolicyKind.TRUST)
    if policy_characters(text) > _MOST_CHARACTERS:
        raise ServiceError(
            # unverified
            "LimitExceededException",
            f"Cannot exceed quota for ACLSizePerRole: {_MOST_CHARACTERS}",
        )
    for statement in parse_policy(text, PolicyKind.TRUST).statements:
        named = statement.principals.names.get("AWS", ()) if statement.principals else ()
        for name in named:
            if not _exists(connection, account_id, name):
                raise ServiceError(
                    "MalformedPolicyDocumentException",
                    f'Invalid principal in policy: "AWS":"{name}"',
                )


def _exists(connection: sa.Connection, account_id: str, name: str) -> bool:
    if not name.startswith("arn:"):
        return True
    try:
        found = parse_arn(name)
    except ValueError:
        return False
    if found.account_id != account_id or not found.resource.startswith(("role/", "user/")):
        return True
    return identity.find_by_arn(connection, name) is not None
