"""Hides secrets in a build's output as it streams.

Whatever the chunks, the result is that of hiding in the whole text at once: at each place the
longest secret that begins there becomes `***`. A multi-line secret is hidden line by line,
since tools print it in parts.
"""

import re
from collections.abc import Iterable, Sequence

MASK = b"***"
_SHORTEST_LINE = 4
"""Shorter lines of a multi-line secret (`{`, `--`) would hide ordinary text everywhere."""
_SEED_BYTES = 8
_DEPTH = 3
_ACCESS_KEY = re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b")


def hidden_parts(values: Iterable[str]) -> list[bytes]:
    """Return what is to be hidden for these secret values, the longest first."""
    parts: set[str] = set()
    for value in values:
        text = value.strip()
        lines = [line.strip() for line in text.splitlines()]
        if len(lines) > 1:
            parts.update(line for line in lines if len(line) >= _SHORTEST_LINE)
        elif text:
            parts.add(text)
    encoded = {part.encode("utf-8", "surrogateescape") for part in parts}
    return sorted(encoded, key=lambda part: (-len(part), part))


def _any_of(parts: Sequence[bytes], depth: int) -> bytes:
    """Return an expression for the longest of `parts`, which come longest first.

    Told apart by their first bytes, a thousand lines of a secret cost what a few would.
    """
    if depth == 0 or len(parts) == 1:
        return b"|".join(re.escape(part) for part in parts)
    groups: dict[bytes, list[bytes]] = {}
    for part in parts:
        groups.setdefault(part[:1], []).append(part[1:])
    shortest = [b""] if groups.pop(b"", None) else []
    branches = [
        re.escape(first) + b"(?:" + _any_of(rest, depth - 1) + b")"
        for first, rest in groups.items()
    ]
    return b"|".join(branches + shortest)


class Masker:
    """Hides `values` in a stream of bytes; holds back only what may begin a secret."""

    def __init__(self, values: Iterable[str]) -> None:
        self._parts = hidden_parts(values)
        self._pattern = re.compile(_any_of(self._parts, _DEPTH))
        self._held = b""

    def feed(self, chunk: bytes) -> bytes:
        """Return what can be said for certain of the stream so far."""
        if not self._parts:
            return chunk
        return self._mask(self._held + chunk, final=False)

    def flush(self) -> bytes:
        """Return the rest, at the stream's end."""
        held, self._held = self._held, b""
        return self._mask(held, final=True) if self._parts else b""

    def _mask(self, text: bytes, *, final: bool) -> bytes:
        undecided = [] if final else self._undecided(text)
        out, position = [], 0
        while True:
            undecided = [start for start in undecided if start >= position]
            limit = undecided[0] if undecided else len(text)
            match = self._pattern.search(text, position)
            if match is None or match.start() >= limit:
                out.append(text[position:limit])
                self._held = text[limit:]
                return b"".join(out)
            out += [text[position : match.start()], MASK]
            position = match.end()

    def _undecided(self, text: bytes) -> list[int]:
        """Return where a secret, or a longer one, may begin that is not complete yet.

        A place is looked at closely only where the first bytes of the secret stand.
        """
        found: set[int] = set()
        for part in self._parts:
            seed = part[:_SEED_BYTES]
            start = text.find(seed, max(0, len(text) - len(part) + 1))
            while start >= 0:
                if part.startswith(text[start:]):
                    found.add(start)
                start = text.find(seed, start + 1)
            for size in range(1, min(len(seed), len(part), len(text) + 1)):
                if text.endswith(seed[:size]):
                    found.add(len(text) - size)
        return sorted(found)


def mask_text(text: str, values: Iterable[str]) -> str:
    """Return `text` with the secrets hidden, at once."""
    masker = Masker(values)
    encoded = text.encode("utf-8", "surrogateescape")
    return (masker.feed(encoded) + masker.flush()).decode("utf-8", "replace")


def mask_access_keys(line: str) -> str:
    """Hide AWS access key ids, as CodeBuild does in every log line."""
    return _ACCESS_KEY.sub(MASK.decode(), line) if "A" in line else line
