"""Finding the stack that a request names, and pages of what belongs to it."""

from collections.abc import Sequence
from typing import Any, TypeVar

from penstock.arns import resource_of
from penstock.aws.errors import ServiceError
from penstock.aws.pagination import decode_token, encode_token
from penstock.aws.service import ResourceMeant
from penstock.stacks.change_sets.change_sets import ChangeSets
from penstock.stacks.stacks import Stacks
from penstock.storage.stacks import StackRow

T = TypeVar("T")
PAGE = 100
_TOKEN_ERROR = "ValidationError"
_ANY_ID = "*"
"""What stands for an ARN's random end where a request gives a stack's name only."""


def resource_meant(stacks: Stacks, change_sets: ChangeSets) -> ResourceMeant:
    """Return the resolver of resources for authorization: a name of a stack that there is, and a
    change set's ARN, mean the stack's own ARN, which is what policies name."""

    async def meant(resource: str) -> str:
        if resource_of(resource, "changeSet/"):
            return await change_sets.stack_id(resource) or resource
        name, _, rest = (resource_of(resource, "stack/") or "").partition("/")
        row = await stacks.row(name) if name and rest == _ANY_ID else None
        return row.id if row else resource

    return meant


async def stack_of(
    stacks: Stacks, name_or_id: str, message: str = "Stack [{}] does not exist"
) -> StackRow:
    """Return the stack; ValidationError with the operation's own `message` when there is none."""
    row = await stacks.row(name_or_id)
    if row is None or stacks.is_forgotten(row):
        raise invalid(message.format(name_or_id))
    return row


async def root_of(stacks: Stacks, row: StackRow) -> StackRow | None:
    """Return the first of the stacks that a nested stack is in; None for one that is not nested,
    or no longer is: its parent was deleted and has left it."""
    parent = await stacks.row(row.parent_id) if row.parent_id else None
    root = await stacks.row(row.root_id) if row.root_id else None
    gone = parent is None or parent.deleted_at is not None
    return None if gone or root is None or root.deleted_at is not None else root


async def check_root(stacks: Stacks, row: StackRow, operation: str) -> None:
    """Raise ValidationError for an operation that a nested stack's root is asked for instead."""
    root = await root_of(stacks, row)
    if root is not None:  # unverified
        raise invalid(
            f"{operation} cannot be called on Stack [{row.name}], which is a nested stack; call it "
            f"on its root stack [{root.name}]."
        )


def page(items: Sequence[T], token: str | None, size: int = PAGE) -> tuple[Sequence[T], str | None]:
    """Return the page of `items` after `token`, and the next token.

    Lists here are read whole and in a fixed order; a token is the place in it.
    """
    start = int(decode_token(token, _TOKEN_ERROR, form="n")[0]) if token else 0
    end = start + size
    return items[start:end], encode_token(end) if end < len(items) else None


def present(values: dict[str, Any]) -> dict[str, Any]:
    """Return an answer's members without those that are None."""
    return {key: value for key, value in values.items() if value is not None}


def invalid(message: str) -> ServiceError:
    """Return CloudFormation's ValidationError."""
    return ServiceError("ValidationError", message, status=400)
