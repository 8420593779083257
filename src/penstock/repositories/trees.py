"""Folders and files at a commit, and what a commit specifier names."""

import re
from dataclasses import dataclass

from penstock.aws.errors import ServiceError
from penstock.repositories.git import GitError
from penstock.repositories.hosting import Repositories
from penstock.repositories.repository import Repository

_PLAIN_REFERENCE = re.compile(r"(?!.*(\.\.|@\{|//))[^\s~^:?*\[\\-][^\s~^:?*\[\\]*")


@dataclass(frozen=True, slots=True)
class TreeEntry:
    """One entry of a folder. `kind` is blob, tree or commit; `size` in bytes, 0 unless a blob."""

    mode: str
    kind: str
    object_id: str
    size: int
    name: str


async def resolve(domain: Repositories, repository: Repository, specifier: str | None) -> str:
    """Return the commit id that a branch, tag, full reference or commit id names.

    Without a specifier the default branch's head. Raise CommitDoesNotExistException.
    """
    name = specifier or "HEAD"
    if _PLAIN_REFERENCE.fullmatch(name):
        for candidate in (name, f"refs/heads/{name}", f"refs/tags/{name}"):
            try:
                found = await domain.run(
                    repository, "rev-parse", "--verify", "--quiet", f"{candidate}^{{commit}}"
                )
            except GitError:
                continue
            return found.decode().strip()
    raise ServiceError("CommitDoesNotExistException", f"Commit {name} does not exist")


async def list_tree(
    domain: Repositories, repository: Repository, commit_id: str, folder: str
) -> list[TreeEntry] | None:
    """Return the entries of `folder` (empty: the root) in git's order; None when it is none."""
    try:
        output = await domain.run(repository, "ls-tree", "-z", "--long", f"{commit_id}:{folder}")
    except GitError:
        return None
    entries = []
    for record in output.split(b"\0")[:-1]:
        head, _, name = record.partition(b"\t")
        mode, kind, object_id, size = head.decode().split()
        entries.append(
            TreeEntry(
                mode,
                kind,
                object_id,
                0 if size == "-" else int(size),
                name.decode(errors="replace"),
            )
        )
    return entries
