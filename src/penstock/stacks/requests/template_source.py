"""Where a request's template comes from: its TemplateBody, or an object in our own S3.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ValidateTemplate.html
"""

import ipaddress
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from penstock.aws.errors import ServiceError
from penstock.aws.in_process import InProcess
from penstock.aws.s3_hosts import bucket_of_host
from penstock.aws.service import Principal
from penstock.stacks.s3_object import NotText, S3Object, TooLarge, text_of
from penstock.stacks.template.errors import invalid
from penstock.stacks.transforms.failure import LARGEST_TEMPLATE, too_large

_PLAIN_HOST = re.compile(r"s3(?:[.-](?:dualstack\.)?[a-z0-9-]+)?\.amazonaws\.com")
LONGEST_BODY_BYTES = 51_200
LONGEST_OBJECT_BYTES = LARGEST_TEMPLATE
_MORE = (
    "For more information check http://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html"
)


async def template_text(
    in_process: InProcess, principal: Principal, request: Mapping[str, Any]
) -> str:
    """Return the text of the template that a request gives by body or by URL.

    An object is read as `principal`, who needs s3:GetObject. Raises ServiceError ValidationError.
    """
    body, url = request.get("TemplateBody"), request.get("TemplateURL")
    if body and url:  # unverified
        raise invalid("Specify either Template URL or Template Body, not both.")
    if body:
        return _checked_body(str(body))
    if not url:
        raise invalid("Either Template URL or Template Body must be specified.")
    return await _fetched(in_process, principal, object_of(str(url), in_process.endpoint_url))


def object_of(url: str, endpoint_url: str, member: str = "TemplateURL") -> S3Object:
    """Return the object of our S3 that a URL names; `endpoint_url` is this server's own, `member`
    what the request calls the URL.

    Hosts are the server's, any of the loopback, and S3's names on AWS, each with the bucket in
    the path or in front of the name.
    """
    unsupported = invalid(f"{member} must be a supported URL.")
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        raise unsupported from None
    if parts.scheme == "s3" and parts.netloc:
        raise invalid(f"S3 error: Domain name specified in {parts.netloc} is not a valid S3 domain")
    if parts.scheme not in ("http", "https") or not host:
        raise unsupported
    path = unquote(parts.path.removeprefix("/"))
    bucket = None if _is_plain(host, endpoint_url) else bucket_of_host(host)
    if bucket is None:
        if not _is_plain(host, endpoint_url):
            raise unsupported
        bucket, _, path = path.partition("/")
    if not bucket or not path:
        raise unsupported
    version = parse_qs(parts.query).get("versionId", [None])[0]
    return S3Object(bucket, path, version)


def _is_plain(host: str, endpoint_url: str) -> bool:
    """Whether the host names S3 without a bucket in front."""
    if host in ("localhost", "s3.localhost", urlsplit(endpoint_url).hostname):
        return True
    if _PLAIN_HOST.fullmatch(host):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _checked_body(body: str) -> str:
    if len(body.encode()) > LONGEST_BODY_BYTES:
        raise invalid(
            f"1 validation error detected: Value '{body}' at 'templateBody' failed to satisfy "
            f"constraint: Member must have length less than or equal to {LONGEST_BODY_BYTES}"
        )
    return body


async def _fetched(in_process: InProcess, principal: Principal, found: S3Object) -> str:
    try:
        return await text_of(in_process, principal, found, LONGEST_OBJECT_BYTES)
    except ServiceError as error:
        raise invalid(f"S3 error: {error.message}\n{_MORE}") from None
    except TooLarge:
        raise too_large() from None
    except NotText:
        raise invalid("Template format error: expected UTF-8 text at TemplateURL") from None
