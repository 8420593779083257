"""The façade that the other parts use: credentials found, actions allowed or denied."""

import json

import pytest

from penstock.aws.errors import ServiceError
from penstock.aws.service import PrincipalKind
from penstock.services.iam import Iam, identity, identity_policies, managed_policies
from penstock.services.iam.identity import Kind

ACCOUNT = "123456789012"


def document(effect="Allow", action="*", resource="*"):
    statement = {"Effect": effect, "Action": action, "Resource": resource}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


async def make_user(iam, clock, name="ann", **policies):
    def work(connection):
        identity.insert(connection, Kind.USER, name, "/", ACCOUNT, {}, clock())
        for policy_name, text in policies.items():
            user = identity.get_user(connection, name)
            identity_policies.put_inline(connection, user, policy_name, text, clock())
        return iam.credentials.new_access_key(connection, name, clock())

    key = await iam.write(work)
    return (await iam.find_credential(key.access_key_id, None, clock())).principal


async def test_the_root_key_is_made_once_and_survives_a_restart(iam, database, cipher, clock):
    key = await iam.ensure_root()
    again = await Iam(database, cipher, ACCOUNT, clock).ensure_root()
    assert again == key
    found = await iam.find_credential(key.access_key_id, None, clock())
    assert found.secret_access_key == key.secret_access_key
    assert found.principal.kind is PrincipalKind.ROOT
    assert found.principal.arn == "arn:aws:iam::123456789012:root"


async def test_secrets_are_not_in_the_database_in_the_clear(iam, database, tmp_path):
    key = await iam.ensure_root()
    files = [path.read_bytes() for path in tmp_path.glob("penstock.db*")]
    assert any(key.access_key_id.encode() in content for content in files)
    assert not any(key.secret_access_key.encode() in content for content in files)


async def test_an_unknown_key_is_nobody(iam, clock):
    assert await iam.find_credential("AKIAUNKNOWN", None, clock()) is None


async def test_a_session_token_with_a_long_term_key_is_refused(iam, clock):
    key = await iam.ensure_root()
    with pytest.raises(ServiceError, match="The security token included in the request is invalid"):
        await iam.find_credential(key.access_key_id, "token", clock())


async def test_root_may_do_everything(iam, clock):
    key = await iam.ensure_root()
    root = (await iam.find_credential(key.access_key_id, None, clock())).principal
    await iam.authorize(root, "s3:DeleteBucket", "arn:aws:s3:::b")


async def test_a_user_without_policies_may_nothing(iam, clock):
    ann = await make_user(iam, clock)
    with pytest.raises(ServiceError) as refused:
        await iam.authorize(ann, "codebuild:StartBuild", "arn:aws:codebuild:::project/p")
    assert refused.value.code == "AccessDeniedException"
    assert refused.value.message == (
        "User: arn:aws:iam::123456789012:user/ann is not authorized to perform: "
        "codebuild:StartBuild on resource: arn:aws:codebuild:::project/p because no "
        "identity-based policy allows the codebuild:StartBuild action"
    )


async def test_an_explicit_deny_is_said(iam, clock):
    ann = await make_user(iam, clock, a=document(), d=document("Deny", "s3:*"))
    await iam.authorize(ann, "ecr:PutImage", "*")
    with pytest.raises(ServiceError) as refused:
        await iam.authorize(ann, "s3:GetObject", "arn:aws:s3:::b/k")
    assert refused.value.message == (
        "User: arn:aws:iam::123456789012:user/ann is not authorized to perform: s3:GetObject on "
        "resource: arn:aws:s3:::b/k with an explicit deny in an identity-based policy"
    )


async def test_a_change_counts_at_once(iam, clock):
    ann = await make_user(iam, clock, a=document(action="s3:*"))
    await iam.authorize(ann, "s3:GetObject", "*")
    await iam.write(
        lambda c: identity_policies.delete_inline(c, identity.get_user(c, "ann"), "a", clock())
    )
    with pytest.raises(ServiceError):
        await iam.authorize(ann, "s3:GetObject", "*")


async def test_a_user_of_the_same_name_made_anew_is_somebody_else(iam, clock):
    ann = await make_user(iam, clock)
    await iam.write(lambda c: identity.delete(c, identity.get_user(c, "ann")))
    assert await iam.find_credential(ann.access_key_id, None, clock()) is None
    await make_user(iam, clock, a=document())
    with pytest.raises(ServiceError):
        await iam.authorize(ann, "s3:GetObject", "*")


async def test_a_boundary_limits_what_policies_allow(iam, clock):
    ann = await make_user(iam, clock, a=document())
    read_only = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"
    await iam.write(
        lambda c: identity_policies.bound(c, identity.get_user(c, "ann"), read_only, clock())
    )
    await iam.authorize(ann, "s3:GetObject", "*")
    with pytest.raises(ServiceError, match="because no permissions boundary allows"):
        await iam.authorize(ann, "s3:PutObject", "*")


def test_every_aws_managed_policy_is_a_valid_document():
    policies = managed_policies.aws_managed()
    assert "arn:aws:iam::aws:policy/AdministratorAccess" in policies
    for policy in policies.values():
        identity_policies.check_document(policy.document, identity_policies.PolicyKind.MANAGED)


async def test_authentication_is_answered_from_memory(iam, database, clock):
    key = await iam.ensure_root()
    await iam.find_credential(key.access_key_id, None, clock())
    database.close()
    found = await iam.find_credential(key.access_key_id, None, clock())
    assert found.principal.kind is PrincipalKind.ROOT
