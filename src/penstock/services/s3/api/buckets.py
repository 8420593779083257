"""Buckets: made, listed, removed; their versioning and tags."""

from typing import Any

from penstock.aws.errors import ServiceError
from penstock.aws.pagination import page
from penstock.aws.service import Call, Request, Response
from penstock.services.s3 import buckets, tag_sets
from penstock.services.s3.api.identity import check_owner, owner
from penstock.services.s3.api.refusals import refuse
from penstock.services.s3.buckets import Versioning
from penstock.services.s3.objects import Objects

_LIST_LIMIT = 10_000
_PRIVATE_ACLS = {None, "private"}


async def create_bucket(objects: Objects, call: Call, request: Request) -> Response:
    """Make a bucket in this server's region, the only one there is."""
    refuse(
        request,
        "GrantFullControl", "GrantRead", "GrantReadACP", "GrantWrite", "GrantWriteACP",
        "ObjectLockEnabledForBucket",
    )  # fmt: skip
    if request.get("ObjectOwnership") not in (None, "BucketOwnerEnforced"):
        refuse(request, "ObjectOwnership")
    if request.get("ACL") not in _PRIVATE_ACLS:
        raise ServiceError(
            "InvalidBucketAclWithObjectOwnership",
            "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting",
            status=400,
        )
    configuration = request.get("CreateBucketConfiguration") or {}
    for unsupported in ("Location", "Bucket"):
        if configuration.get(unsupported):
            raise ServiceError(
                "NotImplemented",
                "Penstock has no directory buckets: leave CreateBucketConfiguration."
                f"{unsupported} out.",
                status=400,
            )
    _check_location(configuration.get("LocationConstraint"), objects.region)
    tags = tag_sets.of_bucket(configuration.get("Tags") or (), {}, call.via)
    again = call.via is None  # a stack never takes over a bucket that is there
    await objects.create_bucket(request["Bucket"], tags, again=again)
    return {"Location": f"/{request['Bucket']}"}


def _check_location(constraint: str | None, region: str) -> None:
    # us-east-1 is no location constraint: the model's enumeration leaves it out.
    if (constraint or "us-east-1") != region:
        raise ServiceError(
            "IllegalLocationConstraintException",
            f"The {constraint or 'unspecified'} location constraint is incompatible for the "
            "region specific endpoint this request was sent to.",
            status=400,
        )


async def head_bucket(objects: Objects, call: Call, request: Request) -> Response:
    """Tell that the bucket is there."""
    bucket = await _bucket(objects, call, request)
    return {"BucketRegion": bucket.region, "AccessPointAlias": False}


async def get_bucket_location(objects: Objects, call: Call, request: Request) -> Response:
    """Return the bucket's region; us-east-1 has none."""
    bucket = await _bucket(objects, call, request)
    return {"LocationConstraint": None if bucket.region == "us-east-1" else bucket.region}


async def list_buckets(objects: Objects, call: Call, request: Request) -> Response:
    """List the account's buckets by name."""
    prefix, region = request.get("Prefix"), request.get("BucketRegion")
    found = await objects.read(lambda c: buckets.scan(c, prefix or ""))
    if region is not None:
        found = [bucket for bucket in found if bucket.region == region]
    chosen, token = page(
        found,
        request.get("ContinuationToken"),
        request.get("MaxBuckets", _LIST_LIMIT),
        key=lambda bucket: bucket.name,
        error_code="InvalidArgument",
    )
    response: dict[str, Any] = {
        "Buckets": [{"Name": one.name, "CreationDate": one.created_at} for one in chosen],
        "Owner": owner(call),
        "ContinuationToken": token,
        "Prefix": prefix,
    }
    if "MaxBuckets" in request or region is not None:
        for bucket, described in zip(chosen, response["Buckets"], strict=True):
            described["BucketRegion"] = bucket.region
    return response


async def delete_bucket(objects: Objects, call: Call, request: Request) -> Response:
    """Remove an empty bucket."""
    await _bucket(objects, call, request)
    await objects.delete_bucket(request["Bucket"])
    return {}


async def get_bucket_versioning(objects: Objects, call: Call, request: Request) -> Response:
    """Return the status; nothing for a bucket that never had versioning."""
    bucket = await _bucket(objects, call, request)
    return {"Status": bucket.versioning.value or None}


async def put_bucket_versioning(objects: Objects, call: Call, request: Request) -> Response:
    """Enable or suspend versioning."""
    bucket = await _bucket(objects, call, request)
    configuration = request["VersioningConfiguration"]
    if configuration.get("MFADelete") == "Enabled":
        refuse(configuration, "MFADelete")
    if configuration.get("Status") is None:
        raise ServiceError(
            "IllegalVersioningConfigurationException",
            "The Versioning element must be specified",
            status=400,
        )
    status = Versioning(configuration["Status"])
    await objects.write(lambda c: buckets.set_versioning(c, bucket, status, call.now))
    return {}


async def get_bucket_tagging(objects: Objects, call: Call, request: Request) -> Response:
    """Return the bucket's tags; NoSuchTagSet without any."""
    bucket = await _bucket(objects, call, request)
    if not bucket.tags:
        raise ServiceError(
            "NoSuchTagSet", "The TagSet does not exist", status=404, BucketName=bucket.name
        )
    return {"TagSet": tag_sets.tag_set(bucket.tags)}


async def put_bucket_tagging(objects: Objects, call: Call, request: Request) -> Response:
    """Replace the bucket's tags."""
    bucket = await _bucket(objects, call, request)
    tags = tag_sets.of_bucket(request["Tagging"]["TagSet"], bucket.tags, call.via)
    await objects.write(lambda c: buckets.set_tags(c, bucket, tags, call.now))
    return {}


async def delete_bucket_tagging(objects: Objects, call: Call, request: Request) -> Response:
    """Remove the bucket's tags."""
    bucket = await _bucket(objects, call, request)
    tags = tag_sets.of_bucket((), bucket.tags, call.via)
    await objects.write(lambda c: buckets.set_tags(c, bucket, tags, call.now))
    return {}


async def _bucket(objects: Objects, call: Call, request: Request) -> buckets.Bucket:
    check_owner(call, request)
    return await objects.read(lambda c: buckets.get(c, request["Bucket"]))
