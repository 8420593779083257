"""Access keys and temporary credentials: issued, found on every request, revoked.

Secrets are ciphertext at rest; of a session token only its digest is kept. What was looked
up stays in memory until the next change, so that a request's authentication costs no query.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_access-keys.html
"""

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from penstock.arns import arn
from penstock.aws.errors import ServiceError
from penstock.aws.service import Principal, PrincipalKind
from penstock.ids import new_alphanumeric, new_base32, new_token
from penstock.services.iam import identity
from penstock.services.iam.kept_values import KeptValues, write_and_forget
from penstock.storage import credentials as rows
from penstock.storage.credentials import AccessKeyRow, SessionRow
from penstock.storage.database import Database
from penstock.storage.encryption import Cipher

_EXPIRED_ARE_KEPT = timedelta(hours=12)
_SECRET_LENGTH = 40
INVALID_TOKEN = "The security token included in the request is invalid."
EXPIRED_TOKEN = "The security token included in the request is expired"


@dataclass(frozen=True, slots=True)
class AccessKey:
    """A long-term key with its secret, as CreateAccessKey shows it once."""

    access_key_id: str
    secret_access_key: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class TemporaryCredentials:
    """What STS hands out; `principal` is whom they speak for."""

    access_key_id: str
    secret_access_key: str
    session_token: str
    expiration: datetime
    principal: Principal


@dataclass(frozen=True, slots=True)
class Credential:
    """What verifies a request's signature, and the caller it proves."""

    secret_access_key: str
    principal: Principal
    session_policies: Sequence[str] = ()
    issued_at: datetime | None = None
    """When the session began; None for a long-term key."""
    expires_at: datetime | None = None
    token_sha256: str | None = None


class Credentials:
    """Every credential of the account."""

    def __init__(self, database: Database, cipher: Cipher, account_id: str) -> None:
        self._database = database
        self._cipher = cipher
        self._account_id = account_id
        self.kept: KeptValues[Credential] = KeptValues(database)

    async def find(
        self, access_key_id: str, session_token: str | None, now: datetime
    ) -> Credential | None:
        """Return the credential; None for an unknown or inactive key.

        Raises ServiceError with STS's texts for a token that is expired, missing or wrong.
        """
        credential = await self.kept.get(access_key_id, self._load)
        if credential is None:
            return None
        given = hashlib.sha256(session_token.encode()).hexdigest() if session_token else ""
        if not hmac.compare_digest(given, credential.token_sha256 or ""):
            raise ServiceError("UnrecognizedClientException", INVALID_TOKEN)
        if credential.expires_at is not None and credential.expires_at <= now:
            # Not ExpiredTokenException: STS's model has a shape of that name for other tokens.
            raise ServiceError("ExpiredToken", EXPIRED_TOKEN)
        return credential

    async def by_access_key(self, access_key_id: str) -> Credential | None:
        """Return the credential of an already authenticated caller, or None."""
        return await self.kept.get(access_key_id, self._load)

    def new_access_key(
        self, connection: sa.Connection, user_name: str | None, now: datetime
    ) -> AccessKey:
        """Make a key in the caller's unit of work; `user_name` None makes the root's."""
        key = AccessKey(f"AKIA{new_base32(16)}", new_alphanumeric(_SECRET_LENGTH), now)
        secret = self._cipher.encrypt(key.secret_access_key)
        rows.insert_access_key(
            connection, AccessKeyRow(key.access_key_id, user_name, secret, "Active", now)
        )
        return key

    def stored_access_key(self, row: AccessKeyRow) -> AccessKey:
        """Return a stored key with its secret in the clear."""
        return AccessKey(row.access_key_id, self._cipher.decrypt(row.secret), row.created_at)

    async def issue_session(
        self,
        kind: PrincipalKind,
        principal_arn: str,
        user_id: str,
        policy_arn: str | None,
        session_policies: Sequence[str],
        now: datetime,
        duration_seconds: int,
        *,
        of_task: bool = False,
    ) -> TemporaryCredentials:
        """Store new temporary credentials and return them; drops long expired ones.

        `of_task` says that a Task gets them, or who has got a Task's.
        """
        access_key_id, secret = f"ASIA{new_base32(16)}", new_alphanumeric(_SECRET_LENGTH)
        token = new_token() + new_token()
        expires_at = now + timedelta(seconds=duration_seconds)
        row = SessionRow(
            access_key_id=access_key_id,
            principal_kind=kind.value,
            principal_arn=principal_arn,
            user_id=user_id,
            policy_arn=policy_arn,
            secret=self._cipher.encrypt(secret),
            token_sha256=hashlib.sha256(token.encode()).hexdigest(),
            session_policies=session_policies,
            issued_at=now,
            expires_at=expires_at,
            of_task=of_task,
        )

        def store(connection: sa.Connection) -> None:
            rows.delete_sessions_expired_before(connection, now - _EXPIRED_ARE_KEPT)
            rows.insert_session(connection, row)

        await self._database.write(store)
        principal = Principal(
            kind, principal_arn, self._account_id, user_id, access_key_id, policy_arn, of_task
        )
        return TemporaryCredentials(access_key_id, secret, token, expires_at, principal)

    async def revoke_session(self, access_key_id: str) -> None:
        """End temporary credentials now; repeating is safe."""
        await write_and_forget(
            self._database, lambda c: rows.delete_session(c, access_key_id), self.kept
        )

    def _load(self, connection: sa.Connection, access_key_id: str) -> Credential | None:
        session = rows.session(connection, access_key_id)
        if session is not None:
            return self._from_session(session)
        key = rows.access_key(connection, access_key_id)
        if key is None or key.status != "Active":
            return None
        principal = self._owner(connection, key)
        if principal is None:
            return None
        return Credential(self._cipher.decrypt(key.secret), principal)

    def _from_session(self, row: SessionRow) -> Credential:
        principal = Principal(
            PrincipalKind(row.principal_kind),
            row.principal_arn,
            self._account_id,
            row.user_id,
            row.access_key_id,
            row.policy_arn,
            row.of_task,
        )
        return Credential(
            self._cipher.decrypt(row.secret),
            principal,
            tuple(row.session_policies),
            row.issued_at,
            row.expires_at,
            row.token_sha256,
        )

    def _owner(self, connection: sa.Connection, key: AccessKeyRow) -> Principal | None:
        if key.user_name is None:
            return Principal(
                PrincipalKind.ROOT,
                arn("iam", "", self._account_id, "root"),
                self._account_id,
                self._account_id,
                key.access_key_id,
            )
        try:
            user = identity.get_user(connection, key.user_name)
        except ServiceError:
            return None
        return Principal(
            PrincipalKind.USER, user.arn, self._account_id, user.id, key.access_key_id, user.arn
        )
