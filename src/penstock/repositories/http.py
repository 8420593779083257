"""git over HTTP at `/v1/repos/NAME`: who may read or push, then `git http-backend`.

A push is answered only after its references are recorded (`Repositories.compare`).
"""

import asyncio
import logging
import re
from urllib.parse import parse_qs

from starlette.responses import PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from penstock.aws.errors import ServiceError
from penstock.aws.principals import FindCredential
from penstock.aws.service import Authorize, Principal
from penstock.repositories.backend import ClientGone, cgi_environment, exchange
from penstock.repositories.credentials import basic_credentials, verify
from penstock.repositories.hosting import Repositories
from penstock.repositories.repository import Repository

_log = logging.getLogger(__name__)

_PATH = re.compile(
    r"(?P<repository>/v1/repos/(?P<name>[\w.-]{1,100}))"
    r"/(?P<endpoint>info/refs|git-upload-pack|git-receive-pack)"
)
_ACTIONS = {"git-upload-pack": "codecommit:GitPull", "git-receive-pack": "codecommit:GitPush"}


class GitHttp:
    """An ASGI application. `anonymous` is whom callers act as when nobody authenticates."""

    def __init__(
        self,
        repositories: Repositories,
        find_credential: FindCredential,
        authorize: Authorize,
        *,
        anonymous: Principal | None = None,
    ) -> None:
        self._repositories = repositories
        self._find_credential = find_credential
        self._authorize = authorize
        self._anonymous = anonymous

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        match = _PATH.fullmatch(scope["path"])
        if match is None:
            refusal = _text(404, "This is a git address: git clone <scheme>://<host>/v1/repos/NAME")
            return await refusal(scope, receive, send)
        headers = {
            name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]
        }
        endpoint = match["endpoint"]
        program = _program(scope, endpoint)
        if isinstance(program, Response):
            return await program(scope, receive, send)
        try:
            principal = await self._principal(headers, match["repository"])
            if principal is None:
                return await _unauthenticated()(scope, receive, send)
            arn = self._repositories.arn(match["name"])
            await self._authorize(principal, _ACTIONS[program], arn, {})
            repository = await self._repositories.get(match["name"])
        except ServiceError as error:
            missing = error.code == "RepositoryDoesNotExistException"
            return await _text(404 if missing else 403, error.message)(scope, receive, send)
        environment = cgi_environment(
            scope,
            headers,
            directory=self._repositories.path(repository).name,
            endpoint=endpoint,
            user=principal.arn,
        )
        try:
            if endpoint == "git-receive-pack":
                await self._push(repository, environment, receive, send)
            else:
                await exchange(self._repositories.git, environment, receive, send, None)
        except ClientGone:
            _log.info("%s %s: the client went before the end", scope["method"], scope["path"])
        return None

    async def _principal(self, headers: dict[str, str], path: str) -> Principal | None:
        """Return the caller, None when there are no credentials; raise ServiceError."""
        if self._anonymous is not None:
            return self._anonymous
        credentials = basic_credentials(headers.get("authorization"))
        if credentials is None:
            return None
        return await verify(
            *credentials,
            host=headers.get("host", "").rsplit(":", 1)[0],
            path=path,
            region=self._repositories.region,
            now=self._repositories.clock(),
            find_credential=self._find_credential,
        )

    async def _push(
        self, repository: Repository, environment: dict[str, str], receive: Receive, send: Send
    ) -> None:
        """Serve a push; whatever becomes of the client, what git did is recorded."""
        recorded = False

        async def record() -> None:
            nonlocal recorded
            await self._repositories.compare(repository.id)
            recorded = True

        try:
            await exchange(self._repositories.git, environment, receive, send, record)
        finally:
            if not recorded:
                await asyncio.shield(asyncio.create_task(record()))


def _program(scope: Scope, endpoint: str) -> str | Response:
    """Return the git program that the request is for, or the refusal."""
    if endpoint != "info/refs":
        return endpoint if scope["method"] == "POST" else _text(405, "Expected POST.")
    if scope["method"] not in {"GET", "HEAD"}:
        return _text(405, "Expected GET.")
    service = parse_qs(scope["query_string"].decode("latin-1")).get("service", [""])[0]
    if service not in _ACTIONS:
        return _text(
            403, f"Expected service=git-upload-pack or git-receive-pack, found {service!r}."
        )
    return str(service)


def _unauthenticated() -> Response:
    response = _text(401, "Expected an access key id as user name and its secret as password.")
    response.headers["WWW-Authenticate"] = 'Basic realm="CodeCommit"'
    return response


def _text(status: int, message: str) -> Response:
    """Git shows a text/plain body as `remote: ...` lines."""
    return PlainTextResponse(message + "\n", status, headers={"Cache-Control": "no-cache"})
