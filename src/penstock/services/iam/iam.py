"""The account's identities: what the other parts ask of IAM."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TypeVar

import sqlalchemy as sa

from penstock.arns import parse_arn
from penstock.aws.errors import ServiceError
from penstock.aws.policy_conditions import Context
from penstock.aws.service import Principal, PrincipalKind
from penstock.clock import Clock
from penstock.services.iam import identity
from penstock.services.iam.authorization import (
    Permissions,
    caller_context,
    check,
    permissions_of,
)
from penstock.services.iam.credentials import INVALID_TOKEN, AccessKey, Credential, Credentials
from penstock.services.iam.identity import Role
from penstock.services.iam.kept_values import KeptValues, write_and_forget
from penstock.storage import credentials as rows
from penstock.storage.credentials import LastUse
from penstock.storage.database import Database, Work
from penstock.storage.encryption import Cipher

T = TypeVar("T")
_NO_CONTEXT: Mapping[str, str] = {}
_USE_IS_RECORDED_EVERY = timedelta(minutes=1)


class Iam:
    """Roles, users, policies and credentials of one account."""

    def __init__(self, database: Database, cipher: Cipher, account_id: str, clock: Clock) -> None:
        self._database = database
        self.clock = clock
        self.account_id = account_id
        self.credentials = Credentials(database, cipher, account_id)
        self._permissions: KeptValues[Permissions] = KeptValues(database)
        self._recorded_uses: dict[str, datetime] = {}

    async def ensure_root(self) -> AccessKey:
        """Return the root's access key, made at the first start."""

        def find_or_make(connection: sa.Connection) -> AccessKey:
            stored = rows.access_keys_of(connection, None)
            if stored:
                return self.credentials.stored_access_key(stored[0])
            return self.credentials.new_access_key(connection, None, self.clock())

        return await self.write(find_or_make)

    async def find_credential(
        self, access_key_id: str, session_token: str | None, now: datetime
    ) -> Credential | None:
        """Return what verifies a signature by this key; None for an unknown or inactive key.

        Raises ServiceError for an expired, wrong or missing session token.
        """
        return await self.credentials.find(access_key_id, session_token, now)

    async def authorize(
        self,
        principal: Principal,
        action: str,
        resource: str,
        context: Mapping[str, str] = _NO_CONTEXT,
    ) -> None:
        """Raise AccessDeniedException unless the caller's policies allow the action."""
        now = self.clock()
        self._record_use(principal, action, resource, now)
        credential = None
        if principal.access_key_id.startswith("ASIA"):
            credential = await self.credentials.by_access_key(principal.access_key_id)
            if credential is None:
                # Revoked since the caller was known by it, as by a registry's password.
                raise ServiceError("UnrecognizedClientException", INVALID_TOKEN)
            if principal.kind is not PrincipalKind.ASSUMED_ROLE and action.startswith("iam:"):
                # GetSessionToken's credentials may not call IAM: nobody here has an MFA device.
                raise ServiceError("UnrecognizedClientException", INVALID_TOKEN)
        if principal.kind is PrincipalKind.ROOT:
            return
        if action.startswith("iam:"):
            resource = await self.read(lambda c: identity.with_path(c, resource))
        check(
            principal,
            await self.permissions(principal),
            credential.session_policies if credential else (),
            action,
            resource,
            {**await self.context_of(principal), **context},
        )

    async def permissions(self, principal: Principal) -> Permissions | None:
        """Return what the caller's role or user may do; None when it no longer exists."""
        if principal.policy_arn is None:
            return None
        found = await self._permissions.get(principal.policy_arn, permissions_of)
        if found is None or found.id != principal.user_id.partition(":")[0]:
            return None
        return found

    async def context_of(self, principal: Principal) -> Context:
        """Return the condition keys that a caller brings, keys in lower case."""
        permissions = await self.permissions(principal)
        credential = None
        if principal.access_key_id.startswith("ASIA"):
            credential = await self.credentials.by_access_key(principal.access_key_id)
        issued_at = credential.issued_at if credential else None
        tags = permissions.tags if permissions else {}
        return caller_context(principal, tags, issued_at, self.clock())

    async def role(self, name: str) -> Role:
        """Return a role by name; NoSuchEntity."""
        return await self._database.read(lambda c: identity.get_role(c, name))

    async def role_by_arn(self, role_arn: str) -> Role | None:
        """Return the role with this ARN, or None."""
        found = await self._database.read(lambda c: identity.find_by_arn(c, role_arn))
        return found if isinstance(found, Role) else None

    async def read(self, work: Work[T]) -> T:
        """Read on one snapshot."""
        return await self._database.read(work)

    async def write(self, work: Work[T]) -> T:
        """Change identities, policies or keys; every later decision sees the change."""
        return await write_and_forget(
            self._database, work, self._permissions, self.credentials.kept
        )

    def _record_use(self, principal: Principal, action: str, resource: str, now: datetime) -> None:
        """Note the key's and role's use, at most once a minute; a crash may lose a minute."""
        session = principal.kind is PrincipalKind.ASSUMED_ROLE
        subject = (principal.policy_arn if session else None) or principal.access_key_id
        recorded = self._recorded_uses.get(subject)
        if recorded is not None and now - recorded < _USE_IS_RECORDED_EVERY:
            return
        self._recorded_uses[subject] = now
        use = LastUse(now, action.partition(":")[0], _region(resource))
        self._database.submit(lambda connection: rows.record_use(connection, subject, use))


def _region(resource: str) -> str:
    """Return the resource's region; us-east-1, as AWS reports it, for a global service."""
    try:
        return parse_arn(resource).region or "us-east-1"
    except ValueError:
        return "us-east-1"
