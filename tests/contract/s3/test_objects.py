"""Objects through boto3: put, get, head, copy, delete; ranges and conditions.

Sources: https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html and its siblings,
https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-requests.html
"""

import base64
import hashlib
import zlib
from datetime import UTC, datetime, timedelta

import pytest
from tests.contract.s3.failures import failure


def read(s3_client, bucket, key, **options):
    return s3_client.get_object(Bucket=bucket, Key=key, **options)["Body"].read()


def test_an_object_keeps_its_content_and_headers(s3_client, bucket):
    kept = {
        "CacheControl": "no-cache",
        "ContentDisposition": "attachment",
        "ContentEncoding": "gzip",
        "ContentLanguage": "en",
        "ContentType": "text/plain",
        "StorageClass": "STANDARD_IA",
        "WebsiteRedirectLocation": "/elsewhere",
    }
    expires = datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)
    put = s3_client.put_object(
        Bucket=bucket, Key="k", Body=b"content", Metadata={"who": "ann"}, Expires=expires, **kept
    )
    assert put["ETag"] == f'"{hashlib.md5(b"content").hexdigest()}"'
    assert "VersionId" not in put
    for found in (
        s3_client.get_object(Bucket=bucket, Key="k"),
        s3_client.head_object(Bucket=bucket, Key="k"),
    ):
        assert {name: found[name] for name in kept} == kept
        assert found["Metadata"] == {"who": "ann"}
        assert found["ContentLength"] == 7
        assert found["ETag"] == put["ETag"]
        assert found["ExpiresString"] == "Wed, 02 Jan 2030 03:04:05 GMT"
        assert abs(found["LastModified"] - datetime.now(UTC)) < timedelta(minutes=1)
    assert read(s3_client, bucket, "k") == b"content"


def test_an_object_without_a_type_is_bytes(s3_client, bucket):
    s3_client.put_object(Bucket=bucket, Key="empty")
    found = s3_client.get_object(Bucket=bucket, Key="empty")
    assert found["ContentType"] == "binary/octet-stream"
    assert (found["ContentLength"], found["Body"].read()) == (0, b"")


@pytest.mark.parametrize(
    "key", ["a b+c%d", "ümlaut/日本", "a//b/./..", "q?x=1&y#z", "é" * 512, "end/", "'\"<>&"]
)
def test_a_key_may_be_any_text(s3_client, bucket, key):
    s3_client.put_object(Bucket=bucket, Key=key, Body=key.encode())
    assert read(s3_client, bucket, key) == key.encode()
    listed = s3_client.list_objects_v2(Bucket=bucket)["Contents"]
    assert [one["Key"] for one in listed] == [key]
    s3_client.delete_object(Bucket=bucket, Key=key)
    assert "Contents" not in s3_client.list_objects_v2(Bucket=bucket)


def test_a_key_beyond_1024_bytes_is_refused(s3_client, bucket):
    with failure("KeyTooLongError", "Your key is too long"):
        s3_client.put_object(Bucket=bucket, Key="é" * 513, Body=b"")


def test_too_much_metadata_is_refused(s3_client, bucket):
    with failure("MetadataTooLarge"):
        s3_client.put_object(Bucket=bucket, Key="k", Metadata={"a": "x" * 2048})


def test_replacing_leaves_one_content(server, s3_client, bucket):
    s3_client.put_object(Bucket=bucket, Key="k", Body=b"one")
    s3_client.put_object(Bucket=bucket, Key="k", Body=b"two")
    assert read(s3_client, bucket, "k") == b"two"
    assert server.blob_count() == 1


def test_checksums_are_verified_kept_and_given_back(server, s3_client, bucket):
    sha256 = base64.b64encode(hashlib.sha256(b"x").digest()).decode()
    put = s3_client.put_object(Bucket=bucket, Key="k", Body=b"x", ChecksumSHA256=sha256)
    assert put["ChecksumSHA256"] == sha256
    found = s3_client.head_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert (found["ChecksumSHA256"], found["ChecksumType"]) == (sha256, "FULL_OBJECT")
    crc32 = base64.b64encode(zlib.crc32(b"y").to_bytes(4, "big")).decode()
    assert s3_client.put_object(Bucket=bucket, Key="d", Body=b"y")["ChecksumCRC32"] == crc32
    with failure("BadDigest"):
        s3_client.put_object(Bucket=bucket, Key="bad", Body=b"z", ChecksumSHA256=sha256)
    with failure("BadDigest"):
        s3_client.put_object(
            Bucket=bucket, Key="bad", Body=b"z", ContentMD5=base64.b64encode(b"0" * 16).decode()
        )
    assert server.blob_count() == 2
    listed = s3_client.list_objects_v2(Bucket=bucket)["Contents"]
    assert [(one["Key"], one["ChecksumAlgorithm"]) for one in listed] == [
        ("d", ["CRC32"]), ("k", ["SHA256"])
    ]  # fmt: skip


