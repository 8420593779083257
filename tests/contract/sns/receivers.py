"""What stands at the other end of subscriptions: a web server and a mail server, both real."""

import contextlib
import json
import queue
import ssl
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from tests.server_process import free_port


@dataclass
class Post:
    """One request as it came."""

    headers: dict[str, str]
    body: str

    @property
    def document(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.body)
        return found


@dataclass
class WebReceiver:
    """Answers POSTs with the statuses in `answers`, then with 200; None never answers."""

    answers: list[int | None] = field(default_factory=list)
    received: "queue.Queue[Post]" = field(default_factory=queue.Queue)
    url: str = ""
    location: str = ""

    def next(self, seconds: float = 15) -> Post:
        return self.received.get(timeout=seconds)

    def nothing(self, seconds: float = 0.5) -> bool:
        with contextlib.suppress(queue.Empty):
            return self.received.get(timeout=seconds) is None
        return True


@contextlib.contextmanager
def web_receiver(
    answers: list[int | None] | None = None, tls: tuple[Path, Path] | None = None
) -> Iterator[WebReceiver]:
    receiver = WebReceiver(answers or [])
    ended = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            status = receiver.answers.pop(0) if receiver.answers else 200
            receiver.received.put(Post(headers, body.decode()))
            if status is None:
                ended.wait(30)
                return
            self.send_response(status)
            if receiver.location:
                self.send_header("location", receiver.location)
            self.end_headers()
            self.wfile.write(b"thanks")

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    scheme = "http"
    if tls is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*tls)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        scheme = "https"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    receiver.url = f"{scheme}://127.0.0.1:{server.server_address[1]}"
    try:
        yield receiver
    finally:
        ended.set()
        server.shutdown()
        thread.join()
        server.server_close()


@dataclass
class MailReceiver:
    """A mail server; `refusals` are what it answers to the next mails, then it takes them."""

    port: int = 0
    refusals: list[str] = field(default_factory=list)
    received: "queue.Queue[EmailMessage]" = field(default_factory=queue.Queue)
    encrypted: list[bool] = field(default_factory=list)
    logins: list[tuple[str, str]] = field(default_factory=list)

    def next(self, seconds: float = 15) -> EmailMessage:
        return self.received.get(timeout=seconds)

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        if self.refusals:
            return self.refusals.pop(0)
        assert isinstance(envelope.content, bytes)
        mail = message_from_bytes(envelope.content, policy=default)
        assert isinstance(mail, EmailMessage)
        mail["X-Envelope"] = f"{envelope.mail_from} -> {', '.join(envelope.rcpt_tos)}"
        self.encrypted.append(session.ssl is not None)
        self.received.put(mail)
        return "250 taken"

    def authenticate(
        self, _server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, data: Any
    ) -> AuthResult:
        assert isinstance(data, LoginPassword)
        self.logins.append((data.login.decode(), data.password.decode()))
        return AuthResult(success=data.password == b"right")


@contextlib.contextmanager
def mail_receiver(tls: tuple[Path, Path] | None = None) -> Iterator[MailReceiver]:
    receiver = MailReceiver()
    options: dict[str, Any] = {}
    if tls is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*tls)
        options = {
            "tls_context": context, "require_starttls": True, "auth_require_tls": True,
            "authenticator": receiver.authenticate,
        }  # fmt: skip
    sessions: list[SMTP] = []

    class Recording(Controller):
        def factory(self) -> SMTP:
            session = super().factory()
            sessions.append(session)
            return session

    controller = Recording(receiver, hostname="127.0.0.1", port=free_port(), **options)
    controller.start()
    receiver.port = controller.port
    try:
        yield receiver
    finally:
        deadline = time.monotonic() + 5
        while any(session.transport for session in sessions) and time.monotonic() < deadline:
            time.sleep(0.02)  # a session's QUIT comes after its mail: no socket stays open
        controller.stop()
