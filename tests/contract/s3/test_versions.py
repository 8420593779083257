"""Versions and delete markers through boto3.

Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/Versioning.html
"""

import pytest
from tests.contract.s3.failures import failure


@pytest.fixture
def versioned(s3_client, bucket):
    set_versioning(s3_client, bucket, "Enabled")
    return bucket


def set_versioning(s3_client, bucket, status):
    s3_client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": status})


def put(s3_client, bucket, body, key="k"):
    return s3_client.put_object(Bucket=bucket, Key=key, Body=body).get("VersionId")


def read(s3_client, bucket, **options):
    return s3_client.get_object(Bucket=bucket, Key="k", **options)["Body"].read()


def test_every_version_stays_readable(s3_client, versioned):
    first, second = put(s3_client, versioned, b"1"), put(s3_client, versioned, b"2")
    assert first != second
    assert read(s3_client, versioned) == b"2"
    assert read(s3_client, versioned, VersionId=first) == b"1"
    assert s3_client.head_object(Bucket=versioned, Key="k")["VersionId"] == second
    listed = s3_client.list_object_versions(Bucket=versioned)["Versions"]
    assert [(one["VersionId"], one["IsLatest"]) for one in listed] == [
        (second, True), (first, False)
    ]  # fmt: skip


def test_a_delete_marker_hides_and_its_removal_shows(server, s3_client, versioned):
    version = put(s3_client, versioned, b"1")
    deleted = s3_client.delete_object(Bucket=versioned, Key="k")
    marker = deleted["VersionId"]
    assert deleted["DeleteMarker"]
    with failure("NoSuchKey"):
        read(s3_client, versioned)
    assert "Contents" not in s3_client.list_objects_v2(Bucket=versioned)
    listed = s3_client.list_object_versions(Bucket=versioned)
    assert [(m["VersionId"], m["IsLatest"]) for m in listed["DeleteMarkers"]] == [(marker, True)]
    assert [(v["VersionId"], v["IsLatest"]) for v in listed["Versions"]] == [(version, False)]
    text = "The specified method is not allowed against this resource."
    with failure("MethodNotAllowed", text):
        read(s3_client, versioned, VersionId=marker)
    with failure("405"):
        s3_client.head_object(Bucket=versioned, Key="k", VersionId=marker)
    removed = s3_client.delete_object(Bucket=versioned, Key="k", VersionId=marker)
    assert (removed["DeleteMarker"], removed["VersionId"]) == (True, marker)
    assert read(s3_client, versioned) == b"1"
    assert server.blob_count() == 1


def test_removing_a_version_shows_the_one_before(server, s3_client, versioned):
    first, second = put(s3_client, versioned, b"1"), put(s3_client, versioned, b"2")
    s3_client.delete_object(Bucket=versioned, Key="k", VersionId=second)
    assert read(s3_client, versioned) == b"1"
    assert server.blob_count() == 1
    s3_client.delete_object(Bucket=versioned, Key="k", VersionId=first)
    with failure("NoSuchKey"):
        read(s3_client, versioned)
    assert server.blob_count() == 0
    s3_client.delete_bucket(Bucket=versioned)


def test_what_was_before_versioning_is_the_null_version(s3_client, bucket):
    assert put(s3_client, bucket, b"before") is None
    set_versioning(s3_client, bucket, "Enabled")
    version = put(s3_client, bucket, b"after")
    assert read(s3_client, bucket, VersionId="null") == b"before"
    s3_client.delete_object(Bucket=bucket, Key="k", VersionId="null")
    with failure("NoSuchVersion", "The specified version does not exist."):
        read(s3_client, bucket, VersionId="null")
    assert read(s3_client, bucket, VersionId=version) == b"after"


def test_a_suspended_bucket_replaces_its_null_version_alone(server, s3_client, versioned):
    version = put(s3_client, versioned, b"1")
    set_versioning(s3_client, versioned, "Suspended")
    assert put(s3_client, versioned, b"2") == "null"
    assert put(s3_client, versioned, b"3") == "null"
    assert server.blob_count() == 2
    assert read(s3_client, versioned) == b"3"
    assert s3_client.delete_object(Bucket=versioned, Key="k")["VersionId"] == "null"
    with failure("NoSuchKey"):
        read(s3_client, versioned)
    assert read(s3_client, versioned, VersionId=version) == b"1"
    assert server.blob_count() == 1


