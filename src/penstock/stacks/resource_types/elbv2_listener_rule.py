"""AWS::ElasticLoadBalancingV2::ListenerRule.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-elasticloadbalancingv2-listenerrule.html
"""

from collections.abc import Mapping
from typing import Any

from penstock.aws.errors import ServiceError
from penstock.stacks.handlers.handler import ResourceRequest, Succeeded
from penstock.stacks.resource_types.elbv2_resource import Elbv2Resource, is_arn
from penstock.stacks.resource_types.kept_resource import changed

_NOT_FOUND = "RuleNotFoundException"


class Elbv2ListenerRule(Elbv2Resource):
    """A listener's rule; Ref gives its ARN."""

    properties = frozenset({"Actions", "Conditions", "ListenerArn", "Priority", "Tags"})
    gone = frozenset({_NOT_FOUND, "ListenerNotFoundException"})

    def identity(self, request: ResourceRequest) -> str:
        """Return the listener and the priority, of which it has one rule."""
        properties = request.properties
        return f"{properties.get('ListenerArn')}|{properties['Priority']}"

    async def make(self, request: ResourceRequest, identity: str) -> Succeeded:
        """Create the rule."""
        parameters = self.wanted(request, "CreateRule", self.properties - {"Tags"})
        parameters["Tags"] = self.tag_list(request)
        answer = await self.call(request, "CreateRule", parameters)
        return _described(answer["Rules"][0])

    async def settle(self, request: ResourceRequest, physical_id: str) -> Mapping[str, Any]:
        """Change a rule that is there."""
        if not request.previous_properties:
            return {}
        if changed(request, "Actions", "Conditions"):
            parameters = self.wanted(request, "ModifyRule", ["Actions", "Conditions"])
            await self.call(request, "ModifyRule", {"RuleArn": physical_id, **parameters})
        if changed(request, "Priority"):
            pair = {"RuleArn": physical_id, "Priority": int(request.properties["Priority"])}
            await self.call(request, "SetRulePriorities", {"RulePriorities": [pair]})
        return {}

    async def remove(self, request: ResourceRequest, physical_id: str) -> None:
        """Delete the rule."""
        await self.call(request, "DeleteRule", {"RuleArn": physical_id})

    async def look(self, request: ResourceRequest, identity: str) -> Succeeded:
        """Describe the rule, by ARN or by its listener and priority."""
        if is_arn(identity):
            answer = await self.call(request, "DescribeRules", {"RuleArns": [identity]})
            return _described(answer["Rules"][0])
        listener, _, priority = identity.partition("|")
        answer = await self.call(request, "DescribeRules", {"ListenerArn": listener})
        for rule in answer["Rules"]:
            if rule["Priority"] == priority:
                return _described(rule)
        raise ServiceError(_NOT_FOUND, f"Rule of priority {priority} of '{listener}' not found")

    async def actual(self, request: ResourceRequest, physical_id: str) -> dict[str, Any]:
        """Return the rule; its listener cannot change."""
        answer = await self.call(request, "DescribeRules", {"RuleArns": [physical_id]})
        told = answer["Rules"][0]
        return {name: told[name] for name in ("Actions", "Conditions", "Priority")}


def _described(rule: Mapping[str, Any]) -> Succeeded:
    return Succeeded(rule["RuleArn"], {"RuleArn": rule["RuleArn"], "IsDefault": rule["IsDefault"]})
