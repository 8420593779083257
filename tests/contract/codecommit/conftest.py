"""git over HTTP alone, on a real socket: real git as the client, no AWS API beside it."""

import asyncio
import contextlib
import os
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import pytest
import uvicorn

from penstock.aws.errors import ServiceError
from penstock.aws.service import Principal, PrincipalKind
from penstock.clock import utc_now
from penstock.repositories.hosting import Repositories
from penstock.repositories.http import GitHttp
from penstock.storage import outbox
from penstock.storage.database import Database

ACCOUNT = "123456789012"
KEY, SECRET = "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY"


@dataclass(frozen=True)
class KnownKey:
    secret_access_key: str
    principal: Principal


@dataclass
class Git:
    """Runs the git client as a user whose only configuration is what a test gives."""

    home: Path
    extra: Mapping[str, str] = field(default_factory=dict)

    async def __call__(
        self, *arguments: str, cwd: Path | None = None, check: bool = True
    ) -> tuple[int, str]:
        """Return the exit status and everything printed."""
        process = await self.start(*arguments, cwd=cwd)
        output, _ = await process.communicate()
        text = output.decode(errors="replace")
        if check:
            assert process.returncode == 0, text
        assert process.returncode is not None
        return process.returncode, text

    async def start(self, *arguments: str, cwd: Path | None = None) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            "git",
            *arguments,
            cwd=cwd or self.home,
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(self.home),
                "GIT_TERMINAL_PROMPT": "0",
                "GIT_AUTHOR_NAME": "Ada",
                "GIT_AUTHOR_EMAIL": "ada@example.com",
                "GIT_COMMITTER_NAME": "Ada",
                "GIT_COMMITTER_EMAIL": "ada@example.com",
                **self.extra,
            },
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )

    async def work_tree(self, name: str, files: Mapping[str, bytes]) -> Path:
        """Make a repository of one commit on branch main."""
        path = self.home / name
        await self("init", "-q", "-b", "main", str(path))
        await self.commit(path, files)
        return path

    async def commit(self, path: Path, files: Mapping[str, bytes]) -> str:
        for file, content in files.items():
            (path / file).write_bytes(content)
        await self("add", "-A", cwd=path)
        await self("commit", "-q", "-m", "Change", cwd=path)
        return (await self("rev-parse", "HEAD", cwd=path))[1].strip()


@dataclass
class Host:
    """The served repositories; `deny` holds the actions that nobody may do."""

    repositories: Repositories
    port: int
    deny: set[str]
    asked: list[tuple[str, str]]

    def url(self, name: str, user: str = KEY, password: str = SECRET) -> str:
        return f"http://{user}:{password}@127.0.0.1:{self.port}/v1/repos/{name}"

    def bare_url(self, name: str) -> str:
        return f"http://127.0.0.1:{self.port}/v1/repos/{name}"


@pytest.fixture
def git(tmp_path: Path) -> Git:
    home = tmp_path / "home"
    home.mkdir()
    # Noise is not worth compressing, and the tests measure the server, not the client.
    (home / ".gitconfig").write_text("[core]\n\tcompression = 0\n\tbigFileThreshold = 1m\n")
    return Git(home)


@pytest.fixture
def reference_events(database: Database) -> Callable[[], list[tuple[str, str | None, str | None]]]:
    """Reads (reference, old, new) of every published change, oldest first."""

    def read() -> list[tuple[str, str | None, str | None]]:
        events = database.read_now(lambda c: outbox.read_after(c, 0))
        return [(e.detail["reference"], e.detail["old"], e.detail["new"]) for e in events]

    return read


@pytest.fixture
async def git_host(database: Database, tmp_path: Path) -> AsyncIterator[Host]:
    repositories = Repositories(
        database, tmp_path / "repositories", utc_now, account_id=ACCOUNT, region="us-east-1"
    )
    await repositories.start()
    principal = Principal(
        PrincipalKind.USER, f"arn:aws:iam::{ACCOUNT}:user/ada", ACCOUNT, "AIDAEXAMPLE", KEY
    )
    deny: set[str] = set()
    asked: list[tuple[str, str]] = []

    async def find(key: str, token: str | None, _now: datetime) -> KnownKey | None:
        return KnownKey(SECRET, principal) if (key, token) == (KEY, None) else None

    async def authorize(
        caller: Principal, action: str, resource: str, context: Mapping[str, str] = {}
    ) -> None:
        asked.append((action, resource))
        if action in deny:
            raise ServiceError(
                "AccessDeniedException",
                f"User: {caller.arn} is not authorized to perform: {action} on resource: "
                f"{resource} because no identity-based policy allows the {action} action",
                status=403,
            )

    listener = socket.create_server(("127.0.0.1", 0))
    app = GitHttp(repositories, find, authorize)
    server = uvicorn.Server(
        uvicorn.Config(app, http="httptools", lifespan="off", log_level="warning")
    )
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    yield Host(repositories, listener.getsockname()[1], deny, asked)
    server.should_exit = True
    await serving
    listener.close()
    await repositories.close()


@pytest.fixture
def http_backends(git_host: Host) -> Callable[[], list[int]]:
    """Finds the processes that work on this host's repositories, zombies included."""
    home = f"HOME={git_host.repositories.git.root / 'home'}".encode()

    def read() -> list[int]:
        found = []
        for process in Path("/proc").iterdir():
            if not process.name.isdigit():
                continue
            with contextlib.suppress(OSError):
                stat = (process / "stat").read_text().rsplit(")", 1)[1].split()
                child_zombie = stat[0] == "Z" and int(stat[1]) == os.getpid()
                if child_zombie or home in (process / "environ").read_bytes():
                    found.append(int(process.name))
        return found

    return read
