"""What a hostile client sends: refused before it costs anything, never a bug of ours."""

import base64
import hashlib
import http.client
import logging
import time
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import botocore.auth
import pytest
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from tests.aws_server import ROOT_KEY

from penstock.aws.payload import LARGEST_FORM_BYTES, largest_document
from penstock.aws.service import Call, Request, Response, Service

JSON = "application/x-amz-json-1.1"
FORM = "application/x-www-form-urlencoded"


async def _echo(call: Call, request: Request) -> Response:
    return {}


async def _get_object(call: Call, request: Request) -> Response:
    async def blocks() -> AsyncIterator[bytes]:
        yield b"content"

    shown = request.get("ResponseContentType", "text/plain")
    return {"Body": blocks(), "ContentLength": 7, "ContentType": shown}


SERVICES = [
    Service("codepipeline", {"ListPipelines": _echo}),
    Service("iam", {"CreateRole": _echo}),
    Service("ecr", {"DescribeRepositories": _echo}),
    Service("s3", {"GetObject": _get_object, "DeleteObjects": _echo}),
]


class Sender:
    """Sends signed bytes as no SDK would, and reads the answer as it comes."""

    def __init__(self, server: Any) -> None:
        self.host = server.url.removeprefix("http://")

    def signed(
        self, service: str, body: bytes = b"", path: str = "/", method: str = "POST", **headers: str
    ) -> tuple[int, http.client.HTTPMessage, bytes]:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        request = AWSRequest(method, f"http://{self.host}{path}", data=body, headers=sent)
        signer = botocore.auth.S3SigV4Auth if service == "s3" else botocore.auth.SigV4Auth
        credentials = Credentials(ROOT_KEY.access_key_id, ROOT_KEY.secret_access_key)
        signer(credentials, service, "us-east-1").add_auth(request)
        return self.plain(method, path, body, dict(request.headers))

    def plain(
        self, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None
    ) -> tuple[int, http.client.HTTPMessage, bytes]:
        connection = http.client.HTTPConnection(self.host, timeout=20)
        try:
            connection.request(method, path, body, headers or {})
            response = connection.getresponse()
            return response.status, response.msg, response.read()
        finally:
            connection.close()


@pytest.fixture
def sender(aws_server: Callable[..., Any], caplog: pytest.LogCaptureFixture) -> Iterator[Sender]:
    with caplog.at_level(logging.ERROR):
        yield Sender(aws_server(SERVICES))
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


def test_a_strangers_document_is_not_read(sender: Sender) -> None:
    """Locks: up to 20 MiB of anybody's body was held before its caller was asked for."""
    connection = http.client.HTTPConnection(sender.host, timeout=20)
    connection.putrequest("POST", "/")
    connection.putheader("X-Amz-Target", "CodePipeline_20150709.ListPipelines")
    connection.putheader("Content-Type", JSON)
    connection.putheader("Content-Length", str(10 * 1024 * 1024))
    connection.endheaders()  # and no body: who reads it first would wait for ever
    response = connection.getresponse()
    assert response.status == 400
    assert b"MissingAuthenticationTokenException" in response.read()
    connection.close()


def test_documents_have_a_largest_size(sender: Sender) -> None:
    body = b" " * (largest_document("codepipeline", "ListPipelines") + 1)
    target = "CodePipeline_20150709.ListPipelines"
    status, _, answer = sender.signed("codepipeline", body, Content_Type=JSON, X_Amz_Target=target)
    assert (status, b"RequestEntityTooLargeException" in answer) == (413, True)


