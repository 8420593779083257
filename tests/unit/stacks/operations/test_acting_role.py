"""Whom operations act as: sessions of roles that trust CloudFormation, renewed in time."""

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from tests.stack_world import ACCOUNT, ROOT, World

from penstock.aws.errors import ServiceError
from penstock.services.iam import identity
from penstock.services.iam.identity import Kind
from penstock.services.sts import Sts
from penstock.stacks.operations.acting_role import SERVICE_PRINCIPAL, ActingRole


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    world = World(tmp_path)
    await world.start()
    yield world
    await world.close()


@pytest.fixture
def role(world: World) -> ActingRole:
    return ActingRole(Sts(world.iam), world.clock)


async def make(world: World, name: str, service: str) -> str:
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    trust = json.dumps({"Version": "2012-10-17", "Statement": [statement]})

    def work(connection: sa.Connection) -> None:
        identity.insert(
            connection, Kind.ROLE, name, "/", ACCOUNT, {}, world.clock(),
            trust=trust, description=None, max_session_seconds=3600,
        )  # fmt: skip

    await world.iam.write(work)
    return f"arn:aws:iam::{ACCOUNT}:role/{name}"


async def test_without_a_role_it_is_who_asked(role: ActingRole) -> None:
    assert await role.principal(None, ROOT) is ROOT


async def test_a_session_serves_until_it_is_old(world: World, role: ActingRole) -> None:
    """A session lasts an hour; a call that begins after half of one gets another."""
    arn = await make(world, "deploy", SERVICE_PRINCIPAL)
    first = await role.principal(arn, ROOT)
    assert first.arn == f"arn:aws:sts::{ACCOUNT}:assumed-role/deploy/AWSCloudFormation"
    world.now += timedelta(minutes=29)
    assert await role.principal(arn, ROOT) is first
    world.now += timedelta(minutes=2)
    assert await role.principal(arn, ROOT) is not first


async def test_a_role_that_trusts_another_service_is_refused(
    world: World, role: ActingRole
) -> None:
    await role.check(await make(world, "deploy", SERVICE_PRINCIPAL))
    other = await make(world, "build", "codebuild.amazonaws.com")
    for arn in (other, f"arn:aws:iam::{ACCOUNT}:role/absent"):
        with pytest.raises(ServiceError) as caught:
            await role.check(arn)
        assert caught.value.code == "ValidationError"
        assert caught.value.message == f"Role {arn} is invalid or cannot be assumed"
    with pytest.raises(ServiceError):
        await role.principal(other, ROOT)
