"""Managed policies: https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreatePolicy.html."""

import json

import pytest
from botocore.exceptions import ClientError
from tests.identity_server import allow, document

ADMIN = "arn:aws:iam::aws:policy/AdministratorAccess"
OWN = "arn:aws:iam::123456789012:policy/own"


def refused(code, call, **arguments):
    with pytest.raises(ClientError) as found:
        call(**arguments)
    assert found.value.response["Error"]["Code"] == code
    return found.value.response["Error"]["Message"]


def make(client, **more):
    return client.create_policy(PolicyName="own", PolicyDocument=document(allow("s3:*")), **more)[
        "Policy"
    ]


def test_a_policy_is_read_back(client):
    made = make(client, Description="Mine", Tags=[{"Key": "a", "Value": "b"}])
    assert made["Arn"] == OWN
    found = client.get_policy(PolicyArn=OWN)["Policy"]
    assert (found["Description"], found["DefaultVersionId"]) == ("Mine", "v1")
    assert found["AttachmentCount"] == 0
    version = client.get_policy_version(PolicyArn=OWN, VersionId="v1")["PolicyVersion"]
    assert version["Document"] == json.loads(document(allow("s3:*")))
    assert client.list_policy_tags(PolicyArn=OWN)["Tags"] == [{"Key": "a", "Value": "b"}]
    assert [one["Arn"] for one in client.list_policies(Scope="Local")["Policies"]] == [OWN]
    message = refused(
        "EntityAlreadyExists",
        client.create_policy,
        PolicyName="own",
        PolicyDocument=document(allow("s3:*")),
    )
    assert message == "A policy called own already exists. Duplicate names are not allowed."


def test_versions_are_added_chosen_and_removed(client):
    make(client)
    changed = document(allow("ecr:*"))
    made = client.create_policy_version(PolicyArn=OWN, PolicyDocument=changed, SetAsDefault=True)
    assert made["PolicyVersion"]["VersionId"] == "v2"
    assert made["PolicyVersion"]["IsDefaultVersion"]
    message = refused("DeleteConflict", client.delete_policy_version, PolicyArn=OWN, VersionId="v2")
    assert message == "Cannot delete the default version of a policy."
    assert "more than one version" in refused("DeleteConflict", client.delete_policy, PolicyArn=OWN)
    client.set_default_policy_version(PolicyArn=OWN, VersionId="v1")
    client.delete_policy_version(PolicyArn=OWN, VersionId="v2")
    versions = client.list_policy_versions(PolicyArn=OWN)["Versions"]
    assert [(one["VersionId"], one["IsDefaultVersion"]) for one in versions] == [("v1", True)]
    for _ in range(4):
        client.create_policy_version(PolicyArn=OWN, PolicyDocument=changed)
    versions = client.list_policy_versions(PolicyArn=OWN)["Versions"]
    # Newest first, as recorded: localstack/localstack
    # tests/aws/services/iam/test_iam_policies.snapshot.json; so are the texts of this module.
    assert [one["VersionId"] for one in versions] == ["v6", "v5", "v4", "v3", "v1"]
    message = refused(
        "LimitExceeded", client.create_policy_version, PolicyArn=OWN, PolicyDocument=changed
    )
    assert message == (
        "A managed policy can have up to 5 versions. Before you create a new version, you must "
        "delete an existing version."
    )


def test_versions_come_in_pages(client):
    make(client)
    for _ in range(3):
        client.create_policy_version(PolicyArn=OWN, PolicyDocument=document(allow("ecr:*")))
    pages = client.get_paginator("list_policy_versions").paginate(
        PolicyArn=OWN, PaginationConfig={"PageSize": 3}
    )
    shown = [[one["VersionId"] for one in page["Versions"]] for page in pages]
    assert shown == [["v4", "v3", "v2"], ["v1"]]


