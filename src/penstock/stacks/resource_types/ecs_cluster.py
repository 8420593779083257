"""AWS::ECS::Cluster.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-ecs-cluster.html
"""

from collections.abc import Mapping
from typing import Any

from penstock.aws.errors import ServiceError
from penstock.stacks.handlers.api_shapes import to_request
from penstock.stacks.handlers.handler import ResourceRequest, Succeeded
from penstock.stacks.handlers.physical_name import physical_name
from penstock.stacks.resource_types.compared_resource import ComparedResource
from penstock.stacks.resource_types.kept_resource import changed
from penstock.stacks.resource_types.tagged_by_arn import TaggedByArn

_LONGEST = 255
_TAKEN = "ClusterAlreadyExists"
_ACTIVE = "ACTIVE"


class EcsCluster(TaggedByArn, ComparedResource):
    """A cluster; Ref gives its name."""

    service = "ecs"
    properties = frozenset({"ClusterName", "ClusterSettings", "Tags"})
    taken = frozenset({_TAKEN})
    gone = frozenset({"ClusterNotFoundException"})
    tag_keys = ("key", "value")

    def identity(self, request: ResourceRequest) -> str:
        """Return the cluster's name."""
        return request.properties.get("ClusterName") or physical_name(request, _LONGEST)

    async def make(self, request: ResourceRequest, identity: str) -> Succeeded:
        """Create the cluster; CreateCluster alone would give out one that is there."""
        if await self.find(request, identity) is not None:
            raise ServiceError(_TAKEN, f"{identity} already exists")
        parameters = {"clusterName": identity, "tags": self.tag_list(request)}
        parameters |= _settings(request)
        return _described((await self.call(request, "CreateCluster", parameters))["cluster"])

    async def settle(self, request: ResourceRequest, physical_id: str) -> Mapping[str, Any]:
        """Change the settings of a cluster that is there."""
        if request.previous_properties and changed(request, "ClusterSettings"):
            settings = _settings(request) or {
                "settings": [{"name": "containerInsights", "value": "disabled"}]
            }
            await self.call(request, "UpdateClusterSettings", {"cluster": physical_id, **settings})
        return {}

    async def remove(self, request: ResourceRequest, physical_id: str) -> None:
        """Delete the cluster, which must have no services and no tasks."""
        await self.call(request, "DeleteCluster", {"cluster": physical_id})

    async def look(self, request: ResourceRequest, identity: str) -> Succeeded:
        """Describe the cluster; an INACTIVE one is gone."""
        return _described(await self._cluster(request, identity))

    async def actual(self, request: ResourceRequest, physical_id: str) -> dict[str, Any]:
        """Return the cluster's settings."""
        cluster = await self._cluster(request, physical_id, "SETTINGS")
        told = self.described("DescribeClusters", {"clusters": [cluster]})["Clusters"][0]
        return {"ClusterName": told["ClusterName"], "ClusterSettings": told["Settings"]}

    async def _cluster(
        self, request: ResourceRequest, identity: str, *include: str
    ) -> Mapping[str, Any]:
        parameters = {"clusters": [identity], "include": list(include)}
        answer = await self.call(request, "DescribeClusters", parameters)
        for each in answer["clusters"]:
            if each["status"] == _ACTIVE:
                cluster: Mapping[str, Any] = each
                return cluster
        raise ServiceError("ClusterNotFoundException", "Cluster not found.")


def _settings(request: ResourceRequest) -> dict[str, Any]:
    given = request.properties.get("ClusterSettings")
    return to_request("ecs", "UpdateClusterSettings", {"settings": given}) if given else {}


def _described(cluster: Mapping[str, Any]) -> Succeeded:
    return Succeeded(cluster["clusterName"], {"Arn": cluster["clusterArn"]})
