"""Buckets through boto3.

Expected codes and texts: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
and the operations' own pages; texts marked unverified there are S3's as SDK issues show them.
"""

import pytest
from botocore.exceptions import ClientError
from botocore.handlers import validate_bucket_name
from tests.contract.s3.conftest import S3Server
from tests.contract.s3.failures import failure


def test_a_bucket_is_made_listed_and_removed(s3_client):
    made = s3_client.create_bucket(Bucket="first-bucket")
    s3_client.create_bucket(Bucket="a.second")
    assert made["Location"] == "/first-bucket"
    listed = s3_client.list_buckets()
    assert [one["Name"] for one in listed["Buckets"]] == ["a.second", "first-bucket"]
    assert len(listed["Owner"]["ID"]) == 64
    assert s3_client.head_bucket(Bucket="a.second")["BucketRegion"] == "us-east-1"
    s3_client.delete_bucket(Bucket="a.second")
    assert [one["Name"] for one in s3_client.list_buckets()["Buckets"]] == ["first-bucket"]
    with failure("404"):
        s3_client.head_bucket(Bucket="a.second")


def test_buckets_are_listed_in_pages_and_by_prefix(s3_client):
    for name in ("aa-1", "aa-2", "aa-3", "bb-1"):
        s3_client.create_bucket(Bucket=name)
    pages = s3_client.get_paginator("list_buckets").paginate(
        Prefix="aa", PaginationConfig={"PageSize": 2}
    )
    found = [[one["Name"] for one in page["Buckets"]] for page in pages]
    assert found == [["aa-1", "aa-2"], ["aa-3"]]
    one = s3_client.list_buckets(MaxBuckets=1)["Buckets"][0]
    assert one["BucketRegion"] == "us-east-1"


@pytest.mark.parametrize(
    "name",
    ["UPPER", "under_score", "two..dots", "192.168.5.4", "-dash", "dash-", "xn--x", "a-s3alias"],
)
def test_a_bad_name_is_refused(s3_client, name):
    s3_client.meta.events.unregister("before-parameter-build.s3", validate_bucket_name)
    with failure("InvalidBucketName", "The specified bucket is not valid."):
        s3_client.create_bucket(Bucket=name)


def test_making_a_bucket_again_is_no_error_in_us_east_1_alone(s3_client, aws_server, tmp_path):
    s3_client.create_bucket(Bucket="mine")
    s3_client.put_object(Bucket="mine", Key="k", Body=b"kept")
    s3_client.create_bucket(Bucket="mine")
    assert s3_client.get_object(Bucket="mine", Key="k")["Body"].read() == b"kept"

    (tmp_path / "eu").mkdir()
    eu = S3Server(aws_server, tmp_path / "eu", region="eu-west-1").client
    here = {"LocationConstraint": "eu-west-1"}
    eu.create_bucket(Bucket="mine", CreateBucketConfiguration=here)
    with failure(
        "BucketAlreadyOwnedByYou",
        "Your previous request to create the named bucket succeeded and you already own it.",
    ):
        eu.create_bucket(Bucket="mine", CreateBucketConfiguration=here)
    assert eu.get_bucket_location(Bucket="mine")["LocationConstraint"] == "eu-west-1"
    with failure(
        "IllegalLocationConstraintException",
        "The unspecified location constraint is incompatible for the region specific endpoint "
        "this request was sent to.",
    ):
        eu.create_bucket(Bucket="other")


def test_a_bucket_elsewhere_is_refused(s3_client):
    with failure(
        "IllegalLocationConstraintException",
        "The eu-west-1 location constraint is incompatible for the region specific endpoint this "
        "request was sent to.",
    ):
        s3_client.create_bucket(
            Bucket="b-in-eu", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
        )
    assert s3_client.list_buckets()["Buckets"] == []


def test_us_east_1_has_no_location(s3_client, bucket):
    assert s3_client.get_bucket_location(Bucket=bucket)["LocationConstraint"] is None


def test_what_a_bucket_cannot_have_is_refused(s3_client):
    with failure("InvalidBucketAclWithObjectOwnership"):
        s3_client.create_bucket(Bucket="public", ACL="public-read")
    with failure("NotImplemented", contains="ObjectLockEnabledForBucket"):
        s3_client.create_bucket(Bucket="locked", ObjectLockEnabledForBucket=True)
    with failure("NotImplemented", contains="ObjectOwnership"):
        s3_client.create_bucket(Bucket="owned", ObjectOwnership="ObjectWriter")
    s3_client.create_bucket(Bucket="private", ACL="private")
    assert [one["Name"] for one in s3_client.list_buckets()["Buckets"]] == ["private"]


