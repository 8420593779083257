"""Roles: https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html and siblings.

The texts are as recorded from AWS in github.com/localstack/localstack
tests/aws/services/iam/test_iam_roles.snapshot.json, where they are not marked unverified.
"""

import json

import pytest
from botocore.exceptions import ClientError
from tests.identity_server import allow, document, trust

CODEBUILD = {"Service": "codebuild.amazonaws.com"}
READ_ONLY = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"


def refused(code, call, **arguments):
    with pytest.raises(ClientError) as found:
        call(**arguments)
    assert found.value.response["Error"]["Code"] == code
    return found.value.response["Error"]["Message"]


def make(client, name="build", **more):
    return client.create_role(RoleName=name, AssumeRolePolicyDocument=trust(CODEBUILD), **more)[
        "Role"
    ]


def test_a_role_is_read_back_as_it_was_made(client):
    tags = [{"Key": "team", "Value": "blue"}]
    made = make(client, Path="/ci/", Description="Builds", MaxSessionDuration=7200, Tags=tags)
    assert made["Arn"] == "arn:aws:iam::123456789012:role/ci/build"
    assert made["RoleId"].startswith("AROA")
    assert made["AssumeRolePolicyDocument"] == json.loads(trust(CODEBUILD))
    found = client.get_role(RoleName="build")["Role"]
    assert found["Description"] == "Builds"
    assert found["MaxSessionDuration"] == 7200
    assert found["Tags"] == tags
    assert found["RoleId"] == made["RoleId"]
    listed = client.list_roles(PathPrefix="/ci/")["Roles"]
    assert [(role["RoleName"], "Tags" in role) for role in listed] == [("build", False)]
    assert client.list_roles(PathPrefix="/other/")["Roles"] == []


def test_a_missing_role_is_no_such_entity(client):
    for call in (client.get_role, client.delete_role, client.list_role_policies):
        message = refused("NoSuchEntity", call, RoleName="x")
        assert message == "The role with name x cannot be found."


def test_a_name_is_taken_whatever_its_case(client):
    make(client)
    message = refused(
        "EntityAlreadyExists",
        client.create_role,
        RoleName="BUILD",
        AssumeRolePolicyDocument=trust(CODEBUILD),
    )
    assert message == "Role with name BUILD already exists."


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("not json", "This policy contains invalid Json"),
        (
            json.dumps({**json.loads(trust(CODEBUILD)), "Statement": [
                {**json.loads(trust(CODEBUILD))["Statement"][0], "Action": "s3:GetObject"}]}),
            "AssumeRole policy may only specify STS AssumeRole actions.",
        ),
        # unverified
        (trust({"Service": "codebuild"}), 'Invalid principal in policy: "SERVICE":"codebuild"'),
        (document(allow("sts:AssumeRole")), "Has prohibited field Resource"),
        (  # unverified
            trust({"AWS": "arn:aws:iam::123456789012:role/nobody"}),
            'Invalid principal in policy: "AWS":"arn:aws:iam::123456789012:role/nobody"',
        ),
    ],
)  # fmt: skip
def test_a_malformed_trust_policy_is_refused(client, text, message):
    found = refused(
        "MalformedPolicyDocument",
        client.create_role,
        RoleName="build",
        AssumeRolePolicyDocument=text,
    )
    assert found == message
    assert client.list_roles()["Roles"] == []


def test_a_role_is_changed(client):
    make(client)
    client.update_role(RoleName="build", Description="new", MaxSessionDuration=3600)
    changed = trust({"Service": "codepipeline.amazonaws.com"})
    client.update_assume_role_policy(RoleName="build", PolicyDocument=changed)
    found = client.get_role(RoleName="build")["Role"]
    assert found["Description"] == "new"
    assert found["AssumeRolePolicyDocument"] == json.loads(changed)
    client.update_role_description(RoleName="build", Description="newer")
    assert client.get_role(RoleName="build")["Role"]["Description"] == "newer"


