"""What a caller may do, and what a missing object tells whom."""

import contextlib

import pytest
from tests.aws_server import Backend
from tests.contract.s3.conftest import S3Server
from tests.contract.s3.failures import failure

from penstock.aws.errors import ServiceError
from penstock.aws.service import PrincipalKind


class Guarded(S3Server):
    """Users may do what `allowed` has, as `action resource`."""

    allowed: set[str]

    async def _build(self, stack: contextlib.AsyncExitStack):
        services = await super()._build(stack)
        self.allowed = set()
        self.asked = []

        async def authorize(principal, action, resource, context=None):
            if principal.kind is PrincipalKind.ROOT:
                return
            self.asked.append(f"{action} {resource}")
            if f"{action} {resource}" not in self.allowed:
                raise ServiceError("AccessDeniedException", f"not authorized to perform: {action}")

        return Backend(services, authorize=authorize)


@pytest.fixture
def guarded(aws_server, tmp_path):
    server = Guarded(aws_server, tmp_path)
    server.client.create_bucket(Bucket="bbb")
    return server


@pytest.fixture
def user(guarded):
    return guarded.aws.client("s3", guarded.aws.user("ann"))


def test_who_may_not_list_does_not_learn_what_is_missing(guarded, user):
    guarded.allowed = {"s3:GetObject arn:aws:s3:::bbb/missing"}
    with failure("AccessDenied", contains="s3:ListBucket"):
        user.get_object(Bucket="bbb", Key="missing")
    with failure("403"):
        user.head_object(Bucket="bbb", Key="missing")
    guarded.allowed.add("s3:ListBucket arn:aws:s3:::bbb")
    with failure("NoSuchKey"):
        user.get_object(Bucket="bbb", Key="missing")


def test_each_deleted_key_is_asked_for(guarded, user):
    for key in ("mine", "yours"):
        guarded.client.put_object(Bucket="bbb", Key=key, Body=b"x")
    guarded.allowed = {"s3:DeleteObject arn:aws:s3:::bbb/mine"}
    answer = user.delete_objects(
        Bucket="bbb", Delete={"Objects": [{"Key": "mine"}, {"Key": "yours"}]}
    )
    assert answer["Deleted"] == [{"Key": "mine"}]
    assert [(e["Key"], e["Code"]) for e in answer["Errors"]] == [("yours", "AccessDenied")]
    left = guarded.client.list_objects_v2(Bucket="bbb")["Contents"]
    assert [one["Key"] for one in left] == ["yours"]


def test_tags_and_acls_of_a_put_are_asked_for(guarded, user):
    guarded.allowed = {"s3:PutObject arn:aws:s3:::bbb/k"}
    with failure("AccessDenied", contains="s3:PutObjectTagging"):
        user.put_object(Bucket="bbb", Key="k", Tagging="a=1")
    with failure("AccessDenied", contains="s3:PutObjectAcl"):
        user.put_object(Bucket="bbb", Key="k", ACL="bucket-owner-full-control")
    user.put_object(Bucket="bbb", Key="k", Body=b"x")
    assert guarded.client.get_object(Bucket="bbb", Key="k")["Body"].read() == b"x"


def test_a_copy_asks_for_its_source(guarded, user):
    guarded.client.put_object(Bucket="bbb", Key="secret", Body=b"x")
    guarded.allowed = {"s3:PutObject arn:aws:s3:::bbb/copy"}
    with failure("AccessDenied", contains="s3:GetObject"):
        user.copy_object(Bucket="bbb", Key="copy", CopySource="bbb/secret")
    guarded.allowed.add("s3:GetObject arn:aws:s3:::bbb/secret")
    user.copy_object(Bucket="bbb", Key="copy", CopySource="bbb/secret")
    assert guarded.client.get_object(Bucket="bbb", Key="copy")["Body"].read() == b"x"


def test_what_a_refused_put_sends_is_not_kept(guarded, user):
    with failure("AccessDenied", contains="s3:PutObject"):
        user.put_object(Bucket="bbb", Key="k", Body=b"x" * 1_000_000)
    assert guarded.blob_count() == 0
