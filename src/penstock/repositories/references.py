"""What changed in a repository's branches and tags since they were last recorded.

`changes` decides from the recorded heads and the observed references. The observation
carries each reference's reflog since the recorded head, so that two pushes between two
comparisons are two changes.
"""

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from penstock.repositories.git import GitProcesses
from penstock.storage.repository_heads import Head

BRANCH_PREFIX = "refs/heads/"
_LOG_LINE = re.compile(rb"([0-9a-f]{40}) ([0-9a-f]{40}) ")
_NOTHING = "0" * 40


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One update in a reflog; `end` is the offset (bytes) after its line."""

    old: str | None
    new: str | None
    end: int


@dataclass(frozen=True, slots=True)
class Reference:
    """An observed reference: its object, the reflog after the recorded head, the log's size."""

    object_id: str
    log: Sequence[LogEntry]
    log_size: int


@dataclass(frozen=True, slots=True)
class ReferenceChange:
    """A reference moved. `old` is None when it was made, `new` when it was deleted."""

    reference: str
    old: str | None
    new: str | None


def changes(
    recorded: Mapping[str, Head], observed: Mapping[str, Reference]
) -> tuple[list[ReferenceChange], dict[str, Head]]:
    """Return the changes in order of reference, oldest first, and the heads to record."""
    found: list[ReferenceChange] = []
    heads: dict[str, Head] = {}
    for name in sorted(recorded.keys() | observed.keys()):
        before, now = recorded.get(name), observed.get(name)
        if now is None:
            found.append(ReferenceChange(name, before.object_id if before else None, None))
            continue
        steps, log_size = _steps(before.object_id if before else None, now)
        found.extend(ReferenceChange(name, step.old, step.new) for step in steps)
        heads[name] = Head(now.object_id, log_size)
    return found, heads


def _steps(old: str | None, now: Reference) -> tuple[list[LogEntry], int]:
    """Return the logged way from `old` to the present, or one step when the log has gaps."""
    chain: list[LogEntry] = []
    complete = 0
    at = old
    for entry in now.log:
        if entry.old != at:
            break
        chain.append(entry)
        at = entry.new
        if at == now.object_id:
            complete = len(chain)
    if complete:
        steps = [entry for entry in chain[:complete] if entry.old != entry.new]
        return steps, chain[complete - 1].end
    if old == now.object_id:
        return [], now.log_size
    return [LogEntry(old, now.object_id, now.log_size)], now.log_size


async def observe(
    git: GitProcesses, repository: Path, recorded: Mapping[str, Head]
) -> dict[str, Reference]:
    """Read the branches and tags of the bare `repository`, then their reflogs."""
    output = await git.run(
        "--git-dir",
        str(repository),
        "for-each-ref",
        "--format=%(objectname) %(refname)",
        "refs/heads",
        "refs/tags",
    )
    names = [line.split(" ", 1) for line in output.decode(errors="surrogateescape").splitlines()]
    return await asyncio.to_thread(_with_logs, repository, names, recorded)


def _with_logs(
    repository: Path, names: Sequence[Sequence[str]], recorded: Mapping[str, Head]
) -> dict[str, Reference]:
    references = {}
    for object_id, name in names:
        head = recorded.get(name)
        log, size = _read_log(repository / "logs" / name, head.log_size if head else 0)
        references[name] = Reference(object_id, log, size)
    return references


def _read_log(path: Path, start: int) -> tuple[list[LogEntry], int]:
    """Return the entries after offset `start` and the log's size; a missing log has size 0."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            if size <= start:
                return [], size
            file.seek(start)
            content = file.read(size - start)
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return [], 0
    entries = []
    end = start
    for line in content.splitlines(keepends=True):
        match = _LOG_LINE.match(line)
        if match is None or not line.endswith(b"\n"):
            break
        end += len(line)
        old, new = (None if item == _NOTHING else item for item in match[0].decode().split())
        entries.append(LogEntry(old, new, end))
    return entries, size
