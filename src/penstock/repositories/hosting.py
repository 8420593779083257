"""The hosted repositories: what pipelines, builds, the API and git over HTTP work with.

A reference is recorded, and its event published, by comparison with git and nothing else:
after each push, after each change through the API, and at start. So whoever is told that
a reference moved can rely on the event, and a change whose record was lost is found.
"""

import asyncio
import contextlib
import logging
import shutil
from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import sqlalchemy as sa

from penstock.arns import arn
from penstock.aws.errors import ServiceError
from penstock.clock import Clock
from penstock.ids import new_uuid
from penstock.repositories import repository as stored
from penstock.repositories.commits import Commit, parse_commit
from penstock.repositories.git import WHOLE_TREE, GitError, GitProcesses
from penstock.repositories.references import (
    BRANCH_PREFIX,
    Reference,
    ReferenceChange,
    changes,
    observe,
)
from penstock.repositories.repository import Repository
from penstock.storage import outbox, resources
from penstock.storage.database import Database
from penstock.storage.repository_heads import read_heads, replace_heads

_log = logging.getLogger(__name__)

_WAIT_FOR_ORPHANS_SECONDS = 30.0


class Repositories:
    """Bare repositories under `root`, their records in `database`.

    `start` must succeed before anything else is called.
    """

    def __init__(
        self, database: Database, root: Path, clock: Clock, *, account_id: str, region: str
    ) -> None:
        self.database = database
        self.clock = clock
        self.account_id = account_id
        self.region = region
        self.git = GitProcesses(root)
        self._comparing: dict[str, asyncio.Lock] = {}

    async def start(self) -> None:
        """Wait for an earlier server's git processes, clear what they left, compare all refs."""
        self.git.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        while not await asyncio.to_thread(self.git.take_over, _WAIT_FOR_ORPHANS_SECONDS):
            _log.warning("git processes of an earlier server still run; waiting for their end")
        known = await self.database.read(stored.load_all)
        await asyncio.to_thread(self._clear, {repository.id for repository in known})
        for repository in known:
            if repository.default_branch is not None:
                await self.point_head(repository, repository.default_branch)
            await self.compare(repository.id)

    async def close(self) -> None:
        """Let the next server take over."""
        self.git.release()

    def path(self, repository: Repository) -> Path:
        """Return the bare repository's directory."""
        return self.git.root / f"{repository.id}.git"

    def arn(self, name: str) -> str:
        """Return the ARN that a repository of this name has, whether or not it exists."""
        return arn("codecommit", self.region, self.account_id, name)

    async def get(self, name: str) -> Repository:
        """Return the repository; raise RepositoryDoesNotExistException."""
        return await self.database.read(lambda c: stored.load(c, name))

    async def exists(self, name: str) -> bool:
        """Tell whether a repository of this name exists."""
        found = await self.database.read(
            lambda c: resources.get(c, stored.SERVICE, stored.TYPE, name)
        )
        return found is not None

    async def create(
        self, name: str, description: str | None, tags: Mapping[str, str]
    ) -> Repository:
        """Make an empty repository; raise RepositoryNameExistsException."""
        now = self.clock()
        repository = Repository(
            new_uuid(), name, self.arn(name), description, None, dict(tags), now, now
        )
        if await self.exists(name):
            raise _name_exists(name)
        path = self.path(repository)
        await self.git.run(
            "init", "--quiet", "--bare", "--template=", "--initial-branch=main", str(path)
        )
        (path / "info").mkdir(exist_ok=True)
        (path / "info" / "attributes").write_text(WHOLE_TREE)
        try:
            await self.database.write(lambda c: resources.insert(c, stored.to_resource(repository)))
        except resources.ResourceExists:
            await asyncio.to_thread(shutil.rmtree, path, True)
            raise _name_exists(name) from None
        return repository

    async def all(self) -> list[Repository]:
        """Return every repository in order of name."""
        return await self.database.read(stored.load_all)

    async def update(self, name: str, change: Callable[[Repository], Repository]) -> Repository:
        """Store what `change` makes of the repository and return it.

        Raise RepositoryDoesNotExistException, or RepositoryNameExistsException for a rename.
        """
        now = self.clock()

        def work(connection: sa.Connection) -> Repository:
            changed = replace(change(stored.load(connection, name)), updated_at=now)
            try:
                stored.save(connection, changed, replaces=name)
            except resources.ResourceExists:
                raise _name_exists(changed.name) from None
            return changed

        return await self.database.write(work)

    async def delete(self, name: str) -> Repository | None:
        """Remove the repository and its content; None when there was none."""

        def work(connection: sa.Connection) -> Repository | None:
            found = resources.get(connection, stored.SERVICE, stored.TYPE, name)
            if found is None:
                return None
            resources.delete(connection, stored.SERVICE, stored.TYPE, name)
            repository = stored.from_resource(found)
            replace_heads(connection, repository.id, {})
            return repository

        repository = await self.database.write(work)
        if repository is not None:
            await asyncio.to_thread(shutil.rmtree, self.path(repository), True)
            self._comparing.pop(repository.id, None)
        return repository

    async def head(self, name: str, branch: str) -> Commit | None:
        """Return the recorded head of `branch`, None when the branch does not exist."""
        repository = await self.get(name)
        heads = await self.database.read(lambda c: read_heads(c, repository.id))
        head = heads.get(BRANCH_PREFIX + branch)
        return None if head is None else await self.commit(name, head.object_id)

    async def branches(self, repository: Repository) -> dict[str, str]:
        """Return branch name → commit id, as recorded, in order of name."""
        heads = await self.database.read(lambda c: read_heads(c, repository.id))
        return {
            reference.removeprefix(BRANCH_PREFIX): heads[reference].object_id
            for reference in sorted(heads)
            if reference.startswith(BRANCH_PREFIX)
        }

    async def commit(self, name: str, commit_id: str) -> Commit:
        """Return the commit; raise CommitIdDoesNotExistException."""
        repository = await self.get(name)
        try:
            content = await self.run(repository, "cat-file", "commit", _object_id(commit_id))
        except GitError as error:
            raise _no_commit(commit_id) from error
        return parse_commit(commit_id, content)

    async def archive_zip(self, name: str, commit_id: str) -> AsyncGenerator[bytes, None]:
        """Yield a zip of the commit's whole tree, the tree's root at the zip's root.

        Raise CommitIdDoesNotExistException before the first chunk when there is none.
        """
        repository = await self.get(name)
        await self.commit(name, commit_id)
        chunks = self.git.stream(
            "--git-dir", str(self.path(repository)), "archive", "--format=zip", commit_id
        )
        async with contextlib.aclosing(chunks):
            async for chunk in chunks:
                yield chunk

    async def run(self, repository: Repository, *arguments: str, input: bytes = b"") -> bytes:
        """Run one git command in the repository; raise GitError."""
        return await self.git.run("--git-dir", str(self.path(repository)), *arguments, input=input)

    async def move_reference(
        self, repository: Repository, reference: str, new: str | None, old: str | None
    ) -> bool:
        """Point `reference` at `new` (None deletes it) if it still is `old`, and record that.

        Return False when it was no longer `old` (None: absent).
        """
        nothing = "0" * 40
        arguments = [reference, new, old or nothing] if new else ["-d", reference, old or nothing]
        try:
            await self.run(repository, "update-ref", *arguments)
        except GitError:
            return False
        await self.compare(repository.id)
        return True

    async def point_head(self, repository: Repository, branch: str) -> None:
        """Let git's HEAD, which a clone checks out, name the default branch."""
        await self.run(repository, "symbolic-ref", "HEAD", BRANCH_PREFIX + branch)

    async def compare(self, repository_id: str) -> list[ReferenceChange]:
        """Record every reference that git moved since the last comparison.

        One unit of work stores the heads and publishes one `repository.ReferenceUpdated`
        per change; when this returns, it is durable. Repeating finds nothing new.
        """
        lock = self._comparing.setdefault(repository_id, asyncio.Lock())
        async with lock:
            path = self.git.root / f"{repository_id}.git"
            recorded = await self.database.read(lambda c: read_heads(c, repository_id))
            try:
                observed = await observe(self.git, path, recorded)
            except GitError:
                if not path.exists():  # deleted meanwhile: nothing is left to record
                    return []
                raise
            now = self.clock()
            found, repository = await self.database.write(
                lambda c: _record(c, repository_id, observed, now)
            )
            if repository is not None and repository.default_branch is not None:
                await self.point_head(repository, repository.default_branch)
            return found

    def _clear(self, known: set[str]) -> None:
        """Remove repositories without a record, and locks whose git processes are gone."""
        for path in self.git.root.glob("*.git"):
            if path.name.removesuffix(".git") not in known:
                shutil.rmtree(path, ignore_errors=True)
                continue
            for lock in [*path.glob("*.lock"), *path.glob("refs/**/*.lock"), path / "gc.pid"]:
                lock.unlink(missing_ok=True)
            for left in path.glob("objects/tmp_objdir-*"):
                shutil.rmtree(left, ignore_errors=True)
            for left in path.glob("objects/pack/tmp_*"):
                left.unlink(missing_ok=True)


