"""The three formats of timestamps."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from penstock.aws.protocols.timestamps import format_timestamp, parse_timestamp

MOMENT = datetime(2026, 11, 23, 1, 2, 3, 456_789, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "format"),
    [
        ("2026-11-23T01:02:03Z", "iso8601"),
        ("2026-11-23T02:02:03+01:00", "iso8601"),
        ("2026-11-23T01:02:03", "iso8601"),
        (1795395723, "iso8601"),
        ("1795395723", "unixTimestamp"),
        (1795395723.0, "unixTimestamp"),
        ("2026-11-23T01:02:03Z", "unixTimestamp"),
        ("Mon, 23 Nov 2026 01:02:03 GMT", "rfc822"),
        ("Mon, 23 Nov 2026 03:02:03 +0200", "rfc822"),
    ],
)
def test_every_form_is_the_same_moment(text: str | float, format: str) -> None:
    assert parse_timestamp(text, format) == MOMENT.replace(microsecond=0)


@pytest.mark.parametrize("value", ["yesterday", "", True, None, [], "2026-13-01"])
def test_anything_else_is_refused(value: object) -> None:
    with pytest.raises(ValueError):
        parse_timestamp(value, "iso8601")


def test_what_is_written() -> None:
    assert format_timestamp(MOMENT, "iso8601") == "2026-11-23T01:02:03.456Z"
    assert format_timestamp(MOMENT.replace(microsecond=0), "iso8601") == "2026-11-23T01:02:03Z"
    assert format_timestamp(MOMENT, "rfc822") == "Mon, 23 Nov 2026 01:02:03 GMT"
    assert format_timestamp(MOMENT, "unixTimestamp") == 1795395723.456
    assert format_timestamp(MOMENT.replace(microsecond=0), "unixTimestamp") == 1795395723
    east = MOMENT.astimezone(timezone(timedelta(hours=9)))
    assert format_timestamp(east, "iso8601") == "2026-11-23T01:02:03.456Z"
