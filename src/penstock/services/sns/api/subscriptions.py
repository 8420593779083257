"""Subscriptions: made, confirmed, listed, changed, removed.

Source: https://docs.aws.amazon.com/sns/latest/api/API_Subscribe.html and its siblings.
"""

from collections.abc import Sequence
from typing import Any

from penstock.aws.pagination import page
from penstock.aws.service import Call, Request, Response
from penstock.services.sns import subscription as subscriptions
from penstock.services.sns.refusals import check_arn, invalid
from penstock.services.sns.sns import Sns
from penstock.services.sns.subscription import Subscription

_PAGE = 100
_PENDING = "pending confirmation"
_PENDING_IN_LISTS = "PendingConfirmation"


async def subscribe(sns: Sns, call: Call, request: Request) -> Response:
    """Subscribe an endpoint; the same endpoint again finds its subscription."""
    check_arn(request["TopicArn"], "TopicArn")
    endpoint = subscriptions.check_endpoint(request["Protocol"], request.get("Endpoint"))
    attributes = {name: text.lower() for name, text in (request.get("Attributes") or {}).items()}
    for attribute, value in (request.get("Attributes") or {}).items():
        subscriptions.check_attribute(
            attribute, value, request["Protocol"], prefix="Attributes Reason: "
        )
    found, new = await sns.subscribe(
        request["TopicArn"], request["Protocol"], endpoint, attributes, call.principal.arn
    )
    if not new and any(found.attributes.get(key) != attributes[key] for key in attributes):
        raise invalid("Attributes Reason: Subscription already exists with different attributes")
    hidden = found.pending and not request.get("ReturnSubscriptionArn")
    return {"SubscriptionArn": _PENDING if hidden else found.arn}


async def confirm_subscription(sns: Sns, call: Call, request: Request) -> Response:
    """Confirm the subscription that has the token."""
    check_arn(request["TopicArn"], "TopicArn")
    guarded = request.get("AuthenticateOnUnsubscribe", "false").lower() == "true"
    found = await sns.confirm(
        request["TopicArn"], request["Token"], authenticated=True, guarded=guarded
    )
    return {"SubscriptionArn": found.arn}


async def unsubscribe(sns: Sns, call: Call, request: Request) -> Response:
    """Remove a subscription, a pending one too; removing again is no error."""
    check_arn(request["SubscriptionArn"], "SubscriptionArn")
    await sns.unsubscribe(request["SubscriptionArn"], authenticated=True)
    return {}


async def get_subscription_attributes(sns: Sns, call: Call, request: Request) -> Response:
    """Return everything about a subscription."""
    check_arn(request["SubscriptionArn"], "SubscriptionArn")
    found = await sns.subscription(request["SubscriptionArn"])
    return {"Attributes": subscriptions.attributes_of(found)}


async def set_subscription_attributes(sns: Sns, call: Call, request: Request) -> Response:
    """Change one attribute; without a value it is taken away."""
    check_arn(request["SubscriptionArn"], "SubscriptionArn")
    attribute, value = request["AttributeName"], request.get("AttributeValue", "")
    await sns.change_subscription(
        request["SubscriptionArn"],
        lambda found: subscriptions.with_attribute(found, attribute, value),
    )
    return {}


async def list_subscriptions(sns: Sns, call: Call, request: Request) -> Response:
    """List all subscriptions, 100 at a time."""
    return _listed(await sns.subscriptions(), request)


async def list_subscriptions_by_topic(sns: Sns, call: Call, request: Request) -> Response:
    """List a topic's subscriptions, 100 at a time."""
    check_arn(request["TopicArn"], "TopicArn")
    return _listed(await sns.subscriptions(request["TopicArn"]), request)


def _listed(found: Sequence[Subscription], request: Request) -> Response:
    chosen, token = page(
        found,
        request.get("NextToken"),
        _PAGE,
        key=lambda one: one.arn,
        error_code="InvalidParameterException",
    )
    response: dict[str, Any] = {"Subscriptions": [_shape(one) for one in chosen]}
    return response | ({"NextToken": token} if token else {})


def _shape(found: Subscription) -> dict[str, str]:
    return {
        "SubscriptionArn": _PENDING_IN_LISTS if found.pending else found.arn,
        "Owner": found.owner,
        "Protocol": found.protocol,
        "Endpoint": found.endpoint,
        "TopicArn": found.topic_arn,
    }
