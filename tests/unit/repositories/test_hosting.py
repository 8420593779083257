"""Repositories on real git: comparison, restart, reading commits and archives."""

import asyncio
import io
import os
import zipfile
from collections.abc import Awaitable, Callable

import pytest

from penstock.aws.errors import ServiceError
from penstock.repositories.hosting import Repositories

MakeCommit = Callable[..., Awaitable[str]]
ReferenceEvents = Callable[[], list[tuple[str, str | None, str | None]]]
MAIN = "refs/heads/main"


async def test_a_moved_reference_is_recorded_once_and_published_once(
    repositories: Repositories, make_commit: MakeCommit, reference_events: ReferenceEvents
) -> None:
    repository = await repositories.create("app", None, {})
    commit = await make_commit(repository, {"a": b"1"})
    await repositories.run(repository, "update-ref", MAIN, commit)

    assert await repositories.head("app", "main") is None
    await repositories.compare(repository.id)
    await repositories.compare(repository.id)

    head = await repositories.head("app", "main")
    assert head is not None
    assert head.commit_id == commit
    assert reference_events() == [(MAIN, None, commit)]


async def test_every_update_between_two_comparisons_is_published(
    repositories: Repositories, make_commit: MakeCommit, reference_events: ReferenceEvents
) -> None:
    repository = await repositories.create("app", None, {})
    first = await make_commit(repository, {"a": b"1"})
    second = await make_commit(repository, {"a": b"2"}, first)
    for commit in (first, second, first):
        await repositories.run(repository, "update-ref", MAIN, commit)

    await asyncio.gather(*(repositories.compare(repository.id) for _ in range(4)))

    assert reference_events() == [
        (MAIN, None, first),
        (MAIN, first, second),
        (MAIN, second, first),
    ]


async def test_a_change_unrecorded_when_the_server_died_is_found_at_start(
    repositories: Repositories,
    make_commit: MakeCommit,
    open_repositories: Callable[[], Repositories],
    reference_events: ReferenceEvents,
) -> None:
    repository = await repositories.create("app", None, {})
    commit = await make_commit(repository, {"a": b"1"})
    await repositories.run(repository, "update-ref", MAIN, commit)
    await repositories.close()

    again = open_repositories()
    await again.start()
    await again.close()

    assert reference_events() == [(MAIN, None, commit)]


async def test_start_waits_for_the_git_processes_of_a_killed_server(
    repositories: Repositories,
    make_commit: MakeCommit,
    open_repositories: Callable[[], Repositories],
    reference_events: ReferenceEvents,
) -> None:
    """An orphaned receive-pack may still move a reference after the new server started."""
    repository = await repositories.create("app", None, {})
    commit = await make_commit(repository, {"a": b"1"})
    path = repositories.path(repository)
    lock = repositories.git._lock
    assert lock is not None
    update = f"git --git-dir {path} update-ref --create-reflog {MAIN} {commit}"
    orphan = await asyncio.create_subprocess_exec(
        "sh", "-c", f"sleep 1; {update}", pass_fds=(lock,)
    )
    await repositories.close()

    again = open_repositories()
    await again.start()
    head = await again.head("app", "main")
    await again.close()

    assert await orphan.wait() == 0
    assert head is not None
    assert reference_events() == [(MAIN, None, commit)]


async def test_start_clears_stale_locks_and_unrecorded_directories(
    repositories: Repositories,
    make_commit: MakeCommit,
    open_repositories: Callable[[], Repositories],
) -> None:
    repository = await repositories.create("app", None, {})
    commit = await make_commit(repository, {"a": b"1"})
    path = repositories.path(repository)
    (path / "refs/heads/main.lock").touch()
    (path / "packed-refs.lock").touch()
    unrecorded = repositories.git.root / "0f8fad5b-d9cb-469f-a165-70867728950e.git"
    unrecorded.mkdir()
    await repositories.close()

    again = open_repositories()
    await again.start()
    assert await again.move_reference(repository, MAIN, commit, None)
    await again.close()

    assert not unrecorded.exists()


