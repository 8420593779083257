"""What the four types of Elastic Load Balancing have in common: tags by ARN, settings as pairs."""

from collections.abc import Mapping, Sequence
from typing import Any

from penstock.stacks.handlers.handler import ResourceRequest, Succeeded, Support
from penstock.stacks.resource_types.compared_resource import ComparedResource
from penstock.stacks.resource_types.kept_resource import text_of


class Elbv2Resource(ComparedResource):
    """A resource that Elastic Load Balancing names by its ARN, which is its physical id."""

    support = Support.RUNNING
    service = "elbv2"

    async def tags(self, request: ResourceRequest, found: Succeeded) -> Mapping[str, str]:
        """Return the resource's tags."""
        parameters = {"ResourceArns": [found.physical_resource_id]}
        answer = await self.call(request, "DescribeTags", parameters)
        return self.from_list(answer["TagDescriptions"][0]["Tags"])

    async def retag(
        self,
        request: ResourceRequest,
        physical_id: str,
        added: Mapping[str, str],
        removed: Sequence[str],
    ) -> None:
        """Change the resource's tags."""
        resources = {"ResourceArns": [physical_id]}
        if added:
            await self.call(request, "AddTags", {**resources, "Tags": self.as_list(added)})
        if removed:
            await self.call(request, "RemoveTags", {**resources, "TagKeys": list(removed)})

    async def attributes_set(
        self, request: ResourceRequest, operation: str, which: Mapping[str, str], name: str
    ) -> list[Any]:
        """Return those of the attributes that the template's property of this name sets."""
        keys = {pair["Key"] for pair in attribute_pairs(request.properties, name)}
        if not keys:
            return []
        answer = await self.call(request, operation, which)
        return [pair for pair in answer["Attributes"] if pair["Key"] in keys]


def attribute_pairs(properties: Mapping[str, Any], name: str) -> list[dict[str, str]]:
    """Return a property of attributes as the API takes them: all values are text."""
    return [
        {"Key": str(pair["Key"]), "Value": text_of(pair.get("Value", ""))}
        for pair in properties.get(name) or ()
    ]


def is_arn(identity: str) -> bool:
    """Tell a physical id from what a resource is found by before it has one."""
    return identity.startswith("arn:") and "|" not in identity
