"""AWS::SSM::Parameter.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-ssm-parameter.html
"""

from collections.abc import Mapping, Sequence
from typing import Any

from penstock.arns import arn
from penstock.aws.errors import ServiceError
from penstock.stacks.handlers.handler import Properties, ResourceRequest, Succeeded
from penstock.stacks.handlers.physical_name import physical_name
from penstock.stacks.resource_types.compared_resource import ComparedResource
from penstock.stacks.resource_types.kept_resource import changed

_LONGEST = 1011
_MEMBERS = ("AllowedPattern", "DataType", "Description", "Policies", "Tier", "Type", "Value")


class SsmParameter(ComparedResource):
    """A parameter; Ref gives its name."""

    service = "ssm"
    properties = frozenset({"Name", "Tags", *_MEMBERS})
    taken = frozenset({"ParameterAlreadyExists"})
    gone = frozenset({"ParameterNotFound", "InvalidResourceId"})

    def identity(self, request: ResourceRequest) -> str:
        """Return the parameter's name."""
        return request.properties.get("Name") or physical_name(request, _LONGEST)

    async def make(self, request: ResourceRequest, identity: str) -> Succeeded:
        """Put the first version, with its tags."""
        _refuse_secure(request.properties)
        parameters = self.wanted(request, "PutParameter", _MEMBERS)
        parameters |= {"Name": identity, "Tags": self.tag_list(request)}
        await self.call(request, "PutParameter", parameters)
        return _described(request, identity, request.properties)

    async def settle(self, request: ResourceRequest, physical_id: str) -> Mapping[str, Any]:
        """Put a new version where something changed."""
        if not request.previous_properties or not changed(request, *_MEMBERS):
            return {}
        _refuse_secure(request.properties)
        parameters = self.wanted(request, "PutParameter", _MEMBERS)
        parameters |= {"Name": physical_id, "Overwrite": True}
        await self.call(request, "PutParameter", parameters)
        return _described(request, physical_id, request.properties).attributes

    async def remove(self, request: ResourceRequest, physical_id: str) -> None:
        """Delete the parameter with its history."""
        await self.call(request, "DeleteParameter", {"Name": physical_id})

    async def look(self, request: ResourceRequest, identity: str) -> Succeeded:
        """Get the newest version."""
        answer = await self.call(request, "GetParameter", {"Name": identity})
        return _described(request, identity, answer["Parameter"])

    async def actual(self, request: ResourceRequest, physical_id: str) -> dict[str, Any]:
        """Return the newest version's value, and what is told of the parameter beside it."""
        found = (await self.call(request, "GetParameter", {"Name": physical_id}))["Parameter"]
        wanted = {"ParameterFilters": [{"Key": "Name", "Values": [physical_id]}]}
        listed = (await self.call(request, "DescribeParameters", wanted))["Parameters"]
        told = {**(listed[0] if listed else {}), **found}
        return {name: told.get(name) for name in ("Name", *_MEMBERS) if name != "Policies"}

    async def tags(self, request: ResourceRequest, found: Succeeded) -> Mapping[str, str]:
        """Return the parameter's tags."""
        answer = await self.call(
            request, "ListTagsForResource", _resource(found.physical_resource_id)
        )
        return self.from_list(answer["TagList"])

    async def retag(
        self,
        request: ResourceRequest,
        physical_id: str,
        added: Mapping[str, str],
        removed: Sequence[str],
    ) -> None:
        """Change the parameter's tags."""
        resource = _resource(physical_id)
        if added:
            tags = self.as_list(added)
            await self.call(request, "AddTagsToResource", {**resource, "Tags": tags})
        if removed:
            parameters = {**resource, "TagKeys": list(removed)}
            await self.call(request, "RemoveTagsFromResource", parameters)


def _resource(name: str) -> dict[str, str]:
    return {"ResourceType": "Parameter", "ResourceId": name}


def _refuse_secure(properties: Properties) -> None:
    if properties.get("Type") == "SecureString":  # text: unverified
        raise ServiceError(
            "ValidationException",
            "CloudFormation cannot create a parameter of type SecureString; use String or "
            "StringList, or a secret of AWS::SecretsManager::Secret.",
        )


def _described(request: ResourceRequest, name: str, values: Mapping[str, Any]) -> Succeeded:
    resource = arn("ssm", request.region, request.account_id, f"parameter/{name.lstrip('/')}")
    attributes = {"Arn": resource, "Type": values["Type"], "Value": str(values["Value"])}
    return Succeeded(name, attributes)
