"""A subscription, its endpoint and attributes: values and pure functions.

Source: https://docs.aws.amazon.com/sns/latest/api/API_Subscribe.html
"""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import msgspec
from yarl import URL

from penstock.services.sns.refusals import invalid, unsupported

_MAIL = frozenset({"email", "email-json"})
_PART = r"[^@\s\x00-\x1f\x7f-\x9f<>,;:\"()\[\]\\]+"
_ADDRESS = re.compile(rf"(?!.*=\?){_PART}@{_PART}")
"""Without what begins an encoded word (RFC 2047), which may hold the end of a header."""
_WRONG_URL = "Endpoint must match the specified protocol"
_ENDPOINTS: Mapping[str, tuple[re.Pattern[str], str]] = {
    "email": (_ADDRESS, "Email address"),
    "email-json": (_ADDRESS, "Email address"),
    "http": (re.compile(r"http://[^\s/?#]+\S*"), _WRONG_URL),
    "https": (re.compile(r"https://[^\s/?#]+\S*"), _WRONG_URL),
}
"""By protocol, what an endpoint looks like, and how AWS names a wrong one (mail: unverified)."""
_LACKING_PROTOCOLS = frozenset({"application", "firehose", "lambda", "sms", "sqs"})
_BOOLEANS = frozenset({"true", "false"})
_LACKING = frozenset(
    {
        "DeliveryPolicy",
        "FilterPolicy",
        "FilterPolicyScope",
        "RedrivePolicy",
        "ReplayPolicy",
        "SubscriptionRoleArn",
    }
)
TOKEN_LIFETIME = timedelta(days=2)
"""How long a confirmation may wait (API_Subscribe)."""


class Subscription(msgspec.Struct, frozen=True):
    """A subscription as stored.

    `token` confirms it and is kept, so that confirming twice is no error. `asked_at` is when the
    endpoint was last asked to confirm. `authenticated` tells whether who confirmed it, or made it,
    was known; `guarded` that only a signed request may end it.
    """

    arn: str
    topic_arn: str
    protocol: str
    endpoint: str
    owner: str
    principal: str
    attributes: dict[str, str]
    token: str
    asked_at: datetime
    confirmed: bool = False
    authenticated: bool = False
    guarded: bool = False

    @property
    def pending(self) -> bool:
        """Whether its endpoint has not confirmed it yet."""
        return not self.confirmed

    @property
    def raw(self) -> bool:
        """Whether its endpoint gets the message's text alone."""
        return self.attributes.get("RawMessageDelivery", "false").lower() == "true"

    def confirmable(self, token: str, now: datetime) -> bool:
        """Tell whether `token` confirms it now."""
        return self.token == token and (self.confirmed or now < self.asked_at + TOKEN_LIFETIME)

    def is_of(self, topic_arn: str, protocol: str, endpoint: str) -> bool:
        """Tell whether it brings that topic to that endpoint."""
        own = (self.topic_arn, self.protocol, self.endpoint)
        return own == (topic_arn, protocol, endpoint)


def is_mail(protocol: str) -> bool:
    """Tell whether `protocol` is delivered by mail."""
    return protocol in _MAIL


def check_endpoint(protocol: str, endpoint: str | None) -> str:
    """Return the endpoint; InvalidParameter for one that does not suit the protocol, or for a
    protocol that nothing is delivered by here."""
    if protocol in _LACKING_PROTOCOLS:
        raise invalid(
            f"Penstock does not deliver to {protocol}; it delivers to {', '.join(_ENDPOINTS)}"
        )
    if protocol not in _ENDPOINTS:
        raise invalid(f"Amazon SNS does not support this protocol string: {protocol}")
    pattern, name = _ENDPOINTS[protocol]
    if not endpoint or not pattern.fullmatch(endpoint):
        raise invalid(name)
    if not is_mail(protocol) and not _leads_to_a_host(endpoint):
        raise invalid(name)
    return endpoint


def _leads_to_a_host(url: str) -> bool:
    """Tell whether a URL can be followed: `http://[::1/` and port 65536 cannot."""
    try:
        return bool(urlsplit(url).port != 0 and URL(url).host)
    except ValueError:
        return False


def check_attribute(attribute: str, value: str, protocol: str, *, prefix: str = "") -> None:
    """Raise InvalidParameter for an attribute that cannot be set, or not to `value`.

    `prefix` stands before the reason: Subscribe says where it stood, SetSubscriptionAttributes
    does not.
    """
    if attribute in _LACKING:
        raise unsupported(attribute, "subscriptions")
    if attribute != "RawMessageDelivery":
        raise invalid("AttributeName")
    if value.lower() not in _BOOLEANS:
        raise invalid(
            f"{prefix}RawMessageDelivery: Invalid value [{value}]. Must be true or false."
        )
    if value.lower() == "true" and is_mail(protocol):
        raise invalid(  # unverified
            f"{prefix}Delivery protocol [{protocol}] does not support raw message delivery."
        )


def with_attribute(subscription: Subscription, attribute: str, value: str) -> Subscription:
    """Set an attribute; InvalidParameter."""
    check_attribute(attribute, value, subscription.protocol)
    attributes = {**subscription.attributes, attribute: value.lower()}
    return msgspec.structs.replace(subscription, attributes=attributes)


def attributes_of(subscription: Subscription) -> dict[str, str]:
    """Return what GetSubscriptionAttributes answers."""
    return {
        "RawMessageDelivery": "false",
        **subscription.attributes,
        "ConfirmationWasAuthenticated": str(subscription.authenticated).lower(),
        "Endpoint": subscription.endpoint,
        "Owner": subscription.owner,
        "PendingConfirmation": str(subscription.pending).lower(),
        "Protocol": subscription.protocol,
        "SubscriptionArn": subscription.arn,
        "SubscriptionPrincipal": subscription.principal,
        "TopicArn": subscription.topic_arn,
    }
