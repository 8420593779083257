"""Making a commit from a parent's files and changes to them, without a work tree.

`apply` decides (pure) which files the commit has; `write_commit` writes its objects. The
branch is moved afterwards, by `Repositories.move_reference`, so nothing shows before.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePosixPath

from penstock.aws.errors import ServiceError
from penstock.ids import new_uuid
from penstock.repositories.hosting import Repositories
from penstock.repositories.repository import Repository

MODES = {"NORMAL": "100644", "EXECUTABLE": "100755", "SYMLINK": "120000"}
_SUBMODULE = "160000"


@dataclass(frozen=True, slots=True)
class File:
    """A file of a tree: git's mode and the blob's id."""

    mode: str
    object_id: str


@dataclass(frozen=True, slots=True)
class Put:
    """Write a file, replacing what is there; without a mode it keeps the one that it has."""

    path: str
    object_id: str
    mode: str | None = None


@dataclass(frozen=True, slots=True)
class Delete:
    """Remove a file; `keep_folder` leaves a .gitkeep in a folder that it empties."""

    path: str
    keep_folder: bool = False


@dataclass(frozen=True, slots=True)
class SetMode:
    """Change a file's mode."""

    path: str
    mode: str


Change = Put | Delete | SetMode


def apply(files: Mapping[str, File], changes: Sequence[Change], empty_blob: str) -> dict[str, File]:
    """Return the files after `changes`; raise ServiceError where one cannot be made."""
    paths = [change.path for change in changes]
    for path in paths:
        check_path(path)
        if paths.count(path) > 1:
            raise ServiceError("SamePathRequestException", f"{path} is changed more than once.")
    after = dict(files)
    for change in sorted(changes, key=lambda change: not isinstance(change, Delete)):
        before = after.get(change.path)
        if before is None and not isinstance(change, Put):
            raise ServiceError("FileDoesNotExistException", f"{change.path} does not exist.")
        match change:
            case Delete(path):
                del after[path]
            case Put(path, object_id, mode):
                _refuse_conflict(path, after)
                after[path] = File(mode or (before.mode if before else "100644"), object_id)
            case SetMode(path, mode):
                after[path] = File(mode, after[path].object_id)
    for change in changes:
        if isinstance(change, Delete) and change.keep_folder:
            _keep_folder(change.path, after, empty_blob)
    return after


def check_path(path: str) -> None:
    """Raise InvalidPathException unless git would take `path`."""
    parts = path.split("/")
    if any(part in {"", ".", ".."} or part.lower() == ".git" for part in parts) or "\0" in path:
        raise ServiceError(
            "InvalidPathException",
            f"The path {path!r} is not valid. Expected names separated by single slashes, "
            "such as folder/file.txt.",
        )


def _refuse_conflict(path: str, files: Mapping[str, File]) -> None:
    if any(other.startswith(f"{path}/") for other in files):
        raise ServiceError(
            "FileNameConflictsWithDirectoryNameException", f"{path} is the name of a folder."
        )
    for parent in PurePosixPath(path).parents:
        found = files.get(str(parent))
        if found is not None and found.mode == _SUBMODULE:
            raise ServiceError(
                "FilePathConflictsWithSubmodulePathException", f"{parent} is a submodule."
            )
        if found is not None:
            raise ServiceError(
                "DirectoryNameConflictsWithFileNameException", f"{parent} is the name of a file."
            )


def _keep_folder(path: str, files: dict[str, File], empty_blob: str) -> None:
    folder = str(PurePosixPath(path).parent)
    if folder != "." and not any(other.startswith(f"{folder}/") for other in files):
        files[f"{folder}/.gitkeep"] = File(MODES["NORMAL"], empty_blob)


async def read_files(
    domain: Repositories, repository: Repository, commit_id: str | None
) -> dict[str, File]:
    """Return path → file of the whole tree; an absent commit has none."""
    if commit_id is None:
        return {}
    output = await domain.run(repository, "ls-tree", "-r", "-z", "--full-tree", commit_id)
    files = {}
    for record in output.decode(errors="surrogateescape").split("\0")[:-1]:
        head, _, path = record.partition("\t")
        mode, _, object_id = head.split()
        files[path] = File(mode, object_id)
    return files


async def write_blob(domain: Repositories, repository: Repository, content: bytes) -> str:
    """Store content and return its id."""
    output = await domain.run(repository, "hash-object", "-w", "--stdin", input=content)
    return output.decode().strip()


async def write_tree(
    domain: Repositories, repository: Repository, files: Mapping[str, File]
) -> str:
    """Store the folders of `files` and return the root's id."""
    index = domain.path(repository) / f"index-{new_uuid()}"
    lines = (f"{file.mode} {file.object_id}\t{path}\0" for path, file in files.items())
    directory = ("--git-dir", str(domain.path(repository)))
    environment = {"GIT_INDEX_FILE": str(index)}
    try:
        await domain.git.run(
            *directory,
            "update-index",
            "-z",
            "--index-info",
            environment=environment,
            input="".join(lines).encode(errors="surrogateescape"),
        )
        output = await domain.git.run(*directory, "write-tree", environment=environment)
    finally:
        index.unlink(missing_ok=True)
    return output.decode().strip()


async def write_commit(
    domain: Repositories,
    repository: Repository,
    *,
    tree_id: str,
    parent: str | None,
    author: str,
    email: str,
    message: str,
    now: datetime,
) -> str:
    """Store a commit by one person and return its id."""
    person = f"{_plain(author)} <{_plain(email)}> {int(now.timestamp())} +0000"
    lines = [f"tree {tree_id}"]
    if parent is not None:
        lines.append(f"parent {parent}")
    lines += [f"author {person}", f"committer {person}", "", message]
    text = "\n".join(lines) + ("" if message.endswith("\n") else "\n")
    output = await domain.run(
        repository, "hash-object", "-w", "-t", "commit", "--stdin", input=text.encode()
    )
    return output.decode().strip()


def _plain(text: str) -> str:
    """A name or address without the characters that end it in a commit."""
    return "".join(character for character in text if character not in "<>\n\0").strip()
