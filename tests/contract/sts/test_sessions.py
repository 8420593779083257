"""Sessions, as the STS API reference has them (API_AssumeRole.html and siblings)."""

import time
from datetime import timedelta

import pytest
from botocore.exceptions import ClientError
from tests.identity_server import allow, document, trust

BUILD = "arn:aws:iam::123456789012:role/build"


def refused(code, call, **arguments):
    with pytest.raises(ClientError) as found:
        call(**arguments)
    assert found.value.response["Error"]["Code"] == code
    return found.value.response["Error"]["Message"]


def make_role(server, principal, *statements, **more):
    server.iam.create_role(RoleName="build", AssumeRolePolicyDocument=trust(principal), **more)
    if statements:
        server.iam.put_role_policy(
            RoleName="build", PolicyName="p", PolicyDocument=document(*statements)
        )


def test_callers_are_told_who_they_are(server):
    root = server.sts.get_caller_identity()
    assert (root["Arn"], root["UserId"]) == ("arn:aws:iam::123456789012:root", "123456789012")
    ann = server.client("sts", server.user("ann")).get_caller_identity()
    assert ann["Arn"] == "arn:aws:iam::123456789012:user/ann"
    assert ann["UserId"].startswith("AIDA")


def test_a_role_is_assumed_and_acts_with_its_own_permissions(server):
    key = server.user("ann", allow("sts:AssumeRole", BUILD))
    make_role(server, {"AWS": "123456789012"}, allow("iam:ListRoles"))
    given = server.client("sts", key).assume_role(RoleArn=BUILD, RoleSessionName="work")
    session_arn = "arn:aws:sts::123456789012:assumed-role/build/work"
    assert given["AssumedRoleUser"]["Arn"] == session_arn
    credentials = given["Credentials"]
    found = server.client("sts", credentials).get_caller_identity()
    assert found["Arn"] == session_arn
    assert found["UserId"] == given["AssumedRoleUser"]["AssumedRoleId"]
    acting = server.client("iam", credentials)
    assert [role["RoleName"] for role in acting.list_roles()["Roles"]] == ["build"]
    message = refused("AccessDenied", acting.list_users)
    assert message == (
        f"User: {session_arn} is not authorized to perform: iam:ListUsers on resource: "
        "arn:aws:iam::123456789012:user/ because no identity-based policy allows the "
        "iam:ListUsers action"
    )
    used = server.iam.get_role(RoleName="build")["Role"]["RoleLastUsed"]
    assert used["Region"] == "us-east-1"


def test_who_is_not_trusted_is_denied(server):
    key = server.user("ann", allow("sts:*"))
    make_role(server, {"Service": "codebuild.amazonaws.com"})
    hers = server.client("sts", key)
    message = refused("AccessDenied", hers.assume_role, RoleArn=BUILD, RoleSessionName="work")
    assert message == (
        "User: arn:aws:iam::123456789012:user/ann is not authorized to perform: sts:AssumeRole "
        f"on resource: {BUILD}"
    )
    refused("AccessDenied", hers.assume_role, RoleArn=f"{BUILD}-none", RoleSessionName="work")
    refused("AccessDenied", server.sts.assume_role, RoleArn=BUILD, RoleSessionName="work")


@pytest.mark.parametrize(
    "name", ["nothing-valid-in-here", "arn::b:::something/test-role", "arn:a:a::aaaaaaaaaa:"]
)
def test_what_is_no_arn_is_no_role(server, name):
    """Texts: localstack/localstack tests/aws/services/sts/test_sts.snapshot.json, from AWS."""
    hers = server.client("sts", server.user("ann", allow("sts:*")))
    message = refused("ValidationError", hers.assume_role, RoleArn=name, RoleSessionName="work")
    assert message == f"{name} is invalid"
    message = refused("ValidationError", hers.assume_role, RoleArn=BUILD, RoleSessionName="a:2")
    assert message == (
        "1 validation error detected: Value 'a:2' at 'roleSessionName' failed to satisfy "
        r"constraint: Member must satisfy regular expression pattern: [\w+=,.@-]*"
    )


