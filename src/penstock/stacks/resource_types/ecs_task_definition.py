"""AWS::ECS::TaskDefinition: a new revision for every change but that of tags.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-ecs-taskdefinition.html
"""

from collections.abc import Mapping
from typing import Any

from penstock.stacks.handlers.handler import ResourceRequest, Succeeded
from penstock.stacks.handlers.physical_name import physical_name
from penstock.stacks.resource_types.tagged_by_arn import TaggedByArn
from penstock.workloads.ecs.registration import registered

_LONGEST = 255


class EcsTaskDefinition(TaggedByArn):
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


def _described(definition: Mapping[str, Any]) -> Succeeded:
    arn = definition["taskDefinitionArn"]
    return Succeeded(arn, {"TaskDefinitionArn": arn})
