"""ECR's operations that change images: PutImage (retagging) and BatchDeleteImage.

Source: https://docs.aws.amazon.com/AmazonECR/latest/APIReference/
"""

import json
from typing import Any

from penstock.aws.errors import ServiceError
from penstock.aws.service import Call, Request, Response
from penstock.services.ecr.api.images import find, not_found
from penstock.services.ecr.ecr import Ecr
from penstock.services.ecr.registry_client import DOCKER_MANIFEST, ManifestRefused, digest_of
from penstock.services.ecr.repositories import Repository


async def put_image(domain: Ecr, call: Call, request: Request) -> Response:
    """Store a manifest under a tag; the usual use is to give an image one more tag."""
    repository = await domain.repository(request["repositoryName"], request.get("registryId"))
    text, tag = request["imageManifest"], request.get("imageTag")
    content = text.encode()
    digest = digest_of(content)
    if request.get("imageDigest", digest) != digest:
        raise ServiceError(
            "ImageDigestDoesNotMatchException",
            f"Image digest '{request['imageDigest']}' does not match calculated digest '{digest}'",
        )
    media_type = request.get("imageManifestMediaType") or _media_type(text)
    if await domain.client.digest(repository.name, tag or digest) == digest:
        raise ServiceError(
            "ImageAlreadyExistsException",
            f"Image with digest '{digest}' and tag '{tag or 'null'}' already exists in the "
            f"repository with name '{repository.name}' in registry with id "
            f"'{repository.registry_id}'",
        )
    try:
        await domain.client.put_manifest(repository.name, tag or digest, media_type, content)
    except ManifestRefused as refusal:
        missing = refusal.code in {"MANIFEST_BLOB_UNKNOWN", "BLOB_UNKNOWN"}
        raise ServiceError(
            "LayersNotFoundException" if missing else "InvalidParameterException",
            f"Invalid parameter at 'imageManifest': the registry says: {refusal}",
        ) from refusal
    await domain.record_push(repository.name, digest, call.now, call.principal.arn)
    image_id = {"imageDigest": digest, **({"imageTag": tag} if tag else {})}
    return {
        "image": {
            "registryId": repository.registry_id,
            "repositoryName": repository.name,
            "imageId": image_id,
            "imageManifest": text,
            "imageManifestMediaType": media_type,
        }
    }


async def batch_delete_image(domain: Ecr, call: Call, request: Request) -> Response:
    """Delete by digest (with all tags), or one tag; an image goes with its last tag."""
    repository = await domain.repository(request["repositoryName"], request.get("registryId"))
    deleted: list[dict[str, str]] = []
    failures: list[dict[str, Any]] = []
    for image_id in request["imageIds"]:
        failure, digest = await find(domain, repository, image_id)
        if digest is None:
            failures.append(failure or not_found(image_id))
        else:
            deleted += await _delete(domain, repository, digest, image_id.get("imageTag"))
    return {"imageIds": deleted, "failures": failures}


async def _delete(
    domain: Ecr, repository: Repository, digest: str, tag: str | None
) -> list[dict[str, str]]:
    images = {image.digest: image for image in await domain.images(repository)}
    tags = images[digest].tags if digest in images else ()
    if tag is not None and len(tags) > 1:
        await domain.client.delete_tag(repository.name, tag)
        return [{"imageDigest": digest, "imageTag": tag}]
    await domain.client.delete_manifest(repository.name, digest)
    if not tags:
        return [{"imageDigest": digest}]
    return [{"imageDigest": digest, "imageTag": one} for one in tags]


def _media_type(text: str) -> str:
    try:
        document = json.loads(text)
        found = document.get("mediaType", DOCKER_MANIFEST)
    except (ValueError, AttributeError):
        raise ServiceError(
            "InvalidParameterException",
            "Invalid parameter at 'imageManifest' failed to satisfy constraint: "
            "'Invalid JSON syntax'",
        ) from None
    return str(found)
