"""Timestamps in the three formats of AWS's protocols.

Source: https://smithy.io/2.0/spec/protocol-traits.html#timestampformat-trait
"""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from typing import Any

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def parse_timestamp(value: Any, format: str) -> datetime:
    """Return the moment that `value` names, aware, in UTC; raise ValueError for anything else.

    `format` is `unixTimestamp`, `iso8601` or `rfc822`. As AWS's services do, a number is
    taken for seconds since the epoch whatever the format.
    """
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _EPOCH + timedelta(seconds=value)
    if not isinstance(value, str):
        raise ValueError(f"expected a timestamp, found {value!r}")
    if format == "rfc822":
        parsed = parsedate_to_datetime(value)
    else:
        try:
            return _EPOCH + timedelta(seconds=float(value))
        except ValueError:
            parsed = datetime.fromisoformat(value)
    return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)


def format_timestamp(moment: datetime, format: str) -> str | int | float:
    """Write an aware `moment` in `format`, with milliseconds where the format has them."""
    moment = moment.astimezone(UTC)
    if format == "rfc822":
        return format_datetime(moment.replace(microsecond=0), usegmt=True)
    if format == "iso8601":
        milliseconds = moment.microsecond // 1000
        text = moment.strftime("%Y-%m-%dT%H:%M:%S")
        return f"{text}.{milliseconds:03}Z" if milliseconds else f"{text}Z"
    delta = moment - _EPOCH
    milliseconds = (delta.days * 86_400 + delta.seconds) * 1000 + delta.microseconds // 1000
    whole, rest = divmod(milliseconds, 1000)
    return whole if rest == 0 else milliseconds / 1000
