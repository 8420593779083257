"""Users and access keys: https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateUser.html.

The texts are as recorded from AWS in github.com/localstack/localstack
tests/aws/services/iam/test_iam_users.snapshot.json, where they are not marked unverified.
"""

import json
import time

import pytest
from botocore.exceptions import ClientError
from tests.identity_server import allow, document

READ_ONLY = "arn:aws:iam::aws:policy/IAMReadOnlyAccess"


def refused(code, call, **arguments):
    with pytest.raises(ClientError) as found:
        call(**arguments)
    assert found.value.response["Error"]["Code"] == code
    return found.value.response["Error"]["Message"]


def test_a_user_is_made_listed_and_removed(client):
    made = client.create_user(UserName="ann", Path="/team/", Tags=[{"Key": "a", "Value": "b"}])
    assert made["User"]["Arn"] == "arn:aws:iam::123456789012:user/team/ann"
    assert made["User"]["UserId"].startswith("AIDA")
    assert client.get_user(UserName="ann")["User"]["Tags"] == [{"Key": "a", "Value": "b"}]
    assert [user["UserName"] for user in client.list_users()["Users"]] == ["ann"]
    message = refused("EntityAlreadyExists", client.create_user, UserName="ann")
    assert message == "User with name ann already exists."
    client.delete_user(UserName="ann")
    message = refused("NoSuchEntity", client.get_user, UserName="ann")
    assert message == "The user with name ann cannot be found."


def test_the_root_is_told_who_it_is(client):
    assert client.get_user()["User"]["Arn"] == "arn:aws:iam::123456789012:root"


def test_a_user_without_a_name_in_the_request_is_the_caller(server):
    key = server.user("ann", allow("iam:*"))
    assert server.client("iam", key).get_user()["User"]["UserName"] == "ann"


def test_policies_of_users(client):
    client.create_user(UserName="ann")
    text = document(allow("s3:*"))
    client.put_user_policy(UserName="ann", PolicyName="p", PolicyDocument=text)
    found = client.get_user_policy(UserName="ann", PolicyName="p")
    assert found["PolicyDocument"] == json.loads(text)
    assert client.list_user_policies(UserName="ann")["PolicyNames"] == ["p"]
    client.attach_user_policy(UserName="ann", PolicyArn=READ_ONLY)
    attached = client.list_attached_user_policies(UserName="ann")["AttachedPolicies"]
    assert [policy["PolicyArn"] for policy in attached] == [READ_ONLY]
    refused("DeleteConflict", client.delete_user, UserName="ann")
    client.detach_user_policy(UserName="ann", PolicyArn=READ_ONLY)
    client.delete_user_policy(UserName="ann", PolicyName="p")
    assert client.list_user_policies(UserName="ann")["PolicyNames"] == []
    client.delete_user(UserName="ann")


def test_a_boundary_is_set_and_removed(client):
    client.create_user(UserName="ann")
    client.put_user_permissions_boundary(UserName="ann", PermissionsBoundary=READ_ONLY)
    found = client.get_user(UserName="ann")["User"]["PermissionsBoundary"]
    assert found["PermissionsBoundaryArn"] == READ_ONLY
    client.delete_user_permissions_boundary(UserName="ann")
    assert "PermissionsBoundary" not in client.get_user(UserName="ann")["User"]


def test_tags_of_users(client):
    client.create_user(UserName="ann")
    client.tag_user(UserName="ann", Tags=[{"Key": "a", "Value": "1"}])
    assert client.list_user_tags(UserName="ann")["Tags"] == [{"Key": "a", "Value": "1"}]
    client.untag_user(UserName="ann", TagKeys=["a"])
    assert client.list_user_tags(UserName="ann")["Tags"] == []


