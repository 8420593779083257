"""Byte ranges and conditions by RFC 9110 and S3's pages."""

from datetime import UTC, datetime, timedelta

import pytest

from penstock.aws.errors import ServiceError
from penstock.services.s3.preconditions import byte_range, check_read, check_write

MODIFIED = datetime(2026, 1, 1, 12, 0, 0, 999_999, tzinfo=UTC)
SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("header", "size", "expected"),
    [
        (None, 10, None),
        ("bytes=0-4", 10, (0, 5)),
        ("bytes=9-9", 10, (9, 10)),
        ("bytes=5-", 10, (5, 10)),
        ("bytes=-3", 10, (7, 10)),
        ("bytes=-30", 10, (0, 10)),
        ("bytes=2-1", 10, None),
        ("bytes=-", 10, None),
        ("bytes=0-1,3-4", 10, None),
        ("items=0-1", 10, None),
        (f"bytes={'9' * 5000}-", 10, None),
        ("bytes=٣-", 10, None),
    ],
)
def test_a_range_is_understood_or_ignored(header, size, expected):
    assert byte_range(header, size) == expected


@pytest.mark.parametrize(("header", "size"), [("bytes=10-", 10), ("bytes=-0", 10), ("bytes=0-", 0)])
def test_a_range_without_a_byte_is_refused(header, size):
    with pytest.raises(ServiceError, match="InvalidRange"):
        byte_range(header, size)


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        ({}, None),
        ({"IfMatch": '"e"'}, None),
        ({"IfMatch": 'W/"e", "f"'}, None),
        ({"IfMatch": "*"}, None),
        ({"IfMatch": '"f"'}, "PreconditionFailed"),
        ({"IfNoneMatch": '"f"'}, None),
        ({"IfNoneMatch": "e"}, "NotModified"),
        ({"IfModifiedSince": MODIFIED - SECOND}, None),
        ({"IfModifiedSince": MODIFIED.replace(microsecond=0)}, "NotModified"),
        ({"IfUnmodifiedSince": MODIFIED.replace(microsecond=0)}, None),
        ({"IfUnmodifiedSince": MODIFIED - SECOND}, "PreconditionFailed"),
        ({"IfMatch": '"e"', "IfUnmodifiedSince": MODIFIED - SECOND}, None),
        ({"IfNoneMatch": '"f"', "IfModifiedSince": MODIFIED + SECOND}, None),
        ({"IfMatch": '"e"', "IfNoneMatch": '"e"'}, "NotModified"),
    ],
)
def test_a_read_is_wanted_or_not(request_, code):
    if code is None:
        check_read(request_, "e", MODIFIED)
        return
    with pytest.raises(ServiceError) as refused:
        check_read(request_, "e", MODIFIED)
    assert refused.value.code == code
    with pytest.raises(ServiceError, match="PreconditionFailed"):
        check_read(
            {f"CopySource{name}": value for name, value in request_.items()},
            "e", MODIFIED, "CopySource",
        )  # fmt: skip


@pytest.mark.parametrize(
    ("if_match", "if_none_match", "etag", "code"),
    [
        (None, None, None, None),
        (None, "*", None, None),
        (None, "*", "e", "PreconditionFailed"),
        (None, '"e"', None, "NotImplemented"),
        ('"e"', None, "e", None),
        ('"f"', None, "e", "PreconditionFailed"),
        ('"e"', None, None, "NoSuchKey"),
    ],
)
def test_a_write_may_replace_or_not(if_match, if_none_match, etag, code):
    if code is None:
        check_write(if_match, if_none_match, etag)
        return
    with pytest.raises(ServiceError) as refused:
        check_write(if_match, if_none_match, etag)
    assert refused.value.code == code
