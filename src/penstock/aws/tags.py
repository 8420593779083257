"""Tags: lists of pairs in AWS's models, key → value everywhere else.

Codes and texts of errors differ from service to service, and stay with them. Tags whose keys
begin with `aws:` are set and removed by AWS's services alone, and count towards no limit.
"""

from collections.abc import Iterable, Mapping

CLOUDFORMATION = "cloudformation.amazonaws.com"
MOST_TAGS = 50
"""What AWS allows on one resource, S3's objects and AWS's own tags aside."""


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


def is_reserved(key: str) -> bool:
    """Tell whether a key begins with `aws:`, in any case of letters."""
    return key.lower().startswith("aws:")


def reserved_key(keys: Iterable[str], via: str | None = None) -> str | None:
    """Return one of `keys` that the caller may neither set nor remove, or None.

    AWS keeps keys that begin with `aws:` for itself; `via` is `Call.via`.
    """
    return None if via == CLOUDFORMATION else next(filter(is_reserved, keys), None)


def counted(tags: Iterable[str]) -> int:
    """Return how many of the tags count towards a resource's limit."""
    return sum(not is_reserved(key) for key in tags)


def replaced(
    before: Mapping[str, str], after: Mapping[str, str], via: str | None
) -> dict[str, str]:
    """Return `after`, with AWS's own tags of `before` unless CloudFormation replaces them."""
    if via == CLOUDFORMATION:
        return dict(after)
    return {key: value for key, value in before.items() if is_reserved(key)} | dict(after)
