"""What goes out: escapes, root elements, errors, and answers that do not fit their model."""

from typing import Any
from xml.etree import ElementTree

import pytest

from penstock.aws.errors import ServiceError
from penstock.aws.failure import describe
from penstock.aws.http import HttpResponse
from penstock.aws.models import load
from penstock.aws.protocols import codec_of
from penstock.aws.protocols.json_values import decode_document, parse_value
from penstock.aws.protocols.shapes import ResponseDoesNotFit
from penstock.aws.protocols.xml_values import parse_document


def answer(service: str, operation: str, response: dict[str, Any]) -> HttpResponse:
    model = load(service)
    return codec_of(model).serialise(model, model.operation(operation), response, "request-id")


def failure(service: str, code: str, message: str = "why", **members: Any) -> HttpResponse:
    model = load(service)
    described = describe(model.protocol, model, ServiceError(code, message, **members))
    return codec_of(model).serialise_failure(model, described, "request-id")


def body(response: HttpResponse) -> bytes:
    assert isinstance(response.body, bytes)
    return response.body


def test_text_survives_xml_with_its_carriage_returns() -> None:
    written = answer("s3", "ListObjectsV2", {"Prefix": "a\r\n<&>]]>é", "Name": "b"})
    root = ElementTree.fromstring(body(written))
    assert root.tag == "{http://s3.amazonaws.com/doc/2006-03-01/}ListBucketResult"
    assert root[0].text == "a\r\n<&>]]>é"


def test_the_location_of_us_east_1_is_an_empty_root() -> None:
    written = answer("s3", "GetBucketLocation", {})
    assert body(written).endswith(
        b'<LocationConstraint xmlns="http://s3.amazonaws.com/doc/2006-03-01/"></LocationConstraint>'
    )


def test_a_query_answer_has_its_wrapper_and_request_id() -> None:
    written = body(answer("sts", "GetCallerIdentity", {"Account": "1"})).decode()
    assert "<GetCallerIdentityResult><Account>1</Account></GetCallerIdentityResult>" in written
    assert "<ResponseMetadata><RequestId>request-id</RequestId></ResponseMetadata>" in written


@pytest.mark.parametrize(
    ("service", "operation", "response"),
    [
        ("codepipeline", "GetPipeline", {"pipline": {}}),
        ("codepipeline", "GetPipeline", {"pipeline": {"name": 1}}),
        ("codepipeline", "GetPipeline", {"pipeline": {"version": "1"}}),
        ("codepipeline", "GetPipeline", {"pipeline": {"stages": "abc"}}),
        ("codepipeline", "GetPipeline", {"metadata": {"created": "now"}}),
        ("codepipeline", "GetPipeline", {"pipeline": None, "metadata": []}),
        ("ssm", "GetParameter", {"Parameter": {"Version": True}}),
        ("sts", "GetCallerIdentity", {"Acount": "1"}),
        ("sts", "GetCallerIdentity", {"Account": 1}),
        ("s3", "ListObjectsV2", {"Contents": {"Key": "k"}}),
        ("s3", "GetObject", {"Body": 7}),
        ("iam", "ListRoles", {"Roles": [{"MaxSessionDuration": "3600"}]}),
    ],
)
def test_an_answer_that_does_not_fit_names_its_place(
    service: str, operation: str, response: dict[str, Any]
) -> None:
    with pytest.raises(ResponseDoesNotFit, match=r"expected .*, found"):
        answer(service, operation, response)


def test_none_members_are_left_out() -> None:
    written = answer("codepipeline", "GetPipeline", {"pipeline": {"name": "p", "roleArn": None}})
    assert body(written) == b'{"pipeline":{"name":"p"}}'


def test_a_modelled_failure_takes_code_and_status_from_the_model() -> None:
    written = failure("iam", "EntityAlreadyExistsException")
    assert written.status == 409
    assert b"<Code>EntityAlreadyExists</Code><Message>why</Message>" in body(written)
    assert failure("iam", "EntityAlreadyExists").status == 409
    assert failure("codepipeline", "ConcurrentModificationException").status == 400
    assert failure("codepipeline", "ConflictException").status == 409


def test_shared_failures_have_each_protocols_name() -> None:
    assert b'"__type":"AccessDeniedException"' in body(failure("ssm", "AccessDenied"))
    assert b"<Code>AccessDenied</Code>" in body(failure("iam", "AccessDeniedException"))
    assert failure("iam", "AccessDeniedException").status == 403
    assert b"<Code>InternalError</Code>" in body(failure("s3", "InternalFailure"))
    assert b"<Type>Receiver</Type>" in body(failure("iam", "InternalFailure"))
    assert b"<Code>InvalidAccessKeyId</Code>" in body(failure("s3", "UnrecognizedClientException"))


def test_members_of_a_failure_are_written_by_its_shape() -> None:
    written = failure("codecommit", "ConcurrentReferenceUpdateException")
    assert body(written) == b'{"__type":"ConcurrentReferenceUpdateException","message":"why"}'
    written = failure("s3", "InvalidObjectState", StorageClass="GLACIER", Key="a&b")
    assert b"<StorageClass>GLACIER</StorageClass>" in body(written)
    assert b"<Key>a&amp;b</Key>" in body(written)


@pytest.mark.parametrize(
    "document", [b"", b"<a>", b"text", b'<!DOCTYPE x [<!ENTITY e "y">]><x>&e;</x>', b"\xff"]
)
def test_bad_xml_is_malformed(document: bytes) -> None:
    with pytest.raises(ServiceError) as raised:
        parse_document(document)
    assert raised.value.code == "MalformedXML"


def test_null_members_are_absent_and_unknown_ones_ignored() -> None:
    shape = load("codepipeline").operation("GetPipeline").input_shape
    document = decode_document(b'{"name": "p", "version": null, "other": {"a": [1]}}')
    assert parse_value(shape, document) == {"name": "p"}


def test_bad_base64_is_a_serialization_exception() -> None:
    shape = load("secretsmanager").operation("CreateSecret").input_shape
    with pytest.raises(ServiceError, match="can not be converted to a Blob"):
        parse_value(shape, {"Name": "n", "SecretBinary": "***"})
