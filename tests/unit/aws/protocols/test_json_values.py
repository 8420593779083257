"""JSON documents to values by shape."""

import pytest

from penstock.aws.errors import ServiceError
from penstock.aws.models import load
from penstock.aws.protocols.json_values import parse_value


def test_what_is_no_base64_is_not_sent_back_whole() -> None:
    shape = load("secretsmanager").operation("CreateSecret").input_shape
    with pytest.raises(ServiceError) as raised:
        parse_value(shape, {"Name": "n", "SecretBinary": "*" * 100_000})
    assert len(str(raised.value)) < 1000
