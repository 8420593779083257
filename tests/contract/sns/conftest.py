"""A server with SNS that delivers, with the front that its links need."""

import contextlib
import datetime
from collections.abc import Callable
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from tests.databases import opened_database
from tests.server_process import free_port

from penstock.aws.service import Service
from penstock.clock import utc_now
from penstock.front import Front
from penstock.listeners import Listener
from penstock.services.logs import Logs
from penstock.services.logs import api as logs_api
from penstock.services.sns import Sns
from penstock.services.sns.api import service
from penstock.services.sns.attempt import Channel
from penstock.services.sns.deliveries import Deliveries
from penstock.services.sns.http_channel import HttpChannel
from penstock.services.sns.links import Links
from penstock.services.sns.signing import Signer
from penstock.services.sns.smtp_channel import Relay, SmtpChannel
from penstock.storage.log_files import LogFiles

ACCOUNT, REGION = "123456789012", "us-east-1"


def soon(protocol: str, attempts: int) -> float | None:
    """Three attempts, without the waiting of AWS's policy."""
    return 0.05 if attempts < 3 else None


class SnsServer:
    """The server, its domain object, and a client. `links_url` is where messages' links lead."""

    def __init__(self, aws_server: Any, directory: Path, relay: Relay | None = None) -> None:
        self.directory = directory
        self.relay = relay
        self.links_port = free_port()
        self.links_url = f"http://127.0.0.1:{self.links_port}"
        self.aws: Any = aws_server(self._build)
        self.client = self.aws.client("sns")
        self.logs = self.aws.client("logs")

    async def _build(self, stack: contextlib.AsyncExitStack) -> list[Service]:
        database = stack.enter_context(opened_database(self.directory))
        account = {"account_id": ACCOUNT, "region": REGION}
        logs = Logs(database, LogFiles(self.directory / "logs"), utc_now, **account)
        self.domain = Sns(database, utc_now, ACCOUNT, REGION, sends_mail=self.relay is not None)
        signer = Signer(self.directory, utc_now)
        http = HttpChannel(signer, self.links_url, self.links_port, timeout_seconds=1)
        stack.push_async_callback(http.close)
        channels: dict[str, Channel] = {"http": http, "https": http}
        if self.relay is not None:
            mail = SmtpChannel(self.relay, signer, self.links_url)
            stack.callback(mail.close)
            channels |= {"email": mail, "email-json": mail}
        links = Links(self.domain, signer)
        nothing = PlainTextResponse("nothing\n", 404)
        front = Front(nothing, nothing, Starlette(routes=links.routes), None, None, links)
        listener = Listener(front, "127.0.0.1", self.links_port)
        await listener.start()
        stack.push_async_callback(listener.close)
        deliveries = Deliveries(database, self.domain, logs, utc_now, channels, soon)
        await deliveries.start()
        stack.push_async_callback(deliveries.close)
        return [service(self.domain), logs_api.service(logs)]

    def confirm(self, subscription_arn: str) -> None:
        """Confirm as the endpoint would, by the token that it was sent."""
        found = self.aws.run(self.domain.subscription(subscription_arn))
        self.client.confirm_subscription(TopicArn=found.topic_arn, Token=found.token)


Start = Callable[..., SnsServer]


@pytest.fixture
def start(aws_server: Any, tmp_path: Path) -> Start:
    """Start a server; `relay=` is where it sends mail."""
    return lambda **options: SnsServer(aws_server, tmp_path, **options)


@pytest.fixture
def server(start: Start) -> SnsServer:
    return start(relay=Relay("127.0.0.1", 9, False, "penstock@example.com"))


@pytest.fixture
def sns(server: SnsServer) -> Any:
    return server.client


@pytest.fixture
def topic(sns: Any) -> str:
    return str(sns.create_topic(Name="alarms")["TopicArn"])


@pytest.fixture
def certificate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 and its key; the host trusts it by SSL_CERT_FILE."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "receiver")])
    now = utc_now()
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), True)
        .sign(key, hashes.SHA256())
    )
    certificate, private = tmp_path / "receiver.crt", tmp_path / "receiver.key"
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    return certificate, private
