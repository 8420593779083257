"""A subscription, its endpoint and attributes: values and pure functions.

Source: https://docs.aws.amazon.com/sns/latest/api/API_Subscribe.html
"""

import re
from collections.abc import Mapping

import msgspec

from penstock.services.sns.refusals import invalid, unsupported

_CONFIRMED_BY_ENDPOINT = frozenset({"http", "https", "email", "email-json"})
_ENDPOINTS: Mapping[str, tuple[re.Pattern[str], str]] = {
    "application": (re.compile(r"arn:aws:sns:.+:endpoint/.+"), "Endpoint"),  # unverified
    "email": (re.compile(r"[^@\s]+@[^@\s]+"), "Email address"),  # unverified
    "email-json": (re.compile(r"[^@\s]+@[^@\s]+"), "Email address"),  # unverified
    "firehose": (re.compile(r"arn:aws:firehose:.+"), "Firehose endpoint ARN"),  # unverified
    "http": (re.compile(r"http://\S+"), "Endpoint must match the specified protocol"),
    "https": (re.compile(r"https://\S+"), "Endpoint must match the specified protocol"),
    "lambda": (re.compile(r"arn:aws:lambda:.+:function:.+"), "Lambda endpoint ARN"),
    "sms": (re.compile(r"\+?[0-9][0-9 ()./-]{5,20}"), "Endpoint"),  # unverified
    "sqs": (re.compile(r"arn:aws:sqs:[^:]+:[0-9]{12}:\S+"), "SQS endpoint ARN"),
}
"""By protocol, what an endpoint looks like, and how AWS names a wrong one."""
_BOOLEANS = frozenset({"true", "false"})
_DOCUMENTS = frozenset({"DeliveryPolicy", "FilterPolicy", "RedrivePolicy"})
_PLAIN = frozenset({"FilterPolicyScope", "RawMessageDelivery", "SubscriptionRoleArn"})


class Subscription(msgspec.Struct, frozen=True):
    """A subscription as stored; `token` confirms it, and is None once it is confirmed."""

    arn: str
    topic_arn: str
    protocol: str
    endpoint: str
    owner: str
    principal: str
    attributes: dict[str, str]
    token: str | None = None

    @property
    def pending(self) -> bool:
        """Whether its endpoint has not confirmed it yet."""
        return self.token is not None

    def is_of(self, topic_arn: str, protocol: str, endpoint: str) -> bool:
        """Tell whether it brings that topic to that endpoint."""
        own = (self.topic_arn, self.protocol, self.endpoint)
        return own == (topic_arn, protocol, endpoint)


def needs_confirmation(protocol: str) -> bool:
    """Tell whether an endpoint of `protocol` must confirm first."""
    return protocol in _CONFIRMED_BY_ENDPOINT


def check_endpoint(protocol: str, endpoint: str | None) -> str:
    """Return the endpoint; InvalidParameter for one that does not suit the protocol."""
    if protocol not in _ENDPOINTS:
        raise invalid(f"Does not support this protocol string: {protocol}")
    pattern, name = _ENDPOINTS[protocol]
    if not endpoint or not pattern.fullmatch(endpoint):
        raise invalid(name)
    return endpoint


def check_attribute(attribute: str, value: str) -> None:
    """Raise InvalidParameter for an attribute that cannot be set, or not to `value`."""
    if attribute == "ReplayPolicy":
        raise unsupported(attribute, "subscriptions")
    if attribute not in _DOCUMENTS | _PLAIN:
        raise invalid("AttributeName")
    if attribute == "RawMessageDelivery" and value.lower() not in _BOOLEANS:
        raise invalid("Attributes Reason: RawMessageDelivery: Invalid value [" + value + "].")
    if attribute == "FilterPolicyScope" and value not in {"MessageAttributes", "MessageBody"}:
        raise invalid(
            f"FilterPolicyScope: Invalid value [{value}]. Please use either MessageBody or "
            "MessageAttributes"
        )
    if attribute in _DOCUMENTS and value:
        try:
            msgspec.json.decode(value, type=dict[str, object])
        except msgspec.DecodeError:
            raise invalid(f"{attribute}: failed to parse JSON.") from None


def with_attribute(subscription: Subscription, attribute: str, value: str) -> Subscription:
    """Set a checked attribute; an empty one is taken away."""
    attributes = {**subscription.attributes, attribute: value}
    if not value:
        del attributes[attribute]
    return msgspec.structs.replace(subscription, attributes=attributes)


def attributes_of(subscription: Subscription) -> dict[str, str]:
    """Return what GetSubscriptionAttributes answers."""
    shown = {
        "RawMessageDelivery": "false",
        **subscription.attributes,
        "ConfirmationWasAuthenticated": str(not subscription.pending).lower(),
        "Endpoint": subscription.endpoint,
        "Owner": subscription.owner,
        "PendingConfirmation": str(subscription.pending).lower(),
        "Protocol": subscription.protocol,
        "SubscriptionArn": subscription.arn,
        "SubscriptionPrincipal": subscription.principal,
        "TopicArn": subscription.topic_arn,
    }
    if "FilterPolicy" in shown:
        shown.setdefault("FilterPolicyScope", "MessageAttributes")
    return shown