def test_what_is_missing_is_told(s3_client, bucket):
    with failure("NoSuchKey", "The specified key does not exist.") as caught:
        s3_client.get_object(Bucket=bucket, Key="missing")
    assert caught.value.response["Error"]["Key"] == "missing"
    with failure("404"):
        s3_client.head_object(Bucket=bucket, Key="missing")
    with failure("NoSuchBucket"):
        s3_client.put_object(Bucket="missing", Key="k", Body=b"x" * 100_000)
    with failure("NoSuchBucket"):
        s3_client.delete_object(Bucket="missing", Key="k")
    s3_client.delete_object(Bucket=bucket, Key="missing")


@pytest.mark.parametrize(
    ("header", "content", "content_range"),
    [
        ("bytes=0-0", b"0", "bytes 0-0/10"),
        ("bytes=3-5", b"345", "bytes 3-5/10"),
        ("bytes=7-", b"789", "bytes 7-9/10"),
        ("bytes=7-99", b"789", "bytes 7-9/10"),
        ("bytes=-4", b"6789", "bytes 6-9/10"),
        ("bytes=-99", b"0123456789", "bytes 0-9/10"),
    ],
)
def test_a_range_is_read(s3_client, bucket, header, content, content_range):
    s3_client.put_object(Bucket=bucket, Key="k", Body=b"0123456789")
    found = s3_client.get_object(Bucket=bucket, Key="k", Range=header)
    assert found["Body"].read() == content
    assert found["ContentRange"] == content_range
    assert found["ResponseMetadata"]["HTTPStatusCode"] == 206
    head = s3_client.head_object(Bucket=bucket, Key="k", Range=header)
    assert head["ContentLength"] == len(content)


def test_a_range_that_means_nothing_is_ignored(s3_client, bucket):
    s3_client.put_object(Bucket=bucket, Key="k", Body=b"0123456789")
    for header in ("bytes=5-3", "lines=1-2", "bytes=0-1,3-4"):
        found = s3_client.get_object(Bucket=bucket, Key="k", Range=header)
        assert found["Body"].read() == b"0123456789"
        assert found["ResponseMetadata"]["HTTPStatusCode"] == 200


def test_a_range_beyond_the_end_is_refused(s3_client, bucket):
    s3_client.put_object(Bucket=bucket, Key="k", Body=b"0123456789")
    for header in ("bytes=10-", "bytes=-0"):
        with failure("InvalidRange", "The requested range is not satisfiable"):
            s3_client.get_object(Bucket=bucket, Key="k", Range=header)


def test_a_reader_says_when_it_wants_the_object(s3_client, bucket):
    etag = s3_client.put_object(Bucket=bucket, Key="k", Body=b"x")["ETag"]
    now = datetime.now(UTC)
    hour = timedelta(hours=1)
    for wanted in (
        {"IfMatch": etag},
        {"IfNoneMatch": '"other"'},
        {"IfModifiedSince": now - hour},
        {"IfUnmodifiedSince": now + hour},
        {"IfMatch": etag, "IfUnmodifiedSince": now - hour},
    ):
        assert read(s3_client, bucket, "k", **wanted) == b"x"
    for unwanted in ({"IfMatch": '"other"'}, {"IfUnmodifiedSince": now - hour}):
        with failure("PreconditionFailed"):
            s3_client.get_object(Bucket=bucket, Key="k", **unwanted)
        with failure("412"):
            s3_client.head_object(Bucket=bucket, Key="k", **unwanted)
    for known in ({"IfNoneMatch": etag}, {"IfModifiedSince": now + hour}):
        with failure("304"):
            s3_client.get_object(Bucket=bucket, Key="k", **known)
        with failure("304"):
            s3_client.head_object(Bucket=bucket, Key="k", **known)


