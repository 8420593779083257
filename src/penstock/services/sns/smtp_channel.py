"""Messages brought by mail, through the SMTP relay that the server was told.

smtplib in threads: each mail takes one short connection.
"""

import asyncio
import smtplib
import socket
import ssl
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from email.message import EmailMessage
from ipaddress import ip_address
from urllib.parse import unquote, urlsplit

from penstock.services.sns.attempt import Attempt, Delivered, Failed
from penstock.services.sns.mail import mail
from penstock.services.sns.message import Message
from penstock.services.sns.notification import document
from penstock.services.sns.signing import Signer
from penstock.services.sns.subscription import Subscription

_TIMEOUT_SECONDS = 15.0
_THREADS = 4
_PORTS = {"smtp": 25, "smtps": 465}
_SUBMISSION_PORT = 587
_FINAL = 500


@dataclass(frozen=True, slots=True)
class Relay:
    """Where mail is handed over, and as whom."""

    host: str
    port: int
    implicit_tls: bool
    sender: str
    user: str | None = None
    password: str | None = field(default=None, repr=False)


def relay(url: str, sender: str | None, password: str | None) -> Relay:
    """Return what `smtp://[USER@]HOST[:PORT]` or `smtps://…` says; ValueError with a reason."""
    form = "expected smtp://[USER@]HOST[:PORT] or smtps://[USER@]HOST[:PORT]"
    parts = urlsplit(url)
    if parts.password is not None:
        raise ValueError(
            f"{form}, found a password in it, which `ps` would show: put it into the variable "
            "PENSTOCK_SMTP_PASSWORD or a file (--smtp-password-file)"
        )
    if parts.scheme not in _PORTS or not parts.hostname or parts.path not in {"", "/"}:
        raise ValueError(f"{form}, found {url!r}")
    if sender is None or not _is_address(sender):
        raise ValueError(f"it needs --smtp-from, the address that mail is from; found {sender!r}")
    user = unquote(parts.username) if parts.username else None
    if user is not None and not password:
        raise ValueError(
            f"user {user!r} needs a password: put it into the variable PENSTOCK_SMTP_PASSWORD or "
            "a file (--smtp-password-file)"
        )
    submits = parts.scheme == "smtp" and user is not None
    port = parts.port or (_SUBMISSION_PORT if submits else _PORTS[parts.scheme])
    return Relay(parts.hostname, port, parts.scheme == "smtps", sender, user, password)


class SmtpChannel:
    """Sends messages as mails; `close` does not wait for those that are being handed over."""

    def __init__(self, relay: Relay, signer: Signer, endpoint_url: str) -> None:
        self._relay = relay
        self._signer = signer
        self._endpoint_url = endpoint_url
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="penstock-mail")

    def close(self) -> None:
        """Send no more."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def deliver(self, message: Message, subscription: Subscription) -> Attempt:
        """Hand a message over to the relay, once."""
        made = mail(
            message,
            subscription,
            sender=self._relay.sender,
            endpoint_url=self._endpoint_url,
            json=await asyncio.to_thread(self._document, message, subscription),
        )
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, _sent, self._relay, made)

    def _document(self, message: Message, subscription: Subscription) -> str:
        return document(
            message,
            subscription.protocol,
            subscription.arn,
            endpoint_url=self._endpoint_url,
            certificate_url=self._signer.certificate_url(self._endpoint_url),
            sign=self._signer.sign,
        )


def _sent(relay: Relay, made: EmailMessage) -> Attempt:
    try:
        with _connected(relay) as connection:
            _secure(connection, relay)
            connection.send_message(made, from_addr=relay.sender)
    except smtplib.SMTPRecipientsRefused as error:
        code, text = next(iter(error.recipients.values()))
        return _refused(code, text, final=code >= _FINAL)
    except (smtplib.SMTPDataError, smtplib.SMTPSenderRefused) as error:
        return _refused(error.smtp_code, error.smtp_error, final=error.smtp_code >= _FINAL)
    except smtplib.SMTPResponseException as error:  # the relay's trouble, or a wrong password
        return _refused(error.smtp_code, error.smtp_error, final=False)
    except (smtplib.SMTPException, OSError) as error:
        return Failed(f"{relay.host} port {relay.port}: {error}", retry=True)
    return Delivered(250, f"{relay.host} has taken it")


def _connected(relay: Relay) -> smtplib.SMTP:
    name = socket.gethostname()  # smtplib would ask DNS, which may take long
    if relay.implicit_tls:
        return smtplib.SMTP_SSL(
            relay.host,
            relay.port,
            local_hostname=name,
            timeout=_TIMEOUT_SECONDS,
            context=ssl.create_default_context(),
        )
    return smtplib.SMTP(relay.host, relay.port, local_hostname=name, timeout=_TIMEOUT_SECONDS)


def _secure(connection: smtplib.SMTP, relay: Relay) -> None:
    """Start TLS where the relay offers it, and log in; never with a readable password."""
    connection.ehlo_or_helo_if_needed()
    encrypted = relay.implicit_tls
    if not encrypted and connection.has_extn("starttls"):
        connection.starttls(context=ssl.create_default_context())
        connection.ehlo()
        encrypted = True
    if relay.user is None or relay.password is None:
        return
    if not encrypted and not _is_loopback(relay.host):
        raise smtplib.SMTPException(
            "it offers no STARTTLS, and the password would be readable on the way; use smtps://"
        )
    connection.login(relay.user, relay.password)


def _refused(code: int, text: bytes | str, *, final: bool) -> Failed:
    words = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    return Failed(f"the mail server answered {code} {words[:200]}", not final, code)


def _is_address(text: str) -> bool:
    name, _, domain = text.rpartition("@")
    return bool(name and domain) and text.isascii() and text.isprintable() and " " not in text


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
