"""Simple Notification Service: topics and subscriptions are kept; nothing is delivered yet."""

from penstock.services.sns.sns import Sns

__all__ = ["Sns"]
