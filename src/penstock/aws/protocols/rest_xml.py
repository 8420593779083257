"""REST-XML, which is S3's protocol, with S3's departures from it.

Sources: https://smithy.io/2.0/aws/protocols/aws-restxml-protocol.html,
https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
"""

import hashlib
from collections.abc import Mapping
from typing import Any
from xml.sax.saxutils import escape

from botocore.model import OperationModel

from penstock.aws.failure import Failure
from penstock.aws.http import HttpRequest, HttpResponse
from penstock.aws.models import Model
from penstock.aws.protocols.codec import Codec, RequestBody
from penstock.aws.protocols.query import serialise_failure as serialise_query_failure
from penstock.aws.protocols.rest import parse_request, write_response
from penstock.aws.protocols.xml_values import (
    DECLARATION,
    parse_document,
    parse_element,
    write_element,
    write_members,
)

_S3_NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"
# What S3 calls the root elements of its answers; the model does not say.
_S3_ROOTS = {
    "CompleteMultipartUpload": "CompleteMultipartUploadResult",
    "CreateMultipartUpload": "InitiateMultipartUploadResult",
    "DeleteObjects": "DeleteResult",
    "GetBucketAcl": "AccessControlPolicy",
    "GetBucketCors": "CORSConfiguration",
    "GetBucketLifecycleConfiguration": "LifecycleConfiguration",
    "GetBucketLogging": "BucketLoggingStatus",
    "GetBucketNotificationConfiguration": "NotificationConfiguration",
    "GetBucketRequestPayment": "RequestPaymentConfiguration",
    "GetBucketTagging": "Tagging",
    "GetBucketVersioning": "VersioningConfiguration",
    "GetBucketWebsite": "WebsiteConfiguration",
    "GetObjectAcl": "AccessControlPolicy",
    "GetObjectAttributes": "GetObjectAttributesResponse",
    "GetObjectTagging": "Tagging",
    "ListBuckets": "ListAllMyBucketsResult",
    "ListMultipartUploads": "ListMultipartUploadsResult",
    "ListObjectVersions": "ListVersionsResult",
    "ListObjects": "ListBucketResult",
    "ListObjectsV2": "ListBucketResult",
    "ListParts": "ListPartsResult",
}


def _parse(
    operation: OperationModel, request: HttpRequest, body: RequestBody, labels: Mapping[str, str]
) -> dict[str, Any]:
    return parse_request(operation, request, body, labels, _parse_body)


def _parse_body(shape: Any, body: bytes) -> Any:
    return parse_element(shape, parse_document(body))


def _serialise(
    model: Model, operation: OperationModel, response: Mapping[str, Any], request_id: str
) -> HttpResponse:
    headers = _headers(model, request_id)
    namespace = _S3_NAMESPACE if model.name == "s3" else model.xml_namespace

    def write_document(shape: Any, value: Mapping[str, Any], name: str) -> tuple[bytes, str]:
        root = _S3_ROOTS.get(name, name) if model.name == "s3" else name
        out: list[str] = []
        if name == "GetBucketLocation":
            # S3 writes the one member as the root element itself; empty means us-east-1.
            constraint = escape(value.get("LocationConstraint") or "")
            out.append(f"<LocationConstraint>{constraint}</LocationConstraint>")
        else:
            write_element(out, root, shape, value, name)
        opening, rest = out[0].partition(">")[::2]
        text = f'{DECLARATION}{opening} xmlns="{namespace}">{rest}{"".join(out[1:])}'
        return text.encode(), "application/xml"

    written = write_response(operation, response, write_document, headers)
    if written.status == 200 and "content-range" in written.headers:
        return HttpResponse(206, written.headers, written.body)
    return written


def _serialise_failure(model: Model | None, failure: Failure, request_id: str) -> HttpResponse:
    if model is not None and model.name != "s3":
        return serialise_query_failure(model, failure, request_id)
    headers = _headers(model, request_id) | {"content-type": "application/xml"}
    members = failure.members
    out = [DECLARATION, "<Error>", f"<Code>{escape(failure.code)}</Code>"]
    out.append(f"<Message>{escape(failure.message)}</Message>")
    modelled = failure.shape.members if failure.shape is not None else {}
    if modelled:
        known = {name: value for name, value in members.items() if name in modelled}
        write_members(out, failure.shape, known, failure.code)
    for name, value in members.items():
        if name not in modelled:
            out.append(f"<{name}>{escape(str(value))}</{name}>")
    host_id = headers["x-amz-id-2"]
    out.append(f"<RequestId>{headers['x-amz-request-id']}</RequestId><HostId>{host_id}</HostId>")
    out.append("</Error>")
    return HttpResponse(failure.status, headers, "".join(out).encode())


def _headers(model: Model | None, request_id: str) -> dict[str, str]:
    if model is not None and model.name != "s3":
        return {"x-amzn-requestid": request_id}
    return {
        "x-amz-request-id": request_id.replace("-", "")[:16].upper(),
        "x-amz-id-2": hashlib.sha256(request_id.encode()).hexdigest(),
    }


REST_XML = Codec(_parse, _serialise, _serialise_failure)
