"""A message as it is published, what AWS takes for one, and its text for each protocol: pure.

Source: https://docs.aws.amazon.com/sns/latest/api/API_Publish.html
"""

import base64
import re
from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from penstock.aws.errors import ServiceError
from penstock.services.sns.refusals import invalid

LARGEST_BYTES = 262_144
"""Of a message's text and attributes together."""
_LONGEST_SUBJECT = 100
_LONGEST_NAME = 256
_DEFAULT = "default"
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_NAME = re.compile(r"(?!.*\.\.)[A-Za-z0-9_\-][A-Za-z0-9_\-.]*(?<!\.)")
_TYPE = re.compile(r"(String|Number|Binary)(\..+)?")

Type = Literal["Notification", "SubscriptionConfirmation"]


class Attribute(msgspec.Struct, frozen=True):
    """A message attribute; a binary value is in base 64, as receivers get it."""

    type: str
    value: str


class Message(msgspec.Struct, frozen=True):
    """A message as stored until it has reached everyone.

    `texts` are its text by protocol, with one under `default`. `token` is a confirmation's;
    `timestamp` the moment of publishing, as receivers read it. What a topic says about its
    messages (signature version, display name) is fixed here, for the topic may go meanwhile.
    """

    id: str
    type: Type
    topic_arn: str
    texts: dict[str, str]
    timestamp: str
    subject: str | None = None
    attributes: dict[str, Attribute] = {}
    token: str | None = None
    signature_version: str = "1"
    display_name: str = ""

    def text(self, protocol: str) -> str:
        """Return what subscribers of `protocol` are told."""
        return self.texts.get(protocol, self.texts[_DEFAULT])


class Content(msgspec.Struct, frozen=True):
    """What a publisher gave, checked."""

    texts: dict[str, str]
    subject: str | None
    attributes: dict[str, Attribute]


def read(request: Mapping[str, Any]) -> Content:
    """Return the content of a Publish request or of one entry of a batch; InvalidParameter."""
    subject = request.get("Subject")
    if subject is not None and not _is_subject(subject):
        raise invalid("Subject")
    message: str = request["Message"]
    if not message:
        raise invalid("Empty message")
    attributes = request.get("MessageAttributes") or {}
    if _size(message, attributes) > LARGEST_BYTES:
        raise invalid("Message too long")
    if request.get("MessageDeduplicationId"):
        raise invalid(
            "MessageDeduplicationId Reason: The request includes MessageDeduplicationId parameter "
            "that is not valid for this topic type"
        )
    return Content(
        _texts(message, request.get("MessageStructure")),
        subject,
        {name: _attribute(name, value) for name, value in attributes.items()},
    )


def size(content: Content) -> int:
    """Return about how many bytes a content takes; for the sum of a batch."""
    return sum(len(text.encode()) for text in content.texts.values())


def _is_subject(subject: str) -> bool:
    """Tell whether AWS takes the subject; none of it could end a header of a mail."""
    return 0 < len(subject) <= _LONGEST_SUBJECT and not _CONTROL.search(subject)


def _texts(message: str, structure: str | None) -> dict[str, str]:
    if structure is None:
        return {_DEFAULT: message}
    if structure != "json":
        raise invalid("MessageStructure")  # unverified
    try:
        document = msgspec.json.decode(message)
    except msgspec.DecodeError:
        raise invalid("Message Structure - JSON message body failed to parse") from None
    texts = document if isinstance(document, dict) else {}
    texts = {key: text for key, text in texts.items() if isinstance(text, str)}
    if _DEFAULT not in texts:
        raise invalid("Message Structure - No default entry in JSON message body")
    return texts


def _attribute(name: str, given: Mapping[str, Any]) -> Attribute:
    """Return a checked attribute. Texts: moto sns and github.com/localstack/localstack's."""
    if len(name) > _LONGEST_NAME:
        raise _invalid_value("Length of message attribute name must be less than 256 bytes.")
    if not _NAME.fullmatch(name) or name.lower().startswith(("aws.", "amazon.")):
        raise _invalid_value(f"Invalid message attribute name: {name}")  # unverified
    type = given["DataType"]
    if not _TYPE.fullmatch(type):
        raise _invalid_value(
            f"The message attribute '{name}' has an invalid message attribute type, the set of "
            "supported type prefixes is Binary, Number, and String."
        )
    field = "Binary" if type.startswith("Binary") else "String"
    value = given.get(f"{field}Value")
    if value is None and len(given) > 1:
        raise _invalid_value(
            f"The message attribute '{name}' with type '{type}' must use field '{field}'."
        )
    if not value:
        raise _invalid_value(
            f"The message attribute '{name}' must contain non-empty message attribute value for "
            f"message attribute type '{type}'."
        )
    if isinstance(value, bytes):
        value = base64.b64encode(value).decode()
    return Attribute(type, value)


def _invalid_value(text: str) -> ServiceError:
    return ServiceError("InvalidParameterValueException", text)


def _size(message: str, attributes: Mapping[str, Mapping[str, Any]]) -> int:
    total = len(message.encode())
    for name, given in attributes.items():
        total += len(name.encode()) + len(given.get("DataType", "").encode())
        total += len(given.get("StringValue", "").encode()) + len(given.get("BinaryValue", b""))
    return total
