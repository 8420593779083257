"""What the resource types have in common that are kept by one of this server's own services.

A type says what to call; the order is here, the same for all: refuse what cannot be honoured,
look for what a crash left, make, settle the rest. What was made before a failure is named by the
failure, so that a rollback removes it.
"""

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

import msgspec

from penstock.aws.errors import ServiceError
from penstock.aws.in_process import InProcess
from penstock.aws.service import Response
from penstock.aws.tags import CLOUDFORMATION
from penstock.ids import derived_uuid
from penstock.stacks.handlers.api_shapes import UnknownProperty, merged_tags, to_request
from penstock.stacks.handlers.failure import of_service_error
from penstock.stacks.handlers.handler import (
    Failed,
    HandlerErrorCode,
    Progress,
    ResourceRequest,
    Succeeded,
    Support,
)
from penstock.stacks.handlers.physical_name import suffix
from penstock.stacks.planning.unsupported import refused_property

_STACK_ID = "aws:cloudformation:stack-id"
_OWNERSHIP = (_STACK_ID, "aws:cloudformation:logical-id")


class KeptResource(ABC):
    """A resource type on one service; subclasses know its operations."""

    support: Support = Support.KEPT
    service: str
    """Botocore's name."""
    properties: ClassVar[frozenset[str]]
    """The properties that are honoured; any other is refused by name."""
    taken: ClassVar[frozenset[str]] = frozenset()
    """The codes that say: another resource has that name."""
    gone: ClassVar[frozenset[str]]
    """The codes that say: there is no such resource."""
    tags_property: ClassVar[str | None] = "Tags"
    tag_keys: ClassVar[tuple[str, str]] = ("Key", "Value")
    """The members of the service's Tag."""

    def __init__(self, in_process: InProcess) -> None:
        self._in_process = in_process

    # What a type says of itself.

    @abstractmethod
    def identity(self, request: ResourceRequest) -> str:
        """Return by what the resource is found before its physical id is known."""

    @abstractmethod
    async def make(self, request: ResourceRequest, identity: str) -> Succeeded:
        """Create it, by one operation that makes it whole or not at all."""

    async def settle(self, request: ResourceRequest, physical_id: str) -> Mapping[str, Any]:
        """Do what one operation leaves open: bring what is there from `previous_properties` to
        `properties`. Return the attributes that changed. Repeating it changes nothing."""
        return {}

    @abstractmethod
    async def remove(self, request: ResourceRequest, physical_id: str) -> None:
        """Delete it."""

    @abstractmethod
    async def look(self, request: ResourceRequest, identity: str) -> Succeeded:
        """Return the resource as it is, by its identity or physical id; a code of `gone`."""

    async def tags(self, request: ResourceRequest, found: Succeeded) -> Mapping[str, str]:
        """Return its tags; what cannot have any is known by its derived name."""
        return {key: request.tags.get(key, "") for key in _OWNERSHIP}

    async def retag(
        self,
        request: ResourceRequest,
        physical_id: str,
        added: Mapping[str, str],
        removed: Sequence[str],
    ) -> None:
        """Change its tags; either may be empty. What cannot have any does nothing."""
        return

    # The handler contract.

    async def create(self, request: ResourceRequest, context: Mapping[str, Any] | None) -> Progress:
        """Make the resource, or finish what was begun before a crash."""
        made: Succeeded | None = None
        if request.previous_properties:
            request = msgspec.structs.replace(request, previous_properties={})
        identity = self.identity(request)
        try:
            self._refuse_others(request)
            if request.resumed:
                made = await self._made_before(request, identity)
            made = made or await self.make(request, identity)
            changed = await self.settle(request, made.physical_resource_id)
        except (ServiceError, UnknownProperty) as error:
            if made is None and isinstance(error, ServiceError) and error.code in self.taken:
                return await self._taken(request, identity)
            return _failed(request, error, made.physical_resource_id if made else None)
        return replace(made, attributes={**made.attributes, **changed}) if changed else made

    async def update(self, request: ResourceRequest, context: Mapping[str, Any] | None) -> Progress:
        """Change what differs."""
        physical_id = _physical_id(request)
        try:
            self._refuse_others(request)
            changed = await self.settle(request, physical_id)
            await self._retag(request, physical_id)
        except (ServiceError, UnknownProperty) as error:
            return _failed(request, error, physical_id)
        return self.updated(request, {**request.attributes, **changed})

    def updated(self, request: ResourceRequest, attributes: Mapping[str, Any]) -> Succeeded:
        """Return the resource after an update."""
        return Succeeded(_physical_id(request), attributes)

    async def delete(self, request: ResourceRequest, context: Mapping[str, Any] | None) -> Progress:
        """Remove the resource; nothing was made where there is no physical id."""
        physical_id = request.physical_resource_id
        if physical_id is None:
            return Succeeded("")
        try:
            await self.remove(request, physical_id)
        except ServiceError as error:
            if error.code not in self.gone:
                return _failed(request, error, physical_id)
        return Succeeded(physical_id)

    async def read(self, request: ResourceRequest) -> Succeeded | None:
        """Return the resource as it is now, or None."""
        return await self.find(request, _physical_id(request))

    async def existing(self, request: ResourceRequest) -> str | None:
        """Return the physical id of what has the name already; names of a type whose service takes
        them twice are never in use."""
        if not self.taken:
            return None
        found = await self.find(request, self.identity(request))
        return None if found is None else found.physical_resource_id

    # What types use.

    async def call(
        self, request: ResourceRequest, operation: str, parameters: Mapping[str, Any]
    ) -> Response:
        """Call an operation of the service as CloudFormation, for the stack's principal."""
        return await self._in_process.call(
            request.principal, self.service, operation, parameters, via=CLOUDFORMATION
        )

    async def call_if_there(
        self, request: ResourceRequest, operation: str, parameters: Mapping[str, Any]
    ) -> None:
        """Call an operation that removes; what is gone already is no error."""
        try:
            await self.call(request, operation, parameters)
        except ServiceError as error:
            if error.code not in self.gone:
                raise

    def wanted(
        self, request: ResourceRequest, operation: str, names: Collection[str]
    ) -> dict[str, Any]:
        """Return the properties of these names as members of the operation's request."""
        given = {name: request.properties[name] for name in names if name in request.properties}
        return to_request(self.service, operation, given)

    def tag_list(self, request: ResourceRequest) -> list[dict[str, str]]:
        """Return all tags that the resource shall have, as the service's list."""
        return self.as_list(merged_tags(request, self._own_tags(request.properties)))

    def as_list(self, tags: Mapping[str, str]) -> list[dict[str, str]]:
        """Return tags as the service's list."""
        key, value = self.tag_keys
        return [{key: name, value: text} for name, text in tags.items()]

    def from_list(self, tags: Sequence[Mapping[str, str]]) -> dict[str, str]:
        """Return the service's list by key."""
        key, value = self.tag_keys
        return {tag[key]: tag[value] for tag in tags}

    def _own_tags(self, properties: Mapping[str, Any]) -> Any:
        return properties.get(self.tags_property) if self.tags_property else None

    async def _retag(self, request: ResourceRequest, physical_id: str) -> None:
        before = merged_tags(
            msgspec.structs.replace(request, tags=request.previous_tags),
            self._own_tags(request.previous_properties),
        )
        after = merged_tags(request, self._own_tags(request.properties))
        added = {key: value for key, value in after.items() if before.get(key) != value}
        removed = sorted(before.keys() - after.keys())
        if added or removed:
            await self.retag(request, physical_id, added, removed)

    async def find(self, request: ResourceRequest, identity: str) -> Succeeded | None:
        """Return the resource, None when it is not there."""
        try:
            return await self.look(request, identity)
        except ServiceError as error:
            if error.code in self.gone:
                return None
            raise

    async def _made_before(self, request: ResourceRequest, identity: str) -> Succeeded | None:
        """Return what this very step made before a crash, None where another made it."""
        found = await self.find(request, identity)
        made_up = suffix(request.client_request_token).lower()
        if found is None or made_up in found.physical_resource_id.lower():
            return found
        tags = await self.tags(request, found)
        ours = all(tags.get(key, "") == request.tags.get(key, "") for key in _OWNERSHIP)
        return found if ours else None

    async def _taken(self, request: ResourceRequest, identity: str) -> Failed:
        """Return AWS's refusal of a name in use, with the stack that has it where one does."""
        message = f"{identity} already exists"
        try:
            found = await self.look(request, identity)
            stack = (await self.tags(request, found)).get(_STACK_ID)
            message += f" in stack {stack}" if stack else ""
        except ServiceError:  # who may not look is told less
            pass
        return Failed(HandlerErrorCode.ALREADY_EXISTS, message)

    def _refuse_others(self, request: ResourceRequest) -> None:
        others = sorted(request.properties.keys() - self.properties)
        if others:
            raise UnknownProperty(f"/{others[0]}")


def changed(request: ResourceRequest, *names: str) -> bool:
    """Tell whether one of these properties differs from what is deployed."""
    before, after = request.previous_properties, request.properties
    return any(before.get(name) != after.get(name) for name in names)


def text_of(value: Any) -> str:
    """Return a property as the text that an attribute of an API takes: documents as JSON."""
    if isinstance(value, Mapping | list):
        return msgspec.json.encode(value).decode()
    return str(value).lower() if isinstance(value, bool) else str(value)


def _physical_id(request: ResourceRequest) -> str:
    assert request.physical_resource_id is not None, "an update or read names its resource"
    return request.physical_resource_id


def _failed(
    request: ResourceRequest, error: ServiceError | UnknownProperty, physical_id: str | None
) -> Failed:
    if isinstance(error, UnknownProperty):
        message = refused_property(str(error), request.resource_type)
        return Failed(HandlerErrorCode.INVALID_REQUEST, message, physical_id)
    request_id = derived_uuid(request.client_request_token, "request")
    failed = of_service_error(error, request.resource_type, request_id)
    return replace(failed, physical_resource_id=physical_id)
