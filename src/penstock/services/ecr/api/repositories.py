"""ECR's operations on repositories, their tags, and the registry.

Source: https://docs.aws.amazon.com/AmazonECR/latest/APIReference/
"""

from collections.abc import Iterable, Mapping
from typing import Any

from penstock.aws import tags as tagging
from penstock.aws.errors import ServiceError
from penstock.aws.pagination import page
from penstock.aws.service import Call, Request, Response
from penstock.services.ecr.ecr import Ecr
from penstock.services.ecr.repositories import Repository

_PAGE = 100


async def create_repository(domain: Ecr, call: Call, request: Request) -> Response:
    """Make a repository."""
    _own_registry(domain, request)
    _refuse_immutable(request.get("imageTagMutability", "MUTABLE"))
    encryption = request.get("encryptionConfiguration", {"encryptionType": "AES256"})
    if encryption["encryptionType"] != "AES256":
        raise ServiceError(
            "InvalidParameterException",
            "Invalid parameter at 'encryptionConfiguration': KMS keys are not supported here. "
            "Leave encryptionConfiguration out, or set encryptionType to AES256.",
        )
    repository = await domain.create(
        request["repositoryName"],
        _with_tags({}, tagging.from_pairs(request.get("tags", [])), call),
        request.get("imageScanningConfiguration", {}).get("scanOnPush", False),
    )
    return {"repository": _description(domain, repository)}


async def describe_repositories(domain: Ecr, call: Call, request: Request) -> Response:
    """Describe the named repositories, or all of them page by page."""
    if names := request.get("repositoryNames"):
        registry = request.get("registryId")
        found = [await domain.repository(name, registry) for name in names]
        return {"repositories": [_description(domain, one) for one in found]}
    _own_registry(domain, request)
    found, token = page(
        await domain.repositories(),
        request.get("nextToken"),
        request.get("maxResults", _PAGE),
        lambda one: one.name,
        error_code="InvalidParameterException",
    )
    response: dict[str, Any] = {"repositories": [_description(domain, one) for one in found]}
    return response | ({"nextToken": token} if token else {})


async def delete_repository(domain: Ecr, call: Call, request: Request) -> Response:
    """Remove a repository; with images only when forced."""
    repository = await domain.repository(request["repositoryName"], request.get("registryId"))
    await domain.delete(repository, force=request.get("force", False))
    return {"repository": _description(domain, repository)}


async def put_image_tag_mutability(domain: Ecr, call: Call, request: Request) -> Response:
    """Keep tags mutable; the registry cannot hold pushes to anything else."""
    repository = await domain.repository(request["repositoryName"], request.get("registryId"))
    _refuse_immutable(request["imageTagMutability"])
    return {
        "registryId": repository.registry_id,
        "repositoryName": repository.name,
        "imageTagMutability": "MUTABLE",
    }


async def put_image_scanning_configuration(domain: Ecr, call: Call, request: Request) -> Response:
    """Keep whether pushed images shall be scanned; nothing scans here."""
    repository = await domain.repository(request["repositoryName"], request.get("registryId"))
    scan_on_push = request["imageScanningConfiguration"].get("scanOnPush", False)
    await domain.set_scan_on_push(repository, scan_on_push)
    return {
        "registryId": repository.registry_id,
        "repositoryName": repository.name,
        "imageScanningConfiguration": {"scanOnPush": scan_on_push},
    }


async def describe_registry(domain: Ecr, call: Call, request: Request) -> Response:
    """Describe the account's registry, which replicates nowhere."""
    return {"registryId": domain.account_id, "replicationConfiguration": {"rules": []}}


async def tag_resource(domain: Ecr, call: Call, request: Request) -> Response:
    """Add tags, replacing those of the same keys."""
    repository = await _by_arn(domain, request["resourceArn"])
    tags = _with_tags(repository.tags, tagging.from_pairs(request["tags"]), call)
    await domain.set_tags(repository, tags)
    return {}


async def untag_resource(domain: Ecr, call: Call, request: Request) -> Response:
    """Remove tags; unknown keys are no error."""
    repository = await _by_arn(domain, request["resourceArn"])
    _refuse_reserved(request["tagKeys"], call)
    await domain.set_tags(repository, tagging.without(repository.tags, request["tagKeys"]))
    return {}


async def list_tags_for_resource(domain: Ecr, call: Call, request: Request) -> Response:
    """Return every tag."""
    repository = await _by_arn(domain, request["resourceArn"])
    return {"tags": tagging.to_pairs(repository.tags)}


async def _by_arn(domain: Ecr, arn: str) -> Repository:
    prefix = domain.arn("")
    if not arn.startswith(prefix):
        raise ServiceError(
            "InvalidParameterException",
            "Invalid parameter at 'resourceArn' failed to satisfy constraint: "
            f"expected a repository's ARN such as {prefix}NAME, found {arn}",
        )
    return await domain.repository(arn.removeprefix(prefix))


def _own_registry(domain: Ecr, request: Request) -> None:
    registry = request.get("registryId", domain.account_id)
    if registry != domain.account_id:
        raise ServiceError(
            "InvalidParameterException",
            f"Invalid parameter at 'registryId': expected {domain.account_id}, found {registry}. "
            "There is one registry here.",
        )


def _refuse_immutable(mutability: str) -> None:
    if mutability != "MUTABLE":
        raise ServiceError(
            "InvalidParameterException",
            f"Invalid parameter at 'imageTagMutability': {mutability} is not supported here, "
            "because a docker push that moves a tag could not be refused. Use MUTABLE.",
        )


def _with_tags(before: Mapping[str, str], added: Mapping[str, str], call: Call) -> dict[str, str]:
    _refuse_reserved(added, call)
    tags = {**before, **added}
    if (count := tagging.counted(tags)) > tagging.MOST_TAGS:
        raise ServiceError(
            "TooManyTagsException", f"Expected at most {tagging.MOST_TAGS} tags, found {count}."
        )
    return tags


def _refuse_reserved(keys: Iterable[str], call: Call) -> None:
    if (key := tagging.reserved_key(keys, call.via)) is not None:
        raise ServiceError(
            "InvalidTagParameterException",
            f"The tag key {key} is not valid. Keys that begin with aws: are AWS's own.",
        )


def _description(domain: Ecr, repository: Repository) -> dict[str, Any]:
    return {
        "repositoryArn": repository.arn,
        "registryId": repository.registry_id,
        "repositoryName": repository.name,
        "repositoryUri": f"{domain.host}/{repository.name}",
        "createdAt": repository.created_at,
        "imageTagMutability": "MUTABLE",
        "imageScanningConfiguration": {"scanOnPush": repository.scan_on_push},
        "encryptionConfiguration": {"encryptionType": "AES256"},
    }
