"""Repositories on real git hosts: HTTPS behind a CA of its own with a token, SSH with a deploy key
and the host's known key. Both hosts run on this machine, made here."""

import asyncio
import base64
import datetime
import http.server
import ipaddress
import os
import shutil
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from tests.delivery import commit_files, git
from tests.server_process import free_port

from penstock.git_address import Address
from penstock.repositories.git import GitProcesses
from penstock.repositories.remote import RemoteRepositories, RemoteUnavailable

TOKEN = "t0ken-of-the-host"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    commit_files(tmp_path / "tree", {"file.txt": "one"}, "first")
    git(tmp_path / "tree", "clone", "-q", "--bare", ".", str(tmp_path / "hosted" / "app.git"))
    return tmp_path / "tree"


@pytest.fixture
def remotes(tmp_path: Path) -> Iterator[RemoteRepositories]:
    root = tmp_path / "repositories"
    root.mkdir()
    processes = GitProcesses(root)
    assert processes.take_over(1)
    yield RemoteRepositories(processes)
    processes.release()


def certificate(directory: Path) -> tuple[Path, Path]:
    """A self-signed certificate of 127.0.0.1, which is its own CA."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a git host")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]),
            critical=False,
        )
        .sign(key, hashes.SHA256())
    )
    directory.mkdir(exist_ok=True)
    (directory / "host.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (directory / "host.key").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return directory / "host.pem", directory / "host.key"


class HttpsHost:
    """Serves the hosted repositories, by git's dumb protocol, to who has the token."""

    def __init__(self, directory: Path, hosted: Path) -> None:
        self.ca, key = certificate(directory)
        for repository in hosted.iterdir():
            git(repository, "update-server-info")
        authorised = "Basic " + base64.b64encode(f"bot:{TOKEN}".encode()).decode()

        class Handler(http.server.SimpleHTTPRequestHandler):
            def do_GET(self) -> None:
                if self.headers.get("Authorization") != authorised:
                    self.send_response(401)
                    self.send_header("WWW-Authenticate", 'Basic realm="git"')
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                    return
                super().do_GET()

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(
            ("127.0.0.1", 0), lambda *a, **k: Handler(*a, directory=str(hosted), **k)
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.ca, key)
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.url = f"https://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def https(tree: Path, tmp_path: Path) -> Iterator[HttpsHost]:
    host = HttpsHost(tmp_path / "tls", tmp_path / "hosted")
    yield host
    host.close()


async def content(remotes: RemoteRepositories, address: Address, branch: str = "main") -> str:
    """The commit's message, once its zip was read and begins as one does."""
    async with remotes.commit(address, branch) as (commit, archive):
        chunks = [chunk async for chunk in archive]
    assert b"".join(chunks)[:2] == b"PK"
    return commit.message


async def test_https_with_a_token_and_a_ca_of_its_own(
    remotes: RemoteRepositories, https: HttpsHost, tree: Path
) -> None:
    address = Address(f"{https.url}/app.git", "bot", TOKEN, ca=https.ca.read_text())
    assert await remotes.head(address, "main") == git(tree, "rev-parse", "HEAD")
    assert await remotes.head(address, "other") is None
    assert await content(remotes, address) == "first\n"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"ca": None}, "certificate"),
        ({"token": "wrong-token"}, "the host refused the token of bot"),
        ({"token": None}, "the host asks for credentials, and there are none"),
        ({"url": "/nothing.git"}, "not found"),
    ],
)
async def test_what_is_wrong_is_said_without_the_token(
    remotes: RemoteRepositories, https: HttpsHost, change: dict[str, str | None], said: str
) -> None:
    address = Address(f"{https.url}/app.git", "bot", TOKEN, ca=https.ca.read_text())
    if url := change.get("url"):
        change = {"url": https.url + url}
    with pytest.raises(RemoteUnavailable) as refused:
        await remotes.head(replace(address, **change), "main")
    assert said in str(refused.value)
    assert TOKEN not in str(refused.value)
    assert "wrong-token" not in str(refused.value)


class SshHost:
    """sshd for one key, on a port of its own."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(mode=0o700)
        for name in ("host", "deploy"):
            subprocess.run(
                ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(directory / name)],
                check=True,
            )
        shutil.copy(directory / "deploy.pub", directory / "authorized_keys")
        self.port = free_port()
        self.key = (directory / "deploy").read_text()
        public = (directory / "host.pub").read_text()
        self.known_hosts = f"[127.0.0.1]:{self.port} {public}"
        (directory / "sshd_config").write_text(
            f"Port {self.port}\nListenAddress 127.0.0.1\nHostKey {directory}/host\n"
            f"AuthorizedKeysFile {directory}/authorized_keys\nPidFile none\nUsePAM no\n"
            "StrictModes no\nPasswordAuthentication no\nPermitRootLogin yes\n"
        )
        Path("/run/sshd").mkdir(exist_ok=True)
        sshd = shutil.which("sshd", path="/usr/sbin:" + os.environ.get("PATH", ""))
        assert sshd is not None
        self._process = subprocess.Popen(
            [sshd, "-D", "-e", "-f", str(directory / "sshd_config")], stderr=subprocess.DEVNULL
        )

    def close(self) -> None:
        self._process.terminate()
        self._process.wait(10)


@pytest.fixture
def ssh(tmp_path: Path) -> Iterator[SshHost]:
    host = SshHost(tmp_path / "ssh")
    yield host
    host.close()


async def head_over_ssh(remotes: RemoteRepositories, address: Address) -> str | None:
    """The branch's head; sshd needs a moment before it listens."""
    deadline = time.monotonic() + 10
    while True:
        try:
            return await remotes.head(address, "main")
        except RemoteUnavailable as problem:
            if "Connection refused" not in str(problem) or time.monotonic() > deadline:
                raise
            await asyncio.sleep(0.2)


async def test_ssh_with_a_deploy_key(
    remotes: RemoteRepositories, ssh: SshHost, tree: Path, tmp_path: Path
) -> None:
    url = f"ssh://root@127.0.0.1:{ssh.port}{tmp_path}/hosted/app.git"
    address = Address(url, private_key=ssh.key, known_hosts=ssh.known_hosts)
    assert await head_over_ssh(remotes, address) == git(tree, "rev-parse", "HEAD")
    assert await content(remotes, address) == "first\n"


async def test_a_host_that_is_not_known_gets_no_key(
    remotes: RemoteRepositories, ssh: SshHost, tree: Path, tmp_path: Path
) -> None:
    url = f"ssh://root@127.0.0.1:{ssh.port}{tmp_path}/hosted/app.git"
    known = Address(url, private_key=ssh.key, known_hosts=ssh.known_hosts)
    assert await head_over_ssh(remotes, known)
    with pytest.raises(RemoteUnavailable, match="Host key verification failed"):
        await remotes.head(replace(known, known_hosts=None), "main")
    other = (tmp_path / "ssh" / "deploy.pub").read_text()
    with pytest.raises(RemoteUnavailable, match="Host key verification failed"):
        await remotes.head(replace(known, known_hosts=f"[127.0.0.1]:{ssh.port} {other}"), "main")


async def test_only_git_hosts_are_spoken_to(remotes: RemoteRepositories, tree: Path) -> None:
    """Neither files of this machine nor commands are reached by an address."""
    for url in (f"file://{tree}", f"ext::cat {tree}/file.txt", str(tree)):
        with pytest.raises(RemoteUnavailable, match="not allowed"):
            await remotes.head(Address(url), "main")
