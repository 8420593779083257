"""Tags of objects."""

from penstock.aws.service import Call, Request, Response
from penstock.services.s3 import tag_sets
from penstock.services.s3.api.descriptions import shown_version_id
from penstock.services.s3.api.identity import check_owner
from penstock.services.s3.objects import Objects, StoredObject


async def get_object_tagging(objects: Objects, call: Call, request: Request) -> Response:
    """Return an object's tags, none without any."""
    check_owner(call, request)
    found = await objects.head(request["Bucket"], request["Key"], request.get("VersionId"))
    return {**await _version(objects, found), "TagSet": tag_sets.tag_set(found.tags)}


async def put_object_tagging(objects: Objects, call: Call, request: Request) -> Response:
    """Replace an object's tags."""
    return await _set(objects, call, request, tag_sets.of_object(request["Tagging"]["TagSet"]))


async def delete_object_tagging(objects: Objects, call: Call, request: Request) -> Response:
    """Remove an object's tags."""
    return await _set(objects, call, request, {})


async def _set(objects: Objects, call: Call, request: Request, tags: dict[str, str]) -> Response:
    check_owner(call, request)
    found = await objects.set_tags(
        request["Bucket"], request["Key"], request.get("VersionId"), tags
    )
    return await _version(objects, found)


async def _version(objects: Objects, found: StoredObject) -> dict[str, str | None]:
    return {"VersionId": await shown_version_id(objects, found.bucket, found.version_id)}
