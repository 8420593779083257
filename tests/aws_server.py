"""Real boto3 clients against the wire, on a real HTTP server in a thread.

    async def build(stack: contextlib.AsyncExitStack) -> Sequence[Service]:
        database = Database.open(path)          # runs in the server's own event loop
        stack.callback(database.close)          # runs there when the test is over
        return [service(Logs(database, ...))]

    def test_groups(aws_server):
        server = aws_server(build)              # or a plain list of Services
        logs = server.client("logs")            # signed with the root key
        ...
        reader = server.client("logs", server.user("reader"))  # another caller

`build` may return a `Backend` to bring its own `find_credential` and `authorize` (IAM's);
without one, root may do everything and others nothing. `server.run(coroutine)` runs a
coroutine in the server's loop, `server.now` is its settable clock (None: the real time).
Pass `authenticate=False`, `for_tasks=True`, `region=` or `account_id=` to `aws_server` where they
matter.
"""

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

import boto3
import uvicorn
from botocore.config import Config

from penstock.aws.app import aws_app
from penstock.aws.errors import ServiceError
from penstock.aws.principals import FindCredential, root
from penstock.aws.service import Authorize, Principal, PrincipalKind, Service
from penstock.clock import utc_now

ACCOUNT_ID = "123456789012"
REGION = "us-east-1"
T = TypeVar("T")


@dataclass(frozen=True)
class Key:
    """An access key as a client holds it; also a Credential for the wire."""

    access_key_id: str
    secret_access_key: str
    principal: Principal
    session_token: str | None = None


ROOT_KEY = Key("AKIAROOTROOTROOTROOT", "root-secret/+=", root(ACCOUNT_ID, "AKIAROOTROOTROOTROOT"))


@dataclass(frozen=True)
class Backend:
    """What `build` may return instead of a list of services."""

    services: Sequence[Service]
    find_credential: FindCredential | None = None
    authorize: Authorize | None = None


Build = Callable[[contextlib.AsyncExitStack], Awaitable[Sequence[Service] | Backend]]


@dataclass
class AwsServer:
    """A running server; see the module's docstring."""

    build: Build | Sequence[Service]
    account_id: str = ACCOUNT_ID
    region: str = REGION
    authenticate: bool = True
    for_tasks: bool = False
    now: datetime | None = None
    keys: dict[str, Key] = field(default_factory=lambda: {ROOT_KEY.access_key_id: ROOT_KEY})
    url: str = ""
    _session: boto3.session.Session = field(default_factory=boto3.session.Session)
    """One for all clients: each session reads botocore's models anew."""

    def start(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._started = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="aws-server")
        self._thread.start()
        self._started.wait(30)
        if self._failure is not None:
            raise self._failure

    def close(self) -> None:
        if self._loop.is_running():
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(30)
        assert not self._thread.is_alive(), "the server's thread did not end"

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(60)

    def user(self, name: str, session_token: str | None = None) -> Key:
        """Make an IAM user's key known to the default `find_credential`."""
        access_key_id = f"AKIA{name.upper():X<16}"
        arn = f"arn:aws:iam::{self.account_id}:user/{name}"
        principal = Principal(
            PrincipalKind.USER, arn, self.account_id, f"AIDA{name.upper():X<17}", access_key_id, arn
        )
        key = Key(access_key_id, f"secret of {name}", principal, session_token)
        self.keys[access_key_id] = key
        return key

    def client(self, service: str, key: Key = ROOT_KEY, **options: Any) -> Any:
        """A boto3 client; `options` go to boto3 (`region_name`, `config`, ...)."""
        config = Config(retries={"total_max_attempts": 1}, parameter_validation=True)
        if "config" in options:
            config = config.merge(options.pop("config"))
        settings = {"region_name": self.region, "endpoint_url": self.url} | options
        return self._session.client(
            service,
            aws_access_key_id=key.access_key_id,
            aws_secret_access_key=key.secret_access_key,
            aws_session_token=key.session_token,
            config=config,
            **settings,
        )

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._serve())
        except BaseException as failure:  # noqa: BLE001 - told by start()
            self._failure = failure
        finally:
            self._loop.close()
            self._started.set()

    async def _serve(self) -> None:
        self._stop = asyncio.Event()
        async with contextlib.AsyncExitStack() as stack:
            backend = await self._backend(stack)
            app = aws_app(
                backend.services,
                find_credential=backend.find_credential or self._find_credential,
                authorize=backend.authorize or _only_root,
                account_id=self.account_id,
                region=self.region,
                clock=lambda: self.now or utc_now(),
                authenticate=self.authenticate,
                for_tasks=self.for_tasks,
            )
            async with _listening(app) as port:
                self.url = f"http://127.0.0.1:{port}"
                self._started.set()
                await self._stop.wait()

    async def _backend(self, stack: contextlib.AsyncExitStack) -> Backend:
        built = await self.build(stack) if callable(self.build) else self.build
        return built if isinstance(built, Backend) else Backend(built)

    async def _find_credential(
        self, access_key_id: str, session_token: str | None, now: datetime
    ) -> Key | None:
        key = self.keys.get(access_key_id)
        return key if key is not None and key.session_token == session_token else None


async def _only_root(principal: Principal, action: str, resource: str, context: Any = None) -> None:
    if principal.kind != PrincipalKind.ROOT:
        raise ServiceError(
            "AccessDeniedException",
            f"User: {principal.arn} is not authorized to perform: {action} on resource: "
            f"{resource} because no identity-based policy allows the {action} action",
        )


@contextlib.asynccontextmanager
async def _listening(app: Any) -> AsyncIterator[int]:
    config = uvicorn.Config(
        app, host="127.0.0.1", port=0, http="httptools", lifespan="off", log_level="warning",
        log_config=None, timeout_graceful_shutdown=2,
    )  # fmt: skip
    server = uvicorn.Server(config)
    server.capture_signals = contextlib.nullcontext  # type: ignore[method-assign]
    serving = asyncio.create_task(server.serve())
    while not server.started and not serving.done():  # noqa: ASYNC110 - uvicorn tells no other way
        await asyncio.sleep(0.005)
    try:
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        await serving
