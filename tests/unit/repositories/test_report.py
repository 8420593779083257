"""What of a receive-pack answer may leave before the push is recorded."""

import pytest

from penstock.repositories.report import ReportHoldback

PROGRESS = b"001b\x02Resolving deltas: 50%\n"
REPORT = b"0030\x01000eunpack ok\n0019ok refs/heads/main\n0000"
KEEPALIVE = b"0005\x01"


@pytest.mark.parametrize("size", [1, 3, 7, 1000])
def test_progress_passes_and_the_report_and_all_after_it_waits(size: int) -> None:
    answer = PROGRESS + KEEPALIVE + PROGRESS + REPORT + PROGRESS + b"0000"
    holdback = ReportHoldback()
    sent = b"".join(holdback.feed(answer[i : i + size]) for i in range(0, len(answer), size))
    assert sent == PROGRESS + KEEPALIVE + PROGRESS
    assert sent + holdback.rest() == answer


@pytest.mark.parametrize("answer", [b"000eunpack ok\n0000", b"0000", b"fatal: no", b""])
def test_an_answer_without_bands_waits_whole(answer: bytes) -> None:
    holdback = ReportHoldback()
    assert holdback.feed(answer) == b""
    assert holdback.rest() == answer
