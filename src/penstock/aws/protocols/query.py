"""AWS Query: dotted form parameters in, XML out.

Source: https://smithy.io/2.0/aws/protocols/aws-query-protocol.html
"""

from collections.abc import Mapping
from typing import Any
from xml.sax.saxutils import escape

from botocore.model import OperationModel

from penstock.aws.failure import Failure
from penstock.aws.http import HttpRequest, HttpResponse, decode_form, whole_number
from penstock.aws.models import Model
from penstock.aws.protocols.codec import Codec, RequestBody
from penstock.aws.protocols.text_values import parse_text
from penstock.aws.protocols.xml_values import DECLARATION, write_members

_DEEPEST = 32
"""Parts of a name; no shape of the served models is as deep."""
_OWN = ""
"""The key of a node's own value, beside those of its children."""

Node = dict[str, Any]


def _parse(
    operation: OperationModel, request: HttpRequest, body: RequestBody, labels: Mapping[str, str]
) -> dict[str, Any]:
    assert isinstance(body, bytes)
    form = decode_form(body.decode("utf-8", "replace"))
    for name, values in request.query.items():
        form.setdefault(name, values[0])
    shape = operation.input_shape
    return {} if shape is None else _parse_structure(shape, _tree(form))


def _tree(form: Mapping[str, str]) -> Node:
    root: Node = {}
    for name, value in form.items():
        if name.count(".") >= _DEEPEST:
            continue
        node = root
        for part in name.split("."):
            node = node.setdefault(part, {})
        node[_OWN] = value
    return root


def _parse_value(shape: Any, node: Node) -> Any:
    kind = shape.type_name
    if kind == "structure":
        return _parse_structure(shape, node)
    if kind == "list":
        return _parse_list(shape, node)
    if kind == "map":
        return _parse_map(shape, node)
    return parse_text(shape, node.get(_OWN, ""), "iso8601")


def _parse_structure(shape: Any, node: Node) -> dict[str, Any]:
    result = {}
    for name, member in shape.members.items():
        found = node.get(_wire_name(name, member))
        if found is not None:
            result[name] = _parse_value(member, found)
    return result


def _wire_name(name: str, member: Any) -> str:
    if member.type_name == "list" and member.serialization.get("flattened"):
        return str(member.member.serialization.get("name", member.serialization.get("name", name)))
    return str(member.serialization.get("name", name))


def _parse_list(shape: Any, node: Node) -> list[Any]:
    if not shape.serialization.get("flattened"):
        node = node.get(shape.member.serialization.get("name", "member"), {})
    return [_parse_value(shape.member, item) for item in _numbered(node)]


def _parse_map(shape: Any, node: Node) -> dict[str, Any]:
    if not shape.serialization.get("flattened"):
        node = node.get("entry", {})
    key_name = shape.key.serialization.get("name", "key")
    value_name = shape.value.serialization.get("name", "value")
    result = {}
    for entry in _numbered(node):
        key = entry.get(key_name, {}).get(_OWN, "")
        result[key] = _parse_value(shape.value, entry.get(value_name, {}))
    return result


def _numbered(node: Node) -> list[Node]:
    numbered = [(number, node[name]) for name in node if (number := whole_number(name)) is not None]
    return [item for _, item in sorted(numbered, key=lambda entry: entry[0])]


def _serialise(
    model: Model, operation: OperationModel, response: Mapping[str, Any], request_id: str
) -> HttpResponse:
    name = operation.name
    out = [DECLARATION, f'<{name}Response xmlns="{model.xml_namespace}">']
    shape = operation.output_shape
    if shape is not None:
        wrapper = shape.serialization.get("resultWrapper", f"{name}Result")
        out.append(f"<{wrapper}>")
        write_members(out, shape, response, name)
        out.append(f"</{wrapper}>")
    out.append(f"<ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata>")
    out.append(f"</{name}Response>")
    return HttpResponse(200, _headers(request_id), "".join(out).encode())


def serialise_failure(model: Model | None, failure: Failure, request_id: str) -> HttpResponse:
    """Write an `ErrorResponse`, the form of Query and of every REST-XML service but S3."""
    namespace = f' xmlns="{model.xml_namespace}"' if model and model.xml_namespace else ""
    out = [DECLARATION, f"<ErrorResponse{namespace}><Error>"]
    out.append(f"<Type>{'Sender' if failure.sender else 'Receiver'}</Type>")
    out.append(f"<Code>{escape(failure.code)}</Code>")
    out.append(f"<Message>{escape(failure.message)}</Message>")
    if failure.shape is not None:
        write_members(out, failure.shape, failure.members, failure.code)
    out.append(f"</Error><RequestId>{request_id}</RequestId></ErrorResponse>")
    return HttpResponse(failure.status, _headers(request_id), "".join(out).encode())


def _headers(request_id: str) -> dict[str, str]:
    return {"content-type": "text/xml", "x-amzn-requestid": request_id}


QUERY = Codec(_parse, _serialise, serialise_failure)
