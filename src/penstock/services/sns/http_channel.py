"""Messages brought by HTTP: a POST as AWS sends it.

Who may subscribe makes the server send requests, so these go nowhere that could take one for the
server's own or give away the host's identity: not to link-local addresses (cloud metadata) and not
to the server's own listener, whatever name leads there. Other addresses, loopback included, are
the point of a server of one's own. Redirects are not followed; certificates are verified against
the host's trust (SSL_CERT_FILE too); proxies are not used.
Source: https://docs.aws.amazon.com/sns/latest/dg/sns-http-https-endpoint-as-subscriber.html
"""

import asyncio
import ipaddress
import socket
import ssl

import aiohttp
from aiohttp.abc import ResolveResult
from yarl import URL

from penstock.services.sns.attempt import Attempt, Delivered, Failed
from penstock.services.sns.message import Message
from penstock.services.sns.notification import document
from penstock.services.sns.signing import Signer
from penstock.services.sns.subscription import Subscription

TIMEOUT_SECONDS = 15.0
"""AWS's own."""
_USER_AGENT = "Amazon Simple Notification Service Agent"
_CONTENT_TYPE = "text/plain; charset=UTF-8"
_MOST_SHOWN = 1024
_TOO_MANY_REQUESTS = 429
_METADATA = (ipaddress.ip_network("fd00:ec2::/32"), ipaddress.ip_network("100.100.100.200/32"))
"""Metadata services that are not link-local: AWS's by IPv6, Alibaba Cloud's."""


class AddressRefused(OSError):
    """An endpoint's name leads where no message may go."""


class HttpChannel:
    """Posts messages; make it, `deliver`, `close`. `own_port` is the server's own."""

    def __init__(
        self,
        signer: Signer,
        endpoint_url: str,
        own_port: int,
        timeout_seconds: float = TIMEOUT_SECONDS,
    ) -> None:
        self._signer = signer
        self._endpoint_url = endpoint_url
        self._own_port = own_port
        self._timeout = aiohttp.ClientTimeout(total=timeout_seconds)
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        """Drop the connections; repeating it does nothing."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def deliver(self, message: Message, subscription: Subscription) -> Attempt:
        """Post a message once. 2xx is success; 3xx and 4xx, except 429, are final."""
        raw = subscription.raw and message.type == "Notification"
        body = message.text(subscription.protocol)
        if not raw:
            body = await asyncio.to_thread(self._document, message, subscription)
        headers = {
            "content-type": _CONTENT_TYPE,
            "user-agent": _USER_AGENT,
            "x-amz-sns-message-type": message.type,
            "x-amz-sns-message-id": message.id,
            "x-amz-sns-topic-arn": message.topic_arn,
            "x-amz-sns-subscription-arn": subscription.arn,
        }
        if raw:
            headers["x-amz-sns-rawdelivery"] = "true"
        try:
            return await self._post(subscription.endpoint, body.encode(), headers)
        except (aiohttp.InvalidURL, AddressRefused) as error:
            return Failed(f"the address was refused: {error}", retry=False)
        except TimeoutError:
            return Failed(f"no answer within {self._timeout.total:g} seconds", retry=True)
        except (aiohttp.ClientError, OSError) as error:
            refused = _refusal_in(error)
            if refused is not None:
                return Failed(f"the address was refused: {refused}", retry=False)
            return Failed(f"no connection: {error}", retry=True)

    async def _post(self, endpoint: str, body: bytes, headers: dict[str, str]) -> Attempt:
        url = URL(endpoint)
        if url.host is None:
            raise aiohttp.InvalidURL(endpoint)
        _refuse(url.host, url.port, self._own_port)
        async with self._opened().post(
            url, data=body, headers=headers, timeout=self._timeout, allow_redirects=False
        ) as response:
            answer = (await response.content.read(_MOST_SHOWN)).decode("utf-8", "replace")
        status = response.status
        if 200 <= status < 300:
            return Delivered(status, answer)
        retry = status >= 500 or status == _TOO_MANY_REQUESTS
        return Failed(f"the endpoint answered {status}: {answer[:200]}", retry, status)

    def _document(self, message: Message, subscription: Subscription) -> str:
        return document(
            message,
            subscription.protocol,
            subscription.arn,
            endpoint_url=self._endpoint_url,
            certificate_url=self._signer.certificate_url(self._endpoint_url),
            sign=self._signer.sign,
        )

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            connector = aiohttp.TCPConnector(
                resolver=_Resolver(self._own_port),
                ssl=ssl.create_default_context(),
                force_close=True,
            )
            self._session = aiohttp.ClientSession(
                connector=connector, cookie_jar=aiohttp.DummyCookieJar(), trust_env=False
            )
        return self._session


class _Resolver(aiohttp.ThreadedResolver):
    """The host's resolver, without the addresses that no message may go to."""

    def __init__(self, own_port: int) -> None:
        super().__init__()
        self._own_port = own_port

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Resolve a name; AddressRefused when one of its addresses is refused."""
        found = await super().resolve(host, port, family)
        for one in found:
            _refuse(one["host"], port, self._own_port)
        return found


def _refuse(host: str, port: int | None, own_port: int) -> None:
    """Raise AddressRefused for an address that no message may go to; names pass."""
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return
    address = getattr(address, "ipv4_mapped", None) or address
    if address.is_link_local or address.is_multicast or address.is_unspecified:
        raise AddressRefused(f"{address} is link-local, multicast or no address at all")
    if any(address in network for network in _METADATA):
        raise AddressRefused(f"{address} is a cloud's metadata service")
    if port == own_port and _is_here(address):
        raise AddressRefused(f"{address} port {port} is this server itself")


def _is_here(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    """Tell whether an address is one of this machine's."""
    family = socket.AF_INET6 if address.version == 6 else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((str(address), 0))
        except OSError:
            return False
    return True


def _refusal_in(error: BaseException | None) -> AddressRefused | None:
    """Return the refusal that aiohttp has wrapped, if that is what it is."""
    while error is not None:
        if isinstance(error, AddressRefused):
            return error
        error = error.__cause__ or getattr(error, "os_error", None)
    return None
