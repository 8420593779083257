"""The JSON protocol over HTTP: a real client, a real server, and every way to be refused."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from penstock.aws.service import Call, Request, Response, Service


async def _get_pipeline(call: Call, request: Request) -> Response:
    return {"pipeline": {"name": request["name"], "roleArn": call.principal.arn, "stages": []}}


SERVICES = [Service("codepipeline", {"GetPipeline": _get_pipeline})]


def _error(raised: Any) -> tuple[str, int]:
    response = raised.value.response
    return response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]


def test_an_operation_answers(aws_server: Any) -> None:
    client = aws_server(SERVICES).client("codepipeline")
    response = client.get_pipeline(name="release")
    assert response["pipeline"]["name"] == "release"
    assert response["pipeline"]["roleArn"] == "arn:aws:iam::123456789012:root"
    assert response["ResponseMetadata"]["RequestId"]


def test_another_caller_is_denied_by_name(aws_server: Any) -> None:
    server = aws_server(SERVICES)
    client = server.client("codepipeline", server.user("reader"))
    with pytest.raises(ClientError) as raised:
        client.get_pipeline(name="release")
    assert _error(raised) == ("AccessDeniedException", 400)
    assert raised.value.response["Error"]["Message"].startswith(
        "User: arn:aws:iam::123456789012:user/reader is not authorized to perform: "
        "codepipeline:GetPipeline on resource: arn:aws:codepipeline:us-east-1:123456789012:release"
    )
