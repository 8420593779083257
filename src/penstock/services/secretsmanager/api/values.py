"""The value in a request, and adding it to a secret as a version, repeatably."""

from collections.abc import Iterable
from datetime import datetime

from penstock.aws.errors import ServiceError
from penstock.aws.service import Request
from penstock.ids import new_uuid
from penstock.services.secretsmanager.secret import CURRENT, Secret, with_version
from penstock.services.secretsmanager.secrets import Secrets


def requested_value(request: Request) -> str | bytes | None:
    """Return the text or the bytes of the request, None when it has neither."""
    text, binary = request.get("SecretString"), request.get("SecretBinary")
    if text is not None and binary is not None:
        raise ServiceError(
            "InvalidParameterException",
            "You can't specify both a binary secret value and a string secret value in the same "
            "secret.",
        )
    value: str | bytes | None = text if text is not None else binary
    return value


def requested_version_id(request: Request) -> str:
    """Return the ClientRequestToken, which becomes the version's id, or a new one."""
    return str(request.get("ClientRequestToken") or new_uuid())


def refuse_keys(request: Request) -> None:
    """Raise ServiceError for a KMS key of the caller's own: there are none here."""
    key = request.get("KmsKeyId")
    if key and not key.endswith("alias/aws/secretsmanager"):
        raise ServiceError(
            "InvalidParameterException",
            f"Penstock encrypts secrets with a key of its own and has no KMS key {key}; leave "
            "out KmsKeyId.",
        )


def add_version(
    secrets: Secrets,
    secret: Secret,
    version_id: str,
    value: str | bytes,
    now: datetime,
    stages: Iterable[str] = (CURRENT,),
) -> Secret:
    """Add `value` as a version; the same id and value again changes nothing.

    Raises ServiceError when the id is that of a version with another value.
    """
    existing = secret.versions.get(version_id)
    if existing is None:
        return with_version(secret, version_id, secrets.seal(value, now), stages, now)
    if secrets.holds(existing, value):
        return secret
    raise ServiceError(
        "ResourceExistsException",
        f"You can't use ClientRequestToken {version_id} because that value is already in use "
        f"for a version of secret {secret.arn}.",
    )
