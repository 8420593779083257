"""Simple Notification Service: topics, subscriptions, and messages that arrive."""

from penstock.services.sns.sns import Sns, accept

__all__ = ["Sns", "accept"]
