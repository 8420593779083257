"""A text in an object of this server's own S3: a template, a snippet, a policy."""

from dataclasses import dataclass

from penstock.aws.in_process import InProcess
from penstock.aws.service import Principal


@dataclass(frozen=True, slots=True)
class S3Object:
    """An object of S3; `version_id` None is the newest."""

    bucket: str
    key: str
    version_id: str | None = None


class TooLarge(Exception):
    """The object has more bytes than may be read of it."""


class NotText(Exception):
    """The object's content is no UTF-8."""


async def text_of(
    in_process: InProcess, principal: Principal, found: S3Object, most_bytes: int
) -> str:
    """Return an object's text, read as `principal`, who needs s3:GetObject.

    Raises TooLarge before more than `most_bytes` are kept, NotText, and S3's ServiceError.
    """
    wanted = {"Bucket": found.bucket, "Key": found.key}
    if found.version_id is not None:
        wanted["VersionId"] = found.version_id
    answer = await in_process.call(principal, "s3", "GetObject", wanted)
    content = bytearray()
    async for chunk in answer["Body"]:
        content += chunk
        if len(content) > most_bytes:
            raise TooLarge
    try:
        return content.decode()
    except UnicodeDecodeError:
        raise NotText from None
