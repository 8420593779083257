"""Simple Notification Service: topics, subscriptions, and messages that arrive."""

from penstock.services.sns.sns import Sns

__all__ = ["Sns"]
