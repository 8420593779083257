"""The account's topics, subscriptions and messages, each change in one unit of work.

A message, and the question whether an endpoint wants to be subscribed, are accepted with their
deliveries in the same unit of work: what was acknowledged is on disk. `deliveries` brings them.
"""

import dataclasses
import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TypeVar

import msgspec
import sqlalchemy as sa

from penstock.arns import arn
from penstock.clock import Clock
from penstock.ids import new_token, new_uuid
from penstock.services.sns import refusals
from penstock.services.sns.message import Content, Message
from penstock.services.sns.notification import confirmation_text, timestamp
from penstock.services.sns.subscription import Subscription, is_mail
from penstock.services.sns.topic import Topic
from penstock.storage import resources, sns_deliveries
from penstock.storage.database import Database
from penstock.storage.encryption import Cipher
from penstock.storage.resources import Resource

_SERVICE, _TOPIC, _SUBSCRIPTION = "sns", "topic", "subscription"
_SEALED = "sealed"
T = TypeVar("T", Topic, Subscription)
Tags = Mapping[str, str]
_LOG = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True, slots=True)
class Accepted:
    """Messages that a topic took, in their order, and how many subscriptions they go to."""

    topic_arn: str
    message_ids: list[str]
    subjects: list[str | None]
    confirmed: int
    pending: int

    def log(self) -> None:
        """Tell the operator, whom an approval may wait for, even of a topic that nobody reads."""
        for message_id, subject in zip(self.message_ids, self.subjects, strict=True):
            _LOG.info(
                "published to %s: message %s, subject %r, goes to %d subscriptions"
                " (%d not confirmed yet)",
                self.topic_arn,
                message_id,
                subject,
                self.confirmed,
                self.pending,
            )


def accept(
    connection: sa.Connection,
    topic_arn: str,
    contents: Sequence[Content],
    now: datetime,
    cipher: Cipher | None,
) -> Accepted:
    """Store messages with their deliveries in the caller's unit of work; NotFound.

    They go to the subscriptions that are confirmed now, and wait for that encrypted where there is
    a `cipher`. Who calls it has checked the permission.
    """
    topic = _read(_topic(connection, topic_arn), Topic)
    if topic.is_fifo:
        raise refusals.no_fifo()
    subscriptions = [_read(one, Subscription) for one in _subscriptions(connection, topic_arn)]
    confirmed = [one.arn for one in subscriptions if one.confirmed]
    message_ids = [new_uuid() for _ in contents]
    for message_id, content in zip(message_ids, contents, strict=True):
        message = Message(
            message_id,
            "Notification",
            topic.arn,
            content.texts,
            timestamp(now),
            content.subject,
            content.attributes,
            signature_version=topic.signature_version,
            display_name=topic.display_name,
        )
        document = msgspec.to_builtins(message)
        if cipher is not None:
            document = {_SEALED: cipher.encrypt(msgspec.json.encode(document).decode())}
        sns_deliveries.insert(connection, message_id, document, confirmed, now)
    subjects = [content.subject for content in contents]
    pending = len(subscriptions) - len(confirmed)
    return Accepted(topic.arn, message_ids, subjects, len(confirmed), pending)


