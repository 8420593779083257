"""CreateCommit and PutFile: commits made through the API trigger as pushes do.

AWS's reference shows no texts for these errors; ours are unverified.
Source: https://docs.aws.amazon.com/codecommit/latest/APIReference/API_CreateCommit.html
"""

from collections.abc import Sequence
from typing import Any

from penstock.aws.errors import ServiceError
from penstock.aws.service import Call, Request, Response
from penstock.repositories.api.branches import check_branch_name
from penstock.repositories.hosting import Repositories
from penstock.repositories.references import BRANCH_PREFIX
from penstock.repositories.repository import Repository
from penstock.repositories.writing import (
    MODES,
    Change,
    Delete,
    File,
    Put,
    SetMode,
    apply,
    read_files,
    write_blob,
    write_commit,
    write_tree,
)

_MOST_FILES = 100
_LARGEST_FILE, _LARGEST_CHANGE = 6_000_000, 7_000_000
"""Bytes of one file and of all in a commit: the model's 6 MB and 7 MB; unverified that decimal."""
_NAMES = {mode: name for name, mode in MODES.items()}


async def put_file(domain: Repositories, call: Call, request: Request) -> Response:
    """Add or replace one file in a commit of its own."""
    repository = await domain.get(request["repositoryName"])
    path = request["filePath"]
    _check_size([request["fileContent"]])
    blob = await write_blob(domain, repository, request["fileContent"])
    mode = request.get("fileMode")
    parent = await _parent(domain, repository, request)
    before = await read_files(domain, repository, parent)
    put = Put(path, blob, MODES[mode] if mode else None)
    after = apply(before, [put], blob)
    if after == before:
        raise ServiceError(
            "SameFileContentException",
            f"{path} already has this content and mode on branch {request['branchName']}.",
        )
    commit_id, tree_id = await _commit(
        domain, call, repository, request, parent, after, request.get("name")
    )
    return {"commitId": commit_id, "blobId": blob, "treeId": tree_id}


async def create_commit(domain: Repositories, call: Call, request: Request) -> Response:
    """Put, delete and set modes of several files in one commit."""
    repository = await domain.get(request["repositoryName"])
    parent = await _parent(domain, repository, request)
    before = await read_files(domain, repository, parent)
    changes = await _changes(domain, repository, request, before)
    if not changes:
        raise ServiceError(
            "FileEntryRequiredException",
            "Expected at least one file in putFiles, deleteFiles or setFileModes.",
        )
    if len(changes) > _MOST_FILES:
        raise ServiceError(
            "MaximumFileEntriesExceededException",
            f"Expected at most {_MOST_FILES} files, found {len(changes)}.",
        )
    empty = await write_blob(domain, repository, b"")
    after = apply(before, changes, empty)
    if after == before:
        raise ServiceError("NoChangeException", "The commit would change nothing.")
    commit_id, tree_id = await _commit(
        domain, call, repository, request, parent, after, request.get("authorName")
    )
    added = [path for path in after if path not in before]
    updated = [path for path in after if path in before and after[path] != before[path]]
    deleted = [path for path in before if path not in after]
    return {
        "commitId": commit_id,
        "treeId": tree_id,
        "filesAdded": _entries(added, after),
        "filesUpdated": _entries(updated, after),
        "filesDeleted": _entries(deleted, before),
    }


async def _parent(domain: Repositories, repository: Repository, request: Request) -> str | None:
    """Return the commit to build on: the branch's head, which the caller must have named."""
    branch, given = request["branchName"], request.get("parentCommitId")
    await check_branch_name(domain, repository, branch)
    branches = await domain.branches(repository)
    head = branches.get(branch)
    if head is None:
        if branches:
            raise ServiceError("BranchDoesNotExistException", f"Branch {branch} does not exist")
        return None
    if given is None:
        raise ServiceError(
            "ParentCommitIdRequiredException",
            f"A parent commit ID is required: the head of branch {branch} is {head}.",
        )
    if given != head:
        raise ServiceError(
            "ParentCommitIdOutdatedException",
            f"The parent commit ID {given} is not the head of branch {branch}, which is {head}. "
            "Read the branch again.",
        )
    return head


async def _changes(
    domain: Repositories, repository: Repository, request: Request, before: dict[str, File]
) -> list[Change]:
    puts = request.get("putFiles", ())
    _check_size([put.get("fileContent") or b"" for put in puts])
    changes: list[Change] = []
    keep = request.get("keepEmptyFolders", False)
    for put in puts:
        mode = MODES[put["fileMode"]] if "fileMode" in put else None
        content, source = put.get("fileContent"), put.get("sourceFile")
        if (content is None) == (source is None):
            raise ServiceError(
                "SourceFileOrContentRequiredException"
                if content is None
                else "FileContentAndSourceFileSpecifiedException",
                f"Expected either fileContent or sourceFile for {put['filePath']}.",
            )
        if source is None:
            blob = await write_blob(domain, repository, content)
        else:
            origin = before.get(source["filePath"])
            if origin is None:
                raise ServiceError(
                    "FileDoesNotExistException", f"{source['filePath']} does not exist."
                )
            blob, mode = origin.object_id, mode or origin.mode
            if source.get("isMove"):
                changes.append(Delete(source["filePath"], keep))
        changes.append(Put(put["filePath"], blob, mode))
    changes += [Delete(one["filePath"], keep) for one in request.get("deleteFiles", ())]
    changes += [
        SetMode(one["filePath"], MODES[one["fileMode"]]) for one in request.get("setFileModes", ())
    ]
    return changes


async def _commit(
    domain: Repositories,
    call: Call,
    repository: Repository,
    request: Request,
    parent: str | None,
    files: dict[str, File],
    author: str | None,
) -> tuple[str, str]:
    """Write the commit and move the branch to it; return commit and tree ids."""
    branch = request["branchName"]
    tree_id = await write_tree(domain, repository, files)
    commit_id = await write_commit(
        domain,
        repository,
        tree_id=tree_id,
        parent=parent,
        author=author or call.principal.arn.rsplit("/", 1)[-1].rsplit(":", 1)[-1],
        email=request.get("email", ""),
        message=request.get("commitMessage", ""),
        now=call.now,
    )
    if not await domain.move_reference(repository, BRANCH_PREFIX + branch, commit_id, parent):
        raise ServiceError(
            "ParentCommitIdOutdatedException",
            f"Branch {branch} moved while the commit was made. Read the branch again.",
        )
    return commit_id, tree_id


def _check_size(contents: Sequence[bytes]) -> None:
    sizes = [len(content) for content in contents]
    if max(sizes, default=0) > _LARGEST_FILE or sum(sizes) > _LARGEST_CHANGE:
        raise ServiceError(
            "FileContentSizeLimitExceededException",
            f"Expected files of at most {_LARGEST_FILE} bytes, {_LARGEST_CHANGE} together; found "
            f"{max(sizes)} and {sum(sizes)}. Push the commit with git.",
        )


def _entries(paths: Sequence[str], files: dict[str, File]) -> list[dict[str, Any]]:
    return [
        {
            "absolutePath": path,
            "blobId": files[path].object_id,
            "fileMode": _NAMES.get(files[path].mode, "NORMAL"),
        }
        for path in sorted(paths)
    ]
