"""Which requests the console answers at all, whoever sends them, and what all its answers carry.

A page elsewhere, or one whose own name was made to lead to this machine (DNS rebinding), must
not act or read through a visitor's browser. Ports do not separate cookies, so a program that
listens on another port of this host counts as elsewhere too.
Source: https://www.w3.org/TR/fetch-metadata/ and https://fetch.spec.whatwg.org/#origin-header
"""

from collections.abc import Mapping
from urllib.parse import urlsplit

from penstock import web_pages

HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
NO_STORE = "no-store"
_HARMLESS = {"GET", "HEAD"}
_OWN_SITE = {"same-origin", "none"}


def refusal(
    method: str,
    scheme: str,
    headers: Mapping[str, str],
    own_host: str,
    public_url: str | None = None,
) -> str | None:
    """Return why a request is refused, in words for the person who sees it; None if it is not.

    `headers` have names in lower case; `own_host` is the address that the server listens on,
    `public_url` what people elsewhere reach it under: a proxy that ends TLS hands on its Host.
    What changes something must say by Origin, or by Sec-Fetch-Site, that it comes from a page
    of ours. What only reads may come from elsewhere as a link that somebody follows.
    """
    host = headers.get("host", "")
    public = urlsplit(public_url) if public_url else None
    is_public = public is not None and host.lower() == public.netloc.lower()
    if not is_public and not web_pages.is_own_host(host, own_host):
        names = ", ".join(["localhost", own_host, *([public.netloc] if public else [])])
        return (
            f"The console is served for {names} only; this request is for the host {host!r}. "
            "Open the console under one of those names, or start the server with --public-url."
        )
    site = headers.get("sec-fetch-site")
    if method in _HARMLESS:
        followed = headers.get("sec-fetch-mode") == "navigate"
        if site is not None and site not in _OWN_SITE and not followed:
            return "Only the console's own pages may load this."
        return None
    origin = headers.get("origin")
    own = f"{public.scheme if is_public and public else scheme}://{host}"
    if origin is not None and origin != own:
        return (
            f"This was sent by a page of {origin!r}, and the console takes changes from its own "
            f"pages ({own}) only. Nothing was changed."
        )
    if origin is None and site != "same-origin":
        return (
            "This request does not say which page sent it (Origin), so the console cannot tell "
            "that it was one of its own. Nothing was changed."
        )
    return None
