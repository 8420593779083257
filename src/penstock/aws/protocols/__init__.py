"""AWS's wire protocols: how a request's shapes are read and a response's written."""

from penstock.aws.http import HttpRequest
from penstock.aws.models import Model, protocol_of
from penstock.aws.protocols.codec import Codec
from penstock.aws.protocols.json import JSON
from penstock.aws.protocols.query import QUERY
from penstock.aws.protocols.rest_json import REST_JSON
from penstock.aws.protocols.rest_xml import REST_XML

_CODECS = {
    "json": JSON,
    "query": QUERY,
    "rest-json": REST_JSON,
    "rest-xml": REST_XML,
}


def codec_of(protocol: Model | str) -> Codec:
    """Return the codec of a model's protocol, or of a protocol by its name."""
    return _CODECS[protocol.protocol if isinstance(protocol, Model) else protocol]


def guess_protocol(request: HttpRequest, service: str | None) -> str:
    """Say in which protocol a request speaks that is not for a served service.

    `service` is the name in its signature's scope, if it has one.
    """
    known = protocol_of(service) if service else None
    if known is not None:
        return known
    kind = request.headers.get("content-type", "")
    if "x-amz-target" in request.headers or kind.startswith("application/x-amz-json"):
        return "json"
    if kind.startswith("application/x-www-form-urlencoded") or "Action" in request.query:
        return "query"
    if kind.startswith(("application/json", "application/cbor")):
        return "rest-json"
    return "rest-xml"
