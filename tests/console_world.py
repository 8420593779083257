"""A console over real identities and sessions, and a browser that knows no network.

CodePipeline's and CodeBuild's answers are set by the test, in the shapes of botocore's model:
these tests are about who may see and do what, and how it is shown.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import urlencode, urlsplit

from penstock.aws.in_process import InProcess
from penstock.aws.service import Service
from penstock.console.app import Console, console_app
from penstock.console.sessions import Sessions, csrf_token
from penstock.console.visit import Reviewed, Support, no_change_sets, nothing_known
from penstock.services.iam import Iam
from penstock.services.iam.api import service as iam_service
from penstock.storage.database import Database
from penstock.storage.outbox import Outbox

ACCOUNT, REGION = "123456789012", "us-east-1"
HOST = "127.0.0.1:4600"


class SettableClock:
    def __init__(self) -> None:
        self.now = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **delta: float) -> None:
        self.now += timedelta(**delta)


@dataclass
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()


@dataclass
class Browser:
    """Sends what a browser sends; keeps the console's cookie."""

    console: Any
    cookies: dict[str, str] = field(default_factory=dict)

    async def get(self, path: str, **headers: str) -> Answer:
        return await self.send("GET", path, {"sec-fetch-site": "none", **_dashed(headers)})

    async def post(self, path: str, form: Mapping[str, str], **headers: str) -> Answer:
        own = {"origin": f"http://{HOST}", "sec-fetch-site": "same-origin"}
        return await self.send("POST", path, {**own, **_dashed(headers)}, form)

    async def send(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        form: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send exactly these headers, besides Host, cookies and a form's own."""
        body = urlencode(form).encode() if form is not None else b""
        sent = {"host": HOST, "content-length": str(len(body)), **headers}
        if form is not None:
            sent["content-type"] = "application/x-www-form-urlencoded"
        if self.cookies:
            sent["cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        answer = await asgi(self.console, method, path, sent, body)
        for name, morsel in SimpleCookie(answer.headers.get("set-cookie", "")).items():
            self.cookies.pop(name, None)
            if morsel.value:
                self.cookies[name] = morsel.value
        return answer


def _dashed(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


async def asgi(
    app: Any, method: str, path: str, headers: Mapping[str, str], body: bytes = b""
) -> Answer:
    parts = urlsplit(path)
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": method,
        "path": parts.path,
        "raw_path": parts.path.encode(),
        "query_string": parts.query.encode(),
        "scheme": "http",
        "http_version": "1.1",
        "server": ("127.0.0.1", 4600),
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }
    await app(scope, receive, send)
    return Answer(
        sent[0]["status"],
        {name.decode(): value.decode() for name, value in sent[0]["headers"]},
        b"".join(message.get("body", b"") for message in sent[1:]),
    )


@dataclass
class World:
    """A console and what stands behind it."""

    database: Database
    iam: Iam
    clock: SettableClock
    outbox: Outbox
    answers: dict[tuple[str, str], Any] = field(default_factory=dict)
    calls: list[tuple[str, str, Any, str]] = field(default_factory=list)
    """service, operation, parameters and the caller's ARN of every call that was let through."""

    def __post_init__(self) -> None:
        self.sessions = Sessions(self.database, self.iam.find_credential, self.clock)
        self.in_process = InProcess(
            self._services, self.iam.authorize, ACCOUNT, REGION, self.clock, f"http://{HOST}"
        )
        self.serve(self.make_console())

    def serve(self, console: Console) -> None:
        """Make this console the one that `browser` is at."""
        self.console = console
        self.browser = Browser(console)

    def make_console(
        self,
        *,
        authenticate: bool = True,
        public_url: str | None = None,
        support: Support = nothing_known,
        reviewed: Reviewed = no_change_sets,
    ) -> Console:
        return console_app(
            self.in_process,
            self.outbox,
            self.sessions,
            own_host="127.0.0.1",
            public_url=public_url,
            port=4600,
            authenticate=authenticate,
            support=support,
            reviewed=reviewed,
        )

    def _services(self) -> list[Service]:
        services: dict[str, dict[str, Any]] = {}
        for service, operation in self.answers:
            services.setdefault(service, {})[operation] = self._operation(service, operation)
        return [iam_service(self.iam)] + [
            Service(name, operations) for name, operations in services.items()
        ]

    def _operation(self, service: str, operation: str) -> Any:
        async def answer(call: Any, request: Any) -> Any:
            self.calls.append((service, operation, request, call.principal.arn))
            found = self.answers[service, operation]
            if isinstance(found, Exception):
                raise found
            return found

        return answer

    async def root(self) -> Any:
        key = await self.iam.ensure_root()
        found = await self.iam.find_credential(key.access_key_id, None, self.clock())
        assert found is not None
        return found

    async def user(self, name: str, *statements: Any) -> Any:
        """Make a user with a policy; return the credential of its access key."""
        root = (await self.root()).principal
        await self.in_process.call(root, "iam", "CreateUser", {"UserName": name})
        if statements:
            document = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
            await self.in_process.call(
                root,
                "iam",
                "PutUserPolicy",
                {"UserName": name, "PolicyName": "inline", "PolicyDocument": document},
            )
        made = await self.in_process.call(root, "iam", "CreateAccessKey", {"UserName": name})
        key_id = made["AccessKey"]["AccessKeyId"]
        found = await self.iam.find_credential(key_id, None, self.clock())
        assert found is not None
        return found

    async def log_in(self, credential: Any = None) -> Browser:
        """Log the browser in through a link, as a person does."""
        principal = (credential or await self.root()).principal
        token = await self.sessions.make_link(principal)
        answer = await self.browser.post("/console/login", {"link": token})
        assert answer.status == 303, answer.text
        return self.browser

    def csrf(self, browser: Browser | None = None) -> str:
        (token,) = (browser or self.browser).cookies.values()
        return csrf_token(token)
