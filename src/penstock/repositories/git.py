"""Running git: a scrubbed environment, one configuration, no hooks, no process left behind.

Every git process inherits one locked file descriptor. After a server was killed, its
orphaned git processes may still move references; whoever takes the lock next knows that
they have all ended (`GitProcesses.take_over`).
"""

import asyncio
import contextlib
import fcntl
import logging
import os
import signal
import subprocess
import time
from collections.abc import AsyncGenerator, Mapping
from pathlib import Path

from penstock.errors import EngineError

_log = logging.getLogger(__name__)

CHUNK_SIZE = 64 * 1024
_GRACE_SECONDS = 5.0
_STDERR_KEPT = 8 * 1024

WHOLE_TREE = "* -export-ignore -export-subst\n"
"""A repository's own attributes: an archive is the whole tree, whatever its .gitattributes say."""

_CONFIGURATION = """\
[safe]
\tdirectory = *
[core]
\tfsync = committed,reference
\tlogAllRefUpdates = always
\thooksPath = /dev/null
[http]
\treceivepack = true
\tgetanyfile = false
[gc]
\tautoDetach = false
\treflogExpire = never
\treflogExpireUnreachable = never
[uploadpack]
\tallowFilter = true
[user]
\tname = Penstock
\temail = penstock@localhost
"""


class GitError(Exception):
    """git ended with a status other than 0. `stderr` is its own text."""

    def __init__(self, arguments: tuple[str, ...], status: int, stderr: str) -> None:
        super().__init__(f"git {' '.join(arguments)} ended with status {status}: {stderr.strip()}")
        self.status = status
        self.stderr = stderr


class GitProcesses:
    """Starts git for the bare repositories under `root`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._lock: int | None = None

    def take_over(self, wait_seconds: float) -> bool:
        """Write the configuration and wait until no git process of an earlier server runs.

        Return False when one still ran after `wait_seconds`; the lock is then not held and
        the call may be repeated.
        """
        home = self.root / "home"
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        (home / ".gitconfig").write_text(_CONFIGURATION)
        lock = os.open(self.root / "git.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        deadline = time.monotonic() + wait_seconds
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    os.close(lock)
                    return False
                time.sleep(0.05)
            else:
                self._lock = lock
                return True

    def release(self) -> None:
        """Give the lock up; processes that still run keep it until they end."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def environment(self, extra: Mapping[str, str] | None = None) -> dict[str, str]:
        """Return everything that a git process may see of the server's environment."""
        return {
            "PATH": os.environ.get("PATH", "/usr/local/bin:/usr/bin:/bin"),
            "HOME": str(self.root / "home"),
            "LC_ALL": "C.UTF-8",
            "TZ": "UTC",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_TERMINAL_PROMPT": "0",
            **(extra or {}),
        }

    async def spawn(
        self, *arguments: str, environment: Mapping[str, str] | None = None, stdin: bool = False
    ) -> "GitProcess":
        """Start `git *arguments`; without `stdin` its input is empty. The caller ends it."""
        if self._lock is None:
            raise RuntimeError("GitProcesses.take_over must succeed before git is started")
        try:
            process = await asyncio.create_subprocess_exec(
                "git",
                *arguments,
                stdin=subprocess.PIPE if stdin else subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=self.environment(environment),
                cwd=self.root,
                start_new_session=True,
                pass_fds=(self._lock,),
                limit=CHUNK_SIZE,
            )
        except OSError as error:
            raise EngineError(
                f"git could not be started: {error}. Install git and put it on PATH.",
                retryable=False,
            ) from error
        return GitProcess(process)

    async def run(
        self, *arguments: str, input: bytes = b"", environment: Mapping[str, str] | None = None
    ) -> bytes:
        """Run git to its end and return its output; raise GitError on a status other than 0."""
        process = await self.spawn(*arguments, environment=environment, stdin=True)
        try:
            feeding = asyncio.create_task(process.feed(input))
            try:
                output = await process.stdout.read()
            finally:
                await feeding
            status = await process.wait()
            stderr = await process.stderr()
        finally:
            await process.end()
        if status:
            raise GitError(arguments, status, stderr)
        return output

    async def stream(self, *arguments: str) -> AsyncGenerator[bytes, None]:
        """Yield git's output as it comes; raise GitError after it when git failed.

        Closing the generator ends the process.
        """
        process = await self.spawn(*arguments)
        try:
            while chunk := await process.stdout.read(CHUNK_SIZE):
                yield chunk
            status = await process.wait()
            if status:
                raise GitError(arguments, status, await process.stderr())
        finally:
            await process.end()


class GitProcess:
    """One running git, the leader of a process group of its own."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        assert process.stderr is not None
        self._process = process
        self._stderr = asyncio.create_task(_read_tail(process.stderr))
        self.stdout = process.stdout

    @property
    def pid(self) -> int:
        """The process id, and the id of its group."""
        return self._process.pid

    async def feed(self, chunk: bytes, *, last: bool = True) -> bool:
        """Write to git's input, waiting while git is behind; `last` closes it.

        Return False when git reads no more, which is no error: it may know enough.
        """
        stdin = self._process.stdin
        assert stdin is not None
        try:
            if chunk:
                stdin.write(chunk)
                await stdin.drain()
        except (BrokenPipeError, ConnectionResetError):
            return False
        finally:
            if last:
                stdin.close()
        return True

    async def wait(self) -> int:
        """Return the exit status; read `stdout` to its end first."""
        return await self._process.wait()

    async def stderr(self) -> str:
        """Return the last 8 KiB that git wrote to stderr, once it has ended."""
        return await self._stderr

    async def end(self) -> None:
        """End the process and its whole group, and reap it; may be repeated.

        git gets SIGTERM first: it then removes its lock files, which SIGKILL would leave.
        """
        if self._process.returncode is not None:
            self._signal_group(signal.SIGKILL)
            return
        self._signal_group(signal.SIGTERM)
        reaping = asyncio.create_task(self._reap())
        done, _ = await asyncio.wait([reaping], timeout=_GRACE_SECONDS)
        if not done:
            _log.warning("git process %d ignored SIGTERM; killing its group", self.pid)
        self._signal_group(signal.SIGKILL)
        await reaping

    async def _reap(self) -> None:
        while await self.stdout.read(CHUNK_SIZE):
            pass
        await self._process.wait()
        await self._stderr

    def _signal_group(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)


async def _read_tail(stream: asyncio.StreamReader) -> str:
    kept = b""
    while chunk := await stream.read(CHUNK_SIZE):
        kept = (kept + chunk)[-_STDERR_KEPT:]
    return kept.decode(errors="replace")
