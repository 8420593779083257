"""S3's presigned URLs of Signature Version 2, which boto3 still makes where no region is forced.

Source: https://docs.aws.amazon.com/AmazonS3/latest/API/RESTAuthentication.html
"""

import base64
import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime

from penstock.aws.errors import ServiceError
from penstock.aws.http import HttpRequest, decode_pairs, whole_number
from penstock.aws.s3_hosts import bucket_of_host
from penstock.aws.signature import S3_MISMATCH

_SUB_RESOURCES = {
    "accelerate", "acl", "analytics", "cors", "delete", "encryption", "inventory", "lifecycle",
    "location", "logging", "metrics", "notification", "partNumber", "policy", "policyStatus",
    "publicAccessBlock", "replication", "requestPayment", "restore", "tagging", "torrent",
    "uploadId", "uploads", "versionId", "versioning", "versions", "website",
    "object-lock", "retention", "legal-hold", "ownershipControls", "intelligent-tiering",
    "response-cache-control", "response-content-disposition", "response-content-encoding",
    "response-content-language", "response-content-type", "response-expires",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class PresignedV2:
    """What a Version 2 URL says about its own signature."""

    access_key_id: str
    signature: str
    expires: str
    session_token: str | None


def is_presigned(request: HttpRequest) -> bool:
    """Tell whether the URL carries a Version 2 signature."""
    return {"AWSAccessKeyId", "Signature", "Expires"} <= request.query.keys()


def read_presigned(request: HttpRequest, now: datetime) -> PresignedV2:
    """Return the claim; raise AccessDenied when the URL has expired or its date is no number."""
    expires = request.query["Expires"][0]
    seconds = whole_number(expires)
    if seconds is None:
        raise ServiceError(
            "AccessDenied",
            f"Invalid date (should be seconds since epoch): {expires}",
            status=403,
        )
    if now.timestamp() > seconds:
        raise ServiceError("AccessDenied", "Request has expired", status=403)
    return PresignedV2(
        request.query["AWSAccessKeyId"][0],
        request.query["Signature"][0],
        expires,
        next(iter(request.query.get("x-amz-security-token", [])), None),
    )


def verify(claim: PresignedV2, request: HttpRequest, secret: str) -> None:
    """Raise SignatureDoesNotMatch unless `secret` made the URL's signature."""
    digest = hmac.new(secret.encode(), _string_to_sign(claim, request).encode(), hashlib.sha1)
    expected = base64.b64encode(digest.digest())
    if not hmac.compare_digest(expected, claim.signature.encode()):
        raise ServiceError("SignatureDoesNotMatch", S3_MISMATCH, status=403)


def _string_to_sign(claim: PresignedV2, request: HttpRequest) -> str:
    headers = request.headers
    amazon = {name: value for name, value in headers.items() if name.startswith("x-amz-")}
    amazon |= {
        name: values[0] for name, values in request.query.items() if name.startswith("x-amz-")
    }
    lines = "".join(f"{name}:{amazon[name].strip()}\n" for name in sorted(amazon))
    return (
        f"{request.method}\n{headers.get('content-md5', '')}\n{headers.get('content-type', '')}\n"
        f"{claim.expires}\n{lines}{_resource(request)}"
    )


def _resource(request: HttpRequest) -> str:
    bucket = bucket_of_host(request.host)
    path = f"/{bucket}{request.raw_path}" if bucket else request.raw_path
    parts = [
        f"{name}={value}" if value else name
        for name, value in sorted(decode_pairs(request.raw_query))
        if name in _SUB_RESOURCES
    ]
    return f"{path}?{'&'.join(parts)}" if parts else path
