"""Invoke through boto3. Source: https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html"""

import base64
import json
import time

import pytest
from botocore.exceptions import ClientError
from tests.waiting import until

from penstock.workloads.functions.invocation import MOST_EVENT_BYTES, MOST_PAYLOAD_BYTES

from .conftest import LambdaServer, failed


def until_invoked(server: LambdaServer, count: int) -> None:
    invocations = server.runner.invocations
    until(lambda: len(invocations) >= count, seen=lambda: invocations)


def test_with_an_answer(server: LambdaServer) -> None:
    server.create(Environment={"Variables": {"STAGE": "dev"}})
    answer = server.client.invoke(
        FunctionName="worker", Payload=b'{"a": 1}', LogType="Tail",
        ClientContext=base64.b64encode(b"{}").decode(),
    )  # fmt: skip
    assert (answer["StatusCode"], answer["ExecutedVersion"]) == (200, "$LATEST")
    assert json.load(answer["Payload"]) == {"a": 1}
    assert base64.b64decode(answer["LogResult"]) == b"a line of the function\n"
    assert "FunctionError" not in answer
    [invocation] = server.runner.invocations
    assert invocation.environment == {"STAGE": "dev"}
    assert "[$LATEST]" in invocation.log_stream


def test_without_a_payload_it_gets_an_empty_event(server: LambdaServer) -> None:
    server.create()
    answer = server.client.invoke(FunctionName="worker")
    assert json.load(answer["Payload"]) == {}
    assert "LogResult" not in answer


def test_an_error_of_the_function_is_no_error_of_the_call(server: LambdaServer) -> None:
    server.create()
    server.runner.answer = failed
    answer = server.client.invoke(FunctionName="worker")
    assert (answer["StatusCode"], answer["FunctionError"]) == (200, "Unhandled")
    assert json.load(answer["Payload"]) == {"errorMessage": "boom"}


def test_a_dry_run_runs_nothing(server: LambdaServer) -> None:
    server.create()
    answer = server.client.invoke(FunctionName="worker", InvocationType="DryRun")
    assert answer["StatusCode"] == 204
    assert server.runner.invocations == []


def test_an_event_is_run_once_when_it_succeeds(server: LambdaServer) -> None:
    server.create()
    answer = server.client.invoke(
        FunctionName="worker", InvocationType="Event", Payload=b'{"later": true}'
    )
    assert answer["StatusCode"] == 202
    assert answer["Payload"].read() == b""
    until_invoked(server, 1)
    time.sleep(0.3)
    assert [each.payload for each in server.runner.invocations] == [b'{"later": true}']


def test_an_event_that_fails_is_run_twice_more_with_its_id(server: LambdaServer) -> None:
    server.create()
    server.runner.answer = failed
    server.client.invoke(FunctionName="worker", InvocationType="Event")
    until_invoked(server, 3)
    time.sleep(0.3)
    assert len(server.runner.invocations) == 3
    assert len({each.request_id for each in server.runner.invocations}) == 1


@pytest.mark.parametrize(
    ("kind", "most"),
    [("RequestResponse", MOST_PAYLOAD_BYTES), ("Event", MOST_EVENT_BYTES)],
)
def test_a_payload_may_be_so_large(server: LambdaServer, kind: str, most: int) -> None:
    server.create()
    largest = b'"' + b"x" * (most - 2) + b'"'
    server.client.invoke(FunctionName="worker", InvocationType=kind, Payload=largest)
    with pytest.raises(ClientError) as raised:
        server.client.invoke(FunctionName="worker", InvocationType=kind, Payload=largest + b" ")
    found = raised.value.response
    assert found["Error"]["Code"] == "RequestTooLargeException"
    assert found["ResponseMetadata"]["HTTPStatusCode"] == 413
    assert (
        f"too large for the {kind} invocation type (limit {most} bytes)"
        in (found["Error"]["Message"])
    )


@pytest.mark.parametrize("payload", [b"hello", b'"\xff"', b"{},{}", b"[NaN]", b"[" * 200_000])
def test_a_payload_must_be_json(server: LambdaServer, payload: bytes) -> None:
    """One that is too deep to be read was an InternalFailure."""
    server.create()
    with pytest.raises(ClientError) as raised:
        server.client.invoke(FunctionName="worker", Payload=payload)
    found = raised.value.response["Error"]
    assert found["Code"] == "InvalidRequestContentException"
    assert found["Message"].startswith("Could not parse request body into json: ")
