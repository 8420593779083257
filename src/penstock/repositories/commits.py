"""Commits: git's own commit objects, parsed.

Source: https://git-scm.com/docs/git-cat-file; the object's format is header lines, an
empty line, the message.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone

_SIGNATURE = re.compile(
    r"^(?P<name>.*?) ?<(?P<email>[^>]*)> (?P<seconds>-?\d+) (?P<zone>[+-]\d{4})$"
)


@dataclass(frozen=True, slots=True)
class Signature:
    """Who and when; `date` keeps the zone that the author's machine gave."""

    name: str
    email: str
    date: datetime


@dataclass(frozen=True, slots=True)
class Commit:
    """One commit; ids are 40 hexadecimal digits."""

    commit_id: str
    tree_id: str
    parents: tuple[str, ...]
    author: Signature
    committer: Signature
    message: str


def parse_commit(commit_id: str, content: bytes) -> Commit:
    """Parse a raw commit object; raise ValueError when it is not one."""
    head, _, message = content.partition(b"\n\n")
    encoding = "utf-8"
    headers: dict[str, list[str]] = {}
    for line in head.decode("utf-8", "replace").split("\n"):
        if not line.startswith(" "):
            key, _, value = line.partition(" ")
            headers.setdefault(key, []).append(value)
    if "encoding" in headers:
        encoding = headers["encoding"][0]
    try:
        tree, author, committer = (headers[key][0] for key in ("tree", "author", "committer"))
    except KeyError as error:
        raise ValueError(f"commit {commit_id} lacks its {error.args[0]} line") from None
    return Commit(
        commit_id,
        tree,
        tuple(headers.get("parent", ())),
        _parse_signature(author),
        _parse_signature(committer),
        _decode(message, encoding),
    )


def _decode(message: bytes, encoding: str) -> str:
    try:
        return message.decode(encoding, "replace")
    except LookupError:
        return message.decode("utf-8", "replace")


def _parse_signature(text: str) -> Signature:
    match = _SIGNATURE.match(text)
    if match is None:  # git accepts broken signatures in old commits; so do we
        return Signature(text, "", datetime.fromtimestamp(0, UTC))
    zone = match["zone"]
    offset = timedelta(hours=int(zone[1:3]), minutes=int(zone[3:]))
    try:
        date = datetime.fromtimestamp(
            int(match["seconds"]), timezone(-offset if zone[0] == "-" else offset)
        )
    except (ValueError, OverflowError, OSError):
        date = datetime.fromtimestamp(0, UTC)
    return Signature(match["name"], match["email"], date)