def test_only_an_empty_bucket_is_removed(s3_client, bucket):
    s3_client.put_object(Bucket=bucket, Key="k", Body=b"x")
    with failure("BucketNotEmpty", "The bucket you tried to delete is not empty"):
        s3_client.delete_bucket(Bucket=bucket)
    s3_client.delete_object(Bucket=bucket, Key="k")
    s3_client.delete_bucket(Bucket=bucket)
    with failure("NoSuchBucket", "The specified bucket does not exist"):
        s3_client.delete_bucket(Bucket=bucket)


def test_old_versions_keep_a_bucket(s3_client, bucket):
    s3_client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    s3_client.put_object(Bucket=bucket, Key="k", Body=b"x")
    s3_client.delete_object(Bucket=bucket, Key="k")
    with failure(
        "BucketNotEmpty",
        "The bucket you tried to delete is not empty. You must delete all versions in the bucket.",
    ):
        s3_client.delete_bucket(Bucket=bucket)


def test_removing_a_bucket_removes_its_unfinished_uploads(server, s3_client, bucket):
    upload = s3_client.create_multipart_upload(Bucket=bucket, Key="k")["UploadId"]
    s3_client.upload_part(Bucket=bucket, Key="k", UploadId=upload, PartNumber=1, Body=b"x")
    assert server.blob_count() == 1
    s3_client.delete_bucket(Bucket=bucket)
    assert server.blob_count() == 0


def test_versioning_is_enabled_and_suspended(s3_client, bucket):
    assert "Status" not in s3_client.get_bucket_versioning(Bucket=bucket)
    for status in ("Enabled", "Suspended"):
        s3_client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": status})
        assert s3_client.get_bucket_versioning(Bucket=bucket)["Status"] == status
    with failure("IllegalVersioningConfigurationException"):
        s3_client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={})
    with failure("NotImplemented", contains="MFADelete"):
        s3_client.put_bucket_versioning(
            Bucket=bucket, VersioningConfiguration={"Status": "Enabled", "MFADelete": "Enabled"}
        )


def test_tags_are_put_read_and_removed(s3_client, bucket):
    with failure("NoSuchTagSet", "The TagSet does not exist"):
        s3_client.get_bucket_tagging(Bucket=bucket)
    tags = [{"Key": "team", "Value": "a b"}, {"Key": "empty", "Value": ""}]
    s3_client.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": tags})
    assert s3_client.get_bucket_tagging(Bucket=bucket)["TagSet"] == tags
    s3_client.delete_bucket_tagging(Bucket=bucket)
    with failure("NoSuchTagSet"):
        s3_client.get_bucket_tagging(Bucket=bucket)


@pytest.mark.parametrize(
    ("tags", "message"),
    [
        ([("a", "1"), ("a", "2")], "Cannot provide multiple Tags with the same key"),
        ([("aws:x", "1")], "System tags cannot be added/updated by requester"),
        ([("a*", "1")], "The TagKey you have provided is invalid"),
        ([("a", "x" * 257)], "The TagValue you have provided is invalid"),
    ],
)
def test_a_bad_tag_is_refused(s3_client, bucket, tags, message):
    tag_set = [{"Key": key, "Value": value} for key, value in tags]
    with failure("InvalidTag", message):
        s3_client.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": tag_set})


def test_another_owner_is_refused(s3_client, bucket):
    with failure("403"):
        s3_client.head_bucket(Bucket=bucket, ExpectedBucketOwner="111111111111")
    with failure("AccessDenied", "Access Denied"):
        s3_client.delete_bucket(Bucket=bucket, ExpectedBucketOwner="111111111111")
    s3_client.head_bucket(Bucket=bucket, ExpectedBucketOwner="123456789012")


@pytest.mark.parametrize(
    "operation",
    [
        "get_bucket_location", "get_bucket_versioning", "get_bucket_tagging",
        "delete_bucket_tagging", "list_objects", "list_objects_v2", "list_object_versions",
        "list_multipart_uploads", "delete_bucket",
    ],
)  # fmt: skip
def test_a_missing_bucket_is_told(s3_client, operation):
    with failure("NoSuchBucket", "The specified bucket does not exist"):
        getattr(s3_client, operation)(Bucket="missing")


def test_what_does_not_exist_here_says_so(s3_client, bucket):
    with pytest.raises(ClientError, match="Penstock does not implement s3 GetBucketPolicy"):
        s3_client.get_bucket_policy(Bucket=bucket)
