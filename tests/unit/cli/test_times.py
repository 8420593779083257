from datetime import UTC, datetime, timedelta

import pytest

from penstock.cli.times import ago, clock_time, took

NOW = datetime(2026, 1, 2, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (59.4, "59 s"), (125, "2 min 5 s"), (4200, "1 h 10 min"), (-3, "0 s")],
)
def test_took(seconds, words):
    assert took(NOW, NOW + timedelta(seconds=seconds)) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(5, "5 s ago"), (60, "1 min ago"), (7300, "2 h ago"), (90_000, "1 d ago")],
)
def test_ago(seconds, words):
    assert ago(NOW - timedelta(seconds=seconds), NOW) == words


def test_unknown_times_are_blank():
    assert took(None, NOW) == took(NOW, None) == clock_time(None) == ""
