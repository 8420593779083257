"""A git host that means no good: what of a connection's credentials it and others learn."""

import base64
import contextlib
import threading
from collections.abc import AsyncIterator, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from penstock.git_address import Address
from penstock.repositories.git import GitProcesses
from penstock.repositories.remote import RemoteRepositories, RemoteUnavailable

TOKEN = "token-of-the-connection"
PAIR = base64.b64encode(f"git:{TOKEN}".encode()).decode()


class Host(ThreadingHTTPServer):
    """Notes who was told what; `redirect` is where it sends its visitors."""

    def __init__(self, redirect: str | None = None) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.redirect = redirect
        self.told: list[str | None] = []
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: Host

    def do_GET(self) -> None:
        authorization = self.headers.get("Authorization")
        self.server.told.append(authorization)
        if self.server.redirect is not None:
            self.send_response(302)
            self.send_header("Location", self.server.redirect + self.path)
            self.end_headers()
            return
        body = f"# you said {authorization}".encode()
        self.send_response(403)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        self.do_GET()

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def elsewhere() -> Iterator[Host]:
    with contextlib.closing(_Closing()) as hosts:
        yield hosts.made()


class _Closing:
    def __init__(self) -> None:
        self._hosts: list[Host] = []

    def made(self, redirect: str | None = None) -> Host:
        self._hosts.append(Host(redirect))
        return self._hosts[-1]

    def close(self) -> None:
        for host in self._hosts:
            host.shutdown()
            host.server_close()


@pytest.fixture
async def remotes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[object]:
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.setenv("no_proxy", "*")
    git = GitProcesses(tmp_path)
    assert git.take_over(1.0)
    yield RemoteRepositories(git)
    git.release()


async def test_a_redirect_brings_the_token_to_nobody(
    remotes: RemoteRepositories, elsewhere: Host
) -> None:
    with contextlib.closing(_Closing()) as hosts:
        host = hosts.made(redirect=f"http://localhost:{elsewhere.server_port}")
        address = Address(f"{host.url}/team/app", token=TOKEN)
        with pytest.raises(RemoteUnavailable, match="Redirects are not followed"):
            await remotes.head(address, "main")
        assert host.told == [f"Basic {PAIR}"]
    assert elsewhere.told == []


async def test_what_a_host_repeats_of_the_credentials_is_masked(
    remotes: RemoteRepositories, elsewhere: Host
) -> None:
    with pytest.raises(RemoteUnavailable) as raised:
        await remotes.head(Address(f"{elsewhere.url}/a", token=TOKEN), "main")
    assert TOKEN not in str(raised.value)
    assert PAIR not in str(raised.value)
    assert elsewhere.told


@pytest.mark.parametrize("branch", ["--upload-pack=touch pwned", "a\0b", "x:refs/heads/y", "-o"])
async def test_no_branch_is_an_option_or_another_reference(
    remotes: RemoteRepositories, elsewhere: Host, branch: str, tmp_path: Path
) -> None:
    with pytest.raises(RemoteUnavailable):
        async with remotes.commit(Address(f"{elsewhere.url}/a"), branch):
            pass
    assert not list(tmp_path.rglob("pwned"))


@pytest.mark.parametrize("url", ["ext::sh -c touch% pwned", "ssh://-oProxyCommand=touch%20p/x"])
async def test_no_address_runs_a_program(remotes: RemoteRepositories, url: str) -> None:
    with pytest.raises(RemoteUnavailable):
        await remotes.head(Address(url), "main")
