"""Whom an operation acts as: a session of the stack's role, or who asked for it.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-iam-servicerole.html
"""

import asyncio
from datetime import datetime, timedelta

from penstock.aws.errors import ServiceError
from penstock.aws.service import Principal
from penstock.clock import Clock
from penstock.services.sts import Sts

SERVICE_PRINCIPAL = "cloudformation.amazonaws.com"
_SESSION_NAME = "AWSCloudFormation"
_RENEW_AFTER = timedelta(minutes=30)


class ActingRole:
    """Assumes roles as CloudFormation; a session serves every operation with its role."""

    def __init__(self, sts: Sts, clock: Clock) -> None:
        self._sts = sts
        self._clock = clock
        self._sessions: dict[str, tuple[datetime, Principal]] = {}
        self._assuming = asyncio.Lock()

    async def principal(self, role: str | None, asked: Principal) -> Principal:
        """Return a session of the role, or who asked without one.

        Raises ServiceError when the role can no longer be assumed.
        """
        if role is None:
            return asked
        async with self._assuming:
            known = self._sessions.get(role)
            if known is None or self._clock() - known[0] > _RENEW_AFTER:
                issued = await self._sts.assume_role_for_service(
                    role, SERVICE_PRINCIPAL, _SESSION_NAME
                )
                known = (self._clock(), issued.principal)
                self._sessions[role] = known
            return known[1]

    async def check(self, role_arn: str) -> None:
        """Raise AWS's ValidationError unless CloudFormation may assume the role."""
        try:
            await self._sts.check_trust(role_arn, SERVICE_PRINCIPAL)
        except ServiceError:
            raise ServiceError(  # text: aws-amplify/amplify-backend#2325
                "ValidationError",
                f"Role {role_arn} is invalid or cannot be assumed",
                status=400,
            ) from None
