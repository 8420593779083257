"""AWS::IAM::Role beyond what all types do."""

import json
from typing import Any
from urllib.parse import unquote

from tests.resource_world import ACCOUNT, ResourceWorld

from penstock.stacks.handlers.handler import Failed, Succeeded

TYPE = "AWS::IAM::Role"
READ_ONLY = "arn:aws:iam::aws:policy/ReadOnlyAccess"
ADMIN = "arn:aws:iam::aws:policy/AdministratorAccess"


def trust(service: str) -> dict[str, Any]:
    statement = {
        "Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole",
    }  # fmt: skip
    return {"Version": "2012-10-17", "Statement": [statement]}


def policy(name: str, action: str) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Action": action, "Resource": "*"}
    return {
        "PolicyName": name,
        "PolicyDocument": {"Version": "2012-10-17", "Statement": [statement]},
    }


PROPERTIES = {
    "AssumeRolePolicyDocument": trust("codebuild.amazonaws.com"),
    "Description": "builds",
    "ManagedPolicyArns": [READ_ONLY],
    "MaxSessionDuration": "7200",
    "Path": "/team/",
    "PermissionsBoundary": ADMIN,
    "Policies": [policy("read", "s3:GetObject"), policy("log", "logs:*")],
    "Tags": [{"Key": "team", "Value": "build"}],
}


async def inline(world: ResourceWorld, role: str) -> dict[str, str]:
    found = {}
    for name in (await world.call("iam", "ListRolePolicies", RoleName=role))["PolicyNames"]:
        got = await world.call("iam", "GetRolePolicy", RoleName=role, PolicyName=name)
        found[name] = json.loads(unquote(got["PolicyDocument"]))["Statement"][0]["Action"]
    return found


async def attached(world: ResourceWorld, role: str) -> list[str]:
    answer = await world.call("iam", "ListAttachedRolePolicies", RoleName=role)
    return [one["PolicyArn"] for one in answer["AttachedPolicies"]]


async def test_a_role_has_all_that_was_asked(world: ResourceWorld) -> None:
    made = await world.made(TYPE, PROPERTIES)
    name = made.physical_resource_id
    role = (await world.call("iam", "GetRole", RoleName=name))["Role"]
    assert made.attributes == {
        "Arn": f"arn:aws:iam::{ACCOUNT}:role/team/{name}",
        "RoleId": role["RoleId"],
    }
    assert (role["Description"], role["MaxSessionDuration"]) == ("builds", 7200)
    assert role["PermissionsBoundary"]["PermissionsBoundaryArn"] == ADMIN
    assert await inline(world, name) == {"read": "s3:GetObject", "log": "logs:*"}
    assert await attached(world, name) == [READ_ONLY]
    tags = {tag["Key"]: tag["Value"] for tag in role["Tags"]}
    assert tags["team"] == "build"
    assert tags["aws:cloudformation:stack-name"] == "dev"


async def test_an_update_changes_only_what_differs(world: ResourceWorld) -> None:
    made = await world.made(TYPE, PROPERTIES)
    name = made.physical_resource_id
    after = {
        "AssumeRolePolicyDocument": trust("codepipeline.amazonaws.com"),
        "ManagedPolicyArns": [ADMIN],
        "Path": "/team/",
        "Policies": [policy("read", "s3:*")],
        "Tags": [{"Key": "cost", "Value": "1"}],
    }
    assert await world.update(TYPE, made, PROPERTIES, after) == made
    role = (await world.call("iam", "GetRole", RoleName=name))["Role"]
    assert "codepipeline" in unquote(role["AssumeRolePolicyDocument"])
    assert (role["Description"], role["MaxSessionDuration"]) == ("", 3600)
    assert "PermissionsBoundary" not in role
    assert await inline(world, name) == {"read": "s3:*"}
    assert await attached(world, name) == [ADMIN]
    tags = {tag["Key"]: tag["Value"] for tag in role["Tags"]}
    assert (tags["team"], tags["cost"]) == ("delivery", "1")
    assert "aws:cloudformation:stack-id" in tags


async def test_a_failure_after_the_role_was_made_names_it(world: ResourceWorld) -> None:
    user = await world.user("maker", "iam:CreateRole")
    failed = await world.create(TYPE, PROPERTIES, principal=user)
    assert isinstance(failed, Failed)
    assert "iam:PutRolePolicy" in failed.message
    name = failed.physical_resource_id
    assert name is not None
    assert await inline(world, name) == {}
    deleted = await world.delete(TYPE, Succeeded(name), PROPERTIES)
    assert isinstance(deleted, Succeeded)
    found = (await world.call("iam", "ListRoles"))["Roles"]
    assert [role["RoleName"] for role in found] == []


async def test_a_crash_between_role_and_policies_is_made_good(world: ResourceWorld) -> None:
    user = await world.user("maker", "iam:CreateRole")
    half = await world.create(TYPE, PROPERTIES, principal=user)
    made = await world.made(TYPE, PROPERTIES, resumed=True)
    assert isinstance(half, Failed)
    assert made.physical_resource_id == half.physical_resource_id
    assert sorted(await inline(world, made.physical_resource_id)) == ["log", "read"]


async def test_a_policy_that_another_gave_keeps_the_role(world: ResourceWorld) -> None:
    made = await world.made(TYPE, PROPERTIES)
    name = made.physical_resource_id
    await world.call("iam", "AttachRolePolicy", RoleName=name, PolicyArn=ADMIN)
    failed = await world.delete(TYPE, made, PROPERTIES)
    assert isinstance(failed, Failed)
    assert failed.message.startswith("Cannot delete entity, must detach all policies first. (")
