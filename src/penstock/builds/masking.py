"""Hides secrets in a build's output as it streams.

Whatever the chunks, the result is that of hiding in the whole text at once: at each place the
longest secret that begins there becomes `***`. A multi-line secret is hidden line by line,
since tools print it in parts.
"""

import re
from collections.abc import Iterable

MASK = b"***"
_SHORTEST_LINE = 4
"""Shorter lines of a multi-line secret (`{`, `--`) would hide ordinary text everywhere."""
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


class Masker:
    """Hides `values` in a stream of bytes; holds back only what may begin a secret."""

    def __init__(self, values: Iterable[str]) -> None:
        self._parts = hidden_parts(values)
        self._pattern = re.compile(b"|".join(re.escape(part) for part in self._parts))
        self._longest = len(self._parts[0]) if self._parts else 0
        self._prefixes = {part[:size] for part in self._parts for size in range(1, len(part))}
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
        """Return where a secret, or a longer one, may begin that is not complete yet."""
        first = max(0, len(text) - self._longest + 1)
        return [start for start in range(first, len(text)) if text[start:] in self._prefixes]


def mask_text(text: str, values: Iterable[str]) -> str:
    """Return `text` with the secrets hidden, at once."""
    masker = Masker(values)
    encoded = text.encode("utf-8", "surrogateescape")
    return (masker.feed(encoded) + masker.flush()).decode("utf-8", "replace")


def mask_access_keys(line: str) -> str:
    """Hide AWS access key ids, as CodeBuild does in every log line."""
    return _ACCESS_KEY.sub(MASK.decode(), line) if "A" in line else line
