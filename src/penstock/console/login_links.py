"""POST /_penstock/console/login-links: a signed request is answered with a one-time link.

It is signed with SigV4 like a call of AWS's API, for the service `penstock`, with the access key
of whoever is to be logged in. The answer is JSON: `Path` (to be opened on this server within
`ExpiresInSeconds`), `PrincipalArn`; with `--no-auth` the path needs no login.
"""

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from penstock.aws.errors import ServiceError
from penstock.aws.own_requests import OwnRequests, refused
from penstock.console.sessions import LINK_LIFETIME, Sessions

LOGIN_LINKS_PATH = "/_penstock/console/login-links"
_HOME = "/console/"


@dataclass(frozen=True, slots=True)
class LoginLinks:
    """The endpoint; `answer` is what a route calls."""

    sessions: Sessions
    region: str
    authenticate: bool

    async def answer(self, request: Request) -> Response:
        """Answer one request; whoever is refused learns why."""
        if "origin" in request.headers:
            return refused("AccessDeniedException", "Web pages cannot ask for a login link.")
        if not self.authenticate:
            return JSONResponse({"Path": _HOME, "PrincipalArn": None, "ExpiresInSeconds": None})
        try:
            return await self._link(request)
        except ServiceError as error:
            return refused(error.code, error.message)

    async def _link(self, request: Request) -> Response:
        sessions = self.sessions
        callers = OwnRequests(sessions.find_credential, self.region, sessions.clock)
        principal = await callers.caller(request)
        token = await sessions.make_link(principal)
        return JSONResponse(
            {
                "Path": f"{_HOME}login?link={token}",
                "PrincipalArn": principal.arn,
                "ExpiresInSeconds": int(LINK_LIFETIME.total_seconds()),
            },
            headers={"Cache-Control": "no-store"},
        )
