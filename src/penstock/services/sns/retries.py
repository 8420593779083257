"""When a delivery that failed is tried again: a pure function with AWS's own policies.

Source: https://docs.aws.amazon.com/sns/latest/dg/sns-message-delivery-retries.html
"""

from collections.abc import Callable

RetryDelay = Callable[[str, int], float | None]
"""A protocol and the attempts made so far -> seconds until the next, None for the end."""

_HTTP_RETRIES = 3
_HTTP_SECONDS = 20.0
_MAIL_EARLY = 2
_MAIL_RISING = 10
_MAIL_LATE = 37
_MAIL_LEAST_SECONDS, _MAIL_MOST_SECONDS = 10.0, 600.0


def retry_delay(protocol: str, attempts: int) -> float | None:
    """Return how long to wait after `attempts` failed ones; None when they were the last.

    HTTP: three retries 20 seconds apart, the default policy of a topic. Mail: 50 attempts within
    seven hours: two retries 10 seconds apart, ten that rise to 600 seconds, the rest 600 apart.
    """
    if protocol in {"http", "https"}:
        return _HTTP_SECONDS if attempts <= _HTTP_RETRIES else None
    if attempts <= _MAIL_EARLY:
        return _MAIL_LEAST_SECONDS
    rising = attempts - _MAIL_EARLY
    if rising <= _MAIL_RISING:
        factor = (_MAIL_MOST_SECONDS / _MAIL_LEAST_SECONDS) ** (rising / _MAIL_RISING)
        return float(_MAIL_LEAST_SECONDS * factor)
    return _MAIL_MOST_SECONDS if rising - _MAIL_RISING <= _MAIL_LATE else None
