"""Logging in by a one-time link, and out.

A link's page only asks; the button uses the link up. So programs that preview links don't.
"""

from http import HTTPStatus

from starlette.responses import Response

from penstock.console.sessions import SESSION_LIFETIME
from penstock.console.visit import LOGIN_PATH, Visit

_HOME = "/console/"


async def ask(visit: Visit) -> Response:
    """Show who the link logs in, or how to get a link."""
    if visit.site.anonymous is not None:
        return visit.go(_HOME)
    token = visit.request.query_params.get("link", "")
    if not token:
        return visit.page("login_needed.html", HTTPStatus.UNAUTHORIZED)
    principal = await visit.site.sessions.of_link(token)
    if principal is None:
        return _spent(visit)
    return visit.page("login.html", principal=principal, link=token)


async def log_in(visit: Visit) -> Response:
    """Use the link up and begin a session."""
    if visit.site.anonymous is not None:
        return visit.go(_HOME)
    session = await visit.site.sessions.log_in(visit.form.get("link", ""))
    if session is None:
        return _spent(visit)
    response = visit.go(_HOME)
    response.set_cookie(
        visit.site.cookie,
        session,
        max_age=int(SESSION_LIFETIME.total_seconds()),
        path="/console/",
        httponly=True,
        samesite="strict",
        secure=_is_encrypted(visit),
    )
    return response


async def log_out(visit: Visit) -> Response:
    """End the session."""
    if visit.site.anonymous is None:
        await visit.site.sessions.log_out(visit.session_token)
    response = visit.go(LOGIN_PATH)
    response.delete_cookie(visit.site.cookie, path="/console/", httponly=True, samesite="strict")
    return response


def _is_encrypted(visit: Visit) -> bool:
    """Tell whether the browser speaks TLS: to us, or to a proxy before us, as its Origin says."""
    origin = visit.request.headers.get("origin", "")  # the guard has compared it
    return visit.request.url.scheme == "https" or origin.startswith("https://")


def _spent(visit: Visit) -> Response:
    return visit.message(
        HTTPStatus.FORBIDDEN,
        "This link opens nothing any more",
        "A login link works once and for five minutes. Make a new one: penstock console",
    )
