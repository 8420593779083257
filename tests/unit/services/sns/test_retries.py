"""Expected: the policies of docs.aws.amazon.com/sns/latest/dg/sns-message-delivery-retries.html."""

from itertools import takewhile

import pytest

from penstock.services.sns.retries import retry_delay


def delays(protocol: str) -> list[float]:
    found = (retry_delay(protocol, attempts) for attempts in range(1, 100))
    return [delay for delay in takewhile(lambda one: one is not None, found) if delay is not None]


@pytest.mark.parametrize("protocol", ["http", "https"])
def test_http_is_tried_four_times(protocol: str) -> None:
    assert delays(protocol) == [20.0, 20.0, 20.0]


@pytest.mark.parametrize("protocol", ["email", "email-json"])
def test_mail_is_tried_fifty_times_within_seven_hours(protocol: str) -> None:
    found = delays(protocol)
    assert len(found) + 1 == 50
    assert found == sorted(found)
    assert (found[0], found[1], found[-1]) == (10.0, 10.0, 600.0)
    assert 6 * 3600 < sum(found) < 7 * 3600
