"""AWS::SNS::Topic, with the subscriptions that stand in it.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-sns-topic.html
"""

from collections.abc import Mapping
from typing import Any

from penstock.arns import arn
from penstock.aws.errors import ServiceError
from penstock.stacks.handlers.handler import Properties, ResourceRequest, Succeeded
from penstock.stacks.handlers.physical_name import physical_name
from penstock.stacks.resource_types.compared_resource import ComparedResource
from penstock.stacks.resource_types.kept_resource import changed, text_of
from penstock.stacks.resource_types.tagged_by_arn import TaggedByArn

_LONGEST = 256
_FIFO = ".fifo"
_CHANGEABLE = ("ContentBasedDeduplication", "DisplayName", "SignatureVersion")
_DEFAULTS = {"ContentBasedDeduplication": "false", "DisplayName": "", "SignatureVersion": "1"}
_TAKEN = "TopicExists"
Endpoint = tuple[str, str]
"""A protocol and an endpoint."""


class SnsTopic(ComparedResource, TaggedByArn):
    """A topic; Ref gives its ARN."""

    service = "sns"
    properties = frozenset({"FifoTopic", "Subscription", "Tags", "TopicName", *_CHANGEABLE})
    taken = frozenset({_TAKEN})
    gone = frozenset({"NotFoundException"})

    def identity(self, request: ResourceRequest) -> str:
        """Return the topic's ARN."""
        return arn("sns", request.region, request.account_id, _name(request))

    async def make(self, request: ResourceRequest, identity: str) -> Succeeded:
        """Create the topic with its attributes and tags; CreateTopic alone would take over one
        that is there."""
        if await self.find(request, identity) is not None:
            raise ServiceError(_TAKEN, f"{identity} already exists")
        given = {name: request.properties.get(name) for name in ("FifoTopic", *_CHANGEABLE)}
        attributes = {name: text_of(value) for name, value in given.items() if value is not None}
        if attributes.get("FifoTopic") == "false":
            del attributes["FifoTopic"]
        parameters = {"Name": _name(request), "Attributes": attributes}
        await self.call(request, "CreateTopic", {**parameters, "Tags": self.tag_list(request)})
        return _described(identity)

    async def settle(self, request: ResourceRequest, physical_id: str) -> Mapping[str, Any]:
        """Set the attributes that changed; subscribe and unsubscribe endpoints."""
        for name in _CHANGEABLE:
            if request.previous_properties and changed(request, name):
                value = text_of(request.properties.get(name, _DEFAULTS[name]))
                parameters = {"TopicArn": physical_id, "AttributeName": name}
                await self.call(
                    request, "SetTopicAttributes", {**parameters, "AttributeValue": value}
                )
        before, after = _endpoints(request.previous_properties), _endpoints(request.properties)
        for endpoint in after:
            if endpoint not in before:
                await self._subscribe(request, physical_id, endpoint)
        for endpoint in before:
            if endpoint not in after:
                subscription = await self._subscribe(request, physical_id, endpoint)
                await self.call(request, "Unsubscribe", {"SubscriptionArn": subscription})
        return {}

    async def remove(self, request: ResourceRequest, physical_id: str) -> None:
        """Delete the topic with its subscriptions."""
        await self.call(request, "DeleteTopic", {"TopicArn": physical_id})

    async def look(self, request: ResourceRequest, identity: str) -> Succeeded:
        """Ask whether the topic is there."""
        await self.call(request, "GetTopicAttributes", {"TopicArn": identity})
        return _described(identity)

    async def actual(self, request: ResourceRequest, physical_id: str) -> dict[str, Any]:
        """Return the attributes, and which of the template's subscriptions are there."""
        topic = {"TopicArn": physical_id}
        attributes = (await self.call(request, "GetTopicAttributes", topic))["Attributes"]
        found = {name: attributes.get(name, _DEFAULTS[name]) for name in _CHANGEABLE}
        found["TopicName"] = physical_id.rpartition(":")[2]
        found["FifoTopic"] = attributes.get("FifoTopic", "false")
        there = await self._subscribed(request, topic)
        given = request.properties.get("Subscription") or ()
        found["Subscription"] = [
            one for one in given if (one["Protocol"], one["Endpoint"]) in there
        ]
        return found

    async def _subscribed(
        self, request: ResourceRequest, topic: Mapping[str, str]
    ) -> set[Endpoint]:
        found: set[Endpoint] = set()
        page: dict[str, str] = {}
        while True:
            answer = await self.call(request, "ListSubscriptionsByTopic", {**topic, **page})
            found |= {(one["Protocol"], one["Endpoint"]) for one in answer["Subscriptions"]}
            if not answer.get("NextToken"):
                return found
            page = {"NextToken": answer["NextToken"]}

    def tagged_arn(self, physical_id: str, attributes: Mapping[str, Any]) -> str:
        """Return the ARN, which is the physical id."""
        return physical_id

    async def _subscribe(self, request: ResourceRequest, topic: str, endpoint: Endpoint) -> str:
        """Return the ARN of the topic's subscription, made where it is not there."""
        parameters = {"TopicArn": topic, "Protocol": endpoint[0], "Endpoint": endpoint[1]}
        answer = await self.call(
            request, "Subscribe", {**parameters, "ReturnSubscriptionArn": True}
        )
        return str(answer["SubscriptionArn"])


def _name(request: ResourceRequest) -> str:
    given = request.properties.get("TopicName")
    if given is not None:
        return str(given)
    fifo = text_of(request.properties.get("FifoTopic")) == "true"
    ending = _FIFO if fifo else ""
    return physical_name(request, _LONGEST - len(_FIFO)) + ending


def _described(topic_arn: str) -> Succeeded:
    name = topic_arn.rpartition(":")[2]
    return Succeeded(topic_arn, {"TopicArn": topic_arn, "TopicName": name})


def _endpoints(properties: Properties) -> list[Endpoint]:
    return [(one["Protocol"], one["Endpoint"]) for one in properties.get("Subscription") or ()]
