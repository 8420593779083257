"""Requests to our own addresses (`/_penstock/…`), signed like calls of AWS's API.

They are signed with SigV4 for the service `penstock`, with an access key of this account. Answers
are JSON; an error is `{"__type": code, "message": text}`.
"""

import hashlib
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from penstock.aws import models
from penstock.aws.authentication import Authenticator
from penstock.aws.errors import ServiceError
from penstock.aws.failure import shared_code
from penstock.aws.http import HttpRequest, http_request
from penstock.aws.payload import read_whole
from penstock.aws.principals import FindCredential
from penstock.aws.service import Principal
from penstock.aws.signature import read_signature
from penstock.clock import Clock

SIGNING_NAME = "penstock"
_LARGEST_BODY_BYTES = 1024


@dataclass(frozen=True, slots=True)
class OwnRequests:
    """Tells who sends requests to our own addresses in one region."""

    find_credential: FindCredential
    region: str
    clock: Clock

    async def caller(self, request: Request) -> Principal:
        """Return who signed the request; raise ServiceError with AWS's code and text."""
        found = _received(request)
        signed = read_signature(found)
        if signed is not None and signed.scope.service != SIGNING_NAME:
            raise ServiceError(
                "InvalidSignatureException",
                f"Credential should be scoped to correct service: '{SIGNING_NAME}'.",
            )
        # A caller's own identity is STS's matter: its model stands for ours.
        authenticator = Authenticator(self.find_credential, self.region)
        claimed = await authenticator.identify(models.load("sts"), found, signed, self.clock())
        body = await read_whole(found.body, _LARGEST_BODY_BYTES)
        return claimed.prove(hashlib.sha256(body).hexdigest()).principal


def refused(code: str, message: str) -> Response:
    """Return the answer to who may not, or is not known: status 403."""
    wire_code, status = shared_code("json", None, code)
    body = {"__type": wire_code, "message": message}
    return JSONResponse(body, 403 if status == 400 else status)


def _received(request: Request) -> HttpRequest:
    return http_request(
        method=request.method,
        raw_path=request.url.path,
        raw_query=request.url.query,
        headers={name.lower(): value for name, value in request.headers.items()},
        body=request.stream(),
        scheme=request.url.scheme,
    )