def test_a_writer_says_what_it_replaces(server, s3_client, bucket):
    with failure("NoSuchKey"):
        s3_client.put_object(Bucket=bucket, Key="k", Body=b"x", IfMatch='"e"')
    etag = s3_client.put_object(Bucket=bucket, Key="k", Body=b"one", IfNoneMatch="*")["ETag"]
    text = "At least one of the pre-conditions you specified did not hold"
    with failure("PreconditionFailed", text):
        s3_client.put_object(Bucket=bucket, Key="k", Body=b"two", IfNoneMatch="*")
    with failure("PreconditionFailed", text):
        s3_client.put_object(Bucket=bucket, Key="k", Body=b"two", IfMatch='"other"')
    with failure("PreconditionFailed", text):
        s3_client.delete_object(Bucket=bucket, Key="k", IfMatch='"other"')
    assert read(s3_client, bucket, "k") == b"one"
    s3_client.put_object(Bucket=bucket, Key="k", Body=b"two", IfMatch=etag)
    assert read(s3_client, bucket, "k") == b"two"
    assert server.blob_count() == 1
    with failure("NotImplemented"):
        s3_client.put_object(Bucket=bucket, Key="k", Body=b"x", IfNoneMatch=etag)


def test_a_reader_chooses_the_headers_of_the_answer(s3_client, bucket):
    s3_client.put_object(Bucket=bucket, Key="k", Body=b"x", ContentType="text/plain")
    found = s3_client.get_object(
        Bucket=bucket, Key="k", ResponseContentType="text/html", ResponseCacheControl="no-store"
    )
    assert (found["ContentType"], found["CacheControl"]) == ("text/html", "no-store")


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"ServerSideEncryption": "aws:kms"}, "NotImplemented"),
        ({"SSECustomerAlgorithm": "AES256", "SSECustomerKey": "k" * 32}, "NotImplemented"),
        ({"ACL": "public-read"}, "AccessControlListNotSupported"),
        ({"GrantRead": "uri=x"}, "AccessControlListNotSupported"),
        ({"StorageClass": "GLACIER"}, "InvalidStorageClass"),
        ({"ObjectLockLegalHoldStatus": "ON"}, "InvalidRequest"),
    ],
)
def test_what_an_object_cannot_have_is_refused(server, s3_client, bucket, options, code):
    with failure(code):
        s3_client.put_object(Bucket=bucket, Key="k", Body=b"x", **options)
    assert server.blob_count() == 0


def test_what_asks_for_nothing_more_is_taken(s3_client, bucket):
    put = s3_client.put_object(
        Bucket=bucket, Key="k", Body=b"x",
        ServerSideEncryption="AES256", ACL="bucket-owner-full-control",
    )  # fmt: skip
    assert "ServerSideEncryption" not in put
    assert read(s3_client, bucket, "k") == b"x"


def test_a_copy_has_what_its_source_has(server, s3_client, bucket):
    s3_client.create_bucket(Bucket="other")
    s3_client.put_object(
        Bucket=bucket, Key="a b/ü", Body=b"x", ContentType="text/plain", Metadata={"m": "1"},
        Tagging="t=1",
    )  # fmt: skip
    copied = s3_client.copy_object(
        Bucket="other", Key="copy", CopySource={"Bucket": bucket, "Key": "a b/ü"}
    )
    found = s3_client.get_object(Bucket="other", Key="copy")
    assert found["Body"].read() == b"x"
    assert (found["ContentType"], found["Metadata"]) == ("text/plain", {"m": "1"})
    assert copied["CopyObjectResult"]["ETag"] == found["ETag"]
    tags = s3_client.get_object_tagging(Bucket="other", Key="copy")["TagSet"]
    assert tags == [{"Key": "t", "Value": "1"}]
    s3_client.delete_object(Bucket=bucket, Key="a b/ü")
    assert read(s3_client, "other", "copy") == b"x"
    assert server.blob_count() == 1


def test_a_copy_may_have_other_metadata_and_tags(s3_client, bucket):
    s3_client.put_object(
        Bucket=bucket, Key="k", Body=b"x", ContentType="text/plain", Metadata={"m": "1"},
        Tagging="t=1",
    )  # fmt: skip
    s3_client.copy_object(
        Bucket=bucket, Key="k", CopySource=f"{bucket}/k", MetadataDirective="REPLACE",
        Metadata={"m": "2"}, TaggingDirective="REPLACE", Tagging="t=2",
    )  # fmt: skip
    found = s3_client.get_object(Bucket=bucket, Key="k")
    assert (found["ContentType"], found["Metadata"]) == ("binary/octet-stream", {"m": "2"})
    assert found["Body"].read() == b"x"
    tags = s3_client.get_object_tagging(Bucket=bucket, Key="k")["TagSet"]
    assert tags == [{"Key": "t", "Value": "2"}]


