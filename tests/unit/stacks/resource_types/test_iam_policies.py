"""AWS::IAM::Policy and AWS::IAM::ManagedPolicy beyond what all types do."""

import json
from typing import Any
from urllib.parse import unquote

import pytest
from tests.resource_world import ACCOUNT, ResourceWorld

from penstock.stacks.handlers.handler import Failed, Succeeded

INLINE, MANAGED = "AWS::IAM::Policy", "AWS::IAM::ManagedPolicy"


def document(action: str) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Action": action, "Resource": "*"}
    return {"Version": "2012-10-17", "Statement": [statement]}


@pytest.fixture(autouse=True)
async def _holders(world: ResourceWorld) -> None:
    statement = {
        "Effect": "Allow", "Principal": {"Service": "codebuild.amazonaws.com"},
        "Action": "sts:AssumeRole",
    }  # fmt: skip
    trust = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    for name in ("one", "two"):
        await world.call("iam", "CreateRole", RoleName=name, AssumeRolePolicyDocument=trust)
    await world.call("iam", "CreateUser", UserName="ada")


async def inline(world: ResourceWorld, role: str) -> dict[str, str]:
    found = {}
    for name in (await world.call("iam", "ListRolePolicies", RoleName=role))["PolicyNames"]:
        got = await world.call("iam", "GetRolePolicy", RoleName=role, PolicyName=name)
        found[name] = json.loads(unquote(got["PolicyDocument"]))["Statement"][0]["Action"]
    return found


async def test_an_inline_policy_goes_where_it_is_asked(world: ResourceWorld) -> None:
    before = {
        "PolicyName": "p", "PolicyDocument": document("s3:*"), "Roles": ["one"], "Users": ["ada"],
    }  # fmt: skip
    made = await world.made(INLINE, before)
    assert made.physical_resource_id.startswith("dev-Thing-")
    assert await inline(world, "one") == {"p": "s3:*"}
    after = {"PolicyName": "q", "PolicyDocument": document("ecr:*"), "Roles": ["one", "two"]}
    assert await world.update(INLINE, made, before, after) == made
    assert await inline(world, "one") == {"q": "ecr:*"}
    assert await inline(world, "two") == {"q": "ecr:*"}
    listed = await world.call("iam", "ListUserPolicies", UserName="ada")
    assert listed["PolicyNames"] == []
    await world.delete(INLINE, made, after)
    assert await inline(world, "one") == {}
    assert await inline(world, "two") == {}


async def test_an_inline_policy_needs_somebody(world: ResourceWorld) -> None:
    failed = await world.create(INLINE, {"PolicyName": "p", "PolicyDocument": document("s3:*")})
    assert isinstance(failed, Failed)
    assert "At least one of [Groups,Roles,Users] must be non-empty." in failed.message
    properties = {"PolicyName": "p", "PolicyDocument": document("s3:*"), "Groups": ["g"]}
    failed = await world.create(INLINE, properties)
    assert isinstance(failed, Failed)
    assert "/Groups" in failed.message


async def test_a_managed_policy_has_versions_and_holders(world: ResourceWorld) -> None:
    properties = {
        "ManagedPolicyName": "m", "Path": "/team/", "Description": "what builds may",
        "PolicyDocument": document("s3:*"), "Roles": ["one"],
    }  # fmt: skip
    made = await world.made(MANAGED, properties)
    arn = f"arn:aws:iam::{ACCOUNT}:policy/team/m"
    assert made.physical_resource_id == made.attributes["PolicyArn"] == arn
    assert made.attributes["DefaultVersionId"] == "v1"
    before, latest = properties, made
    for number in range(6):  # more than the five versions that a policy has
        after = {**properties, "PolicyDocument": document(f"s3:Get{number}"), "Roles": ["two"]}
        updated = await world.update(MANAGED, latest, before, after)
        assert isinstance(updated, Succeeded), updated
        before, latest = after, updated
    assert latest.attributes["DefaultVersionId"] == "v7"
    repeated = await world.update(MANAGED, latest, properties, before, resumed=True)
    assert repeated == latest
    versions = (await world.call("iam", "ListPolicyVersions", PolicyArn=arn))["Versions"]
    assert len(versions) == 5
    holders = await world.call("iam", "ListEntitiesForPolicy", PolicyArn=arn)
    assert [role["RoleName"] for role in holders["PolicyRoles"]] == ["two"]
    assert isinstance(await world.delete(MANAGED, latest, before), Succeeded)
    assert await world.read(MANAGED, latest, before) is None
