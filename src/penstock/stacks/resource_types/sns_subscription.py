"""AWS::SNS::Subscription.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-sns-subscription.html
"""

from collections.abc import Mapping
from typing import Any

from penstock.aws.errors import ServiceError
from penstock.stacks.handlers.api_shapes import UnknownProperty
from penstock.stacks.handlers.handler import ResourceRequest, Succeeded
from penstock.stacks.resource_types.compared_resource import ComparedResource
from penstock.stacks.resource_types.kept_resource import changed, text_of

_RAW = "RawMessageDelivery"


class SnsSubscription(ComparedResource):
    """A topic's subscription; Ref gives its ARN."""

    service = "sns"
    properties = frozenset({"Endpoint", "Protocol", _RAW, "Region", "TopicArn"})
    gone = frozenset({"NotFoundException"})
    tags_property = None

    def identity(self, request: ResourceRequest) -> str:
        """Return nothing: it has no name, and subscribing again finds it."""
        return ""

    async def make(self, request: ResourceRequest, identity: str) -> Succeeded:
        """Subscribe the endpoint with its attributes."""
        properties = request.properties
        if properties.get("Region", request.region) != request.region:
            raise UnknownProperty("/Region (other than the stack's)")
        names = ["TopicArn", "Protocol", "Endpoint"]
        parameters = self.wanted(request, "Subscribe", names)
        parameters["ReturnSubscriptionArn"] = True
        given = {_RAW: text_of(properties[_RAW])} if _RAW in properties else {}
        answer = await self.call(request, "Subscribe", {**parameters, "Attributes": given})
        return _described(answer["SubscriptionArn"])

    async def settle(self, request: ResourceRequest, physical_id: str) -> Mapping[str, Any]:
        """Set whether delivery is raw, where that changed."""
        if request.previous_properties and changed(request, _RAW):
            value = text_of(request.properties.get(_RAW, "false"))
            parameters = {"SubscriptionArn": physical_id, "AttributeName": _RAW}
            await self.call(
                request, "SetSubscriptionAttributes", {**parameters, "AttributeValue": value}
            )
        return {}

    async def remove(self, request: ResourceRequest, physical_id: str) -> None:
        """Unsubscribe the endpoint."""
        await self.call(request, "Unsubscribe", {"SubscriptionArn": physical_id})

    async def look(self, request: ResourceRequest, identity: str) -> Succeeded:
        """Ask whether the subscription is there."""
        if not identity:
            raise ServiceError("NotFoundException", "Subscription does not exist")
        await self.call(request, "GetSubscriptionAttributes", {"SubscriptionArn": identity})
        return _described(identity)

    async def actual(self, request: ResourceRequest, physical_id: str) -> dict[str, Any]:
        """Return the subscription."""
        subscription = {"SubscriptionArn": physical_id}
        answer = await self.call(request, "GetSubscriptionAttributes", subscription)
        attributes = answer["Attributes"]
        told = {name: attributes.get(name) for name in ("Endpoint", "Protocol", "TopicArn")}
        return {**told, _RAW: attributes.get(_RAW, "false")}


def _described(subscription_arn: str) -> Succeeded:
    return Succeeded(subscription_arn, {"Arn": subscription_arn})
