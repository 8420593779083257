"""What a JSON document may cost before anybody knows whether its caller may send it."""

import base64
import json

import pytest

from penstock.aws.errors import ServiceError
from penstock.aws.models import load
from penstock.aws.protocols.json_values import decode_document, parse_value


@pytest.mark.parametrize("value", [b"[]", b"{}", b"0", b'{"":0}', b'""', b"[[[[]]]]"])
def test_a_document_of_very_many_values_is_refused(value: bytes) -> None:
    """66 MB of empty lists took ten seconds and 1.5 GB, in a member that no operation has."""
    body = b'{"Other":[' + value + (b"," + value) * 400_000 + b"]}"
    with pytest.raises(ServiceError, match="too many values: expected at most 400000") as raised:
        decode_document(body)
    assert (raised.value.code, raised.value.status) == ("SerializationException", 400)


def test_documents_of_many_bytes_are_read() -> None:
    """The largest that are meant: a function's code, a batch of log events, a long text."""
    archive = base64.b64encode(bytes(range(256)) * 8192).decode()
    assert decode_document(json.dumps({"ZipFile": archive}).encode()) == {"ZipFile": archive}
    line = json.dumps({"level": "info", "text": "a, b, c", "values": [1, 2, 3]}) + ", " * 5
    events = [{"timestamp": 1, "message": line} for _ in range(10_000)]
    assert decode_document(json.dumps({"logEvents": events}).encode()) == {"logEvents": events}
    template = '{"Type":["AWS::SNS::Topic"],"Properties":{}},' * 23_000
    assert decode_document(json.dumps({"Template": template}).encode()) == {"Template": template}


def test_what_is_no_base64_is_not_sent_back_whole() -> None:
    shape = load("secretsmanager").operation("CreateSecret").input_shape
    with pytest.raises(ServiceError) as raised:
        parse_value(shape, {"Name": "n", "SecretBinary": "*" * 100_000})
    assert len(str(raised.value)) < 1000
