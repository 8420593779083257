"""Tags: lists of pairs in AWS's models, key → value everywhere else.

Codes and texts of errors differ from service to service, and stay with them.
"""

from collections.abc import Iterable, Mapping

MOST_TAGS = 50
"""What AWS allows on one resource, S3's objects aside."""


def from_pairs(
    pairs: Iterable[Mapping[str, str]], key: str = "Key", value: str = "Value"
) -> dict[str, str]:
    """Return a model's list of tags by key; a missing value is empty, the last of a key counts."""
    return {pair[key]: pair.get(value, "") for pair in pairs}


def to_pairs(
    tags: Mapping[str, str], key: str = "Key", value: str = "Value"
) -> list[dict[str, str]]:
    """Return tags as a model's list, in order of key."""
    return [{key: one, value: tags[one]} for one in sorted(tags)]


def without(tags: Mapping[str, str], keys: Iterable[str]) -> dict[str, str]:
    """Return `tags` but those of `keys`; keys that are not there are no error."""
    gone = set(keys)
    return {key: value for key, value in tags.items() if key not in gone}


def reserved_key(tags: Mapping[str, str]) -> str | None:
    """Return a key that begins with `aws:`, which AWS keeps for itself, or None."""
    return next((key for key in tags if key.lower().startswith("aws:")), None)
