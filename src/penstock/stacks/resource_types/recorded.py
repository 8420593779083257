"""Any resource type that nothing runs or keeps here: named and remembered.

Its properties were held against AWS's schema before, as those of every type. The physical id
follows the schema's primary identifier, attributes its read-only properties; all of it is derived
from the request's token, so repeating a step changes nothing. Its events say `recorded only:
nothing runs behind it`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from penstock.stacks.handlers.handler import (
    Progress,
    ResourceRequest,
    Succeeded,
    Support,
)
from penstock.stacks.resource_types import recorded_identifiers, recorded_values
from penstock.stacks.schemas import resource_schema
from penstock.stacks.schemas.resource_schema import ResourceSchema


@dataclass(frozen=True, slots=True)
class RecordedHandler:
    """A resource type by its schema alone."""

    schema: ResourceSchema
    support: Support = Support.RECORDED

    async def create(self, request: ResourceRequest, context: Mapping[str, Any] | None) -> Progress:
        """Make up the identifier and what AWS would answer."""
        return self._succeeded(request, request.attributes)

    async def update(self, request: ResourceRequest, context: Mapping[str, Any] | None) -> Progress:
        """Take the properties; identifier and read-only attributes stay."""
        return self._succeeded(request, request.attributes)

    async def delete(self, request: ResourceRequest, context: Mapping[str, Any] | None) -> Progress:
        """Forget the resource."""
        return Succeeded(request.physical_resource_id or "")

    async def read(self, request: ResourceRequest) -> Succeeded | None:
        """Return what was recorded: nothing else can know of the resource."""
        if request.physical_resource_id is None:
            return None
        return Succeeded(request.physical_resource_id, request.attributes)

    def _succeeded(self, request: ResourceRequest, before: Mapping[str, Any]) -> Succeeded:
        attributes = recorded_values.attributes(self.schema, request, before)
        physical_id = request.physical_resource_id or recorded_identifiers.identifier(
            self.schema, request, attributes
        )
        return Succeeded(physical_id, attributes)


def recorded_handler(type_name: str) -> RecordedHandler | None:
    """Return the handler that records resources of this type; None when AWS has no such type."""
    schema = resource_schema.schema(type_name)
    return None if schema is None else RecordedHandler(schema)
