"""AWS Signature Version 4, verified: in the Authorization header and in presigned URLs.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
and, for texts, https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html
"""

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import NoReturn
from urllib.parse import quote, unquote

from penstock.aws.errors import ServiceError
from penstock.aws.http import HttpRequest, decode_pairs, whole_number

ALGORITHM = "AWS4-HMAC-SHA256"
UNSIGNED_PAYLOAD = "UNSIGNED-PAYLOAD"
EMPTY_SHA256 = hashlib.sha256(b"").hexdigest()
MISMATCH = (
    "The request signature we calculated does not match the signature you provided. Check your "
    "AWS Secret Access Key and signing method. Consult the service documentation for details."
)
S3_MISMATCH = (
    "The request signature we calculated does not match the signature you provided. "
    "Check your key and signing method."
)
_SKEW = timedelta(minutes=15)
_MOST_EXPIRES_SECONDS = 604_800
_COMPACT = "%Y%m%dT%H%M%SZ"


@dataclass(frozen=True, slots=True)
class Scope:
    """A credential scope: `AKID/20150830/us-east-1/iam/aws4_request`."""

    access_key_id: str
    date: str
    region: str
    service: str

    @property
    def text(self) -> str:
        """The scope without the access key."""
        return f"{self.date}/{self.region}/{self.service}/aws4_request"


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """What a request says about its own signature."""

    scope: Scope
    signed_headers: Sequence[str]
    signature: str
    signed_at: datetime
    session_token: str | None
    expires_seconds: int | None
    """For a presigned URL, how long it lives; None for a header signature."""

    @property
    def presigned(self) -> bool:
        """Whether the signature stands in the query string."""
        return self.expires_seconds is not None


def read_signature(request: HttpRequest) -> SignedRequest | None:
    """Return the request's claim of a SigV4 signature, None when it has none.

    Raise ServiceError (IncompleteSignatureException, or S3's codes) when it is malformed.
    """
    header = request.headers.get("authorization")
    if header is not None and header.startswith(ALGORITHM):
        return _read_header(request, header)
    if "X-Amz-Algorithm" in request.query:
        return _read_query(request)
    return None


def _read_header(request: HttpRequest, header: str) -> SignedRequest:
    parameters = _header_parameters(header)
    moment = request.headers.get("x-amz-date") or request.headers.get("date")
    missing = [
        f"Authorization header requires '{name}' parameter."
        for name in ("Credential", "Signature", "SignedHeaders")
        if not parameters.get(name)
    ]
    if not moment:
        missing.append(
            "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header."
        )
    if missing or not moment:
        _incomplete(f"{' '.join(missing)} Authorization={ALGORITHM}")
    return SignedRequest(
        scope=_parse_scope(parameters["Credential"]),
        signed_headers=parameters["SignedHeaders"].split(";"),
        signature=parameters["Signature"],
        signed_at=_parse_date(moment),
        session_token=request.headers.get("x-amz-security-token"),
        expires_seconds=None,
    )


def _header_parameters(header: str) -> dict[str, str]:
    parameters = {}
    for part in header.removeprefix(ALGORITHM).split(","):
        name, equals, value = part.strip().partition("=")
        if name and not equals:
            _incomplete(
                f"'{name}' not a valid key=value pair (missing equal-sign) in Authorization "
                f"header: '{header}'."
            )
        parameters[name] = value
    return parameters


def _read_query(request: HttpRequest) -> SignedRequest:
    found = {name: values[0] for name, values in request.query.items()}
    required = ("X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Signature", "X-Amz-SignedHeaders",
                "X-Amz-Date")  # fmt: skip
    missing = [f"AWS query-string parameters must include '{name}'." for name in required
               if not found.get(name)]  # fmt: skip
    if found["X-Amz-Algorithm"] != ALGORITHM:
        missing.append(f"Unsupported AWS 'algorithm': '{found['X-Amz-Algorithm']}'.")
    if missing:
        _incomplete(f"{' '.join(missing)} Re-examine the query-string parameters.")
    expires = whole_number(found.get("X-Amz-Expires", str(int(_SKEW.total_seconds()))))
    if expires is None or expires > _MOST_EXPIRES_SECONDS:
        raise ServiceError(
            "AuthorizationQueryParametersError",
            "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires "
            f"must be less than {_MOST_EXPIRES_SECONDS} seconds",
            status=400,
        )
    return SignedRequest(
        scope=_parse_scope(found["X-Amz-Credential"]),
        signed_headers=found["X-Amz-SignedHeaders"].split(";"),
        signature=found["X-Amz-Signature"],
        signed_at=_parse_date(found["X-Amz-Date"]),
        session_token=found.get("X-Amz-Security-Token"),
        expires_seconds=expires,
    )


def _parse_scope(credential: str) -> Scope:
    parts = credential.rsplit("/", 4)
    if len(parts) != 5 or not all(parts):
        _incomplete(
            "Credential must have exactly 5 slash-delimited elements, e.g. "
            f"keyid/date/region/service/term, got '{credential}'"
        )
    key, date, region, service, term = parts
    if term != "aws4_request":
        raise ServiceError(
            "InvalidSignatureException",
            f"Credential should be scoped with a valid terminator: 'aws4_request', not '{term}'.",
        )
    return Scope(key, date, region, service)


