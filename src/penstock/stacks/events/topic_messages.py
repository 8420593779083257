"""What a stack's topics (NotificationARNs) are told of its events: AWS's subject and text.

Lines of `Name='value'`, nothing escaped; `null` for what is not known, which here the caller's
PrincipalId always is. The form is AWS's, as test events of its receivers in public repositories
show it.
"""

import logging
from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from penstock.aws.errors import ServiceError
from penstock.services import sns
from penstock.services.sns.message import LARGEST_BYTES, Content
from penstock.services.sns.notification import timestamp
from penstock.stacks.events.stack_events import StackEvent
from penstock.storage.encryption import Cipher

_LOG = logging.getLogger(__name__)
_SUBJECT = "AWS CloudFormation Notification"


def publish(
    connection: sa.Connection,
    topics: Sequence[str],
    stack_id: str,
    stack_name: str,
    told: Sequence[tuple[str, StackEvent]],
    token: str | None,
    now: datetime,
    cipher: Cipher,
) -> None:
    """Publish events, each with its id, in the unit of work that stores them.

    A topic that is gone, or that takes no message, is told in the log: it stops no stack.
    """
    if not topics:
        return
    contents = [
        Content({"default": text(stack_id, stack_name, event_id, event, token, now)}, _SUBJECT, {})
        for event_id, event in told
    ]
    for topic in topics if contents else ():
        try:
            sns.accept(connection, topic, contents, now, cipher).log()
        except ServiceError as error:
            _LOG.warning("events of stack %s are not told to %s: %s", stack_name, topic, error)


def text(
    stack_id: str, stack_name: str, event_id: str, event: StackEvent, token: str | None,
    now: datetime,
) -> str:  # fmt: skip
    """Return the message of one event; properties too large for a message are left out."""
    properties = event.properties_text or "null"
    if len(properties.encode()) > LARGEST_BYTES // 2:
        properties = "null"
    members = {
        "StackId": stack_id,
        "Timestamp": timestamp(now),
        "EventId": event_id,
        "LogicalResourceId": event.logical_id,
        "Namespace": stack_id.split(":")[4],
        "PhysicalResourceId": event.physical_id,
        "PrincipalId": "null",
        "ResourceProperties": properties,
        "ResourceStatus": event.status,
        "ResourceStatusReason": event.reason or "",
        "ResourceType": event.type,
        "StackName": stack_name,
        "ClientRequestToken": token or "null",
    }
    return "".join(f"{name}='{value}'\n" for name, value in members.items())