def test_an_access_key_lives_until_it_is_deleted(server, client):
    key = server.user("ann", allow("*"))
    assert key["AccessKeyId"].startswith("AKIA")
    hers = server.client("sts", key)
    assert hers.get_caller_identity()["Arn"] == "arn:aws:iam::123456789012:user/ann"
    client.update_access_key(UserName="ann", AccessKeyId=key["AccessKeyId"], Status="Inactive")
    refused("InvalidClientTokenId", hers.get_caller_identity)
    client.update_access_key(UserName="ann", AccessKeyId=key["AccessKeyId"], Status="Active")
    assert hers.get_caller_identity()["Account"] == "123456789012"
    listed = client.list_access_keys(UserName="ann")["AccessKeyMetadata"]
    assert [(one["AccessKeyId"], one["Status"]) for one in listed] == [
        (key["AccessKeyId"], "Active")
    ]
    assert "SecretAccessKey" not in listed[0]
    message = refused("DeleteConflict", client.delete_user, UserName="ann")
    # unverified which of its keys and policies IAM names first
    assert message == "Cannot delete entity, must delete access keys first."
    client.delete_access_key(UserName="ann", AccessKeyId=key["AccessKeyId"])
    refused("InvalidClientTokenId", hers.get_caller_identity)
    message = refused(
        "NoSuchEntity", client.delete_access_key, UserName="ann", AccessKeyId=key["AccessKeyId"]
    )
    assert message == f"The Access Key with id {key['AccessKeyId']} cannot be found."


def test_a_user_has_two_keys_at_most(client):
    client.create_user(UserName="ann")
    for _ in range(2):
        client.create_access_key(UserName="ann")
    message = refused("LimitExceeded", client.create_access_key, UserName="ann")
    assert message == "Cannot exceed quota for AccessKeysPerUser: 2"


def test_the_roots_last_key_stays(server, client):
    message = refused(
        "DeleteConflict", client.delete_access_key, AccessKeyId=server.root["AccessKeyId"]
    )
    assert "the root's last one" in message
    other = client.create_access_key()["AccessKey"]
    server.client("iam", other).delete_access_key(AccessKeyId=server.root["AccessKeyId"])
    assert len(server.client("iam", other).list_access_keys()["AccessKeyMetadata"]) == 1


def test_the_last_use_of_a_key_is_told(server, client):
    key = server.user("ann", allow("iam:*"))
    before = client.get_access_key_last_used(AccessKeyId=key["AccessKeyId"])
    assert before["AccessKeyLastUsed"] == {"ServiceName": "N/A", "Region": "N/A"}
    server.client("iam", key).get_user()
    deadline = time.monotonic() + 10  # a use is recorded behind its request, as on AWS
    after = before
    while after == before | {"ResponseMetadata": after["ResponseMetadata"]}:
        assert time.monotonic() < deadline, "the use was not recorded"
        after = client.get_access_key_last_used(AccessKeyId=key["AccessKeyId"])
    assert after["UserName"] == "ann"
    assert after["AccessKeyLastUsed"]["ServiceName"] == "iam"
    assert after["AccessKeyLastUsed"]["LastUsedDate"].year >= 2026
    message = refused(
        "AccessDenied", client.get_access_key_last_used, AccessKeyId="AKIAIOSFODNN7EXAMPLE"
    )
    assert message == (
        "User: arn:aws:iam::123456789012:root is not authorized to perform "
        "iam:GetAccessKeyLastUsed on resource: access key AKIAIOSFODNN7EXAMPLE"
    )


def test_a_user_may_only_what_its_policies_say(server):
    on_herself = allow("iam:*AccessKey*", "arn:aws:iam::*:user/${aws:username}")
    hers = server.client("iam", server.user("ann", on_herself))
    server.iam.create_user(UserName="bob")
    assert hers.list_access_keys()["AccessKeyMetadata"]
    message = refused("AccessDenied", hers.create_access_key, UserName="bob")
    assert message == (
        "User: arn:aws:iam::123456789012:user/ann is not authorized to perform: "
        "iam:CreateAccessKey on resource: arn:aws:iam::123456789012:user/bob because no "
        "identity-based policy allows the iam:CreateAccessKey action"
    )
    assert server.iam.list_access_keys(UserName="bob")["AccessKeyMetadata"] == []


def test_a_policy_names_identities_with_their_path(server):
    server.iam.create_user(UserName="bob", Path="/team/")
    here = server.client(
        "iam", server.user("ann", allow("iam:GetUser", "arn:aws:iam::123456789012:user/team/*"))
    )
    assert here.get_user(UserName="bob")["User"]["Path"] == "/team/"
    refused("AccessDenied", here.get_user, UserName="ann")
