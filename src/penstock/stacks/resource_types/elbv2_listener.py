"""AWS::ElasticLoadBalancingV2::Listener.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-elasticloadbalancingv2-listener.html
"""

from collections.abc import Mapping
from typing import Any

from penstock.aws.errors import ServiceError
from penstock.stacks.handlers.handler import ResourceRequest, Succeeded
from penstock.stacks.resource_types.elbv2_resource import Elbv2Resource, is_arn
from penstock.stacks.resource_types.kept_resource import changed

_NOT_FOUND = "ListenerNotFoundException"
_SETTINGS = ("AlpnPolicy", "Certificates", "DefaultActions", "Port", "Protocol", "SslPolicy")

_TOLD = ("DefaultActions", "Port", "Protocol")
"""The others of _SETTINGS are for TLS, which is refused."""


class Elbv2Listener(Elbv2Resource):
    """A listener; Ref gives its ARN."""

    properties = frozenset({*_SETTINGS, "LoadBalancerArn", "Tags"})
    gone = frozenset({_NOT_FOUND, "LoadBalancerNotFoundException"})

    def identity(self, request: ResourceRequest) -> str:
        """Return the load balancer and the port, of which it has one listener."""
        properties = request.properties
        return f"{properties['LoadBalancerArn']}|{properties.get('Port')}"

    async def make(self, request: ResourceRequest, identity: str) -> Succeeded:
        """Create the listener."""
        names = (*_SETTINGS, "LoadBalancerArn")
        parameters = self.wanted(request, "CreateListener", names)
        parameters["Tags"] = self.tag_list(request)
        answer = await self.call(request, "CreateListener", parameters)
        return _described(answer["Listeners"][0])

    async def settle(self, request: ResourceRequest, physical_id: str) -> Mapping[str, Any]:
        """Change a listener that is there."""
        if request.previous_properties and changed(request, *_SETTINGS):
            parameters = self.wanted(request, "ModifyListener", _SETTINGS)
            await self.call(request, "ModifyListener", {"ListenerArn": physical_id, **parameters})
        return {}

    async def remove(self, request: ResourceRequest, physical_id: str) -> None:
        """Delete the listener with its rules."""
        await self.call(request, "DeleteListener", {"ListenerArn": physical_id})

    async def look(self, request: ResourceRequest, identity: str) -> Succeeded:
        """Describe the listener, by ARN or by its load balancer and port."""
        if is_arn(identity):
            answer = await self.call(request, "DescribeListeners", {"ListenerArns": [identity]})
            return _described(answer["Listeners"][0])
        balancer, _, port = identity.partition("|")
        answer = await self.call(request, "DescribeListeners", {"LoadBalancerArn": balancer})
        for listener in answer["Listeners"]:
            if str(listener["Port"]) == port:
                return _described(listener)
        raise ServiceError(_NOT_FOUND, f"Listener on port {port} of '{balancer}' not found")

    async def actual(self, request: ResourceRequest, physical_id: str) -> dict[str, Any]:
        """Return the listener."""
        answer = await self.call(request, "DescribeListeners", {"ListenerArns": [physical_id]})
        told = answer["Listeners"][0]
        return {name: told[name] for name in ("LoadBalancerArn", *_TOLD)}


def _described(listener: Mapping[str, Any]) -> Succeeded:
    return Succeeded(listener["ListenerArn"], {"ListenerArn": listener["ListenerArn"]})
