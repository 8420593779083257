"""AWS::ElasticLoadBalancingV2::TargetGroup.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-elasticloadbalancingv2-targetgroup.html
"""

from collections.abc import Mapping
from typing import Any

from penstock.arns import parse_arn
from penstock.stacks.handlers.api_shapes import to_request
from penstock.stacks.handlers.handler import ResourceRequest, Succeeded
from penstock.stacks.handlers.physical_name import physical_name
from penstock.stacks.resource_types.elbv2_resource import (
    Elbv2Resource,
    attribute_pairs,
    is_arn,
)
from penstock.stacks.resource_types.kept_resource import changed

_LONGEST = 32
_CHECK = (
    "HealthCheckEnabled",
    "HealthCheckIntervalSeconds",
    "HealthCheckPath",
    "HealthCheckPort",
    "HealthCheckProtocol",
    "HealthCheckTimeoutSeconds",
    "HealthyThresholdCount",
    "Matcher",
    "UnhealthyThresholdCount",
)
_TOLD = (
    *_CHECK, "IpAddressType", "Port", "Protocol", "ProtocolVersion", "TargetType", "VpcId",
)  # fmt: skip
_LEAVING = "draining"


class Elbv2TargetGroup(Elbv2Resource):
    """A target group; Ref gives its ARN."""

    properties = frozenset(
        {
            *_CHECK,
            "IpAddressType",
            "Name",
            "Port",
            "Protocol",
            "ProtocolVersion",
            "Tags",
            "TargetGroupAttributes",
            "TargetType",
            "Targets",
            "VpcId",
        }
    )
    gone = frozenset({"TargetGroupNotFoundException"})

    def identity(self, request: ResourceRequest) -> str:
        """Return the target group's name."""
        return request.properties.get("Name") or physical_name(request, _LONGEST)

    async def make(self, request: ResourceRequest, identity: str) -> Succeeded:
        """Create the target group; a name in use is refused with AWS's words."""
        names = self.properties - {"Name", "Tags", "TargetGroupAttributes", "Targets"}
        parameters = self.wanted(request, "CreateTargetGroup", names)
        parameters |= {"Name": identity, "Tags": self.tag_list(request)}
        answer = await self.call(request, "CreateTargetGroup", parameters)
        return _described(answer["TargetGroups"][0])

    async def settle(self, request: ResourceRequest, physical_id: str) -> Mapping[str, Any]:
        """Set its attributes and targets; change the health check of one that is there."""
        group = {"TargetGroupArn": physical_id}
        pairs = attribute_pairs(request.properties, "TargetGroupAttributes")
        if pairs and changed(request, "TargetGroupAttributes"):
            parameters = {**group, "Attributes": pairs}
            await self.call(request, "ModifyTargetGroupAttributes", parameters)
        if request.previous_properties and changed(request, *_CHECK):
            parameters = self.wanted(request, "ModifyTargetGroup", _CHECK)
            await self.call(request, "ModifyTargetGroup", group | parameters)
        before = _targets(request.previous_properties)
        after = _targets(request.properties)
        added = [target for target in after if target not in before]
        removed = [target for target in before if target not in after]
        if added:
            await self.call(request, "RegisterTargets", {**group, "Targets": added})
        if removed:
            await self.call(request, "DeregisterTargets", {**group, "Targets": removed})
        return {}

    async def remove(self, request: ResourceRequest, physical_id: str) -> None:
        """Delete the target group, which no listener may use."""
        await self.call(request, "DeleteTargetGroup", {"TargetGroupArn": physical_id})

    async def look(self, request: ResourceRequest, identity: str) -> Succeeded:
        """Describe the target group, by ARN or name."""
        member = "TargetGroupArns" if is_arn(identity) else "Names"
        answer = await self.call(request, "DescribeTargetGroups", {member: [identity]})
        return _described(answer["TargetGroups"][0])

    async def actual(self, request: ResourceRequest, physical_id: str) -> dict[str, Any]:
        """Return the target group, and of its attributes and targets those that the template
        sets: services register others."""
        group = {"TargetGroupArn": physical_id}
        answer = await self.call(
            request, "DescribeTargetGroups", {"TargetGroupArns": [physical_id]}
        )
        told = answer["TargetGroups"][0]
        attributes = await self.attributes_set(
            request, "DescribeTargetGroupAttributes", group, "TargetGroupAttributes"
        )
        found = {name: told.get(name) for name in _TOLD}
        found |= {"Name": told["TargetGroupName"], "TargetGroupAttributes": attributes}
        if request.properties.get("Targets"):
            health = await self.call(request, "DescribeTargetHealth", group)
            there = [
                one["Target"]
                for one in health["TargetHealthDescriptions"]
                if one["TargetHealth"]["State"] != _LEAVING
            ]
            found["Targets"] = [
                given
                for given, wanted in zip(
                    request.properties["Targets"], _targets(request.properties), strict=True
                )
                if any(wanted.items() <= one.items() for one in there)
            ]
        return found


def _targets(properties: Mapping[str, Any]) -> list[dict[str, Any]]:
    given = {"Targets": list(properties.get("Targets") or ())}
    targets: list[dict[str, Any]] = to_request("elbv2", "RegisterTargets", given)["Targets"]
    return targets


def _described(group: Mapping[str, Any]) -> Succeeded:
    arn = group["TargetGroupArn"]
    return Succeeded(
        arn,
        {
            "TargetGroupArn": arn,
            "TargetGroupName": group["TargetGroupName"],
            "TargetGroupFullName": parse_arn(arn).resource,
            "LoadBalancerArns": list(group["LoadBalancerArns"]),
        },
    )
