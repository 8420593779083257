"""Who is logged in: one-time links become sessions, sessions name a principal until they end.

Tokens are 256 random bits and stored as digests. A link or session belongs to a long-term access
key: once that key is deactivated, or its user deleted, it opens nothing any more.
"""

import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta

from penstock.aws.errors import ServiceError
from penstock.aws.principals import FindCredential
from penstock.aws.service import Principal, PrincipalKind
from penstock.clock import Clock
from penstock.ids import new_token
from penstock.storage import console_sessions as rows
from penstock.storage.console_sessions import TokenRow
from penstock.storage.database import Database

LINK_LIFETIME = timedelta(minutes=5)
SESSION_LIFETIME = timedelta(hours=12)
_LONG_TERM = "AKIA"


@dataclass(frozen=True, slots=True)
class Sessions:
    """Login links and sessions of one server."""

    database: Database
    find_credential: FindCredential
    clock: Clock

    async def make_link(self, principal: Principal) -> str:
        """Return the token of a new login link for `principal`.

        Raises ServiceError AccessDeniedException for temporary credentials: a role's session
        is not a person.
        """
        if principal.kind is PrincipalKind.ASSUMED_ROLE or not principal.access_key_id.startswith(
            _LONG_TERM
        ):
            raise ServiceError(
                "AccessDeniedException",
                "The console logs in the account's root or an IAM user by a long-term access key "
                f"(AKIA…); found temporary credentials of {principal.arn}",
            )
        token, now = new_token(), self.clock()
        row = TokenRow(_digest(token), principal.access_key_id, now + LINK_LIFETIME)
        await self.database.write(lambda c: rows.insert_login_link(c, row, now))
        return token

    async def of_link(self, token: str) -> Principal | None:
        """Return whom the link would log in, without using it up; None once it opens nothing."""
        now = self.clock()
        row = await self.database.read(lambda c: rows.login_link(c, _digest(token), now))
        return await self._principal(row, now)

    async def log_in(self, token: str) -> str | None:
        """Use the link up and return a new session's token; None when it opens nothing."""
        now = self.clock()
        row = await self.database.write(lambda c: rows.take_login_link(c, _digest(token), now))
        if row is None or await self._principal(row, now) is None:
            return None
        made = new_token()
        session = TokenRow(_digest(made), row.access_key_id, now + SESSION_LIFETIME)
        await self.database.write(lambda c: rows.insert_session(c, session, now))
        return made

    async def of_session(self, token: str) -> Principal | None:
        """Return who is logged in by this session; None once it has ended."""
        now = self.clock()
        row = await self.database.read(lambda c: rows.session(c, _digest(token), now))
        return await self._principal(row, now)

    async def log_out(self, token: str) -> None:
        """End the session; repeating is safe."""
        await self.database.write(lambda c: rows.delete_session(c, _digest(token)))

    async def _principal(self, row: TokenRow | None, now: datetime) -> Principal | None:
        if row is None:
            return None
        try:
            credential = await self.find_credential(row.access_key_id, None, now)
        except ServiceError:
            return None
        return credential.principal if credential else None


def csrf_token(session_token: str) -> str:
    """Return what every form of a session carries; it does not tell the session's token."""
    return hmac.new(session_token.encode(), b"console form", hashlib.sha256).hexdigest()


def is_csrf_token(given: str, session_token: str) -> bool:
    """Tell, in constant time, whether a form carries its session's token."""
    return hmac.compare_digest(given.encode(), csrf_token(session_token).encode())


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
