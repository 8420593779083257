"""The loop that brings accepted messages to their subscribers.

At least once: a delivery's row goes when the receiver has answered, or when the last attempt has
failed. Both are told in CloudWatch Logs, in the groups and the form that AWS's delivery status
logging has: `sns/REGION/ACCOUNT/TOPIC`, failures in `…/Failure`.
Source: https://docs.aws.amazon.com/sns/latest/dg/topics-attrib.html
"""

import asyncio
import hashlib
import json
import logging
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from penstock.aws.errors import ServiceError
from penstock.background_work import BackgroundWork
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
from penstock.storage.log_files import LogEvent
from penstock.storage.sns_deliveries import DeliveryRow

_LOG = logging.getLogger(__name__)
_MOST_AT_ONCE = 32
_MOST_TO_ONE = 4
"""So that an endpoint which never answers holds up only its own messages."""
_LONGEST_SLEEP_SECONDS = 60.0
_TROUBLE_SECONDS = 5.0
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
        self._under_way: dict[int, str] = {}
        self._work = BackgroundWork(_LOG, "a delivery met an internal error; it is tried again")
        self._wake = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Take up what was not delivered, then what is accepted from now on."""
        self._loop = asyncio.get_running_loop()
        self._database.after_commit(self._woken_by_writer, sns_deliveries.ACCEPTED)
        self._task = asyncio.create_task(self._run(), name="penstock-sns-deliveries")

    async def close(self) -> None:
        """Stop; repeating it does nothing."""
        self._loop = None
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
            self._task = None
        await self._work.close()

    def _woken_by_writer(self) -> None:
        loop = self._loop
        if loop is not None:
            with suppress(RuntimeError):  # it has closed meanwhile
                loop.call_soon_threadsafe(self._wake.set)

    async def _run(self) -> None:
        while True:
            self._wake.clear()
            try:
                seconds = await self._begin_due()
            except EngineError as error:
                _LOG.warning("deliveries wait: %s", error)
                seconds = _TROUBLE_SECONDS
            except Exception:  # noqa: BLE001 (a boundary: without this loop nothing is delivered)
                _LOG.exception("deliveries wait after an internal error")
                seconds = _TROUBLE_SECONDS
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._wake.wait()

    async def _begin_due(self) -> float:
        """Begin what is due, as far as there is room; return seconds until more may be."""
        now = self._clock()
        while (room := _MOST_AT_ONCE - len(self._under_way)) > 0:
            to_one = Counter(self._under_way.values())
            rows = await self._due(now, room, to_one)
            for row in rows:
                if to_one[row.subscription_arn] < _MOST_TO_ONE:
                    to_one[row.subscription_arn] += 1
                    self._under_way[row.ordinal] = row.subscription_arn
                    self._work.spawn(self._deliver(row))
            if not rows:
                break
        due_at = await self._database.read(lambda c: sns_deliveries.next_due_at(c, now))
        if due_at is None:
            return _LONGEST_SLEEP_SECONDS
        return min(max((due_at - now).total_seconds(), 0.0), _LONGEST_SLEEP_SECONDS)

    async def _due(self, now: datetime, room: int, to_one: Mapping[str, int]) -> list[DeliveryRow]:
        under_way = list(self._under_way)
        busy = [arn for arn, count in to_one.items() if count >= _MOST_TO_ONE]
        return await self._database.read(
            lambda c: sns_deliveries.due(c, now, limit=room, under_way=under_way, busy=busy)
        )

    async def _deliver(self, row: DeliveryRow) -> None:
        try:
            await self._attempt(row)
        except EngineError as error:
            _LOG.warning("message %s waits: %s", row.message_id, error)
            await asyncio.sleep(_TROUBLE_SECONDS)
        except Exception:
            await asyncio.sleep(_TROUBLE_SECONDS)  # it is still due: no loop without a pause
            raise
        finally:
            del self._under_way[row.ordinal]
            self._wake.set()

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
