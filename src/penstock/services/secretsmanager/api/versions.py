"""Values in versions, and the staging labels that point at them.

Source: https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html
"""

import base64
from datetime import UTC, datetime
from typing import Any

from msgspec.structs import replace

from penstock.aws.errors import ServiceError
from penstock.aws.pagination import page
from penstock.aws.service import Call, Request, Response
from penstock.services.secretsmanager.api.values import (
    add_version,
    requested_value,
    requested_version_id,
)
from penstock.services.secretsmanager.secret import CURRENT, Secret, with_stage
from penstock.services.secretsmanager.secrets import (
    Secrets,
    StoredSecret,
    find_version,
    refuse_deleted,
)


async def get_secret_value(secrets: Secrets, call: Call, request: Request) -> Response:
    """Return the value of the version asked for, AWSCURRENT without being asked."""
    stored = await secrets.usable(request["SecretId"])
    secret = stored.secret
    version_id = find_version(secret, request.get("VersionId"), request.get("VersionStage"))
    version = secret.versions[version_id]
    await _record_access(secrets, secret, call.now)
    text = secrets.open_text(version)
    value = {"SecretBinary": base64.b64decode(text)} if version.binary else {"SecretString": text}
    return {
        "ARN": secret.arn,
        "Name": secret.name,
        "VersionId": version_id,
        "VersionStages": list(version.stages),
        "CreatedDate": version.created_at,
        **value,
    }


async def put_secret_value(secrets: Secrets, call: Call, request: Request) -> Response:
    """Add a version and move the labels to it: AWSCURRENT unless others are named."""
    value = requested_value(request)
    if value is None:
        raise ServiceError(
            "InvalidRequestException", "You must provide either SecretString or SecretBinary."
        )
    version_id = requested_version_id(request)
    stages = request.get("VersionStages") or [CURRENT]

    def change(stored: StoredSecret) -> StoredSecret:
        refuse_deleted(stored.secret)
        secret = add_version(secrets, stored.secret, version_id, value, call.now, stages)
        return StoredSecret(secret, stored.tags)

    secret = (await secrets.change(request["SecretId"], change)).secret
    return {
        "ARN": secret.arn,
        "Name": secret.name,
        "VersionId": version_id,
        "VersionStages": list(secret.versions[version_id].stages),
    }


async def list_secret_version_ids(secrets: Secrets, call: Call, request: Request) -> Response:
    """List versions; those without labels only when asked for."""
    secret = (await secrets.find(request["SecretId"])).secret
    every = request.get("IncludeDeprecated", False)
    listed = sorted(v_id for v_id, v in secret.versions.items() if v.stages or every)
    ids, token = page(listed, request.get("NextToken"), request.get("MaxResults", 100), key=str)
    versions: list[dict[str, Any]] = [
        {
            "VersionId": v_id,
            "VersionStages": list(secret.versions[v_id].stages) or None,
            "CreatedDate": secret.versions[v_id].created_at,
        }
        for v_id in ids
    ]
    return {"Versions": versions, "NextToken": token, "ARN": secret.arn, "Name": secret.name}


async def update_secret_version_stage(secrets: Secrets, call: Call, request: Request) -> Response:
    """Move a label between versions; taking it off needs naming the version that has it."""
    stage, to = request["VersionStage"], request.get("MoveToVersionId")
    remove_from = request.get("RemoveFromVersionId")

    def change(stored: StoredSecret) -> StoredSecret:
        secret = stored.secret
        refuse_deleted(secret)
        _validate_move(secret, stage, remove_from, to)
        return StoredSecret(
            replace(with_stage(secret, stage, to), changed_at=call.now), stored.tags
        )

    secret = (await secrets.change(request["SecretId"], change)).secret
    return {"ARN": secret.arn, "Name": secret.name}


def _validate_move(secret: Secret, stage: str, remove_from: str | None, to: str | None) -> None:
    for version_id in filter(None, (remove_from, to)):
        find_version(secret, version_id, None)
    on = secret.staged(stage)
    if on is not None and on not in (remove_from, to):
        raise ServiceError(
            "InvalidParameterException",
            f"The parameter RemoveFromVersionId can't be empty. Staging label {stage} is "
            f"currently attached to version {on}, so you must explicitly reference that version "
            "in RemoveFromVersionId.",
        )
    if remove_from is not None and on != remove_from:
        raise ServiceError(
            "InvalidParameterException",
            f"Staging label {stage} is not attached to version {remove_from}.",
        )
    if to is None and stage == CURRENT:
        raise ServiceError(
            "InvalidParameterException",
            f"You can only move staging label {CURRENT} to a different secret version. It can’t "
            "be completely removed.",
        )


async def _record_access(secrets: Secrets, secret: Secret, now: datetime) -> None:
    """Remember the day of the last access, which is all that AWS shows."""
    day = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    if secret.accessed_at != day:
        await secrets.change(
            secret.name,
            lambda stored: StoredSecret(replace(stored.secret, accessed_at=day), stored.tags),
        )
