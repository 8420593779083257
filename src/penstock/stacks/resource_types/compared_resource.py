"""What the resource types have in common whose drift can be detected: reading them back.

A type says what its service tells of it, in the template's form. What other resources of a stack
add to it (policies to a role, subscriptions to a topic) is told where its own template names it.
"""

import json
from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

from penstock.aws import models
from penstock.aws.errors import ServiceError
from penstock.stacks.handlers.api_shapes import to_properties
from penstock.stacks.handlers.handler import Properties, ResourceRequest, Succeeded
from penstock.stacks.resource_types.kept_resource import KeptResource

_AWS = "aws:"


class ComparedResource(KeptResource):
    """A kept resource that can be compared with its template."""

    @abstractmethod
    async def actual(self, request: ResourceRequest, physical_id: str) -> dict[str, Any]:
        """Return the properties but for tags, as in Comparable; a code of `gone` where it is not
        there."""

    async def actual_properties(self, request: ResourceRequest) -> Properties | None:
        """Return the properties as they are now, None when the resource is gone."""
        physical_id = request.physical_resource_id
        assert physical_id is not None, "what is compared was made"
        try:
            found = await self.actual(request, physical_id)
            if self.tags_property and self.tags_property in request.properties:
                found[self.tags_property] = await self._actual_tags(request, physical_id)
        except ServiceError as error:
            if error.code in self.gone:
                return None
            raise
        return found

    def described(
        self, operation: str, answer: Mapping[str, Any], given: Any = None
    ) -> dict[str, Any]:
        """Return an operation's answer as templates write it: members as they are spelt in `given`,
        which has the template's properties where the answer has the resource."""
        shape = models.load(self.service).operation(operation).output_shape
        found: dict[str, Any] = to_properties(shape, answer, given)
        return found

    async def _actual_tags(self, request: ResourceRequest, physical_id: str) -> Any:
        """Return the tags without AWS's own, and without the stack's that the template lacks."""
        given = request.properties[self.tags_property or ""]
        own = set(given) if isinstance(given, Mapping) else {tag["Key"] for tag in given}
        tags = await self.tags(request, Succeeded(physical_id, request.attributes))
        found = {
            key: value
            for key, value in tags.items()
            if not key.startswith(_AWS) and (key in own or request.tags.get(key) != value)
        }
        if isinstance(given, Mapping):
            return found
        return [{"Key": key, "Value": value} for key, value in found.items()]


def document(given: Any, text: str | Mapping[str, Any]) -> Any:
    """Return a policy document as it is: as given where it says the same, else parsed, or as text
    where text was given. What was given may be a dynamic reference."""
    found = json.loads(text) if isinstance(text, str) else text
    if not isinstance(given, str):
        return found
    try:
        same = json.loads(given) == found
    except ValueError:
        same = False
    return given if same else json.dumps(found)
