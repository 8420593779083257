"""The account's topics and subscriptions, each change in one unit of work."""

from collections.abc import Callable, Mapping
from typing import TypeVar

import msgspec
import sqlalchemy as sa

from penstock.arns import arn
from penstock.clock import Clock
from penstock.ids import new_token, new_uuid
from penstock.services.sns import refusals
from penstock.services.sns.subscription import Subscription, needs_confirmation
from penstock.services.sns.topic import Topic
from penstock.storage import resources
from penstock.storage.database import Database
from penstock.storage.resources import Resource

_SERVICE, _TOPIC, _SUBSCRIPTION = "sns", "topic", "subscription"
T = TypeVar("T", Topic, Subscription)
Tags = Mapping[str, str]


class Sns:
    """Topics and subscriptions of one account in one Region."""

    def __init__(self, database: Database, clock: Clock, account_id: str, region: str) -> None:
        self._database = database
        self._clock = clock
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

    async def subscribe(
        self,
        topic_arn: str,
        protocol: str,
        endpoint: str,
        attributes: Mapping[str, str],
        principal: str,
    ) -> tuple[Subscription, bool]:
        """Return the topic's subscription to that endpoint, and whether it is new; NotFound."""
        name = f"{topic_arn.rpartition(':')[2]}:{new_uuid()}"
        subscription = Subscription(
            arn(_SERVICE, self.region, self.account_id, name),
            topic_arn,
            protocol,
            endpoint,
            self.account_id,
            principal,
            dict(attributes),
            token=new_token() if needs_confirmation(protocol) else None,
        )

        def work(connection: sa.Connection) -> tuple[Subscription, bool]:
            _topic(connection, topic_arn)
            for one in _subscriptions(connection, topic_arn):
                found = _read(one, Subscription)
                if found.is_of(topic_arn, protocol, endpoint):
                    return found, False
            self._insert(connection, _SUBSCRIPTION, name, subscription.arn, subscription, {})
            return subscription, True

        return await self._database.write(work)

    async def confirm(self, topic_arn: str, token: str) -> Subscription:
        """Confirm the topic's subscription that has the token; InvalidParameter, NotFound.

        Confirming again with the token of a confirmed one is an error, for it is forgotten.
        """
        now = self._clock()

        def work(connection: sa.Connection) -> Subscription:
            _topic(connection, topic_arn)
            for one in _subscriptions(connection, topic_arn):
                found = _read(one, Subscription)
                if found.token == token:
                    confirmed = msgspec.structs.replace(found, token=None)
                    document = msgspec.to_builtins(confirmed)
                    resources.update(
                        connection, _SERVICE, _SUBSCRIPTION, one.name, now=now, document=document
                    )
                    return confirmed
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
        now = self._clock()

        def work(connection: sa.Connection) -> None:
            found = _subscription(connection, subscription_arn)
            document = msgspec.to_builtins(change(_read(found, Subscription)))
            resources.update(
                connection, _SERVICE, _SUBSCRIPTION, found.name, now=now, document=document
            )

        await self._database.write(work)

    async def unsubscribe(self, subscription_arn: str) -> None:
        """Remove a subscription; one that is not there is no error."""
        name = subscription_arn.split(":", 5)[-1]
        await self._database.write(lambda c: resources.delete(c, _SERVICE, _SUBSCRIPTION, name))

    def _insert(
        self, connection: sa.Connection, type: str, name: str, own_arn: str, value: T, tags: Tags
    ) -> None:
        now = self._clock()
        document = msgspec.to_builtins(value)
        new = Resource(_SERVICE, type, name, own_arn, document, tags, now, now)
        resources.insert(connection, new)


def _read(resource: Resource, kind: type[T]) -> T:
    return msgspec.convert(dict(resource.document), kind)


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
