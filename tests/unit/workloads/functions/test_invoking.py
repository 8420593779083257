"""What a function is given, looked at before it is run."""

import tracemalloc

import pytest

from penstock.aws.errors import ServiceError
from penstock.workloads.functions.api.invoking import checked_payload


def test_a_large_payload_is_looked_at_without_making_its_values() -> None:
    """Six megabytes of small values kept everybody waiting for most of a second."""
    payload = b'[{"a":{}}' + b',{"a":{}}' * 100_000 + b"]"
    tracemalloc.start()
    try:
        assert checked_payload(payload, "RequestResponse") == payload
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 2 * len(payload)


@pytest.mark.parametrize(
    "payload", [b"1", b' {"a": "\xe2\x82\xac"} ', b"null", b"[" * 500 + b"]" * 500]
)
def test_any_json_value_is_a_payload(payload: bytes) -> None:
    assert checked_payload(payload, "RequestResponse") == payload


@pytest.mark.parametrize("payload", [b"{} {}", b"\xff", b'{"a": "\xff"}', b"{'a': 1}", b" "])
def test_another_text_is_none(payload: bytes) -> None:
    with pytest.raises(ServiceError, match="Could not parse request body into json: "):
        checked_payload(payload, "RequestResponse")
