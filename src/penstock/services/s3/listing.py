"""Lists in order of keys, with a delimiter rolling keys up into common prefixes.

A common prefix costs a seek past it, not a walk through its keys. Source:
https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

T = TypeVar("T")

_ROWS_BETWEEN_SEEKS = 64
_LAST_CHARACTER = 0x10FFFF
_SURROGATES = range(0xD800, 0xE000)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a list goes on: at `key`, or with `behind` only after that item of the key.

    What `behind` is depends on the list: see the functions that fetch.
    """

    key: str = ""
    behind: str | int | None = None


@dataclass(slots=True)
class Page(Generic[T]):
    """Part of a list; `last` is its last item or common prefix when there are more."""

    items: list[T] = field(default_factory=list)
    prefixes: list[str] = field(default_factory=list)
    last: T | str | None = None

    def __len__(self) -> int:
        return len(self.items) + len(self.prefixes)


Fetch = Callable[[Place, str | None, int], Sequence[T]]
"""(where to begin, key to end before, how many) → items in order."""


def walk(
    fetch: Fetch[T],
    place_of: Callable[[T], Place],
    place: Place | None,
    limit: int,
    *,
    prefix: str = "",
    delimiter: str = "",
) -> Page[T]:
    """Return the first `limit` items and common prefixes from `place` on (None: the end).

    `place_of` gives the place just behind an item.
    """
    page: Page[T] = Page()
    end = successor(prefix) if prefix else None
    if place is not None and place.key < prefix:
        place = Place(prefix)
    want = min(limit + 1, _ROWS_BETWEEN_SEEKS) if delimiter else limit + 1
    last: T | str | None = None
    while limit > 0 and place is not None:
        batch = fetch(place, end, want)
        for item in batch:
            here = place_of(item)
            if place is None or here.key < place.key:
                continue  # under a prefix that is rolled up already
            if len(page) == limit:
                page.last = last
                return page
            common = common_prefix(here.key, prefix, delimiter)
            if common is None:
                page.items.append(item)
                last, place = item, here
            else:
                page.prefixes.append(common)
                last, place = common, past(common)
        if len(batch) < want:
            break
    return page


def common_prefix(key: str, prefix: str, delimiter: str) -> str | None:
    """Return what `key` is rolled up to, None when it stands for itself."""
    if not delimiter or not key.startswith(prefix):
        return None
    found = key.find(delimiter, len(prefix))
    return None if found < 0 else key[: found + len(delimiter)]


def past(prefix: str) -> Place | None:
    """Return the place behind every key that starts with `prefix`, None when there is none."""
    following = successor(prefix)
    return None if following is None else Place(following)


def successor(prefix: str) -> str | None:
    """Return the least text above all that starts with `prefix`, by code points."""
    kept = prefix.rstrip(chr(_LAST_CHARACTER))
    if not kept:
        return None
    following = ord(kept[-1]) + 1
    if following in _SURROGATES:
        following = _SURROGATES.stop
    return kept[:-1] + chr(following)