def test_a_version_that_never_was_is_told(s3_client, versioned):
    put(s3_client, versioned, b"1")
    with failure("NoSuchVersion"):
        read(s3_client, versioned, VersionId="A" * 32)
    with failure("InvalidArgument", "Invalid version id specified"):
        read(s3_client, versioned, VersionId="!")


def test_a_version_is_copied_and_tagged(s3_client, versioned):
    first = put(s3_client, versioned, b"1")
    put(s3_client, versioned, b"2")
    source = {"Bucket": versioned, "Key": "k", "VersionId": first}
    copied = s3_client.copy_object(Bucket=versioned, Key="copy", CopySource=source)
    assert copied["CopySourceVersionId"] == first
    assert s3_client.get_object(Bucket=versioned, Key="copy")["Body"].read() == b"1"
    s3_client.put_object_tagging(
        Bucket=versioned, Key="k", VersionId=first, Tagging={"TagSet": [{"Key": "a", "Value": "1"}]}
    )
    tagged = s3_client.get_object_tagging(Bucket=versioned, Key="k", VersionId=first)
    assert (tagged["VersionId"], tagged["TagSet"]) == (first, [{"Key": "a", "Value": "1"}])
    assert s3_client.get_object_tagging(Bucket=versioned, Key="k")["TagSet"] == []


def test_a_copy_of_an_old_version_onto_itself_restores_it(s3_client, versioned):
    first = put(s3_client, versioned, b"1")
    put(s3_client, versioned, b"2")
    source = {"Bucket": versioned, "Key": "k", "VersionId": first}
    s3_client.copy_object(Bucket=versioned, Key="k", CopySource=source)
    assert read(s3_client, versioned) == b"1"


def test_many_versions_are_deleted_at_once(server, s3_client, versioned):
    first, second = put(s3_client, versioned, b"1"), put(s3_client, versioned, b"2")
    answer = s3_client.delete_objects(
        Bucket=versioned, Delete={"Objects": [{"Key": "k"}, {"Key": "k", "VersionId": first}]}
    )
    marked, removed = answer["Deleted"]
    assert marked["DeleteMarker"]
    marker = s3_client.list_object_versions(Bucket=versioned)["DeleteMarkers"][0]["VersionId"]
    assert marked["DeleteMarkerVersionId"] == marker
    assert removed == {"Key": "k", "VersionId": first}
    left = s3_client.list_object_versions(Bucket=versioned)["Versions"]
    assert [one["VersionId"] for one in left] == [second]
    assert server.blob_count() == 1


def test_versions_are_listed_in_pages_even_while_they_are_removed(s3_client, versioned):
    for key in ("a", "b", "c"):
        for _ in range(3):
            put(s3_client, versioned, b"x", key)
    pages = s3_client.get_paginator("list_object_versions").paginate(
        Bucket=versioned, PaginationConfig={"PageSize": 2}
    )
    found = []
    for page in pages:
        for one in page["Versions"]:
            found.append((one["Key"], one["VersionId"]))
            s3_client.delete_object(Bucket=versioned, Key=one["Key"], VersionId=one["VersionId"])
    assert [key for key, _ in found] == ["a"] * 3 + ["b"] * 3 + ["c"] * 3
    assert len(set(found)) == 9
    assert "Versions" not in s3_client.list_object_versions(Bucket=versioned)


def test_versions_are_rolled_up_and_start_behind_a_marker(s3_client, versioned):
    for key in ("a/1", "a/2", "b", "b", "c/1"):
        put(s3_client, versioned, b"x", key)
    page = s3_client.list_object_versions(Bucket=versioned, Delimiter="/", MaxKeys=2)
    assert [one["Prefix"] for one in page["CommonPrefixes"]] == ["a/"]
    assert page["NextKeyMarker"] == "b"
    rest = s3_client.list_object_versions(
        Bucket=versioned, Delimiter="/",
        KeyMarker=page["NextKeyMarker"], VersionIdMarker=page["NextVersionIdMarker"],
    )  # fmt: skip
    assert [one["Key"] for one in rest["Versions"]] == ["b"]
    assert [one["Prefix"] for one in rest["CommonPrefixes"]] == ["c/"]
    behind = s3_client.list_object_versions(Bucket=versioned, KeyMarker="b")
    assert [one["Key"] for one in behind["Versions"]] == ["c/1"]
    with failure("InvalidArgument", contains="without a key marker"):
        s3_client.list_object_versions(Bucket=versioned, VersionIdMarker="A" * 32)