class Sns:
    """Topics and subscriptions of one account in one Region.

    `sends_mail` tells whether the server has a mail relay: without one nobody is subscribed by
    mail. With a `cipher` what is published waits encrypted: it may hold secrets, such as the
    properties of a custom resource.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        account_id: str,
        region: str,
        *,
        sends_mail: bool = False,
        cipher: Cipher | None = None,
    ) -> None:
        self._database = database
        self._cipher = cipher
        self._clock = clock
        self._sends_mail = sends_mail
        self.account_id = account_id
        self.region = region

    def topic_arn(self, name: str) -> str:
        """Return the ARN of a topic of that name."""
        return arn(_SERVICE, self.region, self.account_id, name)

    async def create_topic(
        self, name: str, attributes: Mapping[str, str], tags: Tags
    ) -> tuple[Topic, Tags, bool]:
        """Return the topic of that name with its tags, and whether it is new."""
        topic = Topic(name, self.topic_arn(name), self.account_id, dict(attributes))

        def work(connection: sa.Connection) -> tuple[Topic, Tags, bool]:
            found = resources.get(connection, _SERVICE, _TOPIC, name)
            if found is not None:
                return _read(found, Topic), found.tags, False
            self._insert(connection, _TOPIC, name, topic.arn, topic, tags)
            return topic, tags, True

        return await self._database.write(work)

    async def topic(self, topic_arn: str) -> tuple[Topic, Tags]:
        """Return the topic and its tags; NotFound."""
        found = await self._database.read(lambda c: _topic(c, topic_arn))
        return _read(found, Topic), found.tags

    async def topics(self) -> list[Topic]:
        """Return every topic by name."""
        found = await self._database.read(lambda c: resources.scan(c, _SERVICE, _TOPIC))
        return [_read(one, Topic) for one in found]

    async def change_topic(self, topic_arn: str, change: Callable[[Topic], Topic]) -> None:
        """Replace a topic by what `change` makes of it; NotFound."""
        now = self._clock()

        def work(connection: sa.Connection) -> None:
            found = _topic(connection, topic_arn)
            document = msgspec.to_builtins(change(_read(found, Topic)))
            resources.update(connection, _SERVICE, _TOPIC, found.name, now=now, document=document)

        await self._database.write(work)

    async def change_tags(self, topic_arn: str, change: Callable[[Tags], Tags]) -> None:
        """Replace a topic's tags by what `change` makes of them; NotFound."""
        now = self._clock()

        def work(connection: sa.Connection) -> None:
            found = _topic(connection, topic_arn)
            tags = change(found.tags)
            resources.update(connection, _SERVICE, _TOPIC, found.name, now=now, tags=tags)

        await self._database.write(work)

    async def delete_topic(self, topic_arn: str) -> None:
        """Remove a topic with its subscriptions; one that is not there is no error."""

        def work(connection: sa.Connection) -> None:
            found = resources.get_by_arn(connection, topic_arn)
            if found is None or (found.service, found.type) != (_SERVICE, _TOPIC):
                return
            resources.delete(connection, _SERVICE, _TOPIC, found.name)
            for one in _subscriptions(connection, topic_arn):
                resources.delete(connection, _SERVICE, _SUBSCRIPTION, one.name)

        await self._database.write(work)

    async def publish(self, topic_arn: str, contents: Sequence[Content]) -> list[str]:
        """Accept messages for the topic's subscribers and return their ids; NotFound.

        They are durable then, and so is to whom they go: the subscriptions that are confirmed
        now. One line in the log tells of each, but not its text, which may hold secrets.
        """
        now = self._clock()
        accepted = await self._database.write(
            lambda c: accept(c, topic_arn, contents, now, self._cipher)
        )
        accepted.log()
        return accepted.message_ids

    def opened(self, document: Mapping[str, object]) -> Message:
        """Return a message as it is stored for its deliveries."""
        sealed = document.get(_SEALED)
        if sealed is None:
            return msgspec.convert(dict(document), Message)
        assert self._cipher is not None, "a cipher sealed it"
        return msgspec.json.decode(self._cipher.decrypt(str(sealed)), type=Message)

    async def subscribe(
        self,
        topic_arn: str,
        protocol: str,
        endpoint: str,
        attributes: Mapping[str, str],
        principal: str,
    ) -> tuple[Subscription, bool]:
        """Return the topic's subscription to that endpoint, and whether it is new; NotFound.

        A new endpoint is asked to confirm; one that has not yet is asked again.
        """
        now = self._clock()
        name = f"{topic_arn.rpartition(':')[2]}:{new_uuid()}"
        subscription = Subscription(
            arn(_SERVICE, self.region, self.account_id, name),
            topic_arn,
            protocol,
            endpoint,
            self.account_id,
            principal,
            dict(attributes),
            token=new_token(),
            asked_at=now,
        )

        def work(connection: sa.Connection) -> tuple[Subscription, bool]:
            topic = _read(_topic(connection, topic_arn), Topic)
            if topic.is_fifo:
                raise refusals.no_fifo()
            for one in _subscriptions(connection, topic_arn):
                found = _read(one, Subscription)
                if found.is_of(topic_arn, protocol, endpoint):
                    if found.pending:
                        found = msgspec.structs.replace(found, asked_at=now)
                        self._replace(connection, one.name, found)
                        _ask(connection, topic, found, now)
                    return found, False
            if is_mail(protocol) and not self._sends_mail:
                raise refusals.no_mail()
            self._insert(connection, _SUBSCRIPTION, name, subscription.arn, subscription, {})
            _ask(connection, topic, subscription, now)
            return subscription, True

        return await self._database.write(work)

    async def confirm(
        self, topic_arn: str, token: str, *, authenticated: bool, guarded: bool = False
    ) -> Subscription:
        """Confirm the topic's subscription that has the token; InvalidParameter.

        Confirming again changes nothing. `authenticated` tells whether the caller is known;
        `guarded` asks that only a signed request may end the subscription.
        """
        now = self._clock()

        def work(connection: sa.Connection) -> Subscription:
            for one in _subscriptions(connection, topic_arn):
                found = _read(one, Subscription)
                if found.topic_arn == topic_arn and found.confirmable(token, now):
                    if found.pending:
                        found = msgspec.structs.replace(
                            found,
                            confirmed=True,
                            authenticated=authenticated,
                            guarded=guarded and authenticated,
                        )
                        self._replace(connection, one.name, found)
                    return found
            raise refusals.invalid("Token")

        return await self._database.write(work)

    async def subscription(self, subscription_arn: str) -> Subscription:
        """Return the subscription; NotFound."""
        found = await self._database.read(lambda c: _subscription(c, subscription_arn))
        return _read(found, Subscription)

    async def subscriptions(self, topic_arn: str | None = None) -> list[Subscription]:
        """Return every subscription by ARN, or those of a topic; NotFound."""

        def work(connection: sa.Connection) -> list[Resource]:
            if topic_arn is None:
                return resources.scan(connection, _SERVICE, _SUBSCRIPTION)
            _topic(connection, topic_arn)
            return _subscriptions(connection, topic_arn)

        return [_read(one, Subscription) for one in await self._database.read(work)]

    async def change_subscription(
        self, subscription_arn: str, change: Callable[[Subscription], Subscription]
    ) -> None:
        """Replace a subscription by what `change` makes of it; NotFound."""

        def work(connection: sa.Connection) -> None:
            found = _subscription(connection, subscription_arn)
            self._replace(connection, found.name, change(_read(found, Subscription)))

        await self._database.write(work)

    async def unsubscribe(self, subscription_arn: str, *, authenticated: bool) -> None:
        """Remove a subscription; one that is not there is no error.

        AuthorizationError for a guarded one when the caller is not `authenticated`.
        """

        def work(connection: sa.Connection) -> None:
            found = resources.get_by_arn(connection, subscription_arn)
            if found is None or (found.service, found.type) != (_SERVICE, _SUBSCRIPTION):
                return
            if _read(found, Subscription).guarded and not authenticated:
                raise refusals.guarded()
            resources.delete(connection, _SERVICE, _SUBSCRIPTION, found.name)

        await self._database.write(work)

    def _replace(self, connection: sa.Connection, name: str, value: Subscription) -> None:
        document = msgspec.to_builtins(value)
        resources.update(
            connection, _SERVICE, _SUBSCRIPTION, name, now=self._clock(), document=document
        )

    def _insert(
        self, connection: sa.Connection, type: str, name: str, own_arn: str, value: T, tags: Tags
    ) -> None:
        now = self._clock()
        document = msgspec.to_builtins(value)
        new = Resource(_SERVICE, type, name, own_arn, document, tags, now, now)
        resources.insert(connection, new)


