"""The commits between two releases."""

import pytest
from tests.unit.repositories.conftest import MakeCommit

from penstock.aws.errors import ServiceError
from penstock.repositories.history import history
from penstock.repositories.hosting import Repositories


async def test_commits_of_a_release_come_newest_first(
    repositories: Repositories, make_commit: MakeCommit
) -> None:
    repository = await repositories.create("app", None, {})
    first = await make_commit(repository, {"a": b"1"}, message="First")
    second = await make_commit(repository, {"a": b"2"}, first, message="Second\n\nWhy")
    third = await make_commit(repository, {"a": b"3"}, second, message="Third\nline")
    found = await history(repositories, "app", third, first, 10)
    assert [(each.commit_id, each.subject) for each in found.entries] == [
        (third, "Third line"),
        (second, "Second"),
    ]
    assert found.entries[0].author == "Ada Lovelace"
    assert found.entries[0].authored_at is not None
    assert found.entries[0].authored_at.isoformat() == "2024-05-01T14:00:00+02:00"
    assert (found.left_out, found.undone) == (0, 0)


async def test_what_is_left_out_is_counted(
    repositories: Repositories, make_commit: MakeCommit
) -> None:
    repository = await repositories.create("app", None, {})
    commits: list[str] = []
    for number in range(5):
        content = str(number).encode()
        commits.append(await make_commit(repository, {"a": content}, *commits[-1:]))
    found = await history(repositories, "app", commits[-1], None, 2)
    assert [each.commit_id for each in found.entries] == [commits[4], commits[3]]
    assert found.left_out == 3


async def test_a_rewritten_history_shows_what_it_undoes(
    repositories: Repositories, make_commit: MakeCommit
) -> None:
    repository = await repositories.create("app", None, {})
    first = await make_commit(repository, {"a": b"1"})
    released = await make_commit(repository, {"a": b"2"}, first, message="Released")
    other = await make_commit(repository, {"a": b"3"}, first, message="Other")
    found = await history(repositories, "app", other, released, 10)
    assert [each.subject for each in found.entries] == ["Other"]
    assert found.undone == 1


async def test_odd_messages_stay_one_entry(
    repositories: Repositories, make_commit: MakeCommit
) -> None:
    repository = await repositories.create("app", None, {})
    only = await make_commit(repository, {"a": b"1"}, message="a\x1fb\x1e %H -- ü")
    found = await history(repositories, "app", only, None, 10)
    assert [each.subject for each in found.entries] == ["a\x1fb\x1e %H -- ü"]


@pytest.mark.parametrize("commit_id", ["0" * 40, "--output=/tmp/x", "main"])
async def test_no_commit_is_no_history(
    repositories: Repositories, make_commit: MakeCommit, commit_id: str
) -> None:
    repository = await repositories.create("app", None, {})
    known = await make_commit(repository, {"a": b"1"})
    for until, since in ((commit_id, None), (known, commit_id)):
        with pytest.raises(ServiceError) as refused:
            await history(repositories, "app", until, since, 10)
        assert refused.value.code == "CommitIdDoesNotExistException"
