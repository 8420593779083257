"""What a JSON document may cost: few values, and much text for files alone."""

import base64
import json
from typing import Any

import pytest

from penstock.aws.errors import ServiceError
from penstock.aws.models import load
from penstock.aws.protocols.json_sizes import check_size

FILE = base64.b64encode(bytes(range(256)) * 16 * 1024).decode()
LARGE = "x" * (4 * 1024 * 1024)
ROLE = "arn:aws:iam::123456789012:role/w"


@pytest.mark.parametrize("value", [b"[]", b"{}", b"0", b'{"":0}', b'""', b"[[[[]]]]"])
def test_a_document_of_very_many_values_is_refused(value: bytes) -> None:
    """66 MB of empty lists took ten seconds and 1.5 GB, in a member that no operation has."""
    body = b'{"Other":[' + value + (b"," + value) * 400_000 + b"]}"
    with pytest.raises(ServiceError, match="too many values: expected at most") as raised:
        check_size(None, body)
    assert (raised.value.code, raised.value.status) == ("SerializationException", 400)


def test_documents_of_many_bytes_are_read() -> None:
    """The largest that are meant: a function's code, a batch of log events, a long text."""
    archive = base64.b64encode(bytes(range(256)) * 8192).decode()
    check_size(None, json.dumps({"ZipFile": archive}).encode())
    line = json.dumps({"level": "info", "text": "a, b, c", "values": [1, 2, 3]}) + ", " * 5
    events = [{"timestamp": 1, "message": line} for _ in range(10_000)]
    check_size(None, json.dumps({"logEvents": events}).encode())
    template = '{"Type":["AWS::SNS::Topic"],"Properties":{}},' * 23_000
    check_size(None, json.dumps({"Template": template}).encode())


@pytest.mark.parametrize(
    ("service", "operation", "document"),
    [
        ("lambda", "CreateFunction", {"Code": {"ZipFile": FILE}, "Role": ROLE, "Tags": {"a": "b"}}),
        ("lambda", "UpdateFunctionCode", {"ZipFile": FILE}),
        ("codecommit", "PutFile", {"fileContent": FILE, "commitMessage": "\u20ac"}),
        ("codecommit", "CreateCommit",
         {"putFiles": [{"filePath": "a", "fileContent": FILE}] * 2, "branchName": "main"}),
    ],
)  # fmt: skip
def test_files_may_be_large(service: str, operation: str, document: dict[str, Any]) -> None:
    shape = load(service).operation(operation).input_shape
    check_size(shape, json.dumps(document).encode())
    check_size(shape, json.dumps(document).replace("/", "\\/").encode())


@pytest.mark.parametrize(
    "document",
    [
        {"Description": LARGE},
        {"Other": LARGE},
        {"Other": {"ZipFile": FILE}},
        {"Code": {"ZipFile": "\u20ac" + FILE}},
        {"Code": {"ZipFile": [FILE]}},
        {"Code": [FILE]},
        {"Environment": {"Variables": {"a": LARGE}}},
        [FILE],
    ],
)
@pytest.mark.parametrize("ascii_only", [True, False])
def test_nothing_else_may(document: Any, ascii_only: bool) -> None:
    """A text of 66 MB with one letter that is not ASCII took 300 MB, in any member."""
    shape = load("lambda").operation("CreateFunction").input_shape
    body = json.dumps(document, ensure_ascii=ascii_only).encode()
    with pytest.raises(ServiceError, match="bytes beside the contents of files") as raised:
        check_size(shape, body)
    assert (raised.value.code, raised.value.status) == ("RequestEntityTooLargeException", 413)


def test_a_member_that_is_sent_twice_counts_twice() -> None:
    shape = load("lambda").operation("UpdateFunctionCode").input_shape
    body = f'{{"ZipFile": "{FILE}", "ZipFile": "{FILE}"}}'.encode()
    with pytest.raises(ServiceError):
        check_size(shape, body)


def test_without_a_shape_nothing_is_a_file() -> None:
    check_size(None, b"{}")
    with pytest.raises(ServiceError):
        check_size(None, json.dumps({"ZipFile": FILE}).encode())
