"""The credentials of a Task's role, a build's or an ECS task's, as its containers fetch them.

A Task has a token of 256 bits; at /v2/credentials/<token> its containers read temporary
credentials of the role. The database knows the token by its hash only, and what was issued
under it, so that all of it ends with the Task.

Source: https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html
"""

import asyncio
import hashlib
from datetime import datetime, timedelta

from penstock.aws.errors import ServiceError
from penstock.clock import Clock
from penstock.services.iam.credentials import TemporaryCredentials
from penstock.services.sts.sts import Sts
from penstock.storage import task_credentials as storage
from penstock.storage.database import Database
from penstock.storage.task_credentials import CredentialRow

LIFETIME_SECONDS = 3600
_RENEW_BEFORE = timedelta(minutes=15)


class TaskCredentials:
    """Tokens of running Tasks and the credentials behind them."""

    def __init__(self, database: Database, sts: Sts, clock: Clock) -> None:
        self._database = database
        self._sts = sts
        self._clock = clock
        self._current: dict[str, TemporaryCredentials] = {}
        self._locks: dict[str, asyncio.Lock] = {}

    async def begin(
        self,
        token: str,
        task_id: str,
        role_arn: str,
        session_name: str,
        service_principal: str,
    ) -> TemporaryCredentials:
        """Assume the role for a Task and give its token a meaning. Repeating is safe.

        `service_principal` is the service that assumes it (`codebuild.amazonaws.com`). Raises
        ServiceError AccessDenied when the role does not trust it.
        """
        key = _hash(token)
        row = CredentialRow(
            key, task_id, role_arn, session_name, service_principal, (), self._clock()
        )
        await self._database.write(lambda c: storage.put_credential(c, row))
        return await self._fresh(row)

    async def credentials_for_token(self, token: str) -> dict[str, str] | None:
        """Return the role's credentials as containers read them; None for an unknown token.

        Members: AccessKeyId, SecretAccessKey, Token, Expiration (ISO 8601), RoleArn. They are
        renewed a quarter of an hour before they expire; SDKs ask again before that.
        """
        key = _hash(token)
        row = await self._database.read(lambda c: storage.get_credential(c, key))
        if row is None:
            return None
        try:
            credentials = await self._fresh(row)
        except ServiceError:  # the role was deleted, or trusts the service no more
            return None
        return {
            "AccessKeyId": credentials.access_key_id,
            "SecretAccessKey": credentials.secret_access_key,
            "Token": credentials.session_token,
            "Expiration": _iso(credentials.expiration),
            "RoleArn": row.role_arn,
        }

    async def end(self, task_id: str) -> None:
        """Forget a Task's tokens and revoke all that was issued under them. Safe to repeat."""
        keys = await self._database.read(lambda c: storage.credentials_of(c, task_id))
        for row in keys:
            self._current.pop(row.token_sha256, None)
            for access_key_id in row.access_key_ids:
                await self._sts.revoke(access_key_id)
        await self._database.write(lambda c: storage.end_credentials(c, task_id))
        for row in keys:
            self._locks.pop(row.token_sha256, None)

    async def _fresh(self, row: CredentialRow) -> TemporaryCredentials:
        async with self._locks.setdefault(row.token_sha256, asyncio.Lock()):
            current = self._current.get(row.token_sha256)
            if current is not None and current.expiration - self._clock() > _RENEW_BEFORE:
                return current
            issued = await self._sts.assume_role_for_service(
                row.role_arn,
                row.service_principal,
                row.session_name,
                LIFETIME_SECONDS,
                for_task=True,
            )
            key, access_key_id = row.token_sha256, issued.access_key_id
            kept = await self._database.write(
                lambda c: storage.add_access_key(c, key, access_key_id)
            )
            if not kept:  # the Task ended meanwhile
                await self._sts.revoke(access_key_id)
                raise ServiceError("AccessDenied", "The Task has ended", status=403)
            self._current[key] = issued
            return issued


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _iso(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
