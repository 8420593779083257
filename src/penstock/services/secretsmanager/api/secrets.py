"""Making, changing, deleting and restoring secrets.

Source: https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_CreateSecret.html
"""

import re
from datetime import timedelta
from typing import Any

from msgspec.structs import replace

from penstock.aws.errors import ServiceError
from penstock.aws.service import Call, Request, Response
from penstock.services.secretsmanager.api.tags import with_tags
from penstock.services.secretsmanager.api.values import (
    add_version,
    refuse_keys,
    requested_value,
    requested_version_id,
)
from penstock.services.secretsmanager.secret import Secret
from penstock.services.secretsmanager.secrets import Secrets, StoredSecret, refuse_deleted

_NAME = re.compile(r"[A-Za-z0-9/_+=.@!-]+")
_RECOVERY_DAYS = 30


async def create_secret(secrets: Secrets, call: Call, request: Request) -> Response:
    """Make a secret, with a first version when the request has a value."""
    name = request["Name"]
    if not _NAME.fullmatch(name):
        raise ServiceError(
            "ValidationException",
            "Invalid name. Must be a valid name containing alphanumeric characters, or any of "
            "the following: -/_+=.@!",
            status=400,
        )
    refuse_keys(request)
    if request.get("AddReplicaRegions"):
        raise ServiceError(
            "InvalidParameterException",
            "Penstock serves one region; leave out AddReplicaRegions.",
        )
    value, version_id = requested_value(request), requested_version_id(request)

    tags = with_tags({}, request.get("Tags", []), call.via)

    def make(secret: Secret) -> StoredSecret:
        secret = replace(secret, description=request.get("Description"))
        if value is not None:
            secret = add_version(secrets, secret, version_id, value, call.now)
        return StoredSecret(secret, tags)

    def repeats(secret: Secret) -> bool:
        version = secret.versions.get(version_id)
        return version is not None and value is not None and secrets.holds(version, value)

    made = await secrets.create(name, make, repeats)
    return _named(made) | ({"VersionId": version_id} if value is not None else {})


async def update_secret(secrets: Secrets, call: Call, request: Request) -> Response:
    """Change the description, the value, or both."""
    refuse_keys(request)
    value, version_id = requested_value(request), requested_version_id(request)

    def change(stored: StoredSecret) -> StoredSecret:
        refuse_deleted(stored.secret)
        secret = stored.secret
        if "Description" in request:
            secret = replace(secret, description=request["Description"], changed_at=call.now)
        if value is not None:
            secret = add_version(secrets, secret, version_id, value, call.now)
        return StoredSecret(secret, stored.tags)

    changed = await secrets.change(request["SecretId"], change)
    return _named(changed.secret) | ({"VersionId": version_id} if value is not None else {})


async def delete_secret(secrets: Secrets, call: Call, request: Request) -> Response:
    """Mark a secret for deletion after its recovery window, or forget it at once."""
    force, days = request.get("ForceDeleteWithoutRecovery"), request.get("RecoveryWindowInDays")
    if force and days is not None:
        raise ServiceError(
            "InvalidParameterException",
            "You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays.",
        )
    if days is not None and not 7 <= days <= 30:
        raise ServiceError(
            "InvalidParameterException",
            "The RecoveryWindowInDays value must be between 7 and 30 days (inclusive).",
        )
    if force:
        return await _forget(secrets, call, request["SecretId"])
    delete_on = call.now + timedelta(days=days or _RECOVERY_DAYS)

    def mark(stored: StoredSecret) -> StoredSecret:
        if stored.secret.deleted_at is not None:
            raise ServiceError(
                "InvalidRequestException",
                "You can't perform this operation on the secret because it was already "
                "scheduled for deletion.",
            )
        secret = replace(stored.secret, deleted_at=call.now, delete_on=delete_on)
        return StoredSecret(secret, stored.tags)

    marked = await secrets.change(request["SecretId"], mark)
    return _named(marked.secret) | {"DeletionDate": delete_on}


async def restore_secret(secrets: Secrets, call: Call, request: Request) -> Response:
    """Take back the deletion; restoring a secret that is in use changes nothing."""

    def restore(stored: StoredSecret) -> StoredSecret:
        return StoredSecret(replace(stored.secret, deleted_at=None, delete_on=None), stored.tags)

    return _named((await secrets.change(request["SecretId"], restore)).secret)


async def _forget(secrets: Secrets, call: Call, secret_id: str) -> Response:
    """Remove at once; AWS documents that an absent secret is no error here."""
    try:
        secret = (await secrets.find(secret_id)).secret
    except ServiceError:
        if secret_id.startswith("arn:"):
            return {"ARN": secret_id, "DeletionDate": call.now}
        arn = secrets.new_arn(secret_id)
        return {"ARN": arn, "Name": secret_id, "DeletionDate": call.now}
    await secrets.remove(secret.name)
    return _named(secret) | {"DeletionDate": call.now}


def _named(secret: Secret) -> dict[str, Any]:
    return {"ARN": secret.arn, "Name": secret.name}
