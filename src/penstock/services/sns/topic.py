"""A topic, its attributes and what AWS takes for them: values and pure functions.

Source: https://docs.aws.amazon.com/sns/latest/api/API_SetTopicAttributes.html
"""

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from penstock.services.sns.refusals import invalid, unsupported

_NAME = re.compile(r"[A-Za-z0-9_-]{1,256}")
_FIFO_SUFFIX = ".fifo"
_BOOLEANS = frozenset({"true", "false"})
_OF_FIFO = frozenset({"ContentBasedDeduplication"})
_CHANGEABLE = frozenset({"ContentBasedDeduplication", "DisplayName", "SignatureVersion"})
_LACKING = frozenset(
    {
        "ArchivePolicy",
        "DataProtectionPolicy",
        "DeliveryPolicy",
        "FifoThroughputScope",
        "KmsMasterKeyId",
        "MaximumMessageSize",
        "Policy",
        "TracingConfig",
    }
)
_FEEDBACK = re.compile(r"(HTTP|Firehose|Lambda|Application|SQS)(Success|Failure)Feedback\w+")
_OWNER_MAY = (
    "GetTopicAttributes",
    "SetTopicAttributes",
    "AddPermission",
    "RemovePermission",
    "DeleteTopic",
    "Subscribe",
    "ListSubscriptionsByTopic",
    "Publish",
)


class Topic(msgspec.Struct, frozen=True):
    """A topic as stored; `attributes` are those that were given."""

    name: str
    arn: str
    owner: str
    attributes: dict[str, str]

    @property
    def is_fifo(self) -> bool:
        """Whether it is a FIFO topic."""
        return self.attributes.get("FifoTopic") == "true"

    @property
    def signature_version(self) -> str:
        """How its messages are signed: `1` with SHA-1, `2` with SHA-256."""
        return self.attributes.get("SignatureVersion", "1")

    @property
    def display_name(self) -> str:
        """Who its mail is from, or nothing."""
        return self.attributes.get("DisplayName", "")


def check_new(name: str, attributes: Mapping[str, str]) -> None:
    """Raise InvalidParameter for a name or attributes that AWS would not take."""
    fifo = attributes.get("FifoTopic", "false")
    if fifo not in _BOOLEANS:
        raise invalid("FifoTopic")
    if fifo == "true":
        if not name.endswith(_FIFO_SUFFIX) or not _NAME.fullmatch(name.removesuffix(_FIFO_SUFFIX)):
            raise invalid(
                "Fifo Topic names must end with .fifo and must be made up of only uppercase and "
                "lowercase ASCII letters, numbers, underscores, and hyphens, and must be between "
                "1 and 256 characters long."
            )
    elif not _NAME.fullmatch(name):
        raise invalid("Topic Name")
    for attribute, value in attributes.items():
        if attribute != "FifoTopic":
            check_attribute(attribute, value, fifo=fifo == "true")


def check_attribute(attribute: str, value: str, *, fifo: bool) -> None:
    """Raise InvalidParameter for an attribute that cannot be set, or not to `value`."""
    if attribute in _LACKING or _FEEDBACK.fullmatch(attribute):
        raise unsupported(attribute, "topics")
    if attribute not in _CHANGEABLE or (attribute in _OF_FIFO and not fifo):
        raise invalid("AttributeName")
    if attribute == "ContentBasedDeduplication" and value not in _BOOLEANS:
        raise invalid("ContentBasedDeduplication")  # unverified
    if attribute == "SignatureVersion" and value not in {"1", "2"}:
        raise invalid("SignatureVersion")  # unverified


def attributes_of(topic: Topic, confirmed: int, pending: int) -> dict[str, str]:
    """Return what GetTopicAttributes answers; counts are of its subscriptions."""
    shown = {
        "DisplayName": "",
        **topic.attributes,
        "Owner": topic.owner,
        "Policy": msgspec.json.encode(_default_policy(topic)).decode(),
        "SubscriptionsConfirmed": str(confirmed),
        "SubscriptionsDeleted": "0",
        "SubscriptionsPending": str(pending),
        "TopicArn": topic.arn,
    }
    if topic.is_fifo:
        shown = {"ContentBasedDeduplication": "false", "SignatureVersion": "2"} | shown
    return shown


def _default_policy(topic: Topic) -> dict[str, Any]:
    """Return the policy of every new topic: its owner may use it. Others cannot be set here."""
    return {
        "Version": "2008-10-17",
        "Id": "__default_policy_ID",
        "Statement": [
            {
                "Sid": "__default_statement_ID",
                "Effect": "Allow",
                "Principal": {"AWS": "*"},
                "Action": [f"SNS:{action}" for action in _OWNER_MAY],
                "Resource": topic.arn,
                "Condition": {"StringEquals": {"AWS:SourceOwner": topic.owner}},
            }
        ],
    }