def _read(resource: Resource, kind: type[T]) -> T:
    return msgspec.convert(dict(resource.document), kind)


def _ask(
    connection: sa.Connection, topic: Topic, subscription: Subscription, now: datetime
) -> None:
    """Have the endpoint asked whether it wants to be subscribed."""
    message = Message(
        new_uuid(),
        "SubscriptionConfirmation",
        topic.arn,
        {"default": confirmation_text(topic.arn)},
        timestamp(now),
        token=subscription.token,
        signature_version=topic.signature_version,
        display_name=topic.display_name,
    )
    document = msgspec.to_builtins(message)
    sns_deliveries.insert(connection, message.id, document, [subscription.arn], now)


def _topic(connection: sa.Connection, topic_arn: str) -> Resource:
    found = resources.get_by_arn(connection, topic_arn)
    if found is None or (found.service, found.type) != (_SERVICE, _TOPIC):
        raise refusals.no_topic()
    return found


def _subscription(connection: sa.Connection, subscription_arn: str) -> Resource:
    found = resources.get_by_arn(connection, subscription_arn)
    if found is None or (found.service, found.type) != (_SERVICE, _SUBSCRIPTION):
        raise refusals.no_subscription()
    return found


def _subscriptions(connection: sa.Connection, topic_arn: str) -> list[Resource]:
    """Return the topic's subscriptions, whose names begin with the topic's."""
    prefix = f"{topic_arn.rpartition(':')[2]}:"
    return resources.scan(connection, _SERVICE, _SUBSCRIPTION, prefix=prefix)