def test_session_policies_limit_the_session(server):
    key = server.user("ann", allow("sts:AssumeRole"))
    make_role(server, {"AWS": "123456789012"}, allow("iam:*"))
    given = server.client("sts", key).assume_role(
        RoleArn=BUILD,
        RoleSessionName="work",
        Policy=document(allow("iam:List*")),
        PolicyArns=[{"arn": "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"}],
    )
    acting = server.client("iam", given["Credentials"])
    assert acting.list_roles()["Roles"]
    assert "no session policy allows" in refused("AccessDenied", acting.get_role, RoleName="build")
    refused(
        "MalformedPolicyDocument",
        server.client("sts", key).assume_role,
        RoleArn=BUILD,
        RoleSessionName="work",
        Policy="{}",
    )


def test_a_duration_is_limited_by_the_role_and_ends_the_session(server):
    key = server.user("ann", allow("sts:AssumeRole"))
    make_role(server, {"AWS": "123456789012"}, MaxSessionDuration=7200)
    hers = server.client("sts", key)
    arguments = {"RoleArn": BUILD, "RoleSessionName": "work"}
    message = refused("ValidationError", hers.assume_role, DurationSeconds=7201, **arguments)
    assert message == (
        "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."
    )
    given = hers.assume_role(DurationSeconds=900, **arguments)["Credentials"]
    # An AWS client refuses a clock skew; so the server's record is looked at instead of its clock.
    lasts = given["Expiration"] - server.iam.get_role(RoleName="build")["Role"]["CreateDate"]
    assert timedelta(seconds=899) <= lasts <= timedelta(seconds=960)


def test_wrong_tokens_are_refused(server):
    key = server.user("ann", allow("sts:AssumeRole"))
    make_role(server, {"AWS": "123456789012"})
    given = server.client("sts", key).assume_role(RoleArn=BUILD, RoleSessionName="work")
    for wrong in ({"SessionToken": "other"}, {"SessionToken": None}):
        session = server.client("sts", {**given["Credentials"], **wrong})
        message = refused("InvalidClientTokenId", session.get_caller_identity)
        assert message == "The security token included in the request is invalid."
    wrong_secret = {**given["Credentials"], "SecretAccessKey": "x" * 40}
    refused("SignatureDoesNotMatch", server.client("sts", wrong_secret).get_caller_identity)


def test_credentials_end(server):
    key = server.user("ann", allow("*"))
    given = server.client("sts", key).get_session_token(DurationSeconds=900)["Credentials"]
    hers = server.client("sts", given)
    assert hers.get_caller_identity()["Account"] == "123456789012"
    time.sleep(2)  # so that the request's own date is still within its 15 minutes
    server.aws.now = given["Expiration"] + timedelta(seconds=1)  # the answer has whole seconds
    message = refused("ExpiredToken", hers.get_caller_identity)
    assert message == "The security token included in the request is expired"
    refused("ExpiredToken", server.client("iam", given).list_users)


def test_a_session_token_is_the_user_without_iam(server):
    key = server.user("ann", allow("*"))
    given = server.client("sts", key).get_session_token(DurationSeconds=900)["Credentials"]
    found = server.client("sts", given).get_caller_identity()
    assert found["Arn"] == "arn:aws:iam::123456789012:user/ann"
    refused("InvalidClientTokenId", server.client("iam", given).list_users)
    refused("AccessDenied", server.client("sts", given).get_session_token)


def test_an_access_keys_account_is_told(server):
    key = server.user("ann")
    found = server.sts.get_access_key_info(AccessKeyId=key["AccessKeyId"])
    assert found["Account"] == "123456789012"


def test_what_is_not_implemented_is_said(server):
    key = server.user("ann", allow("sts:AssumeRole"))
    make_role(server, {"AWS": "123456789012"})
    message = refused(
        "ValidationError",
        server.client("sts", key).assume_role,
        RoleArn=BUILD,
        RoleSessionName="work",
        SourceIdentity="ann",
    )
    assert message.startswith("SourceIdentity is not implemented here")
