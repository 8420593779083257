"""Who sent a request, proven: signature, region, date, credential.

Order and texts follow AWS: a malformed signature is told before a wrong one, a wrong scope
before an unknown key.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from penstock.aws import signature, signature_v2
from penstock.aws.chunked import ChunkSigner
from penstock.aws.errors import ServiceError
from penstock.aws.http import HttpRequest
from penstock.aws.models import Model
from penstock.aws.principals import Credential, FindCredential
from penstock.aws.service import Principal
from penstock.aws.signature import Scope, SignedRequest
from penstock.aws.signature_v2 import PresignedV2

_GLOBAL = {"iam", "sts"}
_GLOBAL_REGION = "us-east-1"
_INVALID_TOKEN = "The security token included in the request is invalid."
_S3_UNKNOWN_KEY = "The AWS Access Key Id you provided does not exist in our records."


@dataclass(frozen=True, slots=True)
class Claimed:
    """A caller who named a credential; `prove` takes what the signature covers.

    A document is read for such a caller only: a stranger's never enters memory.
    """

    credential: Credential
    request: HttpRequest
    signed: SignedRequest | PresignedV2
    s3: bool

    def prove(self, payload_hash: str) -> "Authenticated":
        """Return the caller; raise InvalidSignatureException when the secret signed otherwise.

        `payload_hash` is the hex SHA-256 of the body, or what S3's x-amz-content-sha256 says.
        """
        signed, secret = self.signed, self.credential.secret_access_key
        principal = self.credential.principal
        if isinstance(signed, PresignedV2):
            signature_v2.verify(signed, self.request, secret)
            return Authenticated(principal, None)
        signature.verify_signature(signed, self.request, secret, payload_hash, s3=self.s3)
        if not self.s3:
            return Authenticated(principal, None)
        key = signature.signing_key(secret, signed.scope)
        return Authenticated(principal, ChunkSigner(signed, key, signed.signature))


@dataclass(frozen=True, slots=True)
class Authenticated:
    """The proven caller; `chunk_signer` goes on to verify a signed aws-chunked body."""

    principal: Principal
    chunk_signer: ChunkSigner | None


class Authenticator:
    """Verifies requests of one region against the identity service's credentials."""

    def __init__(self, find_credential: FindCredential, region: str) -> None:
        self._find_credential = find_credential
        self._region = region

    async def identify(
        self,
        model: Model,
        request: HttpRequest,
        signed: SignedRequest | None,
        now: datetime,
    ) -> Claimed:
        """Return who says to call; raise ServiceError with AWS's code and text otherwise.

        Everything is checked but the signature itself, for which a document must be read.
        """
        s3 = model.name == "s3"
        if signed is None:
            if s3 and signature_v2.is_presigned(request):
                claim = signature_v2.read_presigned(request, now)
                credential = await self._credential(
                    claim.access_key_id, claim.session_token, now, s3=True
                )
                return Claimed(credential, request, claim, s3)
            if s3:
                raise ServiceError("AccessDenied", "Access Denied", status=403)
            raise ServiceError(
                "MissingAuthenticationTokenException", "Missing Authentication Token"
            )
        self._check_scope(model, signed)
        signature.check_date(signed, now, s3=s3)
        self._check_signed_headers(signed, request, s3=s3)
        credential = await self._credential(
            signed.scope.access_key_id, signed.session_token, now, s3=s3
        )
        return Claimed(credential, request, signed, s3)

    async def _credential(
        self, access_key_id: str, session_token: str | None, now: datetime, *, s3: bool
    ) -> Credential:
        credential = await self._find_credential(access_key_id, session_token, now)
        if credential is None:
            message = _S3_UNKNOWN_KEY if s3 else _INVALID_TOKEN
            members: dict[str, Any] = {"AWSAccessKeyId": access_key_id} if s3 else {}
            raise ServiceError("UnrecognizedClientException", message, **members)
        return credential

    def _check_scope(self, model: Model, signed: SignedRequest) -> None:
        scope = signed.scope
        regions = {self._region} | ({_GLOBAL_REGION} if model.name in _GLOBAL else set())
        if scope.region not in regions:
            self._refuse_region(model, scope, presigned=signed.presigned)

    def _refuse_region(self, model: Model, scope: Scope, *, presigned: bool) -> None:
        if model.name != "s3":
            raise ServiceError(
                "InvalidSignatureException",
                f"Credential should be scoped to a valid region, not '{scope.region}'. ",
            )
        wrong = f"the region '{scope.region}' is wrong; expecting '{self._region}'"
        if presigned:
            raise ServiceError(
                "AuthorizationQueryParametersError",
                f"Error parsing the X-Amz-Credential parameter; {wrong}",
                Region=self._region,
            )
        raise ServiceError(
            "AuthorizationHeaderMalformed",
            f"The authorization header is malformed; {wrong}",
            Region=self._region,
        )

    def _check_signed_headers(
        self, signed: SignedRequest, request: HttpRequest, *, s3: bool
    ) -> None:
        unsigned = signature.unsigned_amazon_headers(signed, request.headers)
        if "host" in unsigned:
            raise ServiceError(
                "InvalidSignatureException",
                "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.",
            )
        if s3 and unsigned:
            raise ServiceError(
                "AccessDenied",
                "There were headers present in the request which were not signed",
                status=403,
                HeadersNotSigned=", ".join(unsigned),
            )
