"""S3's virtual hosts: the bucket that stands in the Host header instead of the path.

Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html
"""

import dataclasses
import re

from penstock.aws.http import HttpRequest

_VIRTUAL_HOST = re.compile(
    r"(?P<bucket>[a-z0-9][a-z0-9.\-]+?)\."
    r"(?:s3(?:[.\-](?:dualstack\.)?[a-z0-9\-]+)?\.amazonaws\.com|s3\.localhost|localhost)"
    r"(?::\d+)?",
    re.IGNORECASE,
)
_SERVICE_LABELS = {"s3", "dualstack"}


def bucket_of_host(host: str) -> str | None:
    """Return the bucket in `bucket.s3.region.amazonaws.com`, `bucket.localhost` and their kin."""
    match = _VIRTUAL_HOST.fullmatch(host)
    if match is None or match["bucket"] in _SERVICE_LABELS:
        return None
    return match["bucket"]


def path_style(request: HttpRequest) -> HttpRequest:
    """Return the request with its host's bucket, if any, put before the path."""
    bucket = bucket_of_host(request.host)
    if bucket is None:
        return request
    return dataclasses.replace(request, raw_path=f"/{bucket}{request.raw_path}")
