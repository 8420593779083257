"""What one attempt to deliver a message came to, and who makes it."""

from dataclasses import dataclass
from typing import Protocol

from penstock.services.sns.message import Message
from penstock.services.sns.subscription import Subscription


@dataclass(frozen=True, slots=True)
class Delivered:
    """The receiver has it. `status` is its HTTP status or SMTP code, `response` its words."""

    status: int
    response: str


@dataclass(frozen=True, slots=True)
class Failed:
    """The receiver does not have it. Without `retry` it never will: asking again is useless."""

    reason: str
    retry: bool
    status: int | None = None


Attempt = Delivered | Failed


class Channel(Protocol):
    """Brings messages by one protocol. Trouble outside is a value; it raises for bugs alone."""

    async def deliver(self, message: Message, subscription: Subscription) -> Attempt: ...  # noqa: D102 - the class says it
