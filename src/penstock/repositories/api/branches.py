"""CodeCommit's operations on branches. A branch that moves here triggers as a push does.

The texts are AWS's as far as its reference shows them; it shows none for branches, so
these are unverified.
Source: https://docs.aws.amazon.com/codecommit/latest/APIReference/
"""

from typing import Any

from penstock.aws.errors import ServiceError
from penstock.aws.pagination import page
from penstock.aws.service import Call, Request, Response
from penstock.repositories.git import GitError
from penstock.repositories.hosting import Repositories
from penstock.repositories.references import BRANCH_PREFIX
from penstock.repositories.repository import Repository

_PAGE = 1000


async def create_branch(domain: Repositories, call: Call, request: Request) -> Response:
    """Make a branch at an existing commit."""
    repository = await domain.get(request["repositoryName"])
    branch, commit_id = request["branchName"], request["commitId"]
    await check_branch_name(domain, repository, branch)
    try:
        commit = await domain.commit(repository.name, commit_id)
    except ServiceError as error:
        raise ServiceError("CommitDoesNotExistException", error.message) from None
    if not await domain.move_reference(repository, BRANCH_PREFIX + branch, commit.commit_id, None):
        raise ServiceError("BranchNameExistsException", f"Branch {branch} already exists")
    return {}


async def get_branch(domain: Repositories, call: Call, request: Request) -> Response:
    """Return a branch's commit."""
    repository = await domain.get(request["repositoryName"])
    branch = request["branchName"]
    commit_id = await existing_branch(domain, repository, branch)
    return {"branch": {"branchName": branch, "commitId": commit_id}}


async def list_branches(domain: Repositories, call: Call, request: Request) -> Response:
    """List branch names in order."""
    repository = await domain.get(request["repositoryName"])
    names, token = page(
        sorted(await domain.branches(repository)),
        request.get("nextToken"),
        _PAGE,
        str,
        error_code="InvalidContinuationTokenException",
    )
    response: dict[str, Any] = {"branches": names}
    return response | ({"nextToken": token} if token else {})


async def delete_branch(domain: Repositories, call: Call, request: Request) -> Response:
    """Remove a branch; an unknown one is no error. The default branch stays."""
    repository = await domain.get(request["repositoryName"])
    branch = request["branchName"]
    if branch == repository.default_branch:
        raise ServiceError(
            "DefaultBranchCannotBeDeletedException",
            f"The branch {branch} is the default branch of {repository.name} and cannot be "
            "deleted. Make another branch the default branch first.",
        )
    commit_id = (await domain.branches(repository)).get(branch)
    if commit_id is None or not await domain.move_reference(
        repository, BRANCH_PREFIX + branch, None, commit_id
    ):
        return {}
    return {"deletedBranch": {"branchName": branch, "commitId": commit_id}}


async def existing_branch(domain: Repositories, repository: Repository, branch: str) -> str:
    """Return the branch's commit id; raise BranchDoesNotExistException."""
    commit_id = (await domain.branches(repository)).get(branch)
    if commit_id is None:
        raise ServiceError("BranchDoesNotExistException", f"Branch {branch} does not exist")
    return commit_id


async def check_branch_name(domain: Repositories, repository: Repository, branch: str) -> None:
    """Raise InvalidBranchNameException unless git takes the name."""
    try:
        await domain.run(repository, "check-ref-format", BRANCH_PREFIX + branch)
    except GitError:
        raise ServiceError(
            "InvalidBranchNameException", f"The branch name {branch} is not valid."
        ) from None
