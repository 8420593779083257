"""Roles are assumed by whom they trust; sessions survive restarts and end in time."""

import json

import pytest

from penstock.aws.errors import ServiceError
from penstock.aws.service import PrincipalKind
from penstock.services.iam import Iam, identity, identity_policies
from penstock.services.iam.identity import Kind

ACCOUNT = "123456789012"
BUILD = "arn:aws:iam::123456789012:role/build"


def trust(principal, effect="Allow", **more):
    statement = {"Effect": effect, "Principal": principal, "Action": "sts:AssumeRole", **more}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def allow(action, effect="Allow"):
    statement = {"Effect": effect, "Action": action, "Resource": "*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


async def make_role(iam, clock, principal, inline=None, max_seconds=3600, **more):
    def work(connection):
        identity.insert(
            connection, Kind.ROLE, "build", "/", ACCOUNT, {}, clock(),
            trust=trust(principal, **more), description=None, max_session_seconds=max_seconds,
        )  # fmt: skip
        if inline:
            role = identity.get_role(connection, "build")
            identity_policies.put_inline(connection, role, "p", inline, clock())

    await iam.write(work)


async def make_user(iam, clock, inline=None):
    def work(connection):
        identity.insert(connection, Kind.USER, "ann", "/", ACCOUNT, {}, clock())
        if inline:
            user = identity.get_user(connection, "ann")
            identity_policies.put_inline(connection, user, "p", inline, clock())
        return iam.credentials.new_access_key(connection, "ann", clock())

    key = await iam.write(work)
    return (await iam.find_credential(key.access_key_id, None, clock())).principal


async def test_a_trusted_service_gets_credentials_that_act_as_the_role(iam, sts, clock):
    await make_role(iam, clock, {"Service": "codebuild.amazonaws.com"}, allow("s3:*"))
    given = await sts.assume_role_for_service(BUILD, "codebuild.amazonaws.com", "AWSCodeBuild-1")
    assert given.access_key_id.startswith("ASIA")
    found = await iam.find_credential(given.access_key_id, given.session_token, clock())
    assert found.secret_access_key == given.secret_access_key
    assert found.principal.kind is PrincipalKind.ASSUMED_ROLE
    assert found.principal.arn == "arn:aws:sts::123456789012:assumed-role/build/AWSCodeBuild-1"
    await iam.authorize(found.principal, "s3:GetObject", "arn:aws:s3:::b/k")
    with pytest.raises(ServiceError, match="ecr:PutImage on resource"):
        await iam.authorize(found.principal, "ecr:PutImage", "*")


async def test_an_untrusted_service_and_a_missing_role_are_denied_alike(iam, sts, clock):
    await make_role(iam, clock, {"Service": "codebuild.amazonaws.com"})
    for role_arn in (BUILD, f"{BUILD}-gone"):
        with pytest.raises(ServiceError) as refused:
            await sts.assume_role_for_service(role_arn, "codepipeline.amazonaws.com", "s")
        assert refused.value.code == "AccessDeniedException"
        assert refused.value.message == (
            "User: codepipeline.amazonaws.com is not authorized to perform: sts:AssumeRole on "
            f"resource: {role_arn}"
        )


async def test_a_session_survives_a_restart_and_expires(iam, sts, database, cipher, clock):
    await make_role(iam, clock, {"Service": "codebuild.amazonaws.com"})
    given = await sts.assume_role_for_service(BUILD, "codebuild.amazonaws.com", "s", 36_000)
    restarted = Iam(database, cipher, ACCOUNT, clock)
    found = await restarted.find_credential(given.access_key_id, given.session_token, clock())
    assert found.principal == given.principal
    clock.advance(seconds=3600)  # the role's MaxSessionDuration, though ten hours were asked for
    with pytest.raises(ServiceError, match="included in the request is expired"):
        await restarted.find_credential(given.access_key_id, given.session_token, clock())


async def test_a_session_needs_its_own_token(iam, sts, clock):
    await make_role(iam, clock, {"Service": "codebuild.amazonaws.com"})
    given = await sts.assume_role_for_service(BUILD, "codebuild.amazonaws.com", "s")
    for token in (None, "other"):
        with pytest.raises(ServiceError) as refused:
            await iam.find_credential(given.access_key_id, token, clock())
        assert refused.value.code == "UnrecognizedClientException"


async def test_a_revoked_session_is_gone(iam, sts, clock):
    await make_role(iam, clock, {"Service": "codebuild.amazonaws.com"})
    given = await sts.assume_role_for_service(BUILD, "codebuild.amazonaws.com", "s")
    assert await iam.find_credential(given.access_key_id, given.session_token, clock())
    await sts.revoke(given.access_key_id)
    await sts.revoke(given.access_key_id)
    assert await iam.find_credential(given.access_key_id, given.session_token, clock()) is None


async def test_a_trust_policy_that_names_the_account_leaves_it_to_the_callers_policies(
    iam, sts, clock
):
    await make_role(iam, clock, {"AWS": ACCOUNT})
    ann = await make_user(iam, clock)
    with pytest.raises(ServiceError, match="no identity-based policy allows the sts:AssumeRole"):
        await sts.assume_role(ann, BUILD, "work")
    await iam.write(
        lambda c: identity_policies.put_inline(
            c, identity.get_user(c, "ann"), "p", allow("sts:*"), clock()
        )
    )
    given = await sts.assume_role(ann, BUILD, "work")
    assert given.principal.arn.endswith(":assumed-role/build/work")


async def test_a_trust_policy_that_names_the_user_suffices_unless_he_is_denied(iam, sts, clock):
    ann = await make_user(iam, clock)
    await make_role(iam, clock, {"AWS": ann.arn})
    await sts.assume_role(ann, BUILD, "work")
    await iam.write(
        lambda c: identity_policies.put_inline(
            c, identity.get_user(c, "ann"), "p", allow("sts:*", "Deny"), clock()
        )
    )
    with pytest.raises(ServiceError):
        await sts.assume_role(ann, BUILD, "work")


async def test_an_external_id_is_demanded(iam, sts, clock):
    ann = await make_user(iam, clock)
    condition = {"StringEquals": {"sts:ExternalId": "42"}}
    await make_role(iam, clock, {"AWS": ann.arn}, Condition=condition)
    with pytest.raises(ServiceError):
        await sts.assume_role(ann, BUILD, "work")
    with pytest.raises(ServiceError):
        await sts.assume_role(ann, BUILD, "work", external_id="43")
    await sts.assume_role(ann, BUILD, "work", external_id="42")


async def test_root_may_not_assume_roles(iam, sts, clock):
    await make_role(iam, clock, {"AWS": "*"})
    key = await iam.ensure_root()
    root = (await iam.find_credential(key.access_key_id, None, clock())).principal
    with pytest.raises(ServiceError, match="Roles may not be assumed by root accounts"):
        await sts.assume_role(root, BUILD, "work")


async def test_a_session_policy_limits_the_session(iam, sts, clock):
    ann = await make_user(iam, clock)
    await make_role(iam, clock, {"AWS": ann.arn}, allow("*"))
    given = await sts.assume_role(ann, BUILD, "work", session_policies=[allow("s3:Get*")])
    await iam.authorize(given.principal, "s3:GetObject", "*")
    with pytest.raises(ServiceError, match="because no session policy allows the s3:PutObject"):
        await iam.authorize(given.principal, "s3:PutObject", "*")


async def test_a_duration_above_the_roles_is_refused(iam, sts, clock):
    ann = await make_user(iam, clock)
    await make_role(iam, clock, {"AWS": ann.arn})
    with pytest.raises(ServiceError, match="exceeds the MaxSessionDuration set for this role"):
        await sts.assume_role(ann, BUILD, "work", 7200)


async def test_a_session_of_a_user_may_not_call_iam(iam, sts, clock):
    ann = await make_user(iam, clock, allow("*"))
    given = await sts.session_token(ann, 900)
    assert given.principal.kind is PrincipalKind.USER
    await iam.authorize(given.principal, "s3:GetObject", "*")
    with pytest.raises(ServiceError, match="security token included in the request is invalid"):
        await iam.authorize(given.principal, "iam:ListUsers", "*")


async def test_who_was_known_by_a_revoked_session_may_nothing(iam, sts, clock):
    """Locks: a registry password outlived its session, and lost the session's limits with it."""
    await make_role(iam, clock, {"Service": "codebuild.amazonaws.com"}, allow("*"))
    given = await sts.assume_role_for_service(BUILD, "codebuild.amazonaws.com", "s")
    await iam.authorize(given.principal, "ecr:PutImage", "*")
    await sts.revoke(given.access_key_id)
    with pytest.raises(ServiceError) as refused:
        await iam.authorize(given.principal, "ecr:PutImage", "*")
    assert refused.value.code == "UnrecognizedClientException"


async def test_a_tasks_session_hands_on_that_it_is_a_tasks(iam, sts, clock):
    await make_role(iam, clock, {"Service": "codebuild.amazonaws.com", "AWS": ACCOUNT},
                    allow("sts:AssumeRole"))  # fmt: skip
    service = await sts.assume_role_for_service(BUILD, "codebuild.amazonaws.com", "s")
    assert not service.principal.of_task
    task = await sts.assume_role_for_service(BUILD, "codebuild.amazonaws.com", "s", for_task=True)
    deeper = await sts.assume_role(task.principal, BUILD, "deeper")
    other = await sts.assume_role(service.principal, BUILD, "other")
    told = [
        (await iam.find_credential(one.access_key_id, one.session_token, clock())).principal.of_task
        for one in (service, task, deeper, other)
    ]
    assert told == [False, True, True, False]
