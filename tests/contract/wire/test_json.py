"""The JSON protocol over HTTP: a real client, a real server, and every way to be refused."""

import dataclasses
import json
import logging
import urllib.error
import urllib.request
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from tests.aws_server import ROOT_KEY

from penstock.aws.errors import ServiceError
from penstock.aws.service import Call, Request, Response, Service
from penstock.errors import EngineError

ARN = "arn:aws:iam::123456789012:role/pipeline"
CREATED = datetime(2026, 11, 23, 1, 2, 3, 456_000, tzinfo=UTC)


async def _get_pipeline(call: Call, request: Request) -> Response:
    name = request["name"]
    if name == "absent":
        raise ServiceError("PipelineNotFoundException", "Account has no pipeline named absent")
    if name == "broken":
        raise RuntimeError("a bug")
    if name == "engine":
        raise EngineError("the container engine does not answer", retryable=True)
    if name == "misfit":
        return {"pipeline": {"name": "x", "noSuchMember": 1}}
    return {
        "pipeline": {"name": name, "roleArn": ARN, "stages": [], "version": 3},
        "metadata": {"pipelineArn": call.principal.arn, "created": CREATED},
    }


SERVICES = [Service("codepipeline", {"GetPipeline": _get_pipeline})]


@pytest.fixture
def server(aws_server: Callable[..., Any]) -> Any:
    return aws_server(SERVICES)


def refusal(operation: Callable[..., Any], **parameters: Any) -> tuple[str, int, str]:
    with pytest.raises(ClientError) as raised:
        operation(**parameters)
    response: Any = raised.value.response
    status = response["ResponseMetadata"]["HTTPStatusCode"]
    assert response["ResponseMetadata"]["RetryAttempts"] == 0
    return response["Error"]["Code"], status, response["Error"]["Message"]


def post(server: Any, body: bytes, **headers: str) -> tuple[int, dict[str, Any], dict[str, str]]:
    """Send bytes as they are, unsigned: for servers that take any credentials."""
    sent = {"Content-Type": "application/x-amz-json-1.1"}
    sent |= {name.replace("_", "-"): value for name, value in headers.items()}
    request = urllib.request.Request(server.url, body, sent)
    try:
        with urllib.request.urlopen(request) as response:
            return response.status, json.loads(response.read()), dict(response.headers)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.loads(error.read()), dict(error.headers)


def test_an_operation_answers(server: Any) -> None:
    response = server.client("codepipeline").get_pipeline(name="release")
    assert response["pipeline"] == {"name": "release", "roleArn": ARN, "stages": [], "version": 3}
    assert response["metadata"]["pipelineArn"] == "arn:aws:iam::123456789012:root"
    assert response["metadata"]["created"] == CREATED
    assert response["ResponseMetadata"]["RequestId"]


def test_another_caller_is_denied_by_name(server: Any) -> None:
    client = server.client("codepipeline", server.user("reader"))
    code, status, message = refusal(client.get_pipeline, name="release")
    assert (code, status) == ("AccessDeniedException", 400)
    assert message.startswith(
        "User: arn:aws:iam::123456789012:user/reader is not authorized to perform: "
        "codepipeline:GetPipeline on resource: arn:aws:codepipeline:us-east-1:123456789012:release"
    )


def test_a_modelled_error_is_the_clients_exception(server: Any) -> None:
    client = server.client("codepipeline")
    with pytest.raises(client.exceptions.PipelineNotFoundException) as raised:
        client.get_pipeline(name="absent")
    assert raised.value.response["Error"]["Message"] == "Account has no pipeline named absent"


def test_constraints_are_checked_before_the_operation(server: Any) -> None:
    client = server.client("codepipeline", config=Config(parameter_validation=False))
    code, status, message = refusal(client.get_pipeline, name="a b")
    assert (code, status) == ("ValidationException", 400)
    assert "Value at 'name' failed to satisfy constraint" in message
    assert "Value null at 'name'" in refusal(client.get_pipeline)[2]