async def test_the_first_branch_becomes_the_default_branch(
    repositories: Repositories, make_commit: MakeCommit
) -> None:
    repository = await repositories.create("app", None, {})
    commit = await make_commit(repository, {"a": b"1"})
    assert await repositories.move_reference(repository, "refs/heads/trunk", commit, None)

    assert (await repositories.get("app")).default_branch == "trunk"
    head = await repositories.run(repository, "symbolic-ref", "HEAD")
    assert head == b"refs/heads/trunk\n"


async def test_a_reference_that_moved_meanwhile_is_left_alone(
    repositories: Repositories, make_commit: MakeCommit, reference_events: ReferenceEvents
) -> None:
    repository = await repositories.create("app", None, {})
    first = await make_commit(repository, {"a": b"1"})
    second = await make_commit(repository, {"a": b"2"}, first)
    assert await repositories.move_reference(repository, MAIN, first, None)

    assert not await repositories.move_reference(repository, MAIN, second, None)
    assert not await repositories.move_reference(repository, MAIN, first, second)
    assert reference_events() == [(MAIN, None, first)]


async def test_commit_reads_author_zone_parents_and_message(
    repositories: Repositories, make_commit: MakeCommit
) -> None:
    repository = await repositories.create("app", None, {})
    first = await make_commit(repository, {"a": b"1"})
    second = await make_commit(repository, {"a": b"2"}, first, message="Über alles\n\nBody")

    commit = await repositories.commit("app", second)

    assert commit.parents == (first,)
    assert commit.message == "Über alles\n\nBody\n"
    assert (commit.author.name, commit.author.email) == ("Ada Lovelace", "ada@example.com")
    assert commit.author.date.isoformat() == "2024-05-01T14:00:00+02:00"


@pytest.mark.parametrize("commit_id", ["f" * 40, "main", "--help", "abc"])
async def test_an_unknown_commit_is_refused(repositories: Repositories, commit_id: str) -> None:
    await repositories.create("app", None, {})
    with pytest.raises(ServiceError) as caught:
        await repositories.commit("app", commit_id)
    assert caught.value.code == "CommitIdDoesNotExistException"


async def test_the_archive_is_the_whole_tree(
    repositories: Repositories, make_commit: MakeCommit
) -> None:
    """An `export-ignore` in the tree's own .gitattributes must not thin the artifact out."""
    repository = await repositories.create("app", None, {})
    files = {".gitattributes": b"tests export-ignore\n", "tests": b"\x00\xff", "x.sh": b"echo\n"}
    commit = await make_commit(repository, files)

    content = b"".join([chunk async for chunk in repositories.archive_zip("app", commit)])

    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == files


async def test_an_abandoned_archive_leaves_no_process(
    repositories: Repositories, make_commit: MakeCommit
) -> None:
    repository = await repositories.create("app", None, {})
    content = bytes(index * 7919 % 251 for index in range(4_000_000))
    commit = await make_commit(repository, {"big": content})
    chunks = repositories.archive_zip("app", commit)
    assert await anext(chunks)
    await chunks.aclose()  # type: ignore[attr-defined]

    ps = await asyncio.create_subprocess_exec(
        "ps", "--ppid", str(os.getpid()), "-o", "args=", stdout=asyncio.subprocess.PIPE
    )
    children, _ = await ps.communicate()
    assert b"archive" not in children


async def test_git_sees_nothing_of_the_servers_environment(
    repositories: Repositories, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    environment = repositories.git.environment()
    assert set(environment) == {
        "PATH",
        "HOME",
        "LC_ALL",
        "TZ",
        "GIT_CONFIG_NOSYSTEM",
        "GIT_TERMINAL_PROMPT",
    }


async def test_names_are_unique_and_free_again_after_delete(repositories: Repositories) -> None:
    first = await repositories.create("app", "one", {})
    with pytest.raises(ServiceError, match="Repository named app already exists"):
        await repositories.create("app", None, {})

    assert await repositories.delete("app") is not None
    assert not repositories.path(first).exists()
    assert await repositories.delete("app") is None
    assert not await repositories.exists("app")
    assert (await repositories.create("app", None, {})).id != first.id
