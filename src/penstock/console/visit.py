"""One request of somebody who may be here: who it is, what may be called, how to answer.

A view is `async def show(visit) -> Response`: it calls operations of this server as the person
logged in, and renders. What it raises becomes a page here.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from jinja2 import Environment
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from penstock.aws.errors import ServiceError
from penstock.aws.in_process import InProcess
from penstock.aws.service import Principal
from penstock.clock import Clock
from penstock.console import rendering
from penstock.console.guard import NO_STORE
from penstock.console.sessions import Sessions, csrf_token, is_csrf_token
from penstock.errors import EngineError
from penstock.pipelines.review import ReviewedChangeSet
from penstock.storage import outbox
from penstock.storage.outbox import Outbox

_LOG = logging.getLogger(__name__)
_FORM_TYPES = ("application/x-www-form-urlencoded",)
_MOST_FORM_BYTES = 256 * 1024
LOGIN_PATH = "/console/login"

Support = Callable[[str], Awaitable[Mapping[str, str]]]
"""A stack's id -> logical id -> `running`, `kept` or `recorded`: what AWS's API cannot say."""


Reviewed = Callable[[str], Awaitable[ReviewedChangeSet]]
"""A change set's ARN -> what it would change, with the parameters that its stack has now."""


async def no_change_sets(arn: str) -> ReviewedChangeSet:
    """Where there are no stacks."""
    raise ServiceError("ChangeSetNotFoundException", f"ChangeSet [{arn}] does not exist")


async def nothing_known(_stack_id: str) -> Mapping[str, str]:
    """Where nobody tells what stands behind resources."""
    return {}


@dataclass(frozen=True, slots=True)
class Site:
    """What every view stands on."""

    in_process: InProcess
    outbox: Outbox
    sessions: Sessions
    templates: Environment
    clock: Clock
    cookie: str
    """The session cookie's name: each port of a host has its own."""
    anonymous: Principal | None
    """As whom everyone acts who reaches a server with `--no-auth`; None where people log in."""
    anonymous_token: str
    """Stands for a session's token where nobody logs in."""
    support: Support
    """What stands behind each resource of a stack."""
    reviewed: Reviewed
    """What a change set would change."""
    stopping: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(frozen=True, slots=True)
class Visit:
    """A request; `principal` is None on the pages that need no login."""

    site: Site
    request: Request
    principal: Principal | None
    session_token: str
    form: Mapping[str, str]

    @property
    def csrf(self) -> str:
        """What this session's forms carry."""
        return csrf_token(self.session_token)

    @property
    def whole(self) -> bool:
        """Whether the browser wants a page; else htmx wants its live part alone."""
        return "hx-request" not in self.request.headers

    async def call(
        self, service: str, operation: str, parameters: Mapping[str, Any] | None = None
    ) -> Mapping[str, Any]:
        """Return the operation's answer to the person logged in; raises ServiceError."""
        assert self.principal is not None, "this page needs a login"
        return await self.site.in_process.call(self.principal, service, operation, parameters)

    async def position(self) -> int:
        """Return the newest event's position: ask before reading what a page shows."""
        return await self.site.outbox.database.read(outbox.last_position)

    def label(self, name: str) -> str:
        """Return a part of the request's path."""
        return str(self.request.path_params[name])

    def page(self, file: str, status: int = 200, **context: Any) -> Response:
        """Render a template: whole, or its live part where htmx asks for that."""
        shown = {
            "now": self.site.clock(),
            "csrf": self.csrf,
            "visitor": self.principal,
            "may_log_out": self.site.anonymous is None,
            "path": self.request.url.path,
            "address": _address(self.request),
            "account_id": self.site.in_process.account_id,
            "region": self.site.in_process.region,
            "live": None,
            **context,
        }
        render = rendering.page if self.whole else rendering.fragment
        return HTMLResponse(
            render(self.site.templates, file, shown), status, {"Cache-Control": NO_STORE}
        )

    def message(self, status: int, title: str, text: str, code: str = "") -> Response:
        """Say that something cannot be done, and why."""
        path = self.request.url.path
        back = path.rpartition("/")[0] if self.request.method == "POST" else ""
        return self.page("message.html", status, title=title, text=text, code=code, back=back)

    def go(self, path: str) -> Response:
        """Lead on to another page after a change."""
        return RedirectResponse(path, HTTPStatus.SEE_OTHER, {"Cache-Control": NO_STORE})


