"""Real git against real HTTP: clone, push, refusals, big and compressed bodies, aborts."""

import asyncio
import gzip
import os
import socket
import sys
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from penstock.repositories.hosting import Repositories

MAIN = "refs/heads/main"
Events = Callable[[], list[tuple[str, str | None, str | None]]]
Processes = Callable[[], list[int]]


async def gone(processes: Processes) -> bool:
    """Wait until no process works on the repositories any more."""
    for _ in range(80):
        if not processes():
            return True
        await asyncio.sleep(0.1)
    return False


def resident_megabytes() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


async def peak_resident(work: asyncio.Task[Any]) -> float:
    """Return this process's (the server's) highest resident size while `work` runs, in MB."""
    peak = 0.0
    while not work.done():
        peak = max(peak, resident_megabytes())
        await asyncio.sleep(0.02)
    await work
    return peak


async def test_push_then_clone_gives_the_same_tree(
    git_host: Any, git: Any, reference_events: Events, http_backends: Processes
) -> None:
    await git_host.repositories.create("app", None, {})
    tree = await git.work_tree("app", {"a.txt": b"one\n"})
    _, first = await git("rev-parse", "HEAD", cwd=tree)
    await git("push", "-q", git_host.url("app"), "main", cwd=tree)
    assert reference_events() == [(MAIN, None, first.strip())]

    second = await git.commit(tree, {"a.txt": b"two\n"})
    await git("push", "-q", git_host.url("app"), "main", "HEAD:refs/tags/v1", cwd=tree)
    assert reference_events()[1:] == [(MAIN, first.strip(), second), ("refs/tags/v1", None, second)]

    await git("-c", "protocol.version=2", "clone", "-q", git_host.url("app"), "copy")
    assert (git.home / "copy" / "a.txt").read_bytes() == b"two\n"
    assert await gone(http_backends)


async def test_the_event_is_there_when_push_returns(
    git_host: Any, git: Any, reference_events: Events
) -> None:
    await git_host.repositories.create("app", None, {})
    tree = await git.work_tree("app", {"a": b""})
    expected = []
    old = None
    for number in range(5):
        new = await git.commit(tree, {"a": str(number).encode()})
        await git("push", "-q", git_host.url("app"), "main", cwd=tree)
        expected.append((MAIN, old, new))
        assert reference_events() == expected
        old = new


async def test_a_push_whose_record_fails_is_not_acknowledged(
    git_host: Any, git: Any, reference_events: Events, monkeypatch: pytest.MonkeyPatch
) -> None:
    await git_host.repositories.create("app", None, {})
    tree = await git.work_tree("app", {"a": b"1"})
    _, commit = await git("rev-parse", "HEAD", cwd=tree)
    recording = Repositories.compare

    async def fail(_self: Repositories, _id: str) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(Repositories, "compare", fail)
    status, output = await git("push", git_host.url("app"), "main", cwd=tree, check=False)
    assert status != 0
    assert "[new branch]" not in output

    monkeypatch.setattr(Repositories, "compare", recording)
    await git("push", "-q", git_host.url("app"), "main", cwd=tree)
    repository = await git_host.repositories.get("app")
    await git_host.repositories.compare(repository.id)
    assert reference_events() == [(MAIN, None, commit.strip())]


async def test_concurrent_pushes_to_one_repository_are_each_recorded_once(
    git_host: Any, git: Any, reference_events: Events
) -> None:
    await git_host.repositories.create("app", None, {})
    tree = await git.work_tree("app", {"a": b"1"})
    _, commit = await git("rev-parse", "HEAD", cwd=tree)
    await asyncio.gather(
        *(
            git("push", "-q", git_host.url("app"), f"HEAD:refs/heads/b{n}", cwd=tree)
            for n in range(6)
        )
    )
    assert sorted(reference_events()) == [
        (f"refs/heads/b{n}", None, commit.strip()) for n in range(6)
    ]


async def test_deleting_a_branch_by_push_is_an_event_but_not_for_the_default_branch(
    git_host: Any, git: Any, reference_events: Events
) -> None:
    await git_host.repositories.create("app", None, {})
    tree = await git.work_tree("app", {"a": b"1"})
    _, commit = await git("rev-parse", "HEAD", cwd=tree)
    await git("push", "-q", git_host.url("app"), "main", "main:old", cwd=tree)
    await git("push", "-q", git_host.url("app"), ":old", cwd=tree)
    assert reference_events()[-1] == ("refs/heads/old", commit.strip(), None)

    status, output = await git("push", git_host.url("app"), ":main", cwd=tree, check=False)
    assert status != 0
    assert "refusing to delete the current branch" in output


