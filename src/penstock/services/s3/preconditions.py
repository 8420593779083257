"""Conditional headers and byte ranges, as pure decisions.

Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html and RFC 9110.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from penstock.aws.errors import ServiceError
from penstock.services.s3 import errors

_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.ASCII)


def check_read(request: Mapping[str, Any], etag: str, modified: datetime, prefix: str = "") -> None:
    """Raise NotModified or PreconditionFailed when a read is not wanted.

    `prefix` is `CopySource` for the conditions of a copy, which never answer NotModified.
    """
    moment = modified.replace(microsecond=0)
    wanted: str | None = request.get(f"{prefix}IfMatch")
    unwanted: str | None = request.get(f"{prefix}IfNoneMatch")
    unmodified: datetime | None = request.get(f"{prefix}IfUnmodifiedSince")
    since: datetime | None = request.get(f"{prefix}IfModifiedSince")
    if wanted is not None:
        if not _names(wanted, etag):
            raise errors.precondition_failed("If-Match")
    elif unmodified is not None and moment > unmodified:
        raise errors.precondition_failed("If-Unmodified-Since")
    known = _names(unwanted, etag) if unwanted is not None else since and moment <= since
    if known:
        raise errors.precondition_failed("If-None-Match") if prefix else errors.not_modified()


def check_write(if_match: str | None, if_none_match: str | None, etag: str | None) -> None:
    """Raise unless an object with `etag` (None: there is none) may be replaced."""
    if if_none_match is not None:
        if if_none_match.strip() != "*":
            raise errors.not_implemented("If-None-Match with a value other than *")
        if etag is not None:
            raise errors.precondition_failed("If-None-Match")
    if if_match is not None:
        if etag is None:
            raise ServiceError("NoSuchKey", "The specified key does not exist.", status=404)
        if not _names(if_match, etag):
            raise errors.precondition_failed("If-Match")


def _names(header: str, etag: str) -> bool:
    listed = [one.strip().removeprefix("W/").strip('"') for one in header.split(",")]
    return "*" in listed or etag in listed


def byte_range(header: str | None, size: int) -> tuple[int, int] | None:
    """Return (start, end) of a Range header, end excluded; None for the whole object.

    A header that is no single byte range is ignored, as S3 does; one beyond the object's end is
    InvalidRange.
    """
    found = _RANGE.fullmatch(header.strip()) if header else None
    if found is None or found.group(1, 2) == ("", ""):
        return None
    first, last = found.group(1, 2)
    if first == "":
        start, end = max(0, size - int(last)), size
        satisfiable = int(last) > 0 and size > 0
    else:
        start, end = int(first), min(size, int(last) + 1 if last else size)
        if last and int(last) < start:
            return None
        satisfiable = start < size
    if not satisfiable:
        raise ServiceError(
            "InvalidRange",
            "The requested range is not satisfiable",
            status=416,
            ActualObjectSize=str(size),
            RangeRequested=header,
        )
    return start, end
