"""What a service gives the wire: its operations, and what an operation is called with.

An operation is `async def describe_things(domain, call, request) -> response`, where
`request` and `response` are the members of the model's input and output shapes in
Python values: structures are dicts, timestamps aware datetimes, blobs bytes, streaming
blobs `AsyncIterator[bytes]`. Parsing, validation and serialisation are done by the wire.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import partial
from typing import Any, Protocol

import msgspec

Request = Mapping[str, Any]
Response = Mapping[str, Any]


class PrincipalKind(StrEnum):
    """Who may call: the account's root, an IAM user, or a role's session."""

    ROOT = "root"
    USER = "user"
    ASSUMED_ROLE = "assumed-role"


@dataclass(frozen=True, slots=True)
class Principal:
    """An authenticated caller.

    `arn` is what AWS calls the caller (`arn:aws:sts::…:assumed-role/r/session` for a role
    session), `policy_arn` the user or role whose policies count (None for root). `of_task` says
    that the credentials were issued to a Task (a build, an ECS task), or by means of such.
    """

    kind: PrincipalKind
    arn: str
    account_id: str
    user_id: str
    access_key_id: str
    policy_arn: str | None = None
    of_task: bool = False


class Authorize(Protocol):
    """Raise ServiceError `AccessDeniedException` unless `principal` may do `action`.

    `action` is IAM's (`codebuild:StartBuild`), `resource` an ARN or `*`, `context` the
    condition keys. Root may do everything in its own account.
    """

    async def __call__(  # noqa: D102 - the class says it
        self, principal: Principal, action: str, resource: str, context: Mapping[str, str] = ...
    ) -> None: ...


class Call(msgspec.Struct, frozen=True):
    """One request to one operation, besides its parameters."""

    service: str
    operation: str
    region: str
    account_id: str
    request_id: str
    principal: Principal
    now: datetime
    authorize: Authorize
    endpoint_url: str
    """scheme://host[:port] under which the caller reached us."""
    headers: Mapping[str, str] = msgspec.field(default_factory=dict)
    """The request's HTTP headers, names in lower case; for the few operations whose meaning
    depends on a header that the model lacks."""
    via: str | None = None
    """The AWS service that calls for the principal (`cloudformation.amazonaws.com`), which may
    set tags of AWS's own (`aws:cloudformation:stack-name`); None for the principal itself."""
    from_task: bool = False
    """Whether it came through the listener that only Tasks reach."""


Operation = Callable[[Call, Request], Awaitable[Response]]
ResourceMeant = Callable[[str], Awaitable[str]]
"""An ARN as a request names a resource -> the ARN that the resource has."""


async def as_named(resource: str) -> str:
    """For services whose requests name resources as policies do."""
    return resource


@dataclass(frozen=True, slots=True)
class Service:
    """A botocore service name and the operations that exist here.

    An operation of the model that is absent answers with a clear not-implemented error.
    `resource_meant` is asked before authorization, so that no shorter name of a resource passes
    a policy which its ARN does not. `instead` says of absent operations what to do in their place.
    """

    name: str
    operations: Mapping[str, Operation]
    resource_meant: ResourceMeant = as_named
    instead: Mapping[str, str] = field(default_factory=dict)


def bind(
    domain: Any, operations: Mapping[str, Callable[..., Awaitable[Response]]]
) -> dict[str, Operation]:
    """Give each function of a registration table its domain as the first argument."""
    return {name: partial(function, domain) for name, function in operations.items()}
