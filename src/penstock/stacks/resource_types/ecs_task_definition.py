"""AWS::ECS::TaskDefinition: a new revision for every change but that of tags.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-ecs-taskdefinition.html
"""

from collections.abc import Mapping
from typing import Any

from penstock.aws.errors import ServiceError
from penstock.stacks.handlers.handler import ResourceRequest, Succeeded
from penstock.stacks.handlers.physical_name import physical_name
from penstock.stacks.resource_types.compared_resource import ComparedResource
from penstock.stacks.resource_types.tagged_by_arn import TaggedByArn
from penstock.stacks.template.dynamic_references import dynamic_references
from penstock.workloads.ecs.registration import registered

_LONGEST = 255
_ACTIVE = "ACTIVE"
_NOT_COMPARED = "InvalidParameterException"


class EcsTaskDefinition(TaggedByArn, ComparedResource):
    """A revision of a task definition; Ref gives its ARN.

    The API refuses what has no effect here, so every property of the type goes to it.
    """

    service = "ecs"
    properties = frozenset(
        {
            "ContainerDefinitions",
            "Cpu",
            "EnableFaultInjection",
            "EphemeralStorage",
            "ExecutionRoleArn",
            "Family",
            "InferenceAccelerators",
            "IpcMode",
            "Memory",
            "NetworkMode",
            "PidMode",
            "PlacementConstraints",
            "ProxyConfiguration",
            "RequiresCompatibilities",
            "RuntimePlatform",
            "Tags",
            "TaskRoleArn",
            "Volumes",
        }
    )
    gone = frozenset({"ClientException"})
    tag_keys = ("key", "value")

    def identity(self, request: ResourceRequest) -> str:
        """Return the family."""
        return request.properties.get("Family") or physical_name(request, _LONGEST)

    async def make(self, request: ResourceRequest, identity: str) -> Succeeded:
        """Register the next revision of the family."""
        parameters = {**self._definition(request), "tags": self.tag_list(request)}
        answer = await self.call(request, "RegisterTaskDefinition", parameters)
        return _described(answer["taskDefinition"])

    async def remove(self, request: ResourceRequest, physical_id: str) -> None:
        """Deregister the revision; what runs with it goes on."""
        await self.call(request, "DeregisterTaskDefinition", {"taskDefinition": physical_id})

    async def look(self, request: ResourceRequest, identity: str) -> Succeeded:
        """Describe a revision by its ARN, or a family's newest."""
        parameters = {"taskDefinition": identity}
        answer = await self.call(request, "DescribeTaskDefinition", parameters)
        return _described(answer["taskDefinition"])

    async def actual(self, request: ResourceRequest, physical_id: str) -> dict[str, Any]:
        """Return the revision; one that was deregistered is gone. ECS keeps what it was given in a
        form of its own (`1 GB` is 1024): what that comes to is as it was given."""
        parameters = {"taskDefinition": physical_id}
        answer = await self.call(request, "DescribeTaskDefinition", parameters)
        kept, given = answer["taskDefinition"], request.properties
        if kept["status"] != _ACTIVE:
            raise ServiceError("ClientException", "The task definition is not active.")
        told = self.described("DescribeTaskDefinition", answer, {"TaskDefinition": given})
        wanted = self._registered(request, kept)
        found = {}
        for name in self.properties - {"Tags"}:
            member = _member(name)
            same = wanted.get(member) == kept.get(member)
            found[name] = given.get(name) if same else told["TaskDefinition"].get(name)
        return found

    def _registered(self, request: ResourceRequest, kept: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return what ECS makes of the template; where that has a dynamic reference, what it kept:
        such a property is not compared."""
        given = request.properties
        looked_up = {_member(name) for name in given if dynamic_references(given[name])}
        known = {name: kept[name] for name in looked_up & kept.keys()}
        definition = {**self._definition(request), **known}
        try:
            return registered(definition, account_id=request.account_id, region=request.region)
        except ServiceError as error:  # not that it is gone
            raise ServiceError(_NOT_COMPARED, error.message) from None

    def tagged_arn(self, physical_id: str, attributes: Mapping[str, Any]) -> str:
        """Return the ARN, which is the physical id."""
        return physical_id

    async def _made_before(self, request: ResourceRequest, identity: str) -> Succeeded | None:
        """The stack's former revision of the family is its own too: only what is equal counts."""
        found = await super()._made_before(request, identity)
        if found is None:
            return None
        parameters = {"taskDefinition": found.physical_resource_id}
        answer = await self.call(request, "DescribeTaskDefinition", parameters)
        wanted = registered(
            self._definition(request), account_id=request.account_id, region=request.region
        )
        described = answer["taskDefinition"]
        return found if all(described.get(name) == wanted[name] for name in wanted) else None

    def _definition(self, request: ResourceRequest) -> dict[str, Any]:
        names = self.properties - {"Tags"}
        parameters = self.wanted(request, "RegisterTaskDefinition", names)
        return {**parameters, "family": self.identity(request)}


def _member(name: str) -> str:
    return name[0].lower() + name[1:]


def _described(definition: Mapping[str, Any]) -> Succeeded:
    arn = definition["taskDefinitionArn"]
    return Succeeded(arn, {"TaskDefinitionArn": arn})