View = Callable[[Visit], Awaitable[Response]]
Endpoint = Callable[[Request], Awaitable[Response]]


def endpoint(
    site: Site, view: View, *, open_to_all: bool = False, most_form_bytes: int = _MOST_FORM_BYTES
) -> Endpoint:
    """Return the view behind login and CSRF check; `open_to_all` checks those itself."""

    async def answer(request: Request) -> Response:
        token = session_token(site, request)
        principal = site.anonymous or (await site.sessions.of_session(token) if token else None)
        known = open_to_all or principal is not None
        form = await _form(request, most_form_bytes) if request.method == "POST" and known else {}
        visit = Visit(site, request, principal, token, form)
        if not open_to_all:
            if principal is None:
                return _not_logged_in(visit)
            if _length(request) > most_form_bytes:
                return visit.message(
                    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                    "This form is too long",
                    f"It has {_length(request)} bytes, and at most {most_form_bytes} are taken. "
                    "Nothing was changed: go back and shorten it.",
                )
            if request.method == "POST" and not is_csrf_token(form.get("csrf", ""), token):
                return visit.message(
                    HTTPStatus.FORBIDDEN,
                    "This form is not of your session",
                    "The page it stood on is from another login, or from before the server was "
                    "started anew. Nothing was changed: go back, reload the page and try again.",
                )
        return await _viewed(view, visit)

    return answer


def session_token(site: Site, request: Request) -> str:
    """Return the session's token that the browser sent, "" without one."""
    if site.anonymous is not None:
        return site.anonymous_token
    return request.cookies.get(site.cookie, "")


async def _viewed(view: View, visit: Visit) -> Response:
    try:
        return await view(visit)
    except ServiceError as error:
        status = _status(error)
        title = {403: "You may not do this", 404: "Not found", 501: "Not offered here"}.get(
            status, "This was refused"
        )
        return visit.message(status, title, error.message, error.code)
    except EngineError as error:
        return visit.message(HTTPStatus.SERVICE_UNAVAILABLE, "Not available now", str(error))
    except Exception:  # noqa: BLE001 (the boundary of every page: a bug of ours)
        _LOG.exception("console: %s %s failed", visit.request.method, visit.request.url.path)
        return visit.message(
            HTTPStatus.INTERNAL_SERVER_ERROR,
            "Something went wrong here",
            "The console met an error of its own; the server's log says more.",
        )


def _status(error: ServiceError) -> int:
    if "NotFound" in error.code or error.message.endswith("does not exist"):
        return HTTPStatus.NOT_FOUND
    if "AccessDenied" in error.code:
        return HTTPStatus.FORBIDDEN
    return error.status or HTTPStatus.BAD_REQUEST


def _not_logged_in(visit: Visit) -> Response:
    if "hx-request" in visit.request.headers:  # a page left open: let it show the login page
        return Response(
            status_code=HTTPStatus.UNAUTHORIZED,
            headers={"HX-Redirect": LOGIN_PATH, "Cache-Control": NO_STORE},
        )
    return visit.page("login_needed.html", HTTPStatus.UNAUTHORIZED)


async def _form(request: Request, most_bytes: int) -> Mapping[str, str]:
    """Read a form's fields; the last of equal names counts. Too large a form is as an empty one."""
    kind = request.headers.get("content-type", "").partition(";")[0]
    if kind not in _FORM_TYPES or not 0 <= _length(request) <= most_bytes:
        return {}
    fields = await request.form(max_part_size=most_bytes)
    return {name: value for name, value in fields.items() if isinstance(value, str)}


def _length(request: Request) -> int:
    """Return how many bytes follow the request's head; -1 when it does not say."""
    size = request.headers.get("content-length", "")
    return int(size) if size.isdecimal() else -1


def _address(request: Request) -> str:
    """Return the path and query that a page refetches itself by."""
    query = request.url.query
    return f"{request.url.path}?{query}" if query else request.url.path