async def test_a_push_of_over_100_megabytes_keeps_the_server_flat(
    git_host: Any, git: Any, reference_events: Events
) -> None:
    await git_host.repositories.create("app", None, {})
    tree = await git.work_tree("app", {"a": b"1"})
    commit = await git.commit(tree, {f"noise-{n}": os.urandom(30_000_000) for n in range(4)})
    before = resident_megabytes()
    push = asyncio.create_task(git("push", "-q", git_host.url("app"), "main", cwd=tree))
    assert await peak_resident(push) - before < 20
    assert reference_events() == [(MAIN, None, commit)]

    clone = asyncio.create_task(git("clone", "-q", "--bare", git_host.url("app"), "copy.git"))
    assert await peak_resident(clone) - before < 20
    assert (await git("rev-parse", "main", cwd=git.home / "copy.git"))[1].strip() == commit


@pytest.mark.parametrize("gzipped", [False, True])
@pytest.mark.parametrize("chunked", [False, True])
async def test_bodies_may_be_chunked_and_compressed_and_wait_for_100_continue(
    git_host: Any, git: Any, reference_events: Events, gzipped: bool, chunked: bool
) -> None:
    repository = await git_host.repositories.create("app", None, {})
    tree = await git.work_tree("app", {"a": b"1"})
    commit = (await git("rev-parse", "HEAD", cwd=tree))[1].strip()
    pack = await pack_of(git, tree)
    command = f"{'0' * 40} {commit} {MAIN}\0 report-status side-band-64k object-format=sha1"
    body = f"{len(command) + 4:04x}{command}0000".encode() + pack
    if gzipped:
        body = gzip.compress(body)

    answer = await raw_post(git_host, "app", body, gzipped=gzipped, chunked=chunked)

    assert b"ok refs/heads/main" in answer
    assert reference_events() == [(MAIN, None, commit)]
    assert repository.name == "app"


