"""What a function is given, looked at before it is run."""

import json
import time

import pytest

from penstock.aws.errors import ServiceError
from penstock.workloads.functions.api.invoking import checked_payload


def test_a_large_payload_is_looked_at_quickly() -> None:
    """Six megabytes of small values kept everybody waiting for most of a second."""
    payload = b'[{"a":{}}' + b',{"a":{}}' * 100_000 + b"]"
    started = time.process_time()
    assert checked_payload(payload, "RequestResponse") == payload
    checked = time.process_time()
    json.loads(payload)
    assert checked - started < (time.process_time() - checked) / 2


@pytest.mark.parametrize(
    "payload", [b"1", b' {"a": "\xe2\x82\xac"} ', b"null", b"[" * 500 + b"]" * 500]
)
def test_any_json_value_is_a_payload(payload: bytes) -> None:
    assert checked_payload(payload, "RequestResponse") == payload


@pytest.mark.parametrize("payload", [b"{} {}", b"\xff", b'{"a": "\xff"}', b"{'a': 1}", b" "])
def test_another_text_is_none(payload: bytes) -> None:
    with pytest.raises(ServiceError, match="Could not parse request body into json: "):
        checked_payload(payload, "RequestResponse")