def test_a_bug_is_an_internal_failure_with_its_request_id(
    server: Any, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        code, status, message = refusal(server.client("codepipeline").get_pipeline, name="broken")
    assert (code, status) == ("InternalFailure", 500)
    assert "a bug" not in message
    request_id = message.split("request ")[1].split()[0]
    assert any(request_id in record.getMessage() for record in caplog.records)


def test_an_answer_that_the_model_lacks_is_a_bug(server: Any) -> None:
    client = server.client("codepipeline")
    assert refusal(client.get_pipeline, name="misfit")[0] == "InternalFailure"


def test_trouble_of_the_environment_is_unavailable(server: Any) -> None:
    code, status, message = refusal(server.client("codepipeline").get_pipeline, name="engine")
    assert (code, status) == ("ServiceUnavailableException", 503)
    assert message == "the container engine does not answer"


def test_what_is_not_implemented_says_what_is(server: Any) -> None:
    code, status, message = refusal(server.client("codepipeline").list_webhooks)
    assert (code, status) == ("NotImplemented", 400)
    assert message == (
        "Penstock does not implement codepipeline ListWebhooks. "
        "Of codepipeline it implements: GetPipeline."
    )
    code, status, message = refusal(server.client("dynamodb").list_tables)
    assert (code, status) == ("NotImplemented", 400)
    assert message == ("Penstock does not serve the service 'dynamodb'. It serves: codepipeline.")
    assert refusal(server.client("sqs").list_queues)[0] == "NotImplemented"
    assert refusal(server.client("sns").list_topics)[0] == "NotImplemented"
    assert refusal(server.client("lambda").list_functions)[0] == "NotImplemented"
    assert refusal(server.client("s3").list_buckets)[0] == "NotImplemented"


def test_wrong_keys(server: Any) -> None:
    def attempt(**changes: Any) -> tuple[str, int, str]:
        key = dataclasses.replace(ROOT_KEY, **changes)
        return refusal(server.client("codepipeline", key).get_pipeline, name="release")

    code, status, message = attempt(secret_access_key="wrong")
    assert (code, status) == ("InvalidSignatureException", 400)
    assert message.startswith("The request signature we calculated does not match the signature")
    assert attempt(access_key_id="AKIANOBODYNOBODYNOBO") == (
        "UnrecognizedClientException", 400, "The security token included in the request is invalid."
    )  # fmt: skip
    assert attempt(session_token="made up")[0] == "UnrecognizedClientException"


def test_unsigned_and_half_signed(server: Any) -> None:
    target = "CodePipeline_20150709.GetPipeline"
    status, document, headers = post(server, b'{"name": "release"}', X_Amz_Target=target)
    assert (status, document["__type"]) == (400, "MissingAuthenticationTokenException")
    assert headers["x-amzn-requestid"]
    header = "AWS4-HMAC-SHA256 Credential=a/20261123/us-east-1/codepipeline/aws4_request"
    status, document, _ = post(server, b"{}", X_Amz_Target=target, Authorization=header)
    assert (status, document["__type"]) == (400, "IncompleteSignatureException")
    assert "requires 'Signature' parameter" in document["message"]


def test_an_old_date_is_expired(server: Any) -> None:
    server.now = datetime.now(UTC) + timedelta(minutes=20)
    code, status, message = refusal(server.client("codepipeline").get_pipeline, name="release")
    assert (code, status) == ("InvalidSignatureException", 400)
    assert message.startswith("Signature expired: ")
    assert message.endswith(" - 15 min.)")


def test_another_region_is_refused(server: Any) -> None:
    client = server.client("codepipeline", region_name="eu-west-1")
    assert refusal(client.get_pipeline, name="release") == (
        "InvalidSignatureException", 400,
        "Credential should be scoped to a valid region, not 'eu-west-1'. ",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("body", "message"),
    [
        # Texts as sent by live services (Athena, JSON 1.1, 2026).
        (b'{"name": 1}', "NUMBER_VALUE can not be converted to a String"),
        (b'{"name": true}', "TRUE_VALUE can not be converted to a String"),
        (b'{"name": "a", "version": "1"}', "STRING_VALUE can not be converted to an Integer"),
        (b'{"name": ["a"]}', "Start of list found where not expected"),
        (b'{"name": {"a": 1}}', "Start of structure or map found where not expected."),
        (b"[]", "Start of list found where not expected"),
        (b"{", None),
        (b"", None),
        (b"null", None),
    ],
)
def test_wrong_json_is_a_serialization_exception(
    aws_server: Callable[..., Any], body: bytes, message: str | None
) -> None:
    server = aws_server(SERVICES, authenticate=False)
    target = "CodePipeline_20150709.GetPipeline"
    status, document, _ = post(server, body, X_Amz_Target=target)
    assert (status, document["__type"]) == (400, "SerializationException")
    assert document.get("message") == message


def test_no_auth_lets_anybody_act_as_root(aws_server: Callable[..., Any]) -> None:
    server = aws_server(SERVICES, authenticate=False)
    key = dataclasses.replace(ROOT_KEY, access_key_id="test", secret_access_key="test")
    response = server.client("codepipeline", key).get_pipeline(name="release")
    assert response["metadata"]["pipelineArn"] == "arn:aws:iam::123456789012:root"
    target = "CodePipeline_20150709.GetPipeline"
    status, document, headers = post(server, b'{"name": "x", "unknown": 1}', X_Amz_Target=target)
    assert status == 200
    assert document["pipeline"]["name"] == "x"
    assert headers["content-type"] == "application/x-amz-json-1.1"
    status, document, _ = post(server, b"{}", X_Amz_Target="CodePipeline_20150709.NoSuchThing")
    assert (status, document["__type"]) == (400, "UnknownOperationException")


def test_an_operation_that_aws_lacks_is_refused_at_start(aws_server: Callable[..., Any]) -> None:
    with pytest.raises(ValueError, match="NoSuchThing"):
        aws_server([Service("codepipeline", {"NoSuchThing": _get_pipeline})])