def test_a_missing_version_or_its_missing_policy_is_no_such_entity(client):
    make(client)
    for arn, version in ((OWN, "v9"), (f"{OWN}-gone", "v1")):
        for call in (
            client.get_policy_version,
            client.set_default_policy_version,
            client.delete_policy_version,
        ):
            message = refused("NoSuchEntity", call, PolicyArn=arn, VersionId=version)
            expected = f"Policy {arn} version {version} does not exist or is not attachable."
            assert message == expected
    message = refused("ValidationError", client.get_policy_version, PolicyArn=OWN, VersionId="1")
    assert message == (
        "1 validation error detected: Value at 'versionId' failed to satisfy constraint: Member "
        r"must satisfy regular expression pattern: v[1-9][0-9]*(\.[A-Za-z0-9-]*)?"
    )
    assert refused("InvalidInput", client.get_policy, PolicyArn="x" * 20) == (
        f"ARN {'x' * 20} is not valid."  # unverified for this operation
    )


def test_an_attached_policy_stays(client):
    make(client)
    client.create_user(UserName="ann")
    client.attach_user_policy(UserName="ann", PolicyArn=OWN)
    message = refused("DeleteConflict", client.delete_policy, PolicyArn=OWN)
    assert message == "Cannot delete a policy attached to entities."
    client.detach_user_policy(UserName="ann", PolicyArn=OWN)
    client.delete_policy(PolicyArn=OWN)
    message = refused("NoSuchEntity", client.get_policy, PolicyArn=OWN)
    assert message == f"Policy {OWN} was not found."


def test_awss_policies_are_there_and_do_not_change(client):
    document_of_admin = client.get_policy_version(PolicyArn=ADMIN, VersionId="v1")
    assert document_of_admin["PolicyVersion"]["Document"]["Statement"][0]["Action"] == "*"
    pages = client.get_paginator("list_policies").paginate(
        Scope="AWS", PaginationConfig={"PageSize": 10}
    )
    arns = [policy["Arn"] for page in pages for policy in page["Policies"]]
    assert ADMIN in arns
    assert len(arns) == len(set(arns)) > 20
    refused("AccessDenied", client.delete_policy, PolicyArn=ADMIN)


def test_only_attached_lists_what_is_in_use(client):
    client.create_user(UserName="ann")
    client.attach_user_policy(UserName="ann", PolicyArn=ADMIN)
    used = client.list_policies(OnlyAttached=True)["Policies"]
    assert [(one["Arn"], one["AttachmentCount"]) for one in used] == [(ADMIN, 1)]


def test_a_malformed_policy_is_refused(client):
    message = refused(
        "MalformedPolicyDocument",
        client.create_policy,
        PolicyName="own",
        PolicyDocument=document({"Effect": "Allow", "Action": "s3:*"}),
    )
    assert message == "Policy statement must contain resources."


def test_tags_change(client):
    make(client)
    client.tag_policy(PolicyArn=OWN, Tags=[{"Key": "a", "Value": "1"}])
    assert client.get_policy(PolicyArn=OWN)["Policy"]["Tags"] == [{"Key": "a", "Value": "1"}]
    client.untag_policy(PolicyArn=OWN, TagKeys=["a"])
    assert client.list_policy_tags(PolicyArn=OWN)["Tags"] == []
    assert client.get_policy(PolicyArn=OWN)["Policy"]["Tags"] == []


def test_tag_keys_of_policies_heed_case(client):
    made = make(client, Tags=[{"Key": "a", "Value": "1"}, {"Key": "A", "Value": "2"}])
    assert len(made["Tags"]) == 2
    tags = [{"Key": "A", "Value": "2"}, {"Key": "a", "Value": "1"}]
    assert client.list_policy_tags(PolicyArn=OWN)["Tags"] == tags
    client.tag_policy(PolicyArn=OWN, Tags=[{"Key": "a", "Value": "3"}])
    assert client.get_policy(PolicyArn=OWN)["Policy"]["Tags"] == [
        {"Key": "A", "Value": "2"},
        {"Key": "a", "Value": "3"},
    ]
    twice = [{"Key": "k", "Value": "1"}, {"Key": "k", "Value": "2"}]
    message = refused("InvalidInput", client.tag_policy, PolicyArn=OWN, Tags=twice)
    assert message == "Duplicate tag keys found."
