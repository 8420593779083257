"""Any resource type that nothing runs or keeps here: validated, named, remembered.

Properties are held against AWS's schema; the physical id follows the schema's primary identifier,
attributes its read-only properties. All of it is derived from the request's token, so repeating a
step changes nothing. Its events say `recorded only: nothing runs behind it`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from penstock.stacks.handlers.handler import (
    Failed,
    HandlerErrorCode,
    Progress,
    ResourceRequest,
    Succeeded,
    Support,
)
from penstock.stacks.resource_types import recorded_values
from penstock.stacks.schemas import property_rules, resource_schema
from penstock.stacks.schemas.resource_schema import ResourceSchema


@dataclass(frozen=True, slots=True)
class RecordedHandler:
    """A resource type by its schema alone."""

    schema: ResourceSchema
    support: Support = Support.RECORDED

    async def create(self, request: ResourceRequest, context: Mapping[str, Any] | None) -> Progress:
        """Validate the properties and make up the identifier."""
        return self._invalid(request) or self._succeeded(request, request.attributes)

    async def update(self, request: ResourceRequest, context: Mapping[str, Any] | None) -> Progress:
        """Validate the properties; identifier and read-only attributes stay."""
        return self._invalid(request) or self._succeeded(request, request.attributes)

    async def delete(self, request: ResourceRequest, context: Mapping[str, Any] | None) -> Progress:
        """Forget the resource."""
        return Succeeded(request.physical_resource_id or "")

    async def read(self, request: ResourceRequest) -> Succeeded | None:
        """Return what was recorded: nothing else can know of the resource."""
        if request.physical_resource_id is None:
            return None
        return Succeeded(request.physical_resource_id, request.attributes)

    def _invalid(self, request: ResourceRequest) -> Failed | None:
        found = property_rules.problems(self.schema, request.properties)
        if not found:
            return None
        return Failed(
            HandlerErrorCode.INVALID_REQUEST,
            property_rules.failure(request.logical_resource_id, found),
            request.physical_resource_id,
        )

    def _succeeded(self, request: ResourceRequest, before: Mapping[str, Any]) -> Succeeded:
        attributes = recorded_values.attributes(self.schema, request, before)
        physical_id = request.physical_resource_id or recorded_values.identifier(
            self.schema, request, attributes
        )
        return Succeeded(physical_id, attributes)


def recorded_handler(type_name: str) -> RecordedHandler | None:
    """Return the handler that records resources of this type; None when AWS has no such type."""
    schema = resource_schema.schema(type_name)
    return None if schema is None else RecordedHandler(schema)
