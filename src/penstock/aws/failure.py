"""A failure as it stands on the wire: which code, status and members a ServiceError becomes.

A modelled error takes its wire code and status from the model. The errors every service
shares (denied, not authenticated, ...) have other names in each protocol family; `_SHARED`
is that table, from the services' "Common Errors" pages
(https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html,
https://docs.aws.amazon.com/codepipeline/latest/APIReference/CommonErrors.html,
https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html#ErrorCodeList).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from penstock.aws.errors import ServiceError
from penstock.aws.models import Model

_JSON, _QUERY, _S3 = "json", "query", "s3"

# Name in the JSON protocols -> family -> (wire code, HTTP status).
_SHARED: Mapping[str, Mapping[str, tuple[str, int]]] = {
    "AccessDeniedException": {
        _JSON: ("AccessDeniedException", 400),
        _QUERY: ("AccessDenied", 403),
        _S3: ("AccessDenied", 403),
    },
    "MissingAuthenticationTokenException": {
        _JSON: ("MissingAuthenticationTokenException", 400),
        _QUERY: ("MissingAuthenticationToken", 403),
        _S3: ("AccessDenied", 403),
    },
    "IncompleteSignatureException": {
        _JSON: ("IncompleteSignatureException", 400),
        _QUERY: ("IncompleteSignature", 400),
        _S3: ("AuthorizationHeaderMalformed", 400),
    },
    "UnrecognizedClientException": {
        _JSON: ("UnrecognizedClientException", 400),
        _QUERY: ("InvalidClientTokenId", 403),
        _S3: ("InvalidAccessKeyId", 403),
    },
    "InvalidSignatureException": {
        _JSON: ("InvalidSignatureException", 400),
        _QUERY: ("SignatureDoesNotMatch", 403),
        _S3: ("SignatureDoesNotMatch", 403),
    },
    "ExpiredTokenException": {
        _JSON: ("ExpiredTokenException", 400),
        _QUERY: ("ExpiredToken", 403),
        _S3: ("ExpiredToken", 400),
    },
    "InternalFailure": {
        _JSON: ("InternalFailure", 500),
        _QUERY: ("InternalFailure", 500),
        _S3: ("InternalError", 500),
    },
    "ServiceUnavailableException": {
        _JSON: ("ServiceUnavailableException", 503),
        _QUERY: ("ServiceUnavailable", 503),
        _S3: ("ServiceUnavailable", 503),
    },
}
_ALIASES = {
    "AccessDenied": "AccessDeniedException",
    "ExpiredToken": "ExpiredTokenException",
    "InvalidClientTokenId": "UnrecognizedClientException",
    "SignatureDoesNotMatch": "InvalidSignatureException",
    "MissingAuthenticationToken": "MissingAuthenticationTokenException",
    "IncompleteSignature": "IncompleteSignatureException",
}


@dataclass(frozen=True, slots=True)
class Failure:
    """What a protocol writes: `sender` tells a caller's mistake from ours."""

    code: str
    message: str
    status: int
    sender: bool = True
    members: Mapping[str, Any] = field(default_factory=dict)
    shape: Any = None
    """The error's shape, when the model has one; `members` are then members of it."""

    @property
    def message_member(self) -> str:
        """How the model spells the message's member: `message` or `Message`."""
        return (
            "Message" if self.shape is not None and "Message" in self.shape.members else "message"
        )


def describe(protocol: str, model: Model | None, error: ServiceError) -> Failure:
    """Return how `error` is sent by a service of `model` in `protocol`."""
    modelled = _modelled(model, error.code)
    if modelled is not None:
        return Failure(
            modelled.code,
            error.message,
            error.status or modelled.status,
            modelled.sender,
            error.members,
            modelled.shape,
        )
    code, status = shared_code(protocol, model, error.code)
    status = error.status or status
    return Failure(code, error.message, status, status < 500, error.members)


def shared_code(protocol: str, model: Model | None, code: str) -> tuple[str, int]:
    """Return the wire code and status of an error that no model declares."""
    shared = _SHARED.get(_ALIASES.get(code, code))
    if shared is None:
        return code, 400
    return shared[_family(protocol, model)]


def _family(protocol: str, model: Model | None) -> str:
    if protocol == "rest-xml" and (model is None or model.name == "s3"):
        return _S3
    return _QUERY if protocol in {"query", "rest-xml"} else _JSON


def _modelled(model: Model | None, code: str) -> Any:
    if model is None:
        return None
    return model.errors.get(code) or model.errors_by_code.get(code)