def test_a_form_has_a_smaller_one(sender: Sender) -> None:
    body = b"a=1&" * (LARGEST_FORM_BYTES // 4 + 1)
    status, _, answer = sender.signed("iam", body, Content_Type=FORM)
    assert (status, b"RequestEntityTooLarge" in answer) == (413, True)


def test_a_form_has_few_fields(sender: Sender) -> None:
    """Locks: each cost microseconds of everybody's time, for whoever sent it."""
    status, _, answer = sender.signed("iam", b"%41=%42&" * 10_000, Content_Type=FORM)
    assert (status, b"too many fields" in answer) == (400, True)


def test_an_xml_document_has_few_elements(sender: Sender) -> None:
    body = b"<Delete>" + b"<a/>" * 300_000 + b"</Delete>"
    digest = base64.b64encode(hashlib.md5(body).digest()).decode()
    status, _, answer = sender.signed("s3", body, "/bucket?delete", Content_MD5=digest)
    assert (status, b"<Code>MalformedXML</Code>" in answer) == (400, True)


def test_a_json_document_has_few_values(sender: Sender) -> None:
    body = b'{"a":[' + b"[]," * 300_000 + b"1]}"
    target = "CodePipeline_20150709.ListPipelines"
    status, _, answer = sender.signed("codepipeline", body, Content_Type=JSON, X_Amz_Target=target)
    assert (status, b"too many values" in answer) == (400, True)


def test_deep_json_is_no_document(sender: Sender) -> None:
    body = b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    target = "CodePipeline_20150709.ListPipelines"
    status, _, answer = sender.signed("codepipeline", body, Content_Type=JSON, X_Amz_Target=target)
    assert (status, b"SerializationException" in answer) == (400, True)


@pytest.mark.parametrize("name", ["a" + ".a" * 100_000, "Tags.member." + "9" * 5000 + ".Key"])
def test_names_of_a_form_that_no_shape_has_are_unknown(sender: Sender, name: str) -> None:
    known = "Action=CreateRole&Version=2010-05-08&RoleName=r&AssumeRolePolicyDocument=x"
    status, _, _ = sender.signed("iam", f"{known}&{name}=1".encode(), Content_Type=FORM)
    assert status == 200


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_document_type_is_refused_in_any_encoding(sender: Sender, encoding: str) -> None:
    """Locks: only the ASCII bytes of `<!DOCTYPE` were looked for."""
    body = (
        f'<?xml version="1.0" encoding="{encoding}"?><!DOCTYPE a [<!ENTITY x "xxxx">]>'
        "<Delete><Object><Key>&x;</Key></Object></Delete>"
    ).encode(encoding)
    digest = base64.b64encode(hashlib.md5(body).digest()).decode()
    status, _, answer = sender.signed("s3", body, "/bucket?delete", Content_MD5=digest)
    assert (status, b"<Code>MalformedXML</Code>" in answer) == (400, True)


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/b/k?AWSAccessKeyId=a&Signature=b&Expires=" + "9" * 5000, "AccessDenied"),
        ("/b/k?AWSAccessKeyId=a&Signature=b&Expires=99999999999999", "InvalidAccessKeyId"),
        ("/b/k?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=a/b/c/s3/aws4_request"
         "&X-Amz-Signature=x&X-Amz-SignedHeaders=host&X-Amz-Date=20150101T000000Z&X-Amz-Expires="
         + "9" * 5000, "AuthorizationQueryParametersError"),
    ],
)  # fmt: skip
def test_numbers_of_a_presigned_url_are_read_with_care(
    sender: Sender, path: str, code: str
) -> None:
    status, _, answer = sender.plain("GET", path)
    assert status in (400, 403)
    assert f"<Code>{code}</Code>".encode() in answer


def test_a_header_of_the_callers_choice_ends_no_header(sender: Sender) -> None:
    status, headers, body = sender.signed(
        "s3", path="/b/k?response-content-type=text%2Fplain%0D%0AX-Evil%3A%20yes", method="GET"
    )
    assert (status, body) == (200, b"content")
    assert headers["Content-Type"] == "text/plain  X-Evil: yes"
    assert "X-Evil" not in headers
    path = "/b/k?response-content-type=%E2%82%AC"
    status, headers, _ = sender.signed("s3", path=path, method="GET")
    assert (status, headers["Content-Type"].encode("latin-1").decode()) == (200, "€")


def test_patterns_of_operations_that_are_not_here_are_not_matched(sender: Sender) -> None:
    """Locks: ECR's model has a pattern that takes for ever, and the whole server with it."""
    value = "a" * 60 + "!"
    body = (
        '{"rules":[{"scanFrequency":"MANUAL","repositoryFilters":'
        f'[{{"filter":"{value}","filterType":"WILDCARD"}}]}}]}}'
    ).encode()
    target = "AmazonEC2ContainerRegistry_V20150921.PutRegistryScanningConfiguration"
    started = time.monotonic()
    status, _, answer = sender.signed("ecr", body, Content_Type=JSON, X_Amz_Target=target)
    assert (status, b"NotImplemented" in answer) == (400, True)
    assert time.monotonic() - started < 5