async def pack_of(git: Any, tree: Path) -> bytes:
    objects = (await git("rev-list", "--objects", "HEAD", cwd=tree))[1]
    (git.home / "objects").write_text(objects)
    process = await asyncio.create_subprocess_exec(
        "git",
        "pack-objects",
        "--stdout",
        "-q",
        cwd=tree,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    names = "".join(line.split()[0] + "\n" for line in objects.splitlines())
    output, _ = await process.communicate(names.encode())
    return output


def post_head(git_host: Any, name: str, *extra: str) -> bytes:
    token = b64encode(git_host.url(name).split("//")[1].split("@")[0].encode()).decode()
    lines = [
        f"POST /v1/repos/{name}/git-receive-pack HTTP/1.1",
        f"Host: 127.0.0.1:{git_host.port}",
        f"Authorization: Basic {token}",
        "Content-Type: application/x-git-receive-pack-request",
        *extra,
        "",
        "",
    ]
    return "\r\n".join(lines).encode()


async def raw_post(git_host: Any, name: str, body: bytes, *, gzipped: bool, chunked: bool) -> bytes:
    extra = ["Expect: 100-continue", "Connection: close"]
    extra.append("Transfer-Encoding: chunked" if chunked else f"Content-Length: {len(body)}")
    if gzipped:
        extra.append("Content-Encoding: gzip")
    reader, writer = await asyncio.open_connection("127.0.0.1", git_host.port)
    writer.write(post_head(git_host, name, *extra))
    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 100")
    if chunked:
        for start in range(0, len(body), 50):
            piece = body[start : start + 50]
            writer.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
        writer.write(b"0\r\n\r\n")
    else:
        writer.write(body)
    await writer.drain()
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer


async def test_a_client_that_goes_in_the_middle_leaves_no_process_and_no_lock(
    git_host: Any, git: Any, reference_events: Events, http_backends: Processes
) -> None:
    repository = await git_host.repositories.create("app", None, {})
    head = post_head(git_host, "app", "Content-Length: 5000000")
    connection = socket.create_connection(("127.0.0.1", git_host.port))
    await asyncio.to_thread(connection.sendall, head + b"00ff" + b"0" * 96)
    for _ in range(50):
        if http_backends():
            break
        await asyncio.sleep(0.1)
    assert http_backends()
    connection.close()

    assert await gone(http_backends)
    assert not list(git_host.repositories.path(repository).rglob("*.lock"))
    assert reference_events() == []


async def test_a_killed_clone_leaves_no_process(
    git_host: Any, git: Any, http_backends: Processes
) -> None:
    await git_host.repositories.create("app", None, {})
    tree = await git.work_tree("app", {"noise": os.urandom(40_000_000)})
    await git("push", "-q", git_host.url("app"), "main", cwd=tree)
    commit = (await git("rev-parse", "HEAD", cwd=tree))[1].strip()
    want = f"want {commit} side-band-64k\n"
    body = f"{len(want) + 4:04x}{want}00000009done\n".encode()
    head = post_head(git_host, "app", f"Content-Length: {len(body)}")
    head = head.replace(b"receive-pack", b"upload-pack")
    reader, writer = await asyncio.open_connection("127.0.0.1", git_host.port)
    writer.write(head + body)
    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
    assert http_backends()
    writer.transport.abort()

    assert await gone(http_backends)


@pytest.mark.parametrize(
    ("user", "password"), [("AKIAIOSFODNN7EXAMPLE", "wrong"), ("AKIAUNKNOWN", "x")]
)
async def test_wrong_credentials_are_403(git_host: Any, git: Any, user: str, password: str) -> None:
    await git_host.repositories.create("app", None, {})
    status, output = await git("ls-remote", git_host.url("app", user, password), check=False)
    assert status != 0
    assert "The requested URL returned error: 403" in output


async def test_no_credentials_are_asked_for(git_host: Any, git: Any) -> None:
    await git_host.repositories.create("app", None, {})
    status, output = await git("ls-remote", git_host.bare_url("app"), check=False)
    assert status != 0
    assert "could not read Username" in output


async def test_gits_credential_helper_answers_the_challenge(git_host: Any, git: Any) -> None:
    await git_host.repositories.create("app", None, {})
    store = git.home / "credentials"
    store.write_text(git_host.url("app") + "\n")
    asked = ("-c", "credential.useHttpPath=true", "ls-remote", git_host.bare_url("app"))
    helper = f"credential.helper=store --file={store}"
    assert (await git("-c", helper, *asked))[0] == 0
    status, output = await git("-c", "credential.helper=", *asked, check=False)
    assert (status, "could not read Username" in output) == (128, True)


async def test_the_aws_clis_credential_helper_lets_git_push(
    git_host: Any, git: Any, reference_events: Events
) -> None:
    await git_host.repositories.create("app", None, {})
    tree = await git.work_tree("app", {"a": b"1"})
    aws = Path(sys.executable).parent / "aws"
    git.extra = {
        "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    helper = f"!{aws} codecommit credential-helper --ignore-host-check $@"
    await git("config", "credential.helper", helper, cwd=tree)
    await git("config", "credential.useHttpPath", "true", cwd=tree)
    await git("push", "-q", git_host.bare_url("app"), "main", cwd=tree)
    assert len(reference_events()) == 1

    git.extra["AWS_SECRET_ACCESS_KEY"] = "wrong"
    status, output = await git("ls-remote", git_host.bare_url("app"), cwd=tree, check=False)
    assert status != 0
    assert "The signature in the password does not match" in output
    assert "error: 403" in output


async def test_reading_does_not_allow_pushing(
    git_host: Any, git: Any, reference_events: Events
) -> None:
    await git_host.repositories.create("app", None, {})
    git_host.deny.add("codecommit:GitPush")
    tree = await git.work_tree("app", {"a": b"1"})

    await git("ls-remote", git_host.url("app"))
    status, output = await git("push", git_host.url("app"), "main", cwd=tree, check=False)

    assert status != 0
    assert "is not authorized to perform: codecommit:GitPush on resource: " in output
    assert "error: 403" in output
    assert reference_events() == []
    assert set(git_host.asked) == {
        (action, "arn:aws:codecommit:us-east-1:123456789012:app")
        for action in ("codecommit:GitPull", "codecommit:GitPush")
    }


async def test_a_refused_push_body_is_refused_even_without_the_advertisement(
    git_host: Any, reference_events: Events
) -> None:
    await git_host.repositories.create("app", None, {})
    git_host.deny.add("codecommit:GitPush")
    reader, writer = await asyncio.open_connection("127.0.0.1", git_host.port)
    writer.write(post_head(git_host, "app", "Content-Length: 4") + b"0000")
    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 403")
    writer.close()
    await writer.wait_closed()
    assert reference_events() == []


async def test_an_unknown_repository_is_not_found(git_host: Any, git: Any) -> None:
    status, output = await git("clone", git_host.url("nothing"), check=False)
    assert status != 0
    assert "remote: nothing does not exist" in output
    assert "/v1/repos/nothing/' not found" in output


@pytest.mark.parametrize(
    ("request_line", "status"),
    [
        ("GET /v1/repos/app/HEAD", b"404"),
        ("GET /v1/repos/app/objects/info/packs", b"404"),
        ("GET /v1/repos/../repositories/info/refs?service=git-upload-pack", b"404"),
        ("GET /v1/repos/app/info/refs", b"403"),
        ("GET /v1/repos/app/info/refs?service=git-upload-archive", b"403"),
        ("GET /v1/repos/app/git-upload-pack", b"405"),
        ("POST /v1/repos/app/info/refs?service=git-upload-pack", b"405"),
    ],
)
async def test_only_gits_smart_protocol_is_served(
    git_host: Any, request_line: str, status: bytes
) -> None:
    await git_host.repositories.create("app", None, {})
    reader, writer = await asyncio.open_connection("127.0.0.1", git_host.port)
    head = post_head(git_host, "app", "Content-Length: 0").split(b"\r\n", 1)[1]
    writer.write(f"{request_line} HTTP/1.1\r\n".encode() + head)
    assert (await reader.readuntil(b"\r\n\r\n")).split()[1] == status
    writer.close()
    await writer.wait_closed()
