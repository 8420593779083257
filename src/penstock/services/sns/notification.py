"""The JSON that receivers of HTTP and email-json get, and what its signature covers: pure.

Source: https://docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html and
https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html
"""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from penstock.services.sns.message import Message

_SIGNED: Mapping[str, tuple[str, ...]] = {
    "Notification": ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    "SubscriptionConfirmation": (
        "Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type",
    ),
}  # fmt: skip
"""By type, the signed members in their order; one that is absent is left out."""

Sign = Callable[[bytes, str], str]
"""The bytes and the signature version -> the signature in base 64."""


def timestamp(moment: datetime) -> str:
    """Return a moment as messages tell it: `2012-05-02T00:54:06.655Z`."""
    text = moment.astimezone(UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def confirmation_text(topic_arn: str) -> str:
    """Return what a confirmation says."""
    return (
        f"You have chosen to subscribe to the topic {topic_arn}.\n"
        "To confirm the subscription, visit the SubscribeURL included in this message."
    )


def subscribe_url(endpoint_url: str, topic_arn: str, token: str) -> str:
    """Return the address whose GET confirms a subscription."""
    return f"{endpoint_url}/?Action=ConfirmSubscription&TopicArn={topic_arn}&Token={quote(token)}"


def unsubscribe_url(endpoint_url: str, subscription_arn: str) -> str:
    """Return the address whose GET ends a subscription."""
    return f"{endpoint_url}/?Action=Unsubscribe&SubscriptionArn={subscription_arn}"


def document(
    message: Message,
    protocol: str,
    subscription_arn: str,
    *,
    endpoint_url: str,
    certificate_url: str,
    sign: Sign,
) -> str:
    """Return the JSON text of a message to one subscription, signed."""
    members: dict[str, Any] = {"Type": message.type, "MessageId": message.id}
    if message.token is not None:
        members["Token"] = message.token
    members["TopicArn"] = message.topic_arn
    if message.subject is not None:
        members["Subject"] = message.subject
    members["Message"] = message.text(protocol)
    if message.token is not None:
        members["SubscribeURL"] = subscribe_url(endpoint_url, message.topic_arn, message.token)
    members["Timestamp"] = message.timestamp
    members["SignatureVersion"] = message.signature_version
    members["Signature"] = sign(string_to_sign(members), message.signature_version)
    members["SigningCertURL"] = certificate_url
    if message.type == "Notification":
        members["UnsubscribeURL"] = unsubscribe_url(endpoint_url, subscription_arn)
    if message.attributes:
        members["MessageAttributes"] = {
            name: {"Type": one.type, "Value": one.value} for name, one in message.attributes.items()
        }
    return json.dumps(members, indent=2, separators=(",", " : "), ensure_ascii=False)


def string_to_sign(members: Mapping[str, Any]) -> bytes:
    """Return what the signature covers: each member's name and value, on a line each."""
    names = [name for name in _SIGNED[members["Type"]] if name in members]
    return "".join(f"{name}\n{members[name]}\n" for name in names).encode()
