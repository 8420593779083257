"""Git repositories on other hosts: what is at a branch's head, and a commit's tree as a zip.

git itself talks to them, with a credential, a key and a CA of the repository's connection and
nothing of this machine's. Fetched objects are kept in a bare repository per address, so that
the next fetch brings only what is new.
"""

import asyncio
import base64
import contextlib
import hashlib
import os
import re
import shutil
import tempfile
import urllib.parse
from collections.abc import AsyncGenerator, AsyncIterator
from pathlib import Path

from penstock.git_address import Address
from penstock.repositories.commits import Commit, parse_commit
from penstock.repositories.git import WHOLE_TREE, GitError, GitProcesses

_SECONDS = 300.0
_PROTOCOLS = "http:https:ssh"
_FROM_HOST = (
    "HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY", "https_proxy", "http_proxy", "no_proxy",
    "SSL_CERT_FILE", "SSL_CERT_DIR", "GIT_SSL_CAINFO", "GIT_SSL_CAPATH",
)  # fmt: skip
"""The host's proxies and trust, which networks that inspect TLS need."""
_COMMIT_ID_LENGTHS = (40, 64)
_REDIRECTED = re.compile(r"returned error: 30\d")


class RemoteUnavailable(Exception):
    """The repository, the branch or the commit can't be had; the message is for the user."""


class RemoteRepositories:
    """Reads repositories elsewhere. Methods raise RemoteUnavailable, or EngineError without git."""

    def __init__(self, git: GitProcesses) -> None:
        self._git = git
        self._root = git.root / "remote"
        self._locks: dict[str, asyncio.Lock] = {}

    async def start(self) -> None:
        """Forget what an earlier server fetched: it may have died with a file half-written."""
        await asyncio.to_thread(shutil.rmtree, self._root, ignore_errors=True)

    async def head(self, address: Address, branch: str) -> str | None:
        """Return the commit id at a branch's head now, None when there is no such branch."""
        reference = f"refs/heads/{branch}"
        async with _access(address) as environment:
            said = await self._run(address, environment, "ls-remote", "--", address.url, reference)
        for line in said.decode().splitlines():
            commit_id, _, name = line.partition("\t")
            if name == reference:
                return commit_id
        return None

    @contextlib.asynccontextmanager
    async def commit(
        self, address: Address, branch: str, commit_id: str | None = None
    ) -> AsyncIterator[tuple[Commit, AsyncGenerator[bytes, None]]]:
        """Fetch the branch; yield its head, or one commit of it, and its tree as a zip."""
        key = hashlib.sha256(address.url.encode()).hexdigest()[:32]
        directory = str(self._root / f"{key}.git")
        async with self._locks.setdefault(key, asyncio.Lock()), _access(address) as environment:
            if not await asyncio.to_thread(Path(directory).exists):
                await self._git.run("init", "--quiet", "--bare", "--template=", directory)
                (Path(directory) / "info").mkdir(exist_ok=True)
                (Path(directory) / "info" / "attributes").write_text(WHOLE_TREE)
            await self._fetch(address, environment, directory, branch)
            found = await self._resolved(directory, branch, commit_id)
            content = await self._git.run("--git-dir", directory, "cat-file", "commit", found)
            archive = self._git.stream("--git-dir", directory, "archive", "--format=zip", found)
            async with contextlib.aclosing(archive):
                yield parse_commit(found, content), archive

    async def _fetch(
        self, address: Address, environment: dict[str, str], directory: str, branch: str
    ) -> None:
        refspec = f"+refs/heads/{branch}:refs/heads/{branch}"
        await self._run(
            address, environment,
            "--git-dir", directory, "fetch", "--quiet", "--no-tags", "--no-write-fetch-head",
            "--", address.url, refspec,
        )  # fmt: skip

    async def _resolved(self, directory: str, branch: str, commit_id: str | None) -> str:
        wanted = commit_id or f"refs/heads/{branch}"
        if commit_id is not None and len(commit_id) not in _COMMIT_ID_LENGTHS:
            raise RemoteUnavailable(f"expected a full commit id, found {commit_id!r}")
        try:
            found = await self._git.run(
                "--git-dir", directory, "rev-parse", "--verify", "--quiet", "--end-of-options",
                f"{wanted}^{{commit}}",
            )  # fmt: skip
        except GitError:
            raise RemoteUnavailable(f"branch {branch} has no commit {commit_id}") from None
        return found.decode().strip()

    async def _run(self, address: Address, environment: dict[str, str], *arguments: str) -> bytes:
        if any("\0" in argument for argument in arguments):
            raise RemoteUnavailable("expected an address and a branch without NUL characters")
        try:
            async with asyncio.timeout(_SECONDS):
                return await self._git.run(*arguments, environment=environment)
        except GitError as error:
            raise RemoteUnavailable(_told(error.stderr.strip(), address)) from None
        except TimeoutError:
            raise RemoteUnavailable(
                f"{address.url} did not answer within {_SECONDS:.0f} seconds"
            ) from None


