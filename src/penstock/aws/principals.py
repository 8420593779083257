"""Who calls: the credential lookup that the identity service provides."""

from datetime import datetime
from typing import Protocol

from penstock.aws.service import Principal, PrincipalKind


class Credential(Protocol):
    """A secret access key and the caller that it proves."""

    @property
    def secret_access_key(self) -> str:
        """What the caller signs with."""

    @property
    def principal(self) -> Principal:
        """Whom the key belongs to."""


class FindCredential(Protocol):
    """Return the credential of an access key, None for an unknown one.

    Raises ServiceError (ExpiredToken, InvalidClientTokenId) for a wrong or old session token.
    """

    async def __call__(  # noqa: D102 - the class says it
        self, access_key_id: str, session_token: str | None, now: datetime
    ) -> Credential | None: ...


def root(account_id: str, access_key_id: str = "") -> Principal:
    """The account's root user."""
    return Principal(
        kind=PrincipalKind.ROOT,
        arn=f"arn:aws:iam::{account_id}:root",
        account_id=account_id,
        user_id=account_id,
        access_key_id=access_key_id,
    )
