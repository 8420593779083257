"""CodeCommit's operations that read commits, folders and files.

Source: https://docs.aws.amazon.com/codecommit/latest/APIReference/
The reference shows no texts; ours are unverified.
"""

from typing import Any

from penstock.aws.errors import ServiceError
from penstock.aws.service import Call, Request, Response
from penstock.repositories.commits import Signature
from penstock.repositories.hosting import Repositories
from penstock.repositories.trees import TreeEntry, list_tree, resolve

_LARGEST_FILE = 6_000_000
"""Bytes that GetFile and GetBlob return at most (AWS: 6 MB)."""


async def get_commit(domain: Repositories, call: Call, request: Request) -> Response:
    """Return one commit."""
    commit = await domain.commit(request["repositoryName"], request["commitId"])
    return {
        "commit": {
            "commitId": commit.commit_id,
            "treeId": commit.tree_id,
            "parents": list(commit.parents),
            "message": commit.message,
            "author": _user(commit.author),
            "committer": _user(commit.committer),
            "additionalData": "",
        }
    }


async def get_file(domain: Repositories, call: Call, request: Request) -> Response:
    """Return one file's content and mode at a commit."""
    repository = await domain.get(request["repositoryName"])
    commit_id = await resolve(domain, repository, request.get("commitSpecifier"))
    path = request["filePath"].strip("/")
    folder, _, name = path.rpartition("/")
    entries = await list_tree(domain, repository, commit_id, folder)
    entry = next((one for one in entries or () if one.name == name), None)
    if entry is None or entry.kind != "blob":
        raise ServiceError(
            "FileDoesNotExistException",
            f"Could not find path {path} in commit {commit_id} of {repository.name}",
        )
    if entry.size > _LARGEST_FILE:
        raise ServiceError(
            "FileTooLargeException",
            f"{path} has {entry.size} bytes; at most {_LARGEST_FILE} can be returned. Clone it.",
        )
    return {
        "commitId": commit_id,
        "blobId": entry.object_id,
        "filePath": path,
        "fileMode": _mode(entry),
        "fileSize": entry.size,
        "fileContent": await domain.run(repository, "cat-file", "blob", entry.object_id),
    }


async def get_folder(domain: Repositories, call: Call, request: Request) -> Response:
    """List what a folder holds at a commit."""
    repository = await domain.get(request["repositoryName"])
    commit_id = await resolve(domain, repository, request.get("commitSpecifier"))
    path = request["folderPath"].strip("/")
    entries = await list_tree(domain, repository, commit_id, path)
    if entries is None:
        raise ServiceError(
            "FolderDoesNotExistException",
            f"Could not find folder {path} in commit {commit_id} of {repository.name}",
        )
    tree = await domain.run(repository, "rev-parse", f"{commit_id}:{path}")
    response: dict[str, Any] = {
        "commitId": commit_id,
        "folderPath": path,
        "treeId": tree.decode().strip(),
        "subFolders": [],
        "files": [],
        "symbolicLinks": [],
        "subModules": [],
    }
    for entry in entries:
        place = {
            "absolutePath": f"{path}/{entry.name}" if path else entry.name,
            "relativePath": entry.name,
        }
        if entry.kind == "tree":
            response["subFolders"].append({"treeId": entry.object_id, **place})
        elif entry.kind == "commit":
            response["subModules"].append({"commitId": entry.object_id, **place})
        else:
            kind = "symbolicLinks" if entry.mode == "120000" else "files"
            response[kind].append({"blobId": entry.object_id, "fileMode": _mode(entry), **place})
    return response


def _mode(entry: TreeEntry) -> str:
    return {"100755": "EXECUTABLE", "120000": "SYMLINK"}.get(entry.mode, "NORMAL")


def _user(signature: Signature) -> dict[str, str]:
    date = signature.date
    return {
        "name": signature.name,
        "email": signature.email,
        "date": f"{int(date.timestamp())} {date.strftime('%z')}",
    }
