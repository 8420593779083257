"""What was committed between two releases of a repository, as `git log` tells it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from penstock.aws.errors import ServiceError
from penstock.repositories.git import GitError
from penstock.repositories.hosting import Repositories
from penstock.repositories.repository import Repository

_FIELDS = "%H%x1f%an%x1f%aI%x1f%s"


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One commit; `subject` is the first paragraph of its message, on one line."""

    commit_id: str
    author: str
    authored_at: datetime | None
    subject: str


@dataclass(frozen=True, slots=True)
class History:
    """Commits, newest first; `left_out` counts those beyond them. `undone` counts commits that
    the earlier one has and the later one lacks: 0 unless history was rewritten, or goes back."""

    entries: Sequence[LogEntry]
    left_out: int = 0
    undone: int = 0


async def history(
    repositories: Repositories, name: str, until: str, since: str | None, most: int
) -> History:
    """Return at most `most` commits that `until` has and `since` lacks; without it, all it has.

    Raises ServiceError when the repository or one of the commits is not there.
    """
    for commit_id in (until, since):
        if commit_id is not None:
            await repositories.commit(name, commit_id)
    repository = await repositories.get(name)
    wanted = until if since is None else f"{since}..{until}"
    try:
        text = await repositories.run(
            repository, "log", "-z", f"--format={_FIELDS}", f"--max-count={most}", wanted, "--"
        )
        total = await _count(repositories, repository, wanted)
        undone = 0
        if since is not None:
            undone = await _count(repositories, repository, f"{until}..{since}")
    except GitError as error:  # the repository was deleted meanwhile, or lacks objects
        raise ServiceError("CommitIdDoesNotExistException", str(error)) from error
    records = text.decode("utf-8", "replace").split("\0")
    entries = [_entry(record) for record in records if record]
    return History(entries, total - len(entries), undone)


async def _count(repositories: Repositories, repository: Repository, wanted: str) -> int:
    return int(await repositories.run(repository, "rev-list", "--count", wanted, "--"))


def _entry(record: str) -> LogEntry:
    commit_id, author, date, subject = record.split("\x1f", 3)
    try:
        authored_at = datetime.fromisoformat(date)
    except ValueError:  # git keeps whatever an old commit says
        authored_at = None
    return LogEntry(commit_id, author, authored_at, subject)
