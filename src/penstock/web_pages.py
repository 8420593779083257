"""Which requests a web page made somebody's browser send.

Where everybody is root (`--no-auth`), a page elsewhere must not act through a visitor's browser.
Browsers say where a request comes from: `Origin` on all that changes or reads across sites,
`Sec-Fetch-Site` on everything, images and links too; and a page that let its own name lead to
this machine (DNS rebinding) is known by its Host.
Source: https://www.w3.org/TR/fetch-metadata/
"""

import ipaddress
from collections.abc import Iterable

_TYPED_BY_THE_USER = b"none"


def refusal(headers: Iterable[tuple[bytes, bytes]], own_host: str) -> str | None:
    """Return why a request with these headers (names in lower case) is refused; None if it is not.

    `own_host` is the name or address that the server listens on.
    """
    found = dict(headers)
    if b"origin" in found or found.get(b"sec-fetch-site", _TYPED_BY_THE_USER) != _TYPED_BY_THE_USER:
        return "With --no-auth, requests from web pages are refused."
    host = found.get(b"host", b"").decode("latin-1")
    if not is_own_host(host, own_host):
        return (
            "With --no-auth, requests for other hosts than this machine are refused: expected "
            f"localhost or {own_host} as Host, found {_name(host)!r}."
        )
    return None


def is_own_host(host: str, own_host: str) -> bool:
    """Tell whether a Host header (`name[:port]`) names this machine or `own_host`."""
    name = _name(host)
    return name == own_host.lower() or _is_this_machine(name)


def _name(host: str) -> str:
    """Return the name or address in a Host header, without its port and brackets."""
    if host.startswith("["):
        return host[1:].partition("]")[0].lower()
    return host.partition(":")[0].lower()


def _is_this_machine(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