def test_inline_policies_are_kept_replaced_and_removed(client):
    make(client)
    first, second = document(allow("s3:*")), document(allow("ecr:*"))
    client.put_role_policy(RoleName="build", PolicyName="p", PolicyDocument=first)
    client.put_role_policy(RoleName="build", PolicyName="p", PolicyDocument=second)
    found = client.get_role_policy(RoleName="build", PolicyName="p")
    assert found["PolicyDocument"] == json.loads(second)
    assert client.list_role_policies(RoleName="build")["PolicyNames"] == ["p"]
    message = refused("DeleteConflict", client.delete_role, RoleName="build")
    assert message == "Cannot delete entity, must delete policies first."
    client.delete_role_policy(RoleName="build", PolicyName="p")
    message = refused("NoSuchEntity", client.get_role_policy, RoleName="build", PolicyName="p")
    assert message == "The role policy with name p cannot be found."
    client.delete_role(RoleName="build")
    refused("NoSuchEntity", client.get_role, RoleName="build")


def test_a_malformed_or_too_large_inline_policy_is_refused(client):
    make(client)
    arguments = {"RoleName": "build", "PolicyName": "p"}
    message = refused(
        "MalformedPolicyDocument", client.put_role_policy, PolicyDocument="{}", **arguments
    )
    assert message == "Syntax errors in policy."
    large = document(*[allow(f"s3:Action{'x' * 100}{number}") for number in range(80)])
    message = refused("LimitExceeded", client.put_role_policy, PolicyDocument=large, **arguments)
    # unverified
    assert message == "Maximum policy size of 10240 bytes exceeded for role build"
    assert client.list_role_policies(RoleName="build")["PolicyNames"] == []


def test_managed_policies_are_attached_and_detached(client):
    make(client)
    for _ in range(2):
        client.attach_role_policy(RoleName="build", PolicyArn=READ_ONLY)
    attached = client.list_attached_role_policies(RoleName="build")["AttachedPolicies"]
    assert attached == [{"PolicyName": "AmazonS3ReadOnlyAccess", "PolicyArn": READ_ONLY}]
    assert client.get_policy(PolicyArn=READ_ONLY)["Policy"]["AttachmentCount"] == 1
    holders = client.list_entities_for_policy(PolicyArn=READ_ONLY)
    assert [role["RoleName"] for role in holders["PolicyRoles"]] == ["build"]
    message = refused("DeleteConflict", client.delete_role, RoleName="build")
    assert message == "Cannot delete entity, must detach all policies first."
    client.detach_role_policy(RoleName="build", PolicyArn=READ_ONLY)
    assert client.list_attached_role_policies(RoleName="build")["AttachedPolicies"] == []
    message = refused(
        "NoSuchEntity", client.detach_role_policy, RoleName="build", PolicyArn=READ_ONLY
    )
    assert message == f"Policy {READ_ONLY} was not found."


def test_attaching_what_is_no_policy_is_refused(client):
    make(client)
    for call in (client.attach_role_policy, client.detach_role_policy):
        message = refused(
            "ValidationError", call, RoleName="build", PolicyArn="longpolicynamebutnoarn"
        )
        assert message == "ARN longpolicynamebutnoarn is not valid."
    missing = "arn:aws:iam::123456789012:policy/nonexistent-policy"
    message = refused(
        "NoSuchEntity", client.attach_role_policy, RoleName="build", PolicyArn=missing
    )
    assert message == f"Policy {missing} does not exist or is not attachable."
    assert client.list_attached_role_policies(RoleName="build")["AttachedPolicies"] == []


def test_attaching_an_unknown_policy_says_what_there_is(client):
    make(client)
    missing = "arn:aws:iam::aws:policy/Nothing"
    message = refused(
        "NoSuchEntity", client.attach_role_policy, RoleName="build", PolicyArn=missing
    )
    assert message.startswith(f"Policy {missing} does not exist or is not attachable.")
    assert "AdministratorAccess" in message


