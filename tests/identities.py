"""Roles made directly in a test's IAM."""

import json
from collections.abc import Sequence

import sqlalchemy as sa

from penstock.clock import Clock
from penstock.services.iam import Iam, identity, identity_policies
from penstock.services.iam.identity import Kind


def statement(actions: Sequence[str], resource: str = "*") -> dict[str, object]:
    """An Allow of `actions` on `resource`."""
    return {"Effect": "Allow", "Action": list(actions), "Resource": resource}


async def make_role(
    iam: Iam,
    clock: Clock,
    name: str,
    trusted: dict[str, str],
    *statements: dict[str, object],
) -> str:
    """Make a role that `trusted` (a policy's Principal) may assume; return its ARN."""
    trust = {"Effect": "Allow", "Principal": trusted, "Action": "sts:AssumeRole"}

    def work(connection: sa.Connection) -> str:
        identity.insert(
            connection, Kind.ROLE, name, "/", iam.account_id, {}, clock(),
            trust=json.dumps({"Version": "2012-10-17", "Statement": [trust]}),
            description=None, max_session_seconds=3600,
        )  # fmt: skip
        role = identity.get_role(connection, name)
        if statements:
            policy = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
            identity_policies.put_inline(connection, role, "inline", policy, clock())
        return role.arn

    return await iam.write(work)
