"""REST-JSON: members in path, query string and headers, the rest a JSON document.

Source: https://smithy.io/2.0/aws/protocols/aws-restjson1-protocol.html
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
from penstock.aws.protocols.rest import parse_request, write_response

_CONTENT_TYPE = "application/json"


def _parse(
    operation: OperationModel, request: HttpRequest, body: RequestBody, labels: Mapping[str, str]
) -> dict[str, Any]:
    return parse_request(operation, request, body, labels, _parse_body)


def _parse_body(shape: Any, body: bytes) -> Any:
    check_size(shape, body)
    return parse_value(shape, decode_document(body))


def _serialise(
    model: Model, operation: OperationModel, response: Mapping[str, Any], request_id: str
) -> HttpResponse:
    def write_document(shape: Any, value: Mapping[str, Any], name: str) -> tuple[bytes, str]:
        return msgspec.json.encode(serialise_value(shape, value, name)), _CONTENT_TYPE

    return write_response(operation, response, write_document, {"x-amzn-requestid": request_id})


def _serialise_failure(model: Model | None, failure: Failure, request_id: str) -> HttpResponse:
    document: dict[str, Any] = {failure.message_member: failure.message}
    if failure.shape is not None:
        document |= serialise_value(failure.shape, failure.members, failure.code)
    headers = {
        "content-type": _CONTENT_TYPE,
        "x-amzn-requestid": request_id,
        "x-amzn-errortype": failure.code,
    }
    return HttpResponse(failure.status, headers, msgspec.json.encode(document))


REST_JSON = Codec(_parse, _serialise, _serialise_failure)
