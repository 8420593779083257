"""AWS::Logs::LogGroup.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-logs-loggroup.html
"""

from collections.abc import Mapping, Sequence
from typing import Any

from penstock.arns import arn
from penstock.aws.errors import ServiceError
from penstock.stacks.handlers.api_shapes import merged_tags
from penstock.stacks.handlers.handler import ResourceRequest, Succeeded
from penstock.stacks.handlers.physical_name import physical_name
from penstock.stacks.resource_types.compared_resource import ComparedResource
from penstock.stacks.resource_types.kept_resource import changed

_LONGEST = 512


class LogsLogGroup(ComparedResource):
    """A log group; Ref gives its name."""

    service = "logs"
    properties = frozenset({"LogGroupName", "LogGroupClass", "RetentionInDays", "Tags"})
    taken = frozenset({"ResourceAlreadyExistsException"})
    gone = frozenset({"ResourceNotFoundException"})

    def identity(self, request: ResourceRequest) -> str:
        """Return the group's name."""
        return request.properties.get("LogGroupName") or physical_name(request, _LONGEST)

    async def make(self, request: ResourceRequest, identity: str) -> Succeeded:
        """Create the group with its tags."""
        tags = merged_tags(request, request.properties.get("Tags"))
        parameters = self.wanted(request, "CreateLogGroup", ["LogGroupClass"])
        await self.call(
            request, "CreateLogGroup", {**parameters, "logGroupName": identity, "tags": tags}
        )
        return _described(request, identity)

    async def settle(self, request: ResourceRequest, physical_id: str) -> Mapping[str, Any]:
        """Set or lift the retention; the class of a group cannot change."""
        if request.previous_properties and changed(request, "LogGroupClass"):
            # https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-logs-loggroup.html
            raise ServiceError("ValidationException", "LogGroupClass cannot be changed.")
        if changed(request, "RetentionInDays"):
            group = {"logGroupName": physical_id}
            wanted = self.wanted(request, "PutRetentionPolicy", ["RetentionInDays"])
            operation = "PutRetentionPolicy" if wanted else "DeleteRetentionPolicy"
            await self.call(request, operation, group | wanted)
        return {}

    async def remove(self, request: ResourceRequest, physical_id: str) -> None:
        """Delete the group with its streams."""
        await self.call(request, "DeleteLogGroup", {"logGroupName": physical_id})

    async def look(self, request: ResourceRequest, identity: str) -> Succeeded:
        """Find the group by its whole name."""
        await self._group(request, identity)
        return _described(request, identity)

    async def actual(self, request: ResourceRequest, physical_id: str) -> dict[str, Any]:
        """Return the group's settings."""
        group = await self._group(request, physical_id)
        return {
            "LogGroupName": physical_id,
            "LogGroupClass": group.get("logGroupClass", "STANDARD"),
            "RetentionInDays": group.get("retentionInDays"),
        }

    async def _group(self, request: ResourceRequest, name: str) -> Mapping[str, Any]:
        found = await self.call(request, "DescribeLogGroups", {"logGroupNamePrefix": name})
        for group in found["logGroups"]:
            if group["logGroupName"] == name:
                named: Mapping[str, Any] = group
                return named
        raise ServiceError("ResourceNotFoundException", "The specified log group does not exist.")

    async def tags(self, request: ResourceRequest, found: Succeeded) -> Mapping[str, str]:
        """Return the group's tags."""
        resource = _resource(request, found.physical_resource_id)
        answer = await self.call(request, "ListTagsForResource", {"resourceArn": resource})
        tags: Mapping[str, str] = answer["tags"]
        return tags

    async def retag(
        self,
        request: ResourceRequest,
        physical_id: str,
        added: Mapping[str, str],
        removed: Sequence[str],
    ) -> None:
        """Change the group's tags."""
        resource = {"resourceArn": _resource(request, physical_id)}
        if added:
            await self.call(request, "TagResource", {**resource, "tags": dict(added)})
        if removed:
            await self.call(request, "UntagResource", {**resource, "tagKeys": list(removed)})


def _described(request: ResourceRequest, name: str) -> Succeeded:
    return Succeeded(name, {"Arn": f"{_resource(request, name)}:*"})


def _resource(request: ResourceRequest, name: str) -> str:
    return arn("logs", request.region, request.account_id, f"log-group:{name}")