def test_a_copy_that_cannot_be_is_refused(s3_client, bucket):
    etag = s3_client.put_object(Bucket=bucket, Key="k", Body=b"x")["ETag"]
    with failure("InvalidRequest", contains="copy an object to itself without changing"):
        s3_client.copy_object(Bucket=bucket, Key="k", CopySource=f"{bucket}/k")
    with failure("NoSuchKey"):
        s3_client.copy_object(Bucket=bucket, Key="c", CopySource=f"{bucket}/missing")
    with failure("NoSuchBucket"):
        s3_client.copy_object(Bucket=bucket, Key="c", CopySource="missing/k")
    with failure("InvalidArgument"):
        s3_client.copy_object(Bucket=bucket, Key="c", CopySource="just-a-bucket")
    with failure("PreconditionFailed"):
        s3_client.copy_object(
            Bucket=bucket, Key="c", CopySource=f"{bucket}/k", CopySourceIfNoneMatch=etag
        )
    assert [o["Key"] for o in s3_client.list_objects_v2(Bucket=bucket)["Contents"]] == ["k"]


def test_many_are_deleted_at_once(server, s3_client, bucket):
    for key in ("a", "b", "c"):
        s3_client.put_object(Bucket=bucket, Key=key, Body=b"x")
    answer = s3_client.delete_objects(
        Bucket=bucket,
        Delete={"Objects": [{"Key": "a"}, {"Key": "missing"}, {"Key": "c", "ETag": '"other"'}]},
    )
    assert answer["Deleted"] == [{"Key": "a"}, {"Key": "missing"}]
    assert [(e["Key"], e["Code"]) for e in answer["Errors"]] == [("c", "PreconditionFailed")]
    quiet = s3_client.delete_objects(
        Bucket=bucket, Delete={"Objects": [{"Key": "b"}], "Quiet": True}
    )
    assert "Deleted" not in quiet
    assert [o["Key"] for o in s3_client.list_objects_v2(Bucket=bucket)["Contents"]] == ["c"]
    assert server.blob_count() == 1
    with failure("MalformedXML"):
        s3_client.delete_objects(
            Bucket=bucket, Delete={"Objects": [{"Key": str(n)} for n in range(1001)]}
        )
    with failure("NoSuchBucket"):
        s3_client.delete_objects(Bucket="missing", Delete={"Objects": [{"Key": "a"}]})


def test_attributes_are_told(s3_client, bucket):
    put = s3_client.put_object(Bucket=bucket, Key="k", Body=b"xyz")
    found = s3_client.get_object_attributes(
        Bucket=bucket, Key="k", ObjectAttributes=["ETag", "Checksum", "ObjectSize", "StorageClass"]
    )
    assert found["ETag"] == put["ETag"].strip('"')
    assert found["Checksum"]["ChecksumCRC32"] == put["ChecksumCRC32"]
    assert (found["ObjectSize"], found["StorageClass"]) == (3, "STANDARD")
    assert "ObjectParts" not in found


def test_tags_of_an_object_are_put_read_and_removed(s3_client, bucket):
    s3_client.put_object(Bucket=bucket, Key="k", Tagging="a=1&b=x%20y")
    tags = s3_client.get_object_tagging(Bucket=bucket, Key="k")["TagSet"]
    assert tags == [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "x y"}]
    assert s3_client.head_object(Bucket=bucket, Key="k")["TagCount"] == 2
    s3_client.put_object_tagging(
        Bucket=bucket, Key="k", Tagging={"TagSet": [{"Key": "c", "Value": "3"}]}
    )
    tags = s3_client.get_object_tagging(Bucket=bucket, Key="k")["TagSet"]
    assert tags == [{"Key": "c", "Value": "3"}]
    s3_client.delete_object_tagging(Bucket=bucket, Key="k")
    assert s3_client.get_object_tagging(Bucket=bucket, Key="k")["TagSet"] == []
    with failure("BadRequest", "Object tags cannot be greater than 10"):
        s3_client.put_object_tagging(
            Bucket=bucket, Key="k",
            Tagging={"TagSet": [{"Key": str(n), "Value": ""} for n in range(11)]},
        )  # fmt: skip
    with failure("NoSuchKey"):
        s3_client.get_object_tagging(Bucket=bucket, Key="missing")
    with failure("InvalidArgument", contains="x-amz-tagging"):
        s3_client.put_object(Bucket=bucket, Key="k", Tagging="no-equals")
