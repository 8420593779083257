"""A template on its way to CloudFormation: in the request, or by way of S3 when it is long."""

import contextlib
import sys
from collections.abc import Iterator
from typing import Any

from botocore.exceptions import ClientError

from penstock import ids
from penstock.cli.cloudformation_endpoint import CloudFormationEndpoint
from penstock.cli.refusal import Refusal

LONGEST_BODY_BYTES = 51_200
_LONGEST_OBJECT_BYTES = 1_000_000
_PREFIX = "penstock-preview"


@contextlib.contextmanager
def handed_over(
    endpoint: CloudFormationEndpoint, body: str, bucket: str | None
) -> Iterator[dict[str, str]]:
    """Yield CreateChangeSet's TemplateBody or TemplateURL; afterwards no object is left.

    On our own server a bucket is made for it, and removed with it, when none is given.
    """
    size = len(body.encode())
    if size <= LONGEST_BODY_BYTES:
        yield {"TemplateBody": body}
        return
    if size > _LONGEST_OBJECT_BYTES:
        raise Refusal(
            f"the template has {size} bytes: CloudFormation takes {_LONGEST_OBJECT_BYTES} at most"
        )
    if bucket is None and endpoint.own is None:
        raise Refusal(
            f"the template has {size} bytes: more than {LONGEST_BODY_BYTES} go by way of S3; name "
            "a bucket there that you may write to: --s3-bucket NAME"
        )
    s3 = endpoint.client("s3")
    with _bucket(s3, endpoint.region, bucket) as name:
        key = f"{_PREFIX}/{ids.new_uuid()}"
        s3.put_object(Bucket=name, Key=key, Body=body.encode())
        try:
            yield {"TemplateURL": _url(endpoint.region, name, key)}
        finally:
            try:
                s3.delete_object(Bucket=name, Key=key)
            except ClientError as error:  # who may write may not be one who may delete
                print(f"penstock: s3://{name}/{key} is left: {error}", file=sys.stderr)


@contextlib.contextmanager
def _bucket(s3: Any, region: str, given: str | None) -> Iterator[str]:
    if given is not None:
        yield given
        return
    name = f"{_PREFIX}-{ids.new_uuid()}"
    # S3's own rule: us-east-1 is never named as a place.
    place = {} if region == "us-east-1" else {"LocationConstraint": region}
    s3.create_bucket(Bucket=name, **({"CreateBucketConfiguration": place} if place else {}))
    try:
        yield name
    finally:
        s3.delete_bucket(Bucket=name)


def _url(region: str, bucket: str, key: str) -> str:
    """Return the object's address in the one form that AWS and those like it all take."""
    suffix = ".cn" if region.startswith("cn-") else ""
    return f"https://s3.{region}.amazonaws.com{suffix}/{bucket}/{key}"
