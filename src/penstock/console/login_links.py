"""POST /_penstock/console/login-links: a signed request is answered with a one-time link.

It is signed with SigV4 like a call of AWS's API, for the service `penstock`, with the access key
of whoever is to be logged in. The answer is JSON: `Path` (to be opened on this server within
`ExpiresInSeconds`), `PrincipalArn`; with `--no-auth` the path needs no login.
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
from penstock.aws.signature import read_signature
from penstock.console.sessions import LINK_LIFETIME, Sessions

LOGIN_LINKS_PATH = "/_penstock/console/login-links"
SIGNING_NAME = "penstock"
_LARGEST_BODY_BYTES = 1024
_HOME = "/console/"


@dataclass(frozen=True, slots=True)
class LoginLinks:
    """The endpoint; `answer` is what a route calls."""

    sessions: Sessions
    region: str
    authenticate: bool

    async def answer(self, request: Request) -> Response:
        """Answer one request; whoever is refused learns why."""
        found = _received(request)
        if "origin" in request.headers:
            return _refused("AccessDeniedException", "Web pages cannot ask for a login link.")
        if not self.authenticate:
            return JSONResponse({"Path": _HOME, "PrincipalArn": None, "ExpiresInSeconds": None})
        try:
            return await self._link(found)
        except ServiceError as error:
            return _refused(error.code, error.message)

    async def _link(self, request: HttpRequest) -> Response:
        signed = read_signature(request)
        if signed is not None and signed.scope.service != SIGNING_NAME:
            raise ServiceError(
                "InvalidSignatureException",
                f"Credential should be scoped to correct service: '{SIGNING_NAME}'.",
            )
        # A caller's own identity is STS's matter: its model stands for ours.
        authenticator = Authenticator(self.sessions.find_credential, self.region)
        claimed = await authenticator.identify(
            models.load("sts"), request, signed, self.sessions.clock()
        )
        body = await read_whole(request.body, _LARGEST_BODY_BYTES)
        principal = claimed.prove(hashlib.sha256(body).hexdigest()).principal
        token = await self.sessions.make_link(principal)
        return JSONResponse(
            {
                "Path": f"{_HOME}login?link={token}",
                "PrincipalArn": principal.arn,
                "ExpiresInSeconds": int(LINK_LIFETIME.total_seconds()),
            },
            headers={"Cache-Control": "no-store"},
        )


def _received(request: Request) -> HttpRequest:
    return http_request(
        method=request.method,
        raw_path=request.url.path,
        raw_query=request.url.query,
        headers={name.lower(): value for name, value in request.headers.items()},
        body=request.stream(),
        scheme=request.url.scheme,
    )


def _refused(code: str, message: str) -> Response:
    wire_code, status = shared_code("json", None, code)
    body = {"__type": wire_code, "message": message}
    return JSONResponse(body, 403 if status == 400 else status)
