"""What REST-XML and REST-JSON share: members in the path, query string, headers and status.

Source: https://smithy.io/2.0/spec/http-bindings.html
"""

import base64
import json
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

from botocore.model import OperationModel

from penstock.aws.http import HttpRequest, HttpResponse
from penstock.aws.protocols.codec import RequestBody
from penstock.aws.protocols.shapes import ResponseDoesNotFit, check_members
from penstock.aws.protocols.text_values import format_text, parse_text

_SCALAR_PAYLOADS = {"blob", "string"}


def parse_request(
    operation: OperationModel,
    request: HttpRequest,
    body: RequestBody,
    labels: Mapping[str, str],
    parse_body: Callable[[Any, bytes], Any],
) -> dict[str, Any]:
    """Return the operation's parameters; `parse_body` reads a document of a shape."""
    shape = operation.input_shape
    if shape is None:
        return {}
    result: dict[str, Any] = {}
    for name, member in shape.members.items():
        value = _parse_located(name, member, request, labels)
        if value is not None:
            result[name] = value
    payload = shape.serialization.get("payload")
    if payload is None:
        if isinstance(body, bytes) and body:
            located = {name for name, m in shape.members.items() if "location" in m.serialization}
            document = parse_body(shape, body)
            result |= {name: item for name, item in document.items() if name not in located}
        return result
    value = _parse_payload(shape.members[payload], body, parse_body)
    if value is not None:
        result[payload] = value
    return result


def _parse_payload(member: Any, body: RequestBody, parse_body: Callable[[Any, bytes], Any]) -> Any:
    if not isinstance(body, bytes):
        return body
    if not body:
        return None
    if member.type_name == "blob":
        return body
    if member.type_name == "string":
        return body.decode("utf-8", "replace")
    return parse_body(member, body)


def _parse_located(name: str, member: Any, request: HttpRequest, labels: Mapping[str, str]) -> Any:
    location = member.serialization.get("location")
    wire_name = member.serialization.get("name", name)
    if location == "uri":
        text = labels.get(wire_name)
        return None if text is None else parse_text(member, text, "iso8601")
    if location == "querystring":
        return _parse_query(member, wire_name, request)
    if location == "header":
        text = request.headers.get(wire_name.lower())
        return None if text is None else _parse_header(member, text)
    if location == "headers":
        prefix = wire_name.lower()
        found = {
            header[len(prefix) :]: value
            for header, value in request.headers.items()
            if header.startswith(prefix)
        }
        return found or None
    return None


def _parse_query(member: Any, wire_name: str, request: HttpRequest) -> Any:
    if member.type_name == "map":
        parse_all = member.value.type_name == "list"
        return {key: (values if parse_all else values[0]) for key, values in request.query.items()}
    values = request.query.get(wire_name)
    if values is None:
        return None
    if member.type_name == "list":
        return [parse_text(member.member, value, "iso8601") for value in values]
    return parse_text(member, values[0], "iso8601")


def _parse_header(member: Any, text: str) -> Any:
    if member.type_name == "list":
        items = [item.strip().strip('"') for item in text.split(",")]
        return [parse_text(member.member, item, "rfc822") for item in items if item]
    if member.serialization.get("jsonvalue"):
        return base64.b64decode(text).decode()
    return parse_text(member, text, "rfc822")


def write_response(
    operation: OperationModel,
    response: Mapping[str, Any],
    write_document: Callable[[Any, Mapping[str, Any], str], tuple[bytes, str]],
    headers: dict[str, str],
) -> HttpResponse:
    """Return the HTTP response.

    `write_document(shape, value, name)` writes a structure as (bytes, content type).
    """
    status = int(operation.http.get("responseCode", 200))
    shape = operation.output_shape
    if shape is None:
        return HttpResponse(status, headers, b"")
    check_members(operation.name, shape, response)
    rest = {}
    for name, value in response.items():
        member = shape.members[name]
        location = member.serialization.get("location")
        if value is None:
            continue
        if location == "statusCode":
            status = int(value)
        elif location in {"header", "headers"}:
            headers |= _written_headers(name, member, value, operation.name)
        else:
            rest[name] = value
    payload = shape.serialization.get("payload")
    if payload is None:
        has_body = any("location" not in m.serialization for m in shape.members.values())
        if not has_body:
            return HttpResponse(status, headers, b"")
        body, kind = write_document(shape, rest, operation.name)
    else:
        body, kind = _written_payload(
            payload, shape.members[payload], rest.get(payload), write_document
        )
    if kind:
        headers.setdefault("content-type", kind)
    return HttpResponse(status, headers, body)


def _written_payload(
    name: str,
    member: Any,
    value: Any,
    write_document: Callable[[Any, Mapping[str, Any], str], tuple[bytes, str]],
) -> tuple[Any, str]:
    if value is None:
        return b"", ""
    if member.type_name in _SCALAR_PAYLOADS:
        if isinstance(value, str):
            return value.encode(), ""
        if isinstance(value, bytes | AsyncIterator):
            return value, "binary/octet-stream"
        raise ResponseDoesNotFit(name, member, value)
    return write_document(member, value, member.serialization.get("name", name))


def _written_headers(name: str, member: Any, value: Any, path: str) -> dict[str, str]:
    wire_name = member.serialization.get("name", name)
    if member.serialization["location"] == "headers":
        return {f"{wire_name}{key}".lower(): item for key, item in value.items()}
    if member.type_name == "list":
        items = [format_text(member.member, item, "rfc822", path) for item in value]
        return {wire_name.lower(): ",".join(items)}
    if member.serialization.get("jsonvalue"):
        text = value if isinstance(value, str) else json.dumps(value)
        return {wire_name.lower(): base64.b64encode(text.encode()).decode()}
    return {wire_name.lower(): format_text(member, value, "rfc822", f"{path}.{name}")}
