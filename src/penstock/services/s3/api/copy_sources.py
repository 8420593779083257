"""What an x-amz-copy-source names, opened with the caller's rights and conditions.

Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html
"""

from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import unquote

from penstock.aws.service import Call, Request
from penstock.services.s3 import errors, preconditions
from penstock.services.s3.api.identity import check_owner, hiding_what_is_missing
from penstock.services.s3.content import Content
from penstock.services.s3.objects import Objects, StoredObject


@dataclass(frozen=True, slots=True)
class CopySource:
    """An object, or one version of it."""

    bucket: str
    key: str
    version_id: str | None

    @classmethod
    def of(cls, request: Request) -> "CopySource":
        """Read `[/]bucket/key[?versionId=id]`, percent-encoded; InvalidArgument."""
        text: str = request["CopySource"]
        path, _, query = text.partition("?")
        bucket, _, key = unquote(path).removeprefix("/").partition("/")
        version_id = None
        if query:
            name, _, value = query.partition("=")
            if name != "versionId" or not value:
                raise errors.invalid_argument(
                    "x-amz-copy-source", text, "Unsupported copy source parameter."
                )
            version_id = unquote(value)
        if not bucket or not key or bucket.startswith("arn:"):
            raise errors.invalid_argument(
                "x-amz-copy-source",
                text,
                "Copy Source must mention the source bucket and key: sourcebucket/sourcekey",
            )
        return cls(bucket, key, version_id)


async def open_source(
    objects: Objects,
    call: Call,
    request: Request,
    source: CopySource,
    select: Callable[[StoredObject], tuple[int, int]],
) -> tuple[StoredObject, Content]:
    """Open the bytes of the source that `select` chooses; as GetObject, and AccessDenied.

    That the caller may GetObject was asked before; a version needs GetObjectVersion.
    """
    check_owner(call, request, "ExpectedSourceBucketOwner")
    if source.version_id is not None:
        resource = f"arn:aws:s3:::{source.bucket}/{source.key}"
        await call.authorize(call.principal, "s3:GetObjectVersion", resource)

    def select_if_wanted(found: StoredObject) -> tuple[int, int]:
        preconditions.check_read(request, found.etag, found.last_modified, "CopySource")
        return select(found)

    async with hiding_what_is_missing(call, source.bucket):
        return await objects.open(source.bucket, source.key, source.version_id, select_if_wanted)
