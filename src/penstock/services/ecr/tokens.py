"""Tokens that Penstock signs: the registry's bearer tokens, and ECR's passwords.

Both are JWTs by the same key, told apart by their audience. The registry accepts the
first because its `rootcertbundle` is the signing certificate, which each token carries
as `x5c`. The second is what GetAuthorizationToken gives: it says who asked, and each use
evaluates that principal's policies anew.
Source: https://distribution.github.io/distribution/spec/auth/jwt/
"""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from penstock.aws.service import Principal, PrincipalKind
from penstock.containers.registry import TOKEN_ISSUER, TOKEN_SERVICE
from penstock.ids import new_uuid

PASSWORD_LIFETIME = timedelta(hours=12)
_PASSWORD_AUDIENCE = "penstock-ecr-password"


class PasswordExpired(Exception):
    """The password was ours and is older than 12 hours."""


class PasswordInvalid(Exception):
    """The password is not one that GetAuthorizationToken gave."""


@dataclass(frozen=True, slots=True)
class Access:
    """What a bearer token allows on one repository: `pull`, `push`, `delete`."""

    repository: str
    actions: Sequence[str]


class TokenSigner:
    """Signs and reads tokens with one ECDSA P-256 key (ES256)."""

    def __init__(self, signing_key_pem: bytes, signing_certificate_pem: bytes) -> None:
        key = serialization.load_pem_private_key(signing_key_pem, password=None)
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise TypeError(f"expected an ECDSA signing key, found {type(key).__name__}")
        self._key = key
        self._public_key = key.public_key()
        certificate = x509.load_pem_x509_certificate(signing_certificate_pem)
        der = certificate.public_bytes(serialization.Encoding.DER)
        self._headers = {"x5c": [base64.b64encode(der).decode()]}

    def bearer(
        self, subject: str, access: Sequence[Access], *, now: datetime, lifetime: timedelta
    ) -> str:
        """Return a token that the registry accepts; `subject` is the actor it reports."""
        claims = {
            "iss": TOKEN_ISSUER,
            "sub": subject,
            "aud": TOKEN_SERVICE,
            "jti": new_uuid(),
            "iat": now,
            "nbf": now,
            "exp": now + lifetime,
            "access": [
                {"type": "repository", "name": one.repository, "actions": list(one.actions)}
                for one in access
            ],
        }
        return jwt.encode(claims, self._key, algorithm="ES256", headers=self._headers)

    def password(self, principal: Principal, now: datetime) -> str:
        """Return a password by which `principal` is known for the next 12 hours."""
        claims = {
            "aud": _PASSWORD_AUDIENCE,
            "exp": now + PASSWORD_LIFETIME,
            "principal": asdict(principal),
        }
        return jwt.encode(claims, self._key, algorithm="ES256")

    def principal(self, password: str, now: datetime) -> Principal:
        """Return who was given this password; raise PasswordExpired or PasswordInvalid."""
        try:
            claims = jwt.decode(
                password,
                self._public_key,
                algorithms=["ES256"],
                audience=_PASSWORD_AUDIENCE,
                options={"verify_exp": False, "require": ["exp", "aud"]},
            )
        except jwt.InvalidTokenError as error:
            raise PasswordInvalid(str(error)) from error
        if now.timestamp() >= claims["exp"]:
            raise PasswordExpired
        return _principal(claims["principal"])


def _principal(claim: Mapping[str, str]) -> Principal:
    return Principal(
        kind=PrincipalKind(claim["kind"]),
        arn=claim["arn"],
        account_id=claim["account_id"],
        user_id=claim["user_id"],
        access_key_id=claim["access_key_id"],
        policy_arn=claim["policy_arn"],
    )