def _record(
    connection: sa.Connection,
    repository_id: str,
    observed: Mapping[str, Reference],
    now: datetime,
) -> tuple[list[ReferenceChange], Repository | None]:
    """Store heads and publish changes; return them, and the repository if its default is new."""
    repository = stored.load_by_id(connection, repository_id)
    if repository is None:
        return [], None
    recorded = read_heads(connection, repository_id)
    found, heads = changes(recorded, observed)
    if heads != recorded:
        replace_heads(connection, repository_id, heads)
    for change in found:
        outbox.publish(
            connection,
            kind="repository.ReferenceUpdated",
            subject=repository.name,
            detail={
                "repository": repository.name,
                "reference": change.reference,
                "old": change.old,
                "new": change.new,
            },
            now=now,
        )
    if not found:
        return [], None
    default = repository.default_branch or _first_branch(found)
    changed = replace(repository, default_branch=default, updated_at=now)
    stored.save(connection, changed, replaces=repository.name)
    return found, changed if default != repository.default_branch else None


def _first_branch(found: list[ReferenceChange]) -> str | None:
    """The first branch pushed becomes the default branch; of several, main, then master."""
    names = [
        change.reference.removeprefix(BRANCH_PREFIX)
        for change in found
        if change.new is not None and change.reference.startswith(BRANCH_PREFIX)
    ]
    return next((name for name in ("main", "master") if name in names), names[0] if names else None)


def _object_id(text: str) -> str:
    if len(text) != 40 or set(text) - set("0123456789abcdef"):
        raise _no_commit(text)
    return text


def _no_commit(commit_id: str) -> ServiceError:
    return ServiceError("CommitIdDoesNotExistException", f"Commit ID {commit_id} does not exist")


def _name_exists(name: str) -> ServiceError:
    return ServiceError("RepositoryNameExistsException", f"Repository named {name} already exists")
