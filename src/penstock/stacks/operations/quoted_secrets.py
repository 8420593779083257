"""What a service quotes of properties that are built from secrets, taken out of its words. Pure.

The secrets themselves are masked wherever a text is stored; their Base64, say, is known only from
the properties as they are beside the same as they are shown.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from penstock.stacks.display import Secrets, canonical


def masked(text: str, properties: Mapping[str, Any], shown: Mapping[str, Any] | None) -> str:
    """Return a service's text about a resource without values that `shown` shows otherwise.

    `shown` are the properties as events show them, None where they show none.
    """
    if shown is None:
        return text
    hidden = frozenset(_differing(canonical(properties), canonical(shown)))
    return Secrets(hidden).masked_text(text) if hidden else text


def _differing(value: Any, shown: Any) -> Iterator[str]:
    """Yield the texts of a value that are not shown as they are."""
    if isinstance(value, Mapping):
        there = shown if isinstance(shown, Mapping) else {}
        for key, member in value.items():
            yield from _differing(member, there.get(key))
    elif isinstance(value, list):
        alike = isinstance(shown, list) and len(shown) == len(value)
        for index, item in enumerate(value):
            yield from _differing(item, shown[index] if alike else None)
    elif value and value != shown:
        yield value
