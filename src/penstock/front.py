"""The first that a request meets: git hosting, the console, our own pages, or the AWS API."""

from starlette.responses import PlainTextResponse, RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from penstock import web_pages
from penstock.services.sns.links import is_link


class Front:
    """An ASGI application. `own_host` is given where everybody is root: then requests that a web
    page made a browser send are refused. The console, where there is one, guards itself, and so do
    the links of SNS, which carry what they need."""

    def __init__(
        self,
        aws: ASGIApp,
        git: ASGIApp,
        internal: ASGIApp,
        own_host: str | None,
        console: ASGIApp | None = None,
        sns_links: ASGIApp | None = None,
    ) -> None:
        self._aws = aws
        self._git = git
        self._internal = internal
        self._own_host = own_host
        self._console = console
        self._sns_links = sns_links

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            return
        path: str = scope["path"]
        if self._console is not None and _is_for_console(scope):
            await self._console(scope, receive, send)
            return
        if self._console is not None and _is_typed_address(scope):
            await RedirectResponse("/console/", 307)(scope, receive, send)
            return
        if self._sns_links is not None and is_link(scope):
            await self._sns_links(scope, receive, send)
            return
        chosen = self._aws
        if path.startswith("/_penstock/"):
            chosen = self._internal
        elif path.startswith("/v1/repos/"):
            chosen = self._git
        if self._own_host is not None and chosen is not self._internal:
            refused = web_pages.refusal(scope["headers"], self._own_host)
            if refused is not None:
                chosen = PlainTextResponse(f"{refused}\n", 403)
        await chosen(scope, receive, send)


def _is_for_console(scope: Scope) -> bool:
    """Tell a page of the console from an object in a bucket named `console`: that is signed."""
    path: str = scope["path"]
    if path != "/console" and not path.startswith("/console/"):
        return False
    return all(name != b"authorization" for name, _ in scope["headers"])


def _is_typed_address(scope: Scope) -> bool:
    """Tell a browser that was given the server's address from S3's ListBuckets: that is signed,
    and asks for no page."""
    if scope["method"] != "GET" or scope["path"] != "/" or scope["query_string"]:
        return False
    headers = dict(scope["headers"])
    return b"authorization" not in headers and b"text/html" in headers.get(b"accept", b"")
