"""What signals to a wait condition's handle come to."""

import json
from typing import Any

import pytest

from penstock.stacks.responses.wait_condition import UNPARSABLE, Waited, evaluate_signals


def word(unique_id: Any, data: Any = "d", **more: Any) -> str:
    return json.dumps(
        {"Status": "SUCCESS", "UniqueId": unique_id, "Data": data, "Reason": "r", **more}
    )


def test_signals() -> None:
    assert evaluate_signals([]) == Waited(0, "{}")
    assert evaluate_signals([word("a", "é"), word(2, [1])]) == Waited(2, '{"a":"é","2":"[1]"}')
    assert evaluate_signals([word("a", "first"), word("a", "second")]) == Waited(1, '{"a":"first"}')


@pytest.mark.parametrize(
    "body", [None, "", "x", "[]", '"text"', word(""), word("a", Status="FAILED"), "{" * 4000]
)
def test_what_is_no_signal(body: str | None) -> None:
    assert evaluate_signals([word("a"), body]) == UNPARSABLE


def test_a_failure() -> None:
    found = evaluate_signals([word("a"), word("b", Status="FAILURE", Reason="no disk")])
    assert found == "WaitCondition received failed message: 'no disk' for uniqueId: b"
