"""What a request may ask of S3 that Penstock does not have: said, never ignored."""

from collections.abc import Mapping
from typing import Any

from penstock.aws.errors import ServiceError
from penstock.aws.service import Request

_GRANTS = ("GrantFullControl", "GrantRead", "GrantReadACP", "GrantWriteACP")
_ENCRYPTION = (
    "SSECustomerAlgorithm",
    "SSECustomerKey",
    "SSECustomerKeyMD5",
    "SSEKMSKeyId",
    "SSEKMSEncryptionContext",
    "BucketKeyEnabled",
    "CopySourceSSECustomerAlgorithm",
    "CopySourceSSECustomerKey",
)
_LOCKS = (
    "ObjectLockMode",
    "ObjectLockRetainUntilDate",
    "ObjectLockLegalHoldStatus",
    "ObjectLockEventHold",
    "ObjectLockEventHoldDurationDays",
    "ObjectLockEventHoldDurationYears",
)
_STORAGE_CLASSES = {
    None,
    "STANDARD",
    "REDUCED_REDUNDANCY",
    "STANDARD_IA",
    "ONEZONE_IA",
    "INTELLIGENT_TIERING",
    "GLACIER_IR",
}


def refuse(request: Mapping[str, Any], *members: str) -> None:
    """Raise NotImplemented, naming it, when the request has one of `members`.

    Status 400, not S3's 501: no SDK retries a 400.
    """
    for member in members:
        if request.get(member):
            raise ServiceError(
                "NotImplemented",
                "A header you provided implies functionality that is not implemented: "
                f"Penstock's S3 has no {member}. Leave it out.",
                status=400,
                Header=member,
            )


def check_write(request: Request) -> None:
    """Raise for what a new object cannot have here: keys of KMS, locks, ACLs, archives.

    Encryption with S3's own keys is S3's affair and asks nothing of the caller; it is taken
    and never claimed in an answer.
    """
    if request.get("ServerSideEncryption") not in (None, "AES256"):
        refuse(request, "ServerSideEncryption")
    refuse(request, *_ENCRYPTION, "WriteOffsetBytes")
    if any(request.get(member) for member in _LOCKS):
        raise ServiceError(
            "InvalidRequest", "Bucket is missing Object Lock Configuration", status=400
        )
    granted = any(request.get(member) for member in _GRANTS)
    if granted or request.get("ACL") not in (None, "bucket-owner-full-control"):
        raise ServiceError(
            "AccessControlListNotSupported", "The bucket does not allow ACLs", status=400
        )
    if request.get("StorageClass") not in _STORAGE_CLASSES:
        raise ServiceError(
            "InvalidStorageClass",
            "The storage class you specified is not valid",
            status=400,
            StorageClassRequested=request["StorageClass"],
        )