@contextlib.asynccontextmanager
async def _access(address: Address) -> AsyncIterator[dict[str, str]]:
    """Yield git's environment for the address; files with its key and CA exist meanwhile."""
    settings = [("protocol.version", "2"), ("http.lowSpeedLimit", "1000"),
                ("http.lowSpeedTime", "60"), ("credential.helper", ""),
                # git sends extraHeader to whichever host it was redirected to.
                ("http.followRedirects", "false")]  # fmt: skip
    environment = {"GIT_ALLOW_PROTOCOL": _PROTOCOLS}
    directory = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix="penstock-git-"))
    try:
        if address.token is not None:
            place = urllib.parse.urlsplit(address.url)
            host = f"{place.scheme}://{place.netloc}/"
            settings.append((f"http.{host}.extraHeader", f"Authorization: Basic {_pair(address)}"))
        if address.url.startswith("ssh://"):
            environment["GIT_SSH_COMMAND"] = _ssh(address, directory)
        environment["GIT_CONFIG_COUNT"] = str(len(settings))
        for number, (name, value) in enumerate(settings):
            environment[f"GIT_CONFIG_KEY_{number}"] = name
            environment[f"GIT_CONFIG_VALUE_{number}"] = value
        environment.update({name: os.environ[name] for name in _FROM_HOST if name in os.environ})
        if address.ca is not None:  # git takes the variable before its configuration
            environment["GIT_SSL_CAINFO"] = _private(directory / "ca.pem", address.ca)
        yield environment
    finally:
        await asyncio.to_thread(shutil.rmtree, directory, ignore_errors=True)


def _ssh(address: Address, directory: Path) -> str:
    """Return the ssh command: the key alone, and only hosts that are known where they are named."""
    words = ["ssh", "-F", "/dev/null", "-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes"]
    if address.private_key is not None:
        words += ["-i", _private(directory / "key", address.private_key)]
    if address.known_hosts is not None:
        known = _private(directory / "known_hosts", address.known_hosts)
        words += ["-o", f"UserKnownHostsFile={known}", "-o", "StrictHostKeyChecking=yes"]
    else:
        words += ["-o", f"UserKnownHostsFile={directory / 'known_hosts'}"]
        words += ["-o", "StrictHostKeyChecking=yes"]
    return " ".join(words)


def _private(path: Path, content: str) -> str:
    path.touch(mode=0o600)
    path.write_text(content if content.endswith("\n") else content + "\n")
    return str(path)


def _pair(address: Address) -> str:
    """Return the credentials as HTTP's basic authentication sends them."""
    return base64.b64encode(f"{address.username}:{address.token}".encode()).decode()


def _told(text: str, address: Address) -> str:
    """Return git's words without the token, should a host have repeated it; a redirect's with
    what to do."""
    if "terminal prompts disabled" in text:
        if address.token is None:
            return "the host asks for credentials, and there are none"
        return f"the host refused the token of {address.username}"
    if address.token:
        text = text.replace(address.token, "***").replace(_pair(address), "***")
    if _REDIRECTED.search(text):
        text += ". Redirects are not followed: give the address that the repository has now."
    return text
