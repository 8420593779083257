"""Describing and listing secrets.

Source: https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_ListSecrets.html
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from penstock.aws.pagination import page
from penstock.aws.service import Call, Request, Response
from penstock.aws.tags import to_pairs
from penstock.services.secretsmanager.secrets import Secrets, StoredSecret

_NEVER = datetime(1970, 1, 1, tzinfo=UTC)


async def describe_secret(secrets: Secrets, call: Call, request: Request) -> Response:
    """Return everything about a secret but its value."""
    stored = await secrets.find(request["SecretId"])
    return _description(stored) | {"VersionIdsToStages": stored.secret.stages() or None}


async def list_secrets(secrets: Secrets, call: Call, request: Request) -> Response:
    """List secrets that pass every filter, by date of creation unless asked otherwise."""
    planned = request.get("IncludePlannedDeletion", False)
    filters = request.get("Filters", [])
    rank = _RANKS[request.get("SortBy", "created-date")]
    descending = request.get("SortOrder", "desc") == "desc"
    found = [
        stored
        for stored in await secrets.all()
        if (planned or stored.secret.deleted_at is None)
        and all(_passes(stored, item) for item in filters)
    ]

    def key(stored: StoredSecret) -> str:
        return f"{rank(stored)}/{stored.secret.name}"

    found.sort(key=key, reverse=descending)
    shown, token = page(
        found,
        request.get("NextToken"),
        request.get("MaxResults", 100),
        key=key,
        descending=descending,
    )
    secret_list = [
        _description(stored) | {"SecretVersionsToStages": stored.secret.stages() or None}
        for stored in shown
    ]
    return {"SecretList": secret_list, "NextToken": token}


def _moment(value: datetime | None) -> str:
    return (value or _NEVER).astimezone(UTC).isoformat(timespec="microseconds")


_RANKS: Mapping[str, Callable[[StoredSecret], str]] = {
    "created-date": lambda stored: _moment(stored.secret.created_at),
    "last-accessed-date": lambda stored: _moment(stored.secret.accessed_at),
    "last-changed-date": lambda stored: _moment(stored.secret.changed_at),
    "name": lambda stored: stored.secret.name,
}


def _passes(stored: StoredSecret, item: Mapping[str, Any]) -> bool:
    """Apply one filter: any of its values by prefix; `!` in front of a value negates it."""
    texts = _texts(stored, item.get("Key", "all"))
    any_case = item.get("Key", "all") in ("all", "description")

    def one(value: str) -> bool:
        wanted = value.removeprefix("!")
        return _starts(texts, wanted, any_case) != value.startswith("!")

    return any(one(value) for value in item.get("Values", []))


def _texts(stored: StoredSecret, key: str) -> list[str]:
    fields = {
        "name": [stored.secret.name],
        "description": [stored.secret.description or ""],
        "tag-key": list(stored.tags),
        "tag-value": list(stored.tags.values()),
    }
    if key == "all":
        return [word for texts in fields.values() for text in texts for word in _words(text)]
    return fields.get(key, [])


def _words(text: str) -> Iterable[str]:
    return [text, *"".join(c if c.isalnum() else " " for c in text).split()]


def _starts(texts: Iterable[str], prefix: str, any_case: bool) -> bool:
    if any_case:
        return any(text.lower().startswith(prefix.lower()) for text in texts)
    return any(text.startswith(prefix) for text in texts)


def _description(stored: StoredSecret) -> dict[str, Any]:
    secret = stored.secret
    return {
        "ARN": secret.arn,
        "Name": secret.name,
        "Description": secret.description,
        "LastChangedDate": secret.changed_at,
        "LastAccessedDate": secret.accessed_at,
        "DeletedDate": secret.delete_on,
        "CreatedDate": secret.created_at,
        "Tags": to_pairs(stored.tags) or None,
    }
