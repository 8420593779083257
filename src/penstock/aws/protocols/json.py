"""AWS JSON 1.0 and 1.1: the operation in X-Amz-Target, a JSON document both ways.

Source: https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html
"""

from collections.abc import Mapping
from typing import Any

import msgspec
from botocore.model import OperationModel

from penstock.aws.failure import Failure
from penstock.aws.http import HttpRequest, HttpResponse
from penstock.aws.models import Model
from penstock.aws.protocols.codec import Codec, RequestBody
from penstock.aws.protocols.json_sizes import check_size
from penstock.aws.protocols.json_values import decode_document, parse_value, serialise_value


def _parse(
    operation: OperationModel, request: HttpRequest, body: RequestBody, labels: Mapping[str, str]
) -> dict[str, Any]:
    assert isinstance(body, bytes)
    check_size(operation.input_shape, body)
    document = decode_document(body)
    if operation.input_shape is None:
        return {}
    parsed: dict[str, Any] = parse_value(operation.input_shape, document)
    return parsed


def _serialise(
    model: Model, operation: OperationModel, response: Mapping[str, Any], request_id: str
) -> HttpResponse:
    body = b""
    if operation.output_shape is not None:
        document = serialise_value(operation.output_shape, response, operation.name)
        body = msgspec.json.encode(document)
    return HttpResponse(200, _headers(model, request_id), body)


def _serialise_failure(model: Model | None, failure: Failure, request_id: str) -> HttpResponse:
    document: dict[str, Any] = {"__type": failure.code}
    if failure.message:
        document[failure.message_member] = failure.message
    if failure.shape is not None:
        document |= serialise_value(failure.shape, failure.members, failure.code)
    headers = _headers(model, request_id) | {"x-amzn-errortype": failure.code}
    return HttpResponse(failure.status, headers, msgspec.json.encode(document))


def _headers(model: Model | None, request_id: str) -> dict[str, str]:
    version = model.json_version if model is not None else "1.1"
    return {
        "content-type": f"application/x-amz-json-{version}",
        "x-amzn-requestid": request_id,
    }


JSON = Codec(_parse, _serialise, _serialise_failure)
