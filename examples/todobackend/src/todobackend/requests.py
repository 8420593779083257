"""What a request's body may hold, checked before it reaches the store."""

import json
from dataclasses import dataclass

_MEMBERS = {"title": str, "done": bool, "order": int}
_LONGEST_TITLE = 500


class BadRequest(Exception):
    """The body is not what the API takes; the message says why."""


@dataclass(frozen=True)
class TodoFields:
    """The members that a body named; None for those that it did not."""

    title: str | None = None
    done: bool | None = None
    order: int | None = None


def parse_new(body: bytes) -> TodoFields:
    """Read the body of a new item: `title`, and `order` if the user wants one."""
    fields = parse_change(body)
    if fields.title is None:
        raise BadRequest("expected a member 'title'")
    if fields.done is not None:
        raise BadRequest("a new item cannot be done already: leave out 'done'")
    return fields


def parse_change(body: bytes) -> TodoFields:
    """Read the body of a change: any of `title`, `done` and `order`."""
    try:
        document = json.loads(body)
    except ValueError as error:
        raise BadRequest(f"expected JSON: {error}") from error
    if not isinstance(document, dict):
        raise BadRequest("expected a JSON object")
    for name, value in document.items():
        if name not in _MEMBERS:
            raise BadRequest(f"unknown member {name!r}; known are {', '.join(_MEMBERS)}")
        if type(value) is not _MEMBERS[name]:
            raise BadRequest(f"expected {_MEMBERS[name].__name__} in {name!r}, found {value!r}")
    title = document.get("title")
    if title is not None and not 0 < len(title.strip()) <= _LONGEST_TITLE:
        raise BadRequest(f"expected 1 to {_LONGEST_TITLE} characters in 'title'")
    return TodoFields(title, document.get("done"), document.get("order"))
