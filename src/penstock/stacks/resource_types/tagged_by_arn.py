"""What the types have in common whose service keeps a list of tags for each ARN.

The operations are ListTagsForResource, TagResource and UntagResource in all these services; only
the case of their members differs.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from penstock.stacks.handlers.api_shapes import to_request
from penstock.stacks.handlers.handler import ResourceRequest, Succeeded
from penstock.stacks.resource_types.kept_resource import KeptResource


class TaggedByArn(KeptResource):
    """A resource whose tags are read and changed by its ARN."""

    def tagged_arn(self, physical_id: str, attributes: Mapping[str, Any]) -> str:
        """Return the resource's ARN: its attribute `Arn`, where it is not the physical id."""
        return str(attributes["Arn"])

    async def tags_of(self, request: ResourceRequest, tagged_arn: str) -> dict[str, str]:
        """Return the tags of whatever has the ARN."""
        resource = to_request(self.service, "ListTagsForResource", {"ResourceArn": tagged_arn})
        answer = await self.call(request, "ListTagsForResource", resource)
        return self.from_list({name.lower(): value for name, value in answer.items()}["tags"])

    async def tags(self, request: ResourceRequest, found: Succeeded) -> Mapping[str, str]:
        """Return the resource's tags."""
        tagged_arn = self.tagged_arn(found.physical_resource_id, found.attributes)
        return await self.tags_of(request, tagged_arn)

    async def retag(
        self,
        request: ResourceRequest,
        physical_id: str,
        added: Mapping[str, str],
        removed: Sequence[str],
    ) -> None:
        """Add or overwrite tags, then remove some."""
        resource = {"ResourceArn": self.tagged_arn(physical_id, request.attributes)}
        if added:
            tags = {**resource, "Tags": self.as_list(added)}
            await self.call(request, "TagResource", to_request(self.service, "TagResource", tags))
        if removed:
            keys = {**resource, "TagKeys": list(removed)}
            operation = "UntagResource"
            await self.call(request, operation, to_request(self.service, operation, keys))
