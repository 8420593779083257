"""CodeCommit's operations on repositories and their tags.

Source: https://docs.aws.amazon.com/codecommit/latest/APIReference/
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from penstock.aws import tags as tagging
from penstock.aws.errors import ServiceError
from penstock.aws.pagination import page
from penstock.aws.service import Call, Request, Response
from penstock.repositories import repository as stored
from penstock.repositories.api.branches import existing_branch
from penstock.repositories.hosting import Repositories
from penstock.repositories.repository import Repository

_PAGE = 1000
_MOST_IN_BATCH = 100


async def create_repository(domain: Repositories, call: Call, request: Request) -> Response:
    """Make an empty repository."""
    if "kmsKeyId" in request:
        raise ServiceError(
            "EncryptionKeyNotFoundException",
            f"The key {request['kmsKeyId']} does not exist. Repositories are not encrypted here; "
            "leave kmsKeyId out.",
        )
    name = request["repositoryName"]
    if name.endswith(".git"):
        raise ServiceError(
            "InvalidRepositoryNameException",
            f"The repository name {name} is not valid. A repository name cannot end in .git.",
        )
    tags = _with_tags({}, request.get("tags", {}), call)
    repository = await domain.create(name, request.get("repositoryDescription"), tags)
    return {"repositoryMetadata": _metadata(repository, call)}


async def get_repository(domain: Repositories, call: Call, request: Request) -> Response:
    """Describe one repository."""
    return {"repositoryMetadata": _metadata(await domain.get(request["repositoryName"]), call)}


async def batch_get_repositories(domain: Repositories, call: Call, request: Request) -> Response:
    """Describe several repositories; unknown names are listed, not refused."""
    names = list(dict.fromkeys(request["repositoryNames"]))
    if len(names) > _MOST_IN_BATCH:
        raise ServiceError(
            "MaximumRepositoryNamesExceededException",
            f"Expected at most {_MOST_IN_BATCH} repository names, found {len(names)}.",
        )
    known = {repository.name: repository for repository in await domain.all()}
    return {
        "repositories": [_metadata(known[name], call) for name in names if name in known],
        "repositoriesNotFound": [name for name in names if name not in known],
    }


async def list_repositories(domain: Repositories, call: Call, request: Request) -> Response:
    """List names and ids, sorted as asked."""
    by_date = request.get("sortBy") == "lastModifiedDate"
    descending = request.get("order") == "descending"

    def key(repository: Repository) -> str:
        return (
            (repository.updated_at.isoformat(timespec="microseconds") if by_date else "")
            + "\n"
            + repository.name
        )

    found, token = page(
        sorted(await domain.all(), key=key, reverse=descending),
        request.get("nextToken"),
        _PAGE,
        key,
        descending=descending,
        error_code="InvalidContinuationTokenException",
    )
    response: dict[str, Any] = {
        "repositories": [{"repositoryName": one.name, "repositoryId": one.id} for one in found]
    }
    return response | ({"nextToken": token} if token else {})


async def delete_repository(domain: Repositories, call: Call, request: Request) -> Response:
    """Remove a repository; an unknown one is no error and gives no id."""
    repository = await domain.delete(request["repositoryName"])
    return {} if repository is None else {"repositoryId": repository.id}


async def update_repository_name(domain: Repositories, call: Call, request: Request) -> Response:
    """Rename a repository; its address and ARN change with it."""
    new = request["newName"]
    await domain.update(request["oldName"], lambda one: replace(one, name=new, arn=domain.arn(new)))
    return {}


async def update_repository_description(
    domain: Repositories, call: Call, request: Request
) -> Response:
    """Replace the description; without one, remove it."""
    text = request.get("repositoryDescription")
    await domain.update(request["repositoryName"], lambda one: replace(one, description=text))
    return {}


async def update_default_branch(domain: Repositories, call: Call, request: Request) -> Response:
    """Name the branch that a clone checks out."""
    repository = await domain.get(request["repositoryName"])
    branch = request["defaultBranchName"]
    await existing_branch(domain, repository, branch)
    changed = await domain.update(repository.name, lambda one: replace(one, default_branch=branch))
    await domain.point_head(changed, branch)
    return {}


async def tag_resource(domain: Repositories, call: Call, request: Request) -> Response:
    """Add tags, replacing those of the same keys."""
    name = await _named_by(domain, request["resourceArn"])
    await domain.update(
        name, lambda one: replace(one, tags=_with_tags(one.tags, request["tags"], call))
    )
    return {}


async def untag_resource(domain: Repositories, call: Call, request: Request) -> Response:
    """Remove tags; unknown keys are no error."""
    name = await _named_by(domain, request["resourceArn"])
    _refuse_reserved(request["tagKeys"], call)
    await domain.update(
        name, lambda one: replace(one, tags=tagging.without(one.tags, request["tagKeys"]))
    )
    return {}


async def list_tags_for_resource(domain: Repositories, call: Call, request: Request) -> Response:
    """Return every tag; there are never more than fit one answer."""
    name = await _named_by(domain, request["resourceArn"])
    return {"tags": dict((await domain.get(name)).tags)}


async def _named_by(domain: Repositories, arn: str) -> str:
    found = [one.name for one in await domain.all() if one.arn == arn]
    if found:
        return found[0]
    if arn.startswith(f"arn:aws:{stored.SERVICE}:"):
        raise ServiceError(
            "RepositoryDoesNotExistException", f"{arn.rsplit(':', 1)[1]} does not exist"
        )
    raise ServiceError(
        "InvalidResourceArnException",
        f"Expected a repository's ARN such as {domain.arn('NAME')}, found {arn}.",
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
            "InvalidSystemTagUsageException",
            f"The tag key {key} is not valid. Keys that begin with aws: are AWS's own.",
        )


def _metadata(repository: Repository, call: Call) -> dict[str, Any]:
    metadata = {
        "accountId": call.account_id,
        "repositoryId": repository.id,
        "repositoryName": repository.name,
        "repositoryDescription": repository.description,
        "defaultBranch": repository.default_branch,
        "lastModifiedDate": repository.updated_at,
        "creationDate": repository.created_at,
        "cloneUrlHttp": f"{call.endpoint_url}/v1/repos/{repository.name}",
        "Arn": repository.arn,
    }
    return {name: value for name, value in metadata.items() if value is not None}
