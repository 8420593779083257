"""Access keys of users, as their owners handle them, inside the caller's unit of work.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
"""

from datetime import datetime

import sqlalchemy as sa

from penstock.aws.errors import ServiceError
from penstock.services.iam import identity
from penstock.services.iam.credentials import AccessKey, Credentials
from penstock.storage import credentials as rows
from penstock.storage.credentials import AccessKeyRow, LastUse

_MOST_KEYS = 2


def create(
    connection: sa.Connection, credentials: Credentials, user_name: str | None, now: datetime
) -> AccessKey:
    """Make a key of a user (None: the root); NoSuchEntity, LimitExceeded at two."""
    if len(of_user(connection, user_name)) >= _MOST_KEYS:
        raise ServiceError(
            "LimitExceededException", f"Cannot exceed quota for AccessKeysPerUser: {_MOST_KEYS}"
        )
    return credentials.new_access_key(connection, user_name, now)


def of_user(connection: sa.Connection, user_name: str | None) -> list[AccessKeyRow]:
    """Return a user's keys (None: the root's), oldest first; NoSuchEntity."""
    if user_name is not None:
        identity.get_user(connection, user_name)
    return rows.access_keys_of(connection, user_name)


def set_status(
    connection: sa.Connection, user_name: str | None, access_key_id: str, status: str
) -> None:
    """Make a user's key Active or Inactive; NoSuchEntity."""
    _of(connection, user_name, access_key_id)
    rows.set_access_key_status(connection, access_key_id, status)


def delete(connection: sa.Connection, user_name: str | None, access_key_id: str) -> None:
    """Remove a user's key; NoSuchEntity.

    The root's last key stays: nobody could call this server any more.
    """
    _of(connection, user_name, access_key_id)
    if user_name is None and len(rows.access_keys_of(connection, None)) == 1:
        raise ServiceError(
            "DeleteConflictException",
            f"The access key {access_key_id} is the root's last one: without it this server has no "
            "administrator; create another root key before deleting this one.",
        )
    rows.delete_access_key(connection, access_key_id)


def last_used(
    connection: sa.Connection, access_key_id: str, caller_arn: str
) -> tuple[AccessKeyRow, LastUse | None]:
    """Return a key and its last use.

    A missing key is denied, as recorded from AWS: localstack/localstack
    tests/aws/services/iam/test_iam_users.snapshot.json.
    """
    row = rows.access_key(connection, access_key_id)
    if row is None:
        raise ServiceError(
            "AccessDeniedException",
            f"User: {caller_arn} is not authorized to perform iam:GetAccessKeyLastUsed on "
            f"resource: access key {access_key_id}",
        )
    return row, rows.last_use(connection, access_key_id)


def _of(connection: sa.Connection, user_name: str | None, access_key_id: str) -> None:
    if user_name is not None:
        identity.get_user(connection, user_name)
    row = rows.access_key(connection, access_key_id)
    if row is None or row.user_name != user_name:
        raise _no_such(access_key_id)


def _no_such(access_key_id: str) -> ServiceError:
    return ServiceError(
        "NoSuchEntityException", f"The Access Key with id {access_key_id} cannot be found."
    )
