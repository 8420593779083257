"""parse ∘ serialise, against botocore: its serialisers make requests that we parse, its
parsers read responses that we write. For every operation of the served models."""

import math
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.awsrequest import HeadersDict, create_request_object, prepare_request_dict
from botocore.parsers import create_parser
from botocore.serialize import create_serializer
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from penstock.aws.http import HttpRequest, decode_form, http_request
from penstock.aws.models import Model, load
from penstock.aws.payload import one_block
from penstock.aws.protocols import codec_of
from penstock.aws.routing import Router

SERVICES = [
    "codebuild", "codecommit", "codepipeline", "ecr", "iam", "logs", "s3", "secretsmanager", "ssm",
    "sts", "cloudformation", "lambda",
]  # fmt: skip
DEEPEST = 3
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
XML_TEXT = st.text(
    st.characters(
        exclude_categories=("Cs", "Cc", "Cn"),
        include_characters="\t\n<>&\"'",
        exclude_characters="\ufffe\uffff",
    ),
    min_size=1,
    max_size=8,
)
HEADER_TEXT = st.text(
    st.characters(min_codepoint=33, max_codepoint=126, exclude_characters=',"'),
    min_size=1,
    max_size=8,
)


def values(shape: Any, depth: int = 0, text: Any = XML_TEXT, seconds: bool = False) -> Any:
    """A strategy of values of `shape`: what botocore takes and gives."""
    kind = shape.type_name
    if kind == "structure":
        return members(shape, depth)
    if kind == "list":
        item = values(shape.member, depth + 1, text, seconds)
        return st.lists(item, min_size=1, max_size=3)
    if kind == "map":
        item = values(shape.value, depth + 1, text, seconds)
        return st.dictionaries(text, item, min_size=1, max_size=2)
    if kind == "timestamp":
        whole = seconds or shape.serialization.get("timestampFormat") == "rfc822"
        step = 1000 if whole else 1
        moments = st.integers(0, 4_000_000_000_000 // step)
        return moments.map(lambda n: EPOCH + timedelta(milliseconds=n * step))
    return {
        "string": text,
        "character": text,
        "boolean": st.booleans(),
        "integer": st.integers(-(2**31), 2**31 - 1),
        "long": st.integers(-(2**53), 2**53),
        "float": st.floats(width=32, allow_nan=False, allow_infinity=False),
        "double": st.floats(allow_nan=False, allow_infinity=False),
        "blob": st.binary(min_size=1, max_size=16),
    }[kind]


@st.composite
def members(draw: Any, shape: Any, depth: int = 0) -> dict[str, Any]:
    if shape.is_document_type:
        return {"free": "form"}
    value = {}
    chosen = shape.members
    if getattr(shape, "is_tagged_union", False):
        only = draw(st.sampled_from(sorted(shape.members)))
        chosen = {only: shape.members[only]}
    for name, member in chosen.items():
        required = name in shape.required_members or len(chosen) == 1
        if not required and (depth > DEEPEST or draw(st.integers(0, 3)) != 0):
            continue
        if depth > DEEPEST + 3:
            continue
        located = member.serialization.get("location")
        text = {"headers": HEADER_TEXT.map(str.lower), None: XML_TEXT}.get(located, HEADER_TEXT)
        value[name] = draw(values(member, depth + 1, text, seconds=located == "header"))
    return value


def expected(shape: Any, value: Any) -> Any:
    """What is left of `value` on the wire: empty structures may vanish."""
    kind = shape.type_name
    if kind == "structure" and not shape.is_document_type:
        kept = {name: expected(shape.members[name], item) for name, item in value.items()
                if name in shape.members}  # fmt: skip
        return {name: item for name, item in kept.items() if item not in ({}, [], None, "")}
    if kind == "list":
        return [item for item in (expected(shape.member, item) for item in value) if item != {}]
    if kind == "map":
        kept = {key: expected(shape.value, item) for key, item in value.items()}
        return {key: item for key, item in kept.items() if item not in ({}, [])}
    if kind in {"float", "double"}:
        return pytest.approx(value) if not math.isnan(value) else value
    return value


def usable(model: Model) -> list[str]:
    names = []
    for name in sorted(model.operation_names):
        operation = model.operation(name)
        streams = (
            operation.get_event_stream_input() is not None
            or operation.get_event_stream_output() is not None
        )
        if not (operation.deprecated or operation.endpoint or "Director" in name or streams):
            names.append(name)
    return names


def sent(model: Model, name: str, parameters: Mapping[str, Any]) -> tuple[HttpRequest, bytes]:
    """What botocore would put on the wire."""
    serializer = create_serializer(model.protocol, include_validation=False)
    request = serializer.serialize_to_request(dict(parameters), model.operation(name))
    prepare_request_dict(request, endpoint_url="http://localhost:4600")
    prepared = create_request_object(request).prepare()
    parts = urlsplit(prepared.url)
    body = prepared.body or b""
    data = (
        body if isinstance(body, bytes) else body.encode() if isinstance(body, str) else body.read()
    )
    headers = {
        key.lower(): value.decode() if isinstance(value, bytes) else str(value)
        for key, value in prepared.headers.items()
    }
    request = http_request(prepared.method, parts.path, parts.query, headers, one_block(data))
    return request, data


@pytest.mark.parametrize("service", SERVICES)
@settings(max_examples=40, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_we_parse_what_botocore_sends(service: str, data: Any) -> None:
    model = load(service)
    name = data.draw(st.sampled_from(usable(model)))
    shape = model.operation(name).input_shape
    parameters = data.draw(members(shape)) if shape is not None else {}
    request, body = sent(model, name, parameters)
    router = Router([model], {service: sorted(model.operation_names)})
    form = decode_form(body.decode("utf-8", "replace")) if model.protocol == "query" else {}
    target = router.target(model, request, form)
    assert target.operation == name
    parsed = codec_of(model).parse(model.operation(name), request, body, target.labels)
    if shape is None:
        assert parsed == {}
        return
    parsed.pop("ContentLength", None)
    parameters.pop("ContentLength", None)
    assert expected(shape, parsed) == expected(shape, parameters)


@pytest.mark.parametrize("service", SERVICES)
@settings(max_examples=40, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_botocore_parses_what_we_answer(service: str, data: Any) -> None:
    model = load(service)
    name = data.draw(st.sampled_from(usable(model)))
    operation = model.operation(name)
    shape = operation.output_shape
    assume(shape is not None and name != "GetBucketLocation")
    answer = data.draw(members(shape))
    for member_name, member in shape.members.items():
        if member.serialization.get("location") == "statusCode":
            answer[member_name] = data.draw(st.integers(200, 299))
    written = codec_of(model).serialise(model, operation, answer, "the-request-id")
    assert isinstance(written.body, bytes)
    read = create_parser(model.protocol).parse(
        {
            "status_code": written.status,
            "headers": HeadersDict(written.headers),
            "body": b"" if operation.has_streaming_output else written.body,
        },
        shape,
    )
    if operation.has_streaming_output:  # botocore leaves a stream to its client
        payload = shape.serialization["payload"]
        read.pop(payload, None)
        assert written.body == answer.pop(payload, b"")
    metadata = read.pop("ResponseMetadata")
    assert metadata["HTTPStatusCode"] == written.status
    assert expected(shape, read) == expected(shape, answer)
