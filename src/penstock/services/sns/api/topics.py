"""Topics: made, listed, described, changed, removed.

Source: https://docs.aws.amazon.com/sns/latest/api/API_CreateTopic.html and its siblings.
"""

from typing import Any

from msgspec.structs import replace

from penstock.aws.pagination import page
from penstock.aws.service import Call, Request, Response
from penstock.services.sns import topic as topics
from penstock.services.sns.api.tags import checked_tags
from penstock.services.sns.refusals import check_arn, invalid
from penstock.services.sns.sns import Sns
from penstock.services.sns.topic import Topic

_PAGE = 100


async def create_topic(sns: Sns, call: Call, request: Request) -> Response:
    """Make a topic, or find the one of that name when it is as asked."""
    if request.get("DataProtectionPolicy"):
        topics.check_attribute("DataProtectionPolicy", "", fifo=False)
    attributes = request.get("Attributes") or {}
    topics.check_new(request["Name"], attributes)
    tags = checked_tags(request.get("Tags") or (), call)
    topic, kept, new = await sns.create_topic(request["Name"], attributes, tags)
    if not new and any(topic.attributes.get(key) != attributes[key] for key in attributes):
        raise invalid("Attributes Reason: Topic already exists with different attributes")
    if not new and tags and dict(kept) != tags:
        raise invalid("Tags Reason: Topic already exists with different tags")
    return {"TopicArn": topic.arn}


async def delete_topic(sns: Sns, call: Call, request: Request) -> Response:
    """Remove a topic with its subscriptions; deleting again is no error."""
    check_arn(request["TopicArn"], "TopicArn")
    await sns.delete_topic(request["TopicArn"])
    return {}


async def get_topic_attributes(sns: Sns, call: Call, request: Request) -> Response:
    """Return everything about a topic."""
    check_arn(request["TopicArn"], "TopicArn")
    topic, _ = await sns.topic(request["TopicArn"])
    found = await sns.subscriptions(topic.arn)
    pending = sum(one.pending for one in found)
    return {"Attributes": topics.attributes_of(topic, len(found) - pending, pending)}


async def set_topic_attributes(sns: Sns, call: Call, request: Request) -> Response:
    """Change one attribute."""
    check_arn(request["TopicArn"], "TopicArn")
    attribute, value = request["AttributeName"], request.get("AttributeValue", "")

    def change(topic: Topic) -> Topic:
        topics.check_attribute(attribute, value, fifo=topic.is_fifo)
        return replace(topic, attributes={**topic.attributes, attribute: value})

    await sns.change_topic(request["TopicArn"], change)
    return {}


async def list_topics(sns: Sns, call: Call, request: Request) -> Response:
    """List topics by name, 100 at a time."""
    found, token = page(
        await sns.topics(),
        request.get("NextToken"),
        _PAGE,
        key=lambda one: one.name,
        error_code="InvalidParameterException",
    )
    response: dict[str, Any] = {"Topics": [{"TopicArn": one.arn} for one in found]}
    return response | ({"NextToken": token} if token else {})