def test_tags_are_added_replaced_and_removed(client):
    make(client, Tags=[{"Key": "a", "Value": "1"}])
    client.tag_role(RoleName="build", Tags=[{"Key": "A", "Value": "2"}, {"Key": "b", "Value": ""}])
    assert client.list_role_tags(RoleName="build")["Tags"] == [
        {"Key": "A", "Value": "2"},
        {"Key": "b", "Value": ""},
    ]
    client.untag_role(RoleName="build", TagKeys=["A", "c"])
    assert client.get_role(RoleName="build")["Role"]["Tags"] == [{"Key": "b", "Value": ""}]
    twice = [{"Key": "k", "Value": "1"}, {"Key": "K", "Value": "2"}]
    message = refused("InvalidInput", client.tag_role, RoleName="build", Tags=twice)
    assert message == "Duplicate tag keys found. Please note that Tag keys are case insensitive."
    message = refused(
        "ValidationError", client.tag_role, RoleName="build", Tags=[{"Key": "a!", "Value": ""}]
    )
    assert message == (
        "1 validation error detected: Value at 'tags.1.member.key' failed to satisfy constraint: "
        r"Member must satisfy regular expression pattern: [\p{L}\p{Z}\p{N}_.:/=+\-@]+"
    )
    message = refused("ValidationError", client.untag_role, RoleName="build", TagKeys=["k" * 129])
    assert message == (
        "1 validation error detected: Value at 'tagKeys' failed to satisfy constraint: Member must "
        "satisfy constraint: [Member must have length less than or equal to 128, Member must have "
        "length greater than or equal to 1, Member must satisfy regular expression pattern: "
        r"[\p{L}\p{Z}\p{N}_.:/=+\-@]+, Member must not be null]"
    )


def test_a_boundary_is_set_and_removed(client):
    made = make(client, PermissionsBoundary=READ_ONLY)
    assert made["PermissionsBoundary"]["PermissionsBoundaryArn"] == READ_ONLY
    assert client.get_policy(PolicyArn=READ_ONLY)["Policy"]["PermissionsBoundaryUsageCount"] == 1
    client.delete_role_permissions_boundary(RoleName="build")
    assert "PermissionsBoundary" not in client.get_role(RoleName="build")["Role"]
    client.put_role_permissions_boundary(RoleName="build", PermissionsBoundary=READ_ONLY)
    assert "PermissionsBoundary" in client.get_role(RoleName="build")["Role"]


@pytest.mark.parametrize(
    ("boundary", "code", "message"),
    [
        (
            "arn:aws:iam::123456789012:not_a_policy/invalid", "InvalidInput",
            "ARN arn:aws:iam::123456789012:not_a_policy/invalid is not valid.",
        ),
        (
            "arn:aws:iam::123456789012:policy/none", "NoSuchEntity",
            "Scope ARN: arn:aws:iam::123456789012:policy/none does not exist or is not attachable.",
        ),
    ],
)  # fmt: skip
def test_a_boundary_that_is_no_policy_is_refused(client, boundary, code, message):
    arguments = {"RoleName": "build", "PermissionsBoundary": boundary}
    assert message == refused(
        code, client.create_role, AssumeRolePolicyDocument=trust(CODEBUILD), **arguments
    )
    assert client.list_roles()["Roles"] == []
    make(client)
    assert refused(code, client.put_role_permissions_boundary, **arguments) == message
    assert "PermissionsBoundary" not in client.get_role(RoleName="build")["Role"]


def test_roles_come_in_pages(client):
    for number in range(5):
        make(client, f"role-{number}")
    pages = list(client.get_paginator("list_roles").paginate(PaginationConfig={"PageSize": 2}))
    assert [page["IsTruncated"] for page in pages] == [True, True, False]
    names = [role["RoleName"] for page in pages for role in page["Roles"]]
    assert names == [f"role-{number}" for number in range(5)]
    refused("ValidationError", client.list_roles, Marker="edited")
