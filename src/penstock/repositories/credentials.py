"""Who calls git over HTTP: Basic credentials made of an access key.

Two forms of password are taken: the secret access key itself, and what
`aws codecommit credential-helper` and git-remote-codecommit send, a SigV4 signature over
the pseudo-method GIT (`YYYYMMDDTHHMMSSZ` and 64 hexadecimal digits). The user name is the
access key id, with `%` and the session token after it for temporary credentials.
Source: https://docs.aws.amazon.com/codecommit/latest/userguide/temporary-access.html
"""

import base64
import binascii
import hashlib
import hmac
import re
from datetime import UTC, datetime, timedelta

from penstock.aws.errors import ServiceError
from penstock.aws.principals import FindCredential
from penstock.aws.service import Principal

_SIGNED = re.compile(r"(?P<time>\d{8}T\d{6})Z(?P<signature>[0-9a-f]{64})")
_HOST_REGION = re.compile(r"(?:^|\.)git-codecommit(?:-fips)?\.([a-z0-9-]+)\.")
_VALID_FOR = timedelta(minutes=15)


def basic_credentials(authorization: str | None) -> tuple[str, str] | None:
    """Return (user name, password) of an Authorization header; None when it has none."""
    scheme, _, encoded = (authorization or "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        user, colon, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return (user, password) if colon else None


async def verify(
    user: str,
    password: str,
    *,
    host: str,
    path: str,
    region: str,
    now: datetime,
    find_credential: FindCredential,
) -> Principal:
    """Return whose credentials these are; raise ServiceError (403) when they are wrong.

    `host` is the request's, without its port, and `path` the repository's (`/v1/repos/x`):
    a signature covers both.
    """
    access_key_id, _, token = user.partition("%")
    credential = await find_credential(access_key_id, token or None, now)
    if credential is None:
        raise _refused("The user name is not the id of an active access key.")
    secret = credential.secret_access_key
    if hmac.compare_digest(password.encode(), secret.encode()):
        return credential.principal
    match = _SIGNED.fullmatch(password)
    if match is None:
        raise _refused("The password is neither the access key's secret nor a signature.")
    signed_at = _parse_time(match["time"])
    if signed_at is None or abs(now - signed_at) > _VALID_FOR:
        raise _refused("The signature in the password has expired, or this host's clock is wrong.")
    named = _HOST_REGION.search(host)
    regions = {region, named[1]} if named else {region}
    for candidate in sorted(regions):
        expected = sign(secret, match["time"], host=host, path=path, region=candidate)
        if hmac.compare_digest(expected, match["signature"]):
            return credential.principal
    raise _refused(f"The signature in the password does not match {host}{path} in region {region}.")


def sign(secret: str, time: str, *, host: str, path: str, region: str) -> str:
    """Return the signature over GIT `path` on `host` at `time` (YYYYMMDDTHHMMSS)."""
    canonical = f"GIT\n{path}\n\nhost:{host}\n\nhost\n"
    scope = f"{time[:8]}/{region}/codecommit/aws4_request"
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    key = ("AWS4" + secret).encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    text = f"AWS4-HMAC-SHA256\n{time}\n{scope}\n{digest}"
    return hmac.new(key, text.encode(), "sha256").hexdigest()


def _parse_time(text: str) -> datetime | None:
    try:
        return datetime.strptime(text, "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return None


def _refused(reason: str) -> ServiceError:
    return ServiceError("AccessDeniedException", reason, status=403)
