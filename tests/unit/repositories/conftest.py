"""A started `Repositories` on a database of its own, and commits made without a work tree."""

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

import pytest

from penstock.repositories.hosting import Repositories
from penstock.repositories.repository import Repository
from penstock.storage import outbox
from penstock.storage.database import Database

ACCOUNT, REGION = "123456789012", "us-east-1"
NOW = datetime(2024, 5, 1, 12, 0, tzinfo=UTC)
AUTHOR = "Ada Lovelace <ada@example.com> 1714564800 +0200"


@pytest.fixture
def open_repositories(database: Database, tmp_path: Path) -> Callable[[], Repositories]:
    """Makes one more `Repositories` on the same data, as a restarted server does."""
    return lambda: Repositories(
        database, tmp_path / "repositories", lambda: NOW, account_id=ACCOUNT, region=REGION
    )


@pytest.fixture
async def repositories(
    open_repositories: Callable[[], Repositories],
) -> AsyncIterator[Repositories]:
    repositories = open_repositories()
    await repositories.start()
    yield repositories
    await repositories.close()


class MakeCommit(Protocol):
    """Write a commit of flat `files` to the object store, without touching any reference."""

    async def __call__(
        self, repository: Repository, files: dict[str, bytes], *parents: str, message: str = ...
    ) -> str: ...


@pytest.fixture
def make_commit(repositories: Repositories) -> MakeCommit:
    async def make(
        repository: Repository, files: dict[str, bytes], *parents: str, message: str = "Change"
    ) -> str:
        async def put(*arguments: str, content: bytes) -> str:
            output = await repositories.run(repository, *arguments, input=content)
            return output.decode().strip()

        lines = []
        for name, content in sorted(files.items()):
            blob = await put("hash-object", "-w", "--stdin", content=content)
            lines.append(f"100644 blob {blob}\t{name}\n")
        tree = await put("mktree", content="".join(lines).encode())
        text = f"tree {tree}\n" + "".join(f"parent {parent}\n" for parent in parents)
        text += f"author {AUTHOR}\ncommitter {AUTHOR}\n\n{message}\n"
        return await put("hash-object", "-w", "-t", "commit", "--stdin", content=text.encode())

    return make


@pytest.fixture
def reference_events(database: Database) -> Callable[[], list[tuple[str, str | None, str | None]]]:
    """Reads (reference, old, new) of every published change, oldest first."""

    def read() -> list[tuple[str, str | None, str | None]]:
        events = database.read_now(lambda c: outbox.read_after(c, 0))
        assert {event.kind for event in events} <= {"repository.ReferenceUpdated"}
        return [(e.detail["reference"], e.detail["old"], e.detail["new"]) for e in events]

    return read
