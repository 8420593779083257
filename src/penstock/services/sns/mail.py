"""Messages as mails: their headers and texts, pure. No part of a message can end a header.

Subjects as AWS's; the words are our own.
Source: https://docs.aws.amazon.com/sns/latest/dg/sns-email-notifications.html
"""

import re
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formataddr
from urllib.parse import urlencode

from penstock.services.sns.message import Message
from penstock.services.sns.subscription import Subscription

CONFIRM_PATH = "/_penstock/sns/confirm"
UNSUBSCRIBE_PATH = "/_penstock/sns/unsubscribe"
"""Pages with a button: a mail scanner that follows links confirms and ends nothing."""
_CONFIRMATION_SUBJECT = "AWS Notification - Subscription Confirmation"
_DEFAULT_SUBJECT = "AWS Notification Message"
_DEFAULT_NAME = "Penstock"
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_ENCODED = "=?"
"""Begins an encoded word (RFC 2047): `email` would decode it, line breaks and all."""


def mail(
    message: Message, subscription: Subscription, *, sender: str, endpoint_url: str, json: str
) -> EmailMessage:
    """Return the mail for one subscription; `json` is the text of those of email-json."""
    made = EmailMessage(policy=SMTP)
    confirms = message.type == "SubscriptionConfirmation"
    subject = _CONFIRMATION_SUBJECT if confirms else message.subject or _DEFAULT_SUBJECT
    made["Subject"] = _one_line(subject)
    name = _one_line(message.display_name) or _DEFAULT_NAME
    made["From"] = formataddr((name, sender))
    made["To"] = subscription.endpoint
    domain = sender.rpartition("@")[2]
    made["Message-ID"] = f"<{message.id}.{subscription.arn.rpartition(':')[2]}@{domain}>"
    made["Auto-Submitted"] = "auto-generated"
    if subscription.protocol == "email-json":
        made.set_content(json + "\n")
    elif confirms:
        made.set_content(_confirmation(message, endpoint_url))
    else:
        made.set_content(_notification(message, subscription, endpoint_url))
    return made


def _one_line(text: str) -> str:
    return _CONTROL.sub(" ", text).replace(_ENCODED, "= ?")


def _confirmation(message: Message, endpoint_url: str) -> str:
    query = urlencode({"TopicArn": message.topic_arn, "Token": message.token}, safe=":")
    return (
        f"You have chosen to subscribe to the topic:\n{message.topic_arn}\n\n"
        f"To confirm this subscription, open:\n{endpoint_url}{CONFIRM_PATH}?{query}\n\n"
        "If you did not ask for it, do nothing: unconfirmed, you get no messages.\n"
    )


def _notification(message: Message, subscription: Subscription, endpoint_url: str) -> str:
    query = urlencode({"SubscriptionArn": subscription.arn}, safe=":")
    return (
        f"{message.text('email')}\n\n--\n"
        f"To stop receiving notifications from this topic, open:\n"
        f"{endpoint_url}{UNSUBSCRIBE_PATH}?{query}\n"
    )
