"""The console as an ASGI application under /console/: its pages by path, behind the guard."""

import mimetypes
from collections.abc import Mapping
from http import HTTPStatus

from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from penstock.aws.in_process import InProcess
from penstock.aws.principals import root
from penstock.console import (
    approvals,
    builds,
    change_sets,
    guard,
    live,
    login,
    pipeline_editor,
    pipelines,
    rendering,
    stacks,
)
from penstock.console.login_links import LOGIN_LINKS_PATH, LoginLinks
from penstock.console.sessions import Sessions
from penstock.console.visit import (
    Endpoint,
    Reviewed,
    Site,
    Support,
    View,
    Visit,
    endpoint,
    no_change_sets,
    nothing_known,
)
from penstock.ids import new_token
from penstock.storage.outbox import Outbox

_PIPELINE = "/console/pipelines/{name}"
_APPROVAL = "/console/approvals/{action_execution_id}"
_BUILD = "/console/builds/{build_id}"
_STACK = "/console/stacks/{name}"

READING: Mapping[str, View] = {
    "/console/": pipelines.home,
    "/console/events": live.follow,
    "/console/pipelines": pipelines.index,
    _PIPELINE: pipelines.show,
    f"{_PIPELINE}/executions/{{execution_id}}": pipelines.show_execution,
    f"{_PIPELINE}/edit": pipeline_editor.start,
    "/console/approvals": approvals.index,
    _APPROVAL: approvals.show,
    "/console/builds": builds.index,
    _BUILD: builds.show,
    f"{_BUILD}/log": builds.log,
    "/console/changesets": change_sets.show,
    "/console/stacks": stacks.index,
    _STACK: stacks.show,
    f"{_STACK}/{{uuid}}": stacks.show,
}
CHANGING: Mapping[str, View] = {
    "/console/logout": login.log_out,
    f"{_PIPELINE}/release": pipelines.release,
    f"{_PIPELINE}/stop": pipelines.stop,
    f"{_PIPELINE}/retry": pipelines.retry,
    f"{_PIPELINE}/transition": pipelines.set_transition,
    f"{_APPROVAL}/decide": approvals.decide,
    f"{_BUILD}/stop": builds.stop,
}
_ASSETS_ARE_KEPT = "public, max-age=31536000, immutable"


class Console:
    """The console of one server, made in its event loop. `close` ends what pages are following."""

    def __init__(
        self, site: Site, login_links: Route, own_host: str, public_url: str | None
    ) -> None:
        self._site = site
        self._own_host = own_host
        self._public_url = public_url
        self.login_links = login_links
        """Where `penstock console` gets its link; for the listener that serves the console."""
        self._app: ASGIApp = Starlette(
            routes=_routes(site), exception_handlers={HTTPException: self._no_page}
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        request = Request(scope, receive)
        refused = guard.refusal(
            request.method, request.url.scheme, request.headers, self._own_host, self._public_url
        )
        if refused is None:
            await self._app(scope, receive, _guarded(send))
            return
        response = _stranger(self._site, request).message(
            HTTPStatus.FORBIDDEN, "This request was refused", refused
        )
        await response(scope, receive, _guarded(send))

    async def close(self) -> None:
        """End the streams of events, which would hold up the listener's end."""
        self._site.stopping.set()

    async def _no_page(self, request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        return _stranger(self._site, request).message(
            error.status_code, "Not found", "The console has no such page."
        )


def console_app(
    in_process: InProcess,
    outbox: Outbox,
    sessions: Sessions,
    *,
    own_host: str,
    public_url: str | None = None,
    port: int,
    authenticate: bool,
    support: Support = nothing_known,
    reviewed: Reviewed = no_change_sets,
) -> Console:
    """Make the console for a listener on `own_host` and `port`.

    With `authenticate` False everybody who reaches it is root, as on the server's API.
    """
    site = Site(
        in_process,
        outbox,
        sessions,
        rendering.environment(),
        in_process.clock,
        cookie=f"penstock-console-{port}",
        anonymous=None if authenticate else root(in_process.account_id),
        anonymous_token=new_token(),
        support=support,
        reviewed=reviewed,
    )
    links = LoginLinks(sessions, in_process.region, authenticate)
    return Console(
        site, Route(LOGIN_LINKS_PATH, links.answer, methods=["POST"]), own_host, public_url
    )


def _routes(site: Site) -> list[Route]:
    return [
        Route("/console/static/{name}", _Assets().answer),
        Route("/console/login", endpoint(site, login.ask, open_to_all=True), methods=["GET"]),
        Route("/console/login", endpoint(site, login.log_in, open_to_all=True), methods=["POST"]),
        *(Route(path, endpoint(site, view), methods=["GET"]) for path, view in READING.items()),
        *(Route(path, endpoint(site, view), methods=["POST"]) for path, view in CHANGING.items()),
        Route(f"{_PIPELINE}/edit", _editing(site), methods=["POST"]),
        Route("/console", endpoint(site, pipelines.home), methods=["GET"]),
    ]


def _editing(site: Site) -> Endpoint:
    return endpoint(site, pipeline_editor.step, most_form_bytes=pipeline_editor.MOST_FORM_BYTES)


class _Assets:
    """Style and scripts, read once; an address names their content, so browsers keep them."""

    def __init__(self) -> None:
        self._files = {file.name: file.read_bytes() for file in rendering.STATIC.iterdir()}

    async def answer(self, request: Request) -> Response:
        name = request.path_params["name"]
        if name not in self._files:
            raise HTTPException(HTTPStatus.NOT_FOUND)
        kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
        return Response(
            self._files[name], media_type=kind, headers={"Cache-Control": _ASSETS_ARE_KEPT}
        )


def _guarded(send: Send) -> Send:
    """Give every answer the headers that the console's pages carry."""

    async def with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            MutableHeaders(scope=message).update(guard.HEADERS)
        await send(message)

    return with_headers


def _stranger(site: Site, request: Request) -> Visit:
    return Visit(site, request, None, "", {})
