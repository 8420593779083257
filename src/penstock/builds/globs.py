"""The patterns of a buildspec's artifacts, as CodeBuild expands them. Pure.

`*` and `?` stay within one name, `[…]` is a set, `**` as a whole component stands for any
number of directories; names that begin with a dot count like others. Only files are matched.

Source: https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html, artifacts/files
"""

import functools
import posixpath
import re
from collections.abc import Iterable, Iterator, Sequence

_MAGIC = re.compile(r"[*?\[]")


def normal(path: str) -> str:
    """Return a path without `.`, doubled or trailing slashes; "" for the directory itself."""
    cleaned = posixpath.normpath(path.strip() or ".")
    return "" if cleaned == "." else cleaned


def has_magic(pattern: str) -> bool:
    """Whether a pattern can match anything besides itself."""
    return _MAGIC.search(pattern) is not None


def literal_prefix(pattern: str) -> str:
    """Return the directories before a pattern's first wildcard, or all of a plain path."""
    parts = normal(pattern).split("/")
    plain = []
    for part in parts:
        if has_magic(part):
            break
        plain.append(part)
    return "/".join(plain)


def matches(pattern: str, path: str) -> bool:
    """Whether the relative `path` of a file matches the pattern.

    Takes time proportional to pattern x path, whatever the pattern: both are a build's own.
    """
    names = path.split("/")
    parts = normal(pattern).split("/")
    if parts[-1] == "**":
        parts.append("*")  # a directory's files, not the directory itself
    position = mark = index = 0
    star = -1
    while index < len(names):
        if position < len(parts) and parts[position] == "**":
            star, mark = position, index
            position += 1
        elif position < len(parts) and _compiled(parts[position]).fullmatch(names[index]):
            position += 1
            index += 1
        elif star >= 0:
            mark += 1
            position, index = star + 1, mark
        else:
            return False
    return all(part == "**" for part in parts[position:])


@functools.lru_cache(maxsize=2048)
def _compiled(part: str) -> re.Pattern[str]:
    """Return the expression of one component.

    What follows a `*` is looked for once, where it first stands (an atomic group): for a glob
    no later place is better, and nothing is tried twice.
    """
    fixed: list[str] = [""]
    for item in _items(part):
        if item == "*":
            fixed.append("")
        else:
            fixed[-1] += item
    first, *others = fixed
    if not others:
        return re.compile(first, re.DOTALL)
    between = "".join(f"(?>.*?{piece})" for piece in others[:-1] if piece)
    return re.compile(f"{first}{between}.*{others[-1]}", re.DOTALL)


def _items(part: str) -> Iterator[str]:
    """Yield `*` for each star, and an expression of one character for all else."""
    position = 0
    while position < len(part):
        character = part[position]
        position += 1
        if character == "*":
            yield "*"
        elif character == "?":
            yield "."
        elif character == "[" and (end := _end_of_set(part, position)) is not None:
            body = part[position:end]
            negated = body.startswith(("!", "^"))
            members = re.escape(body[negated:]).replace(r"\-", "-")
            yield f"[{'^' if negated else ''}{members}]"
            position = end + 1
        else:
            yield re.escape(character)


def _end_of_set(part: str, start: int) -> int | None:
    """Return where the set that opens before `start` closes; None when it is no valid set."""
    first = start + part.startswith(("!", "^"), start)
    end = part.find("]", first + 1)
    if end < 0:
        return None
    try:
        re.compile(f"[{re.escape(part[first:end]).replace(chr(92) + '-', '-')}]")
    except re.error:
        return None
    return end


def roots(patterns: Sequence[str]) -> list[str]:
    """Return the fewest paths that hold all the patterns' matches; "" is the whole directory."""
    wanted = sorted({literal_prefix(pattern) for pattern in patterns}, key=lambda p: (len(p), p))
    kept: list[str] = []
    for path in wanted:
        if not any(root in ("", path) or path.startswith(root + "/") for root in kept):
            kept.append(path)
    return kept


def select(files: Iterable[str], patterns: Sequence[str], exclude: Sequence[str]) -> list[str]:
    """Return the files that some pattern matches and no exclusion does, sorted."""
    return sorted(
        path
        for path in set(files)
        if any(matches(pattern, path) for pattern in patterns)
        and not any(excludes(pattern, path) for pattern in exclude)
    )


def excludes(pattern: str, path: str) -> bool:
    """Whether an exclusion matches a file or one of the directories above it."""
    parts = path.split("/")
    return any(matches(pattern, "/".join(parts[:size])) for size in range(1, len(parts) + 1))
