"""The loop that brings accepted messages to their subscribers.

At least once: a delivery's row goes when the receiver has answered, or when the last attempt has
failed. Both are told in CloudWatch Logs, in the groups and the form that AWS's delivery status
logging has: `sns/REGION/ACCOUNT/TOPIC`, failures in `…/Failure`.
Source: https://docs.aws.amazon.com/sns/latest/dg/topics-attrib.html
"""

import hashlib
import json
import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from penstock.aws.errors import ServiceError
from penstock.clock import Clock
from penstock.errors import EngineError
from penstock.services.logs import Logs
from penstock.services.sns.attempt import Attempt, Channel, Delivered, Failed
from penstock.services.sns.message import Message
from penstock.services.sns.notification import timestamp
from penstock.services.sns.retries import RetryDelay, retry_delay
from penstock.services.sns.sns import Sns
from penstock.services.sns.subscription import Subscription
from penstock.storage import sns_deliveries
from penstock.storage.database import Database
from penstock.storage.due_queue import DueQueue
from penstock.storage.log_files import LogEvent
from penstock.storage.sns_deliveries import DeliveryRow

_LOG = logging.getLogger(__name__)
_MOST_AT_ONCE = 32
_MOST_TO_ONE = 4
"""So that an endpoint which never answers holds up only its own messages."""
_NO_CHANNEL = Failed(
    "this server sends no mail: start it with --smtp-url and --smtp-from", retry=True
)


class Deliveries:
    """Brings messages from `start` until `close`; what is under way then is brought again."""

    def __init__(
        self,
        database: Database,
        sns: Sns,
        logs: Logs,
        clock: Clock,
        channels: Mapping[str, Channel],
        retry: RetryDelay = retry_delay,
    ) -> None:
        """`channels` has one for each protocol that this server delivers by."""
        self._database = database
        self._sns = sns
        self._logs = logs
        self._clock = clock
        self._channels = channels
        self._retry = retry
        self._queue = DueQueue(
            database,
            sns_deliveries,
            self._attempt,
            clock,
            what="messages to subscribers",
            log=_LOG,
            most_at_once=_MOST_AT_ONCE,
            most_to_one=_MOST_TO_ONE,
        )

    async def start(self) -> None:
        """Take up what was not delivered, then what is accepted from now on."""
        self._queue.start()

    async def close(self) -> None:
        """Stop; repeating it does nothing."""
        await self._queue.close()

    async def _attempt(self, row: DeliveryRow) -> None:
        document = await self._database.read(lambda c: sns_deliveries.message(c, row.message_id))
        subscription = await self._subscription(row)
        if document is None or subscription is None:
            await self._database.write(lambda c: sns_deliveries.finish(c, row))
            return
        message = self._sns.opened(document)
        if message.token is not None and subscription.confirmed:
            await self._database.write(lambda c: sns_deliveries.finish(c, row))
            return
        outcome = await self._outcome(message, subscription)
        attempts = row.attempts + 1
        delay = self._retry(subscription.protocol, attempts)
        if isinstance(outcome, Failed) and outcome.retry and delay is not None:
            _LOG.warning(
                "message %s did not reach %s: %s; attempt %d, the next in %.0f seconds",
                row.message_id,
                shown(subscription),
                outcome.reason,
                attempts,
                delay,
            )
            due_at = self._clock() + timedelta(seconds=delay)
            await self._database.write(lambda c: sns_deliveries.postpone(c, row, due_at))
            return
        await self._tell(row, message, subscription, outcome)
        await self._database.write(lambda c: sns_deliveries.finish(c, row))

    async def _subscription(self, row: DeliveryRow) -> Subscription | None:
        try:
            return await self._sns.subscription(row.subscription_arn)
        except ServiceError:  # it has ended, or its topic
            return None

    async def _outcome(self, message: Message, subscription: Subscription) -> Attempt:
        channel = self._channels.get(subscription.protocol)
        if channel is None:
            return _NO_CHANNEL
        try:
            return await channel.deliver(message, subscription)
        except Exception:  # noqa: BLE001 (a boundary: one bad message must not stop the others)
            _LOG.exception("message %s met an internal error", message.id)
            return Failed("an internal error, see the server's log", retry=True)

    async def _tell(
        self, row: DeliveryRow, message: Message, subscription: Subscription, outcome: Attempt
    ) -> None:
        """Write how a delivery ended into the server's log and into CloudWatch Logs."""
        if isinstance(outcome, Failed):
            _LOG.error(
                "message %s is not delivered to %s, after %d attempts: %s",
                message.id,
                shown(subscription),
                row.attempts + 1,
                outcome.reason,
            )
        else:
            _LOG.info("message %s was delivered to %s", message.id, shown(subscription))
        now = self._clock()
        region, account, topic = message.topic_arn.split(":")[3:6]
        group = f"sns/{region}/{account}/{topic}"
        if isinstance(outcome, Failed):
            group += "/Failure"
        stream = f"{now:%Y-%m-%d}"
        text = status_line(row, message, subscription, outcome, now)
        try:
            await self._logs.ensure_stream(group, stream)
            await self._logs.put(group, stream, [LogEvent(int(now.timestamp() * 1000), text)])
        except (EngineError, ServiceError, OSError) as error:
            _LOG.warning("the delivery's status was not written to %s: %s", group, error)


def status_line(
    row: DeliveryRow, message: Message, subscription: Subscription, outcome: Attempt, now: datetime
) -> str:
    """Return AWS's record of a delivery that ended."""
    text = message.text(subscription.protocol)
    delivered = isinstance(outcome, Delivered)
    delivery = {
        "deliveryId": f"{message.id}/{row.ordinal}",
        "destination": shown(subscription),
        "providerResponse": outcome.response if isinstance(outcome, Delivered) else outcome.reason,
        "dwellTimeMs": int((now - row.accepted_at).total_seconds() * 1000),
        "attempts": row.attempts + 1,
    }
    if outcome.status is not None:
        delivery["statusCode"] = outcome.status
    record = {
        "notification": {
            "messageMD5Sum": hashlib.md5(text.encode(), usedforsecurity=False).hexdigest(),
            "messageId": message.id,
            "topicArn": message.topic_arn,
            "timestamp": timestamp(now),
        },
        "delivery": delivery,
        "status": "SUCCESS" if delivered else "FAILURE",
    }
    return json.dumps(record)


def shown(subscription: Subscription) -> str:
    """Return the endpoint as logs may show it: a URL without user, password and query."""
    if "://" not in subscription.endpoint:
        return subscription.endpoint
    parts = urlsplit(subscription.endpoint)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
