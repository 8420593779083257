"""What a stack's topics (NotificationARNs) are told of its events: AWS's subject and text.

Lines of `Name='value'`, nothing escaped; `null` for what is not known, which here the caller's
PrincipalId always is. The form is AWS's, as test events of its receivers in public repositories
show it.
"""

import logging
from collections.abc import Sequence

import sqlalchemy as sa

from penstock.aws.errors import ServiceError
from penstock.services import sns
from penstock.services.sns.message import LARGEST_BYTES, Content
from penstock.services.sns.notification import timestamp
from penstock.stacks.events.stack_events import StackEvent, Told
from penstock.storage.encryption import Cipher

_LOG = logging.getLogger(__name__)
_SUBJECT = "AWS CloudFormation Notification"


def publish(
    connection: sa.Connection,
    topics: Sequence[str],
    told: Told,
    event_ids: Sequence[str],
    cipher: Cipher,
) -> None:
    """Publish events, each with its id, in the unit of work that stores them.

    A topic that is gone, or that takes no message, is told in the log: it stops no stack.
    """
    if not topics:
        return
    contents = [
        Content({"default": text(told, event_id, event)}, _SUBJECT, {})
        for event_id, event in zip(event_ids, told.events, strict=True)
    ]
    for topic in topics if contents else ():
        try:
            sns.accept(connection, topic, contents, told.now, cipher).log()
        except ServiceError as error:
            _LOG.warning("events of stack %s are not told to %s: %s", told.stack_name, topic, error)


def text(told: Told, event_id: str, event: StackEvent) -> str:
    """Return the message of one event; properties too large for a message are left out."""
    properties = event.properties_text or "null"
    if len(properties.encode()) > LARGEST_BYTES // 2:
        properties = "null"
    members = {
        "StackId": told.stack_id,
        "Timestamp": timestamp(told.now),
        "EventId": event_id,
        "LogicalResourceId": event.logical_id,
        "Namespace": told.stack_id.split(":")[4],
        "PhysicalResourceId": event.physical_id,
        "PrincipalId": "null",
        "ResourceProperties": properties,
        "ResourceStatus": event.status,
        "ResourceStatusReason": event.reason or "",
        "ResourceType": event.type,
        "StackName": told.stack_name,
        "ClientRequestToken": told.token or "null",
    }
    return "".join(f"{name}='{value}'\n" for name, value in members.items())