def _parse_date(text: str) -> datetime:
    try:
        return datetime.strptime(text, _COMPACT).replace(tzinfo=UTC)
    except ValueError:
        pass
    try:
        parsed = parsedate_to_datetime(text)
    except ValueError:
        _incomplete(
            "Date must be in ISO-8601 'basic format'. "
            f"Got '{text}'. See http://en.wikipedia.org/wiki/ISO_8601"
        )
    return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)


def _incomplete(message: str) -> NoReturn:
    raise ServiceError("IncompleteSignatureException", message)


def check_date(signed: SignedRequest, now: datetime, *, s3: bool) -> None:
    """Raise when the signature's date is too far from `now`, or its presigned life is over."""
    moment = signed.signed_at
    if signed.expires_seconds is not None:
        end = moment + timedelta(seconds=signed.expires_seconds)
        if now > end:
            if s3:
                raise ServiceError("AccessDenied", "Request has expired", status=403)
            _expired(moment, now, end - moment)
        if moment > now + _SKEW and s3:
            raise ServiceError("AccessDenied", "Request is not valid yet", status=403)
    elif s3 and abs(now - moment) > _SKEW:
        raise ServiceError(
            "RequestTimeTooSkewed",
            "The difference between the request time and the current time is too large.",
            status=403,
        )
    elif moment < now - _SKEW:
        _expired(moment, now, _SKEW)
    if moment > now + _SKEW:
        bound = now + _SKEW
        raise ServiceError(
            "InvalidSignatureException",
            f"Signature not yet current: {moment:{_COMPACT}} is still later than "
            f"{bound:{_COMPACT}} ({now:{_COMPACT}} + 15 min.)",
        )
    if signed.scope.date != moment.strftime("%Y%m%d"):
        raise ServiceError(
            "InvalidSignatureException",
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from "
            f"HTTP: '{signed.scope.date}' != '{moment:%Y%m%d}', from '{moment:{_COMPACT}}'.",
        )


def _expired(moment: datetime, now: datetime, allowed: timedelta) -> NoReturn:
    bound = now - allowed
    raise ServiceError(
        "InvalidSignatureException",
        f"Signature expired: {moment:{_COMPACT}} is now earlier than {bound:{_COMPACT}} "
        f"({now:{_COMPACT}} - {int(allowed.total_seconds()) // 60} min.)",
    )


def signing_key(secret: str, scope: Scope) -> bytes:
    """Derive the key that signs everything in `scope`."""
    key = f"AWS4{secret}".encode()
    for part in (scope.date, scope.region, scope.service, "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key


def verify_signature(
    signed: SignedRequest, request: HttpRequest, secret: str, payload_hash: str, *, s3: bool
) -> None:
    """Raise InvalidSignatureException unless `secret` made this signature for this request.

    `payload_hash` is the hex SHA-256 of the body or one of S3's words for an unsigned one.
    """
    canonical = canonical_request(signed, request, payload_hash, s3=s3)
    text = "\n".join(
        (
            ALGORITHM,
            signed.signed_at.strftime(_COMPACT),
            signed.scope.text,
            hashlib.sha256(canonical.encode()).hexdigest(),
        )
    )
    expected = hmac.new(signing_key(secret, signed.scope), text.encode(), hashlib.sha256)
    if not hmac.compare_digest(expected.hexdigest().encode(), signed.signature.encode()):
        raise ServiceError("InvalidSignatureException", S3_MISMATCH if s3 else MISMATCH)


def canonical_request(
    signed: SignedRequest, request: HttpRequest, payload_hash: str, *, s3: bool
) -> str:
    """Return the canonical form whose hash is signed; S3 neither normalises nor re-encodes."""
    headers = "".join(
        f"{name}:{_canonical_header(request.headers, name)}\n" for name in signed.signed_headers
    )
    return "\n".join(
        (
            request.method,
            _canonical_path(request.raw_path, s3=s3),
            _canonical_query(request.raw_query),
            headers,
            ";".join(signed.signed_headers),
            payload_hash,
        )
    )


def unsigned_amazon_headers(signed: SignedRequest, headers: Mapping[str, str]) -> list[str]:
    """Return the `x-amz-` headers (and Host) that the signature leaves open to change."""
    covered = set(signed.signed_headers)
    return sorted(
        name
        for name in headers
        if (name == "host" or name.startswith("x-amz-")) and name not in covered
    )


def _canonical_header(headers: Mapping[str, str], name: str) -> str:
    return " ".join(headers.get(name, "").split())


def _canonical_path(raw_path: str, *, s3: bool) -> str:
    if s3:
        return quote(unquote(raw_path, errors="surrogateescape"), safe="/-_.~",
                     errors="surrogateescape") or "/"  # fmt: skip
    kept: list[str] = []
    for part in raw_path.split("/"):
        if part == "..":
            if kept:
                kept.pop()
        elif part not in {"", "."}:
            kept.append(part)
    trailing = "/" if raw_path.endswith("/") and kept else ""
    return quote(f"/{'/'.join(kept)}{trailing}", safe="/-_.~")


def _canonical_query(raw_query: str) -> str:
    pairs = [
        (quote(name, safe="-_.~"), quote(value, safe="-_.~"))
        for name, value in decode_pairs(raw_query)
        if name != "X-Amz-Signature"
    ]
    return "&".join(f"{name}={value}" for name, value in sorted(pairs))
