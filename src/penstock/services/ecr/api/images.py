"""ECR's operations that read images.

Source: https://docs.aws.amazon.com/AmazonECR/latest/APIReference/
"""

from collections.abc import Mapping
from typing import Any

from penstock.aws.errors import ServiceError
from penstock.aws.pagination import page
from penstock.aws.service import Call, Request, Response
from penstock.services.ecr.ecr import Ecr
from penstock.services.ecr.images import Image
from penstock.services.ecr.registry_client import MANIFEST_TYPES
from penstock.services.ecr.repositories import Repository

ImageId = Mapping[str, str]
"""`imageDigest`, `imageTag` or both, as the API has them."""

_PAGE = 100


async def list_images(domain: Ecr, call: Call, request: Request) -> Response:
    """List every tag with its digest, and the digests that have no tag."""
    repository = await domain.repository(request["repositoryName"], request.get("registryId"))
    status = request.get("filter", {}).get("tagStatus", "ANY")
    found: list[dict[str, str]] = []
    for image in await domain.images(repository):
        if image.tags and status != "UNTAGGED":
            found += [{"imageDigest": image.digest, "imageTag": tag} for tag in image.tags]
        elif not image.tags and status != "TAGGED":
            found.append({"imageDigest": image.digest})
    ids, token = page(
        sorted(found, key=_id_key),
        request.get("nextToken"),
        request.get("maxResults", _PAGE),
        _id_key,
        error_code="InvalidParameterException",
    )
    return {"imageIds": ids} | ({"nextToken": token} if token else {})


async def describe_images(domain: Ecr, call: Call, request: Request) -> Response:
    """Describe the named images, or all of them page by page."""
    repository = await domain.repository(request["repositoryName"], request.get("registryId"))
    images = await domain.images(repository)
    if ids := request.get("imageIds"):
        found = list(dict.fromkeys(_named(images, one, repository) for one in ids))
        return {"imageDetails": [_details(repository, image) for image in found]}
    status = request.get("filter", {}).get("tagStatus", "ANY")
    if status != "ANY":
        images = [image for image in images if bool(image.tags) == (status == "TAGGED")]
    shown, token = page(
        images,
        request.get("nextToken"),
        request.get("maxResults", _PAGE),
        _image_key,
        error_code="InvalidParameterException",
    )
    response: dict[str, Any] = {"imageDetails": [_details(repository, one) for one in shown]}
    return response | ({"nextToken": token} if token else {})


async def batch_get_image(domain: Ecr, call: Call, request: Request) -> Response:
    """Return manifests as the registry stores them; what is missing is listed."""
    repository = await domain.repository(request["repositoryName"], request.get("registryId"))
    accepted = set(request.get("acceptedMediaTypes") or MANIFEST_TYPES)
    images, failures = [], []
    for image_id in request["imageIds"]:
        failure, digest = await find(domain, repository, image_id)
        manifest = digest and await domain.client.manifest(repository.name, digest)
        if not manifest:
            failures.append(failure or not_found(image_id))
        elif manifest.media_type not in accepted:
            raise ServiceError(
                "InvalidParameterException",
                f"The image {manifest.digest} has media type {manifest.media_type}, which is not "
                "among acceptedMediaTypes.",
            )
        else:
            images.append(
                {
                    "registryId": repository.registry_id,
                    "repositoryName": repository.name,
                    "imageId": {**image_id, "imageDigest": manifest.digest},
                    "imageManifest": manifest.content.decode(),
                    "imageManifestMediaType": manifest.media_type,
                }
            )
    return {"images": images, "failures": failures}


async def batch_check_layer_availability(domain: Ecr, call: Call, request: Request) -> Response:
    """Tell which layers the repository has."""
    repository = await domain.repository(request["repositoryName"], request.get("registryId"))
    layers = []
    for digest in request["layerDigests"]:
        size = await domain.client.blob_size(repository.name, digest)
        layer: dict[str, Any] = {"layerDigest": digest, "layerAvailability": "UNAVAILABLE"}
        if size is not None:
            layer |= {"layerAvailability": "AVAILABLE", "layerSize": size}
        layers.append(layer)
    return {"layers": layers, "failures": []}


async def find(
    domain: Ecr, repository: Repository, image_id: ImageId
) -> tuple[dict[str, Any] | None, str | None]:
    """Return (failure, None) or (None, digest) for one image id."""
    digest, tag = image_id.get("imageDigest"), image_id.get("imageTag")
    if digest is None and tag is None:
        return _failure(
            image_id,
            "MissingDigestAndTag",
            "Invalid request parameters: both tag and digest cannot be null",
        ), None
    found = await domain.client.digest(repository.name, tag or digest or "")
    if found is None:
        return not_found(image_id), None
    if digest is not None and found != digest:
        return _failure(
            image_id,
            "ImageTagDoesNotMatchDigest",
            f"Requested image tag '{tag}' does not match digest '{digest}'",
        ), None
    return None, found


def not_found(image_id: ImageId) -> dict[str, Any]:
    """AWS's entry about an image that is not there."""
    return _failure(image_id, "ImageNotFound", "Requested image not found")


def _failure(image_id: ImageId, code: str, reason: str) -> dict[str, Any]:
    return {"imageId": dict(image_id), "failureCode": code, "failureReason": reason}


def _named(images: list[Image], image_id: ImageId, repository: Repository) -> Image:
    digest, tag = image_id.get("imageDigest"), image_id.get("imageTag")
    for image in images:
        if (tag is None or tag in image.tags) and (digest in {None, image.digest}):
            return image
    shown = [f"'{value}'" if value else "'null'" for value in (digest, tag)]
    raise ServiceError(
        "ImageNotFoundException",
        f"The image with imageId {{imageDigest:{shown[0]}, imageTag:{shown[1]}}} does not exist "
        f"within the repository with name '{repository.name}' in the registry with id "
        f"'{repository.registry_id}'",
    )


def _details(repository: Repository, image: Image) -> dict[str, Any]:
    details: dict[str, Any] = {
        "registryId": repository.registry_id,
        "repositoryName": repository.name,
        "imageDigest": image.digest,
        "imagePushedAt": image.pushed_at,
        "imageManifestMediaType": image.media_type,
        "imageStatus": "ACTIVE",
    }
    if image.tags:
        details["imageTags"] = list(image.tags)
    if image.size is not None:
        details["imageSizeInBytes"] = image.size
    if repository.scan_on_push:
        details["imageScanStatus"] = {
            "status": "FAILED",
            "description": "Images are not scanned here: there is no scanner.",
        }
    return details


def _id_key(image_id: ImageId) -> str:
    return image_id["imageDigest"] + "\n" + image_id.get("imageTag", "")


def _image_key(image: Image) -> str:
    return image.pushed_at.isoformat(timespec="microseconds") + "\n" + image.digest
