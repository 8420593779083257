"""What every resource type is: CloudFormation's own handler contract.

A handler never blocks. Each call returns progress (with a context that is stored before the next
call), success or failure as values; ServiceError of a called API may be raised, and is then the
resource's failure. Calls are made through `InProcess`, as the stack's role.

Source: https://docs.aws.amazon.com/cloudformation-cli/latest/userguide/resource-type-test-contract.html
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol, runtime_checkable

import msgspec

from penstock.aws.service import Principal

Properties = Mapping[str, Any]


class Support(StrEnum):
    """What stands behind a resource here."""

    RUNNING = "running"
    KEPT = "kept"
    RECORDED = "recorded"


class HandlerErrorCode(StrEnum):
    """CloudFormation's handler error codes, as they stand in events."""

    NOT_UPDATABLE = "NotUpdatable"
    INVALID_REQUEST = "InvalidRequest"
    ACCESS_DENIED = "AccessDenied"
    ALREADY_EXISTS = "AlreadyExists"
    NOT_FOUND = "NotFound"
    RESOURCE_CONFLICT = "ResourceConflict"
    THROTTLING = "Throttling"
    NOT_STABILIZED = "NotStabilized"
    GENERAL_SERVICE_EXCEPTION = "GeneralServiceException"
    INTERNAL_FAILURE = "InternalFailure"


class ResourceRequest(msgspec.Struct, frozen=True):
    """One call to a handler. Everything in it is a value without functions or unknowns."""

    stack_id: str
    stack_name: str
    region: str
    account_id: str
    logical_resource_id: str
    resource_type: str
    properties: Properties
    """What the template asks for now (for a delete: what was deployed)."""
    previous_properties: Properties
    """For an update: what is deployed; empty otherwise."""
    physical_resource_id: str | None
    """None for a create that has not named it yet."""
    tags: Mapping[str, str]
    """The stack's tags and `aws:cloudformation:stack-name`, `stack-id`, `logical-id`; to be
    merged under the resource's own."""
    previous_tags: Mapping[str, str]
    client_request_token: str
    """Deterministic for this resource and this operation of the stack; the same after a restart."""
    resumed: bool
    """True when an earlier call of this step may have taken effect before a crash: look for what
    `client_request_token` (or the name derived from it) made, before making it again."""
    principal: Principal
    """Whom to act as: the stack's role, or its caller."""
    now: datetime
    attributes: Mapping[str, Any] = msgspec.field(default_factory=dict)
    """For update and delete: the attributes of the last success."""


@dataclass(frozen=True, slots=True)
class InProgress:
    """Call again after `callback_delay_seconds`; the context is stored."""

    callback_delay_seconds: float
    callback_context: Mapping[str, Any]
    physical_resource_id: str | None = None
    """As soon as it is known: a failure after it has something to delete."""
    reason: str | None = None
    """Shown as the event's reason when it changes."""
    provisional_id: str | None = None
    """What the resource goes by if it is cancelled before its physical id is known: something may
    have been made then, and is deleted under this id."""


@dataclass(frozen=True, slots=True)
class Succeeded:
    """Done. `attributes` are what Fn::GetAtt answers, nested ones as nested mappings; `ref` is what
    Ref gives where that is not the physical id. An update that gives another physical id has made
    the resource anew: the one before is deleted in the cleanup."""

    physical_resource_id: str
    attributes: Mapping[str, Any] = field(default_factory=dict)
    ref: str | None = None
    no_echo: bool = False
    """Whether the attributes are secrets, to be shown nowhere."""
    source: str | None = None
    """For a custom resource: by what AWS calls the answer that the attributes are from."""


@dataclass(frozen=True, slots=True)
class Failed:
    """Not done; what was made already is named by `physical_resource_id`."""

    code: HandlerErrorCode
    message: str
    physical_resource_id: str | None = None
    verbatim: bool = False
    """The event's reason is the message alone, not `Resource handler returned message: …`: what
    CloudFormation itself says, and not a handler."""


Progress = InProgress | Succeeded | Failed


class ResourceHandler(Protocol):
    """One resource type. `context` is None in a step's first call, then the last InProgress's."""

    @property
    def support(self) -> Support:
        """What stands behind the resource."""
        ...

    async def create(self, request: ResourceRequest, context: Mapping[str, Any] | None) -> Progress:
        """Make the resource."""
        ...

    async def update(self, request: ResourceRequest, context: Mapping[str, Any] | None) -> Progress:
        """Change the resource in place; only called when the schema needs no replacement."""
        ...

    async def delete(self, request: ResourceRequest, context: Mapping[str, Any] | None) -> Progress:
        """Remove the resource; one that is gone already is a success."""
        ...

    async def read(self, request: ResourceRequest) -> Succeeded | None:
        """Return the resource as it is now, None when it does not exist."""
        ...


@runtime_checkable
class Selective(Protocol):
    """A type that names the properties it honours: any other is refused, at planning already."""

    @property
    def properties(self) -> frozenset[str]:
        """The names of the properties."""
        ...


@runtime_checkable
class Findable(Protocol):
    """A type whose resources a template may name: a name that is taken is found early."""

    async def existing(self, request: ResourceRequest) -> str | None:
        """Return the identifier of the resource that has the name in the properties, if any has.

        The properties are those alone that name it. Raises ServiceError where nobody can tell.
        """
        ...


@runtime_checkable
class Comparable(Protocol):
    """A type whose resources can be compared with their template: drift is found on them."""

    async def actual_properties(self, request: ResourceRequest) -> Properties | None:
        """Return the properties as they are now, in the template's form; None when it is gone.

        A property that is left out cannot be read (a secret's value), and is not compared; one
        that is None is not set. `request.properties` are those that were deployed.
        """
        ...
