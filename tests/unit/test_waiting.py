import pytest
from tests.waiting import async_until, until


def test_the_first_true_answer() -> None:
    answers = iter([None, 0, "", "yes", "late"])
    assert until(lambda: next(answers)) == "yes"


def test_it_ends_in_vain() -> None:
    with pytest.raises(AssertionError, match=r"waited 0.02 seconds in vain; seen: \[\]"):
        until(list, 0.02)
    with pytest.raises(AssertionError, match="seen: 'nothing'"):
        until(lambda: False, 0.02, lambda: "nothing")


async def test_in_an_event_loop() -> None:
    answers = iter([None, 0, 5, None, 7])

    async def asked() -> int | None:
        return next(answers)

    assert await async_until(lambda: next(answers)) == 5
    assert await async_until(asked) == 7
    with pytest.raises(AssertionError, match="in vain; seen: 3"):
        await async_until(lambda: False, 0.02, lambda: 3)
