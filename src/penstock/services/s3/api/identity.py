"""Who owns, who asks, and what a caller may learn of a missing object."""

import contextlib
import hashlib
from collections.abc import AsyncIterator

from penstock.aws.errors import ServiceError
from penstock.aws.service import Call, Request


def owner(call: Call) -> dict[str, str]:
    """Return the account as S3 names an owner: a canonical id of 64 hex digits."""
    return {"ID": hashlib.sha256(call.account_id.encode()).hexdigest()}


def check_owner(call: Call, request: Request, member: str = "ExpectedBucketOwner") -> None:
    """Raise AccessDenied unless the expected owner, if any, is this account."""
    expected = request.get(member)
    if expected is not None and expected != call.account_id:
        raise ServiceError("AccessDenied", "Access Denied")


@contextlib.asynccontextmanager
async def hiding_what_is_missing(call: Call, bucket: str) -> AsyncIterator[None]:
    """Turn NoSuchKey into AccessDenied for who may not list the bucket, as S3 does.

    Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html, "Permissions".
    """
    try:
        yield
    except ServiceError as error:
        if error.code == "NoSuchKey":
            await call.authorize(call.principal, "s3:ListBucket", f"arn:aws:s3:::{bucket}")
        raise
