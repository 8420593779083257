"""The requests to custom resources, and how their answers are read."""

import json
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from penstock.aws.principals import root
from penstock.stacks.handlers.handler import ResourceRequest
from penstock.stacks.responses.custom_resource import (
    Answered,
    Refused,
    problem,
    read_answer,
    request_document,
    service_of,
    timeout_seconds,
)

FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:maker"
REQUEST = ResourceRequest(
    stack_id="arn:stack", stack_name="app", region="us-east-1", account_id="123456789012",
    logical_resource_id="A", resource_type="Custom::Thing",
    properties={"ServiceToken": FUNCTION, "On": True, "N": [1, 2.5, {"Off": False}]},
    previous_properties={"ServiceToken": FUNCTION, "N": 0}, physical_resource_id="id",
    tags={}, previous_tags={}, client_request_token="request", resumed=False,
    principal=root("123456789012"), now=datetime(2026, 1, 1, tzinfo=UTC),
)  # fmt: skip
ANSWER = {
    "Status": "SUCCESS", "PhysicalResourceId": "id", "StackId": "arn:stack",
    "RequestId": "request", "LogicalResourceId": "A",
}  # fmt: skip


def read(**changes: Any) -> Answered | Refused:
    return read_answer(json.dumps({**ANSWER, **changes}), REQUEST)


def test_requests() -> None:
    common = {
        "ServiceToken": FUNCTION, "ResponseURL": "url", "StackId": "arn:stack",
        "RequestId": "request", "LogicalResourceId": "A", "ResourceType": "Custom::Thing",
        "ResourceProperties": {
            "ServiceToken": FUNCTION, "On": "true", "N": ["1", "2.5", {"Off": "false"}],
        },
    }  # fmt: skip
    new = msgspec.structs.replace(REQUEST, physical_resource_id=None)
    assert request_document("Create", new, "url") == {"RequestType": "Create", **common}
    named = {**common, "PhysicalResourceId": "id"}
    assert request_document("Delete", REQUEST, "url") == {"RequestType": "Delete", **named}
    old = {"ServiceToken": FUNCTION, "N": "0"}
    assert request_document("Update", REQUEST, "url") == {
        "RequestType": "Update", **named, "OldResourceProperties": old,
    }  # fmt: skip


def test_successes() -> None:
    assert read() == Answered("id", {}, False)
    assert read(Data=None, NoEcho=False) == Answered("id", {}, False)
    assert read(Data={"a": 1}, NoEcho="true", More=1) == Answered("id", {"a": 1}, True)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"Status": None}, "'None' is not a valid ResponseStatus"),
        ({"Status": "success"}, "'success' is not a valid ResponseStatus"),
        ({"StackId": "x"}, "StackId of the response does not match"),
        ({"RequestId": None}, "RequestId of the response does not match"),
        ({"PhysicalResourceId": None}, "Invalid PhysicalResourceId"),
        ({"PhysicalResourceId": 5}, "Invalid PhysicalResourceId"),
        ({"PhysicalResourceId": "x" * 1025}, "Invalid PhysicalResourceId"),
        ({"PhysicalResourceId": "a\x1b"}, "Invalid PhysicalResourceId"),
        ({"Data": "text"}, "Data must be an object"),
        ({"Status": "FAILED", "PhysicalResourceId": ""}, "Invalid PhysicalResourceId"),
        ({"Status": "FAILED"}, "Message returned:  (RequestId: request)"),
        ({"Status": "FAILED", "Reason": "a\x1bb\x00c\n"}, "Message returned: abc\n (RequestId"),
    ],
)
def test_failures(changes: dict[str, Any], reason: str) -> None:
    found = read(**changes)
    assert isinstance(found, Refused)
    assert reason in found.reason


@pytest.mark.parametrize("body", ["", "null", "[]", "5", '"x"', "{", "{'a': 1}", "[" * 4000])
def test_what_is_no_answer(body: str) -> None:
    assert isinstance(read_answer(body, REQUEST), Refused)


def test_services() -> None:
    assert service_of(FUNCTION) == service_of(f"{FUNCTION}:live") == "lambda"
    assert service_of("arn:aws:sns:us-east-1:123456789012:topic") == "sns"
    for other in ("", "maker", "arn:aws:sqs:us-east-1:123456789012:q", "arn:aws:lambda:::layer:x"):
        assert service_of(other) is None


@pytest.mark.parametrize(
    ("given", "seconds"), [({}, 3600), ({"ServiceTimeout": "1"}, 1), ({"ServiceTimeout": 60}, 60)]
)
def test_timeouts(given: dict[str, Any], seconds: int) -> None:
    assert problem({"ServiceToken": FUNCTION, **given}) is None
    assert timeout_seconds(given) == seconds


@pytest.mark.parametrize("value", [0, 3601, "-1", "1.5", "", True, "²", "1" * 50, [1]])
def test_timeouts_that_are_none(value: Any) -> None:
    found = problem({"ServiceToken": FUNCTION, "ServiceTimeout": value})
    assert found is not None
    assert "from 1 to 3600" in found
