"""AWS::ElasticLoadBalancingV2::LoadBalancer.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-elasticloadbalancingv2-loadbalancer.html
"""

from collections.abc import Mapping
from typing import Any

from penstock.arns import resource_of
from penstock.stacks.handlers.handler import ResourceRequest, Succeeded
from penstock.stacks.handlers.physical_name import physical_name
from penstock.stacks.resource_types.elbv2_resource import (
    Elbv2Resource,
    attribute_pairs,
    is_arn,
)
from penstock.stacks.resource_types.kept_resource import changed

_LONGEST = 32
_TOLD = ("IpAddressType", "Scheme", "SecurityGroups", "Type")


class Elbv2LoadBalancer(Elbv2Resource):
    """An application load balancer; Ref gives its ARN."""

    properties = frozenset(
        {
            "IpAddressType",
            "LoadBalancerAttributes",
            "Name",
            "Scheme",
            "SecurityGroups",
            "SubnetMappings",
            "Subnets",
            "Tags",
            "Type",
        }
    )
    gone = frozenset({"LoadBalancerNotFoundException"})

    def identity(self, request: ResourceRequest) -> str:
        """Return the load balancer's name."""
        return request.properties.get("Name") or physical_name(request, _LONGEST)

    async def make(self, request: ResourceRequest, identity: str) -> Succeeded:
        """Create the load balancer; a name in use is refused with AWS's words."""
        names = self.properties - {"LoadBalancerAttributes", "Name", "Tags"}
        parameters = self.wanted(request, "CreateLoadBalancer", names)
        parameters |= {"Name": identity, "Tags": self.tag_list(request)}
        answer = await self.call(request, "CreateLoadBalancer", parameters)
        return _described(answer["LoadBalancers"][0])

    async def settle(self, request: ResourceRequest, physical_id: str) -> Mapping[str, Any]:
        """Set its attributes; change security groups and subnets of one that is there."""
        balancer = {"LoadBalancerArn": physical_id}
        pairs = attribute_pairs(request.properties, "LoadBalancerAttributes")
        if pairs and changed(request, "LoadBalancerAttributes"):
            parameters = {**balancer, "Attributes": pairs}
            await self.call(request, "ModifyLoadBalancerAttributes", parameters)
        if not request.previous_properties:
            return {}
        if changed(request, "Subnets", "SubnetMappings"):
            parameters = self.wanted(request, "SetSubnets", ["Subnets", "SubnetMappings"])
            await self.call(request, "SetSubnets", balancer | parameters)
        if changed(request, "SecurityGroups"):
            groups = list(request.properties.get("SecurityGroups") or ())
            parameters = {**balancer, "SecurityGroups": groups}
            await self.call(request, "SetSecurityGroups", parameters)
            return {"SecurityGroups": groups}
        return {}

    async def remove(self, request: ResourceRequest, physical_id: str) -> None:
        """Delete the load balancer."""
        await self.call(request, "DeleteLoadBalancer", {"LoadBalancerArn": physical_id})

    async def look(self, request: ResourceRequest, identity: str) -> Succeeded:
        """Describe the load balancer, by ARN or name."""
        member = "LoadBalancerArns" if is_arn(identity) else "Names"
        answer = await self.call(request, "DescribeLoadBalancers", {member: [identity]})
        return _described(answer["LoadBalancers"][0])

    async def actual(self, request: ResourceRequest, physical_id: str) -> dict[str, Any]:
        """Return the load balancer, and of its attributes those that the template sets."""
        answer = await self.call(
            request, "DescribeLoadBalancers", {"LoadBalancerArns": [physical_id]}
        )
        told = answer["LoadBalancers"][0]
        subnets = [zone["SubnetId"] for zone in told["AvailabilityZones"]]
        attributes = await self.attributes_set(
            request,
            "DescribeLoadBalancerAttributes",
            {"LoadBalancerArn": physical_id},
            "LoadBalancerAttributes",
        )
        return {
            **{name: told.get(name) for name in _TOLD},
            "Name": told["LoadBalancerName"],
            "Subnets": subnets,
            "SubnetMappings": [{"SubnetId": subnet} for subnet in subnets],
            "LoadBalancerAttributes": attributes,
        }


def _described(balancer: Mapping[str, Any]) -> Succeeded:
    arn = balancer["LoadBalancerArn"]
    return Succeeded(
        arn,
        {
            "LoadBalancerArn": arn,
            "LoadBalancerName": balancer["LoadBalancerName"],
            "LoadBalancerFullName": resource_of(arn, "loadbalancer/"),
            "DNSName": balancer["DNSName"],
            "CanonicalHostedZoneID": balancer["CanonicalHostedZoneId"],
            "SecurityGroups": list(balancer.get("SecurityGroups", ())),
        },
    )
