"""Multipart uploads through boto3.

Sources: https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html,
https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html
"""

import base64
import hashlib
import random
import zlib

import pytest
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from tests.contract.s3.failures import failure

FIVE_MIB = 5 * 1024 * 1024


@pytest.fixture
def begin(s3_client, bucket):
    def begin(**options):
        made = s3_client.create_multipart_upload(Bucket=bucket, Key="k", **options)
        return {"Bucket": bucket, "Key": "k", "UploadId": made["UploadId"]}

    return begin


def put_part(s3_client, upload, number, body, **options):
    put = s3_client.upload_part(**upload, PartNumber=number, Body=body, **options)
    checksums = {name: put[name] for name in put if name.startswith("Checksum")}
    return {"PartNumber": number, "ETag": put["ETag"], **checksums}


def complete(s3_client, upload, parts, **options):
    return s3_client.complete_multipart_upload(
        **upload, MultipartUpload={"Parts": parts}, **options
    )


def test_parts_become_one_object(server, s3_client, bucket, begin):
    upload = begin(ContentType="text/plain", Metadata={"m": "1"}, Tagging="t=1")
    bodies = [b"a" * FIVE_MIB, b"b" * (FIVE_MIB + 1), b"c"]
    numbered = zip((2, 5, 9), bodies, strict=True)
    parts = [put_part(s3_client, upload, n, body) for n, body in numbered]
    done = complete(s3_client, upload, parts)
    together = b"".join(hashlib.md5(body).digest() for body in bodies)
    assert done["ETag"] == f'"{hashlib.md5(together).hexdigest()}-3"'
    assert (done["Bucket"], done["Key"]) == (bucket, "k")
    found = s3_client.get_object(Bucket=bucket, Key="k")
    assert found["Body"].read() == b"".join(bodies)
    assert (found["ContentType"], found["Metadata"], found["TagCount"]) == (
        "text/plain", {"m": "1"}, 1
    )  # fmt: skip
    assert found["ETag"] == done["ETag"]
    assert server.blob_count() == 1
    assert "Uploads" not in s3_client.list_multipart_uploads(Bucket=bucket)
    second = s3_client.get_object(Bucket=bucket, Key="k", PartNumber=2)
    assert second["Body"].read() == bodies[1]
    assert second["PartsCount"] == 3
    attributes = s3_client.get_object_attributes(
        Bucket=bucket, Key="k", ObjectAttributes=["ObjectParts", "ETag"]
    )
    assert attributes["ObjectParts"]["TotalPartsCount"] == 3
    with failure("InvalidPartNumber"):
        s3_client.get_object(Bucket=bucket, Key="k", PartNumber=4)


def test_completing_again_answers_the_same(s3_client, bucket, begin):
    upload = begin()
    parts = [put_part(s3_client, upload, 1, b"x")]
    done = complete(s3_client, upload, parts)
    assert complete(s3_client, upload, parts)["ETag"] == done["ETag"]
    assert s3_client.get_object(Bucket=bucket, Key="k")["Body"].read() == b"x"


def test_a_part_uploaded_again_replaces_the_first(server, s3_client, bucket, begin):
    upload = begin()
    put_part(s3_client, upload, 1, b"one")
    part = put_part(s3_client, upload, 1, b"two")
    assert server.blob_count() == 1
    complete(s3_client, upload, [part])
    assert s3_client.get_object(Bucket=bucket, Key="k")["Body"].read() == b"two"


def test_parts_not_listed_are_dropped(server, s3_client, bucket, begin):
    upload = begin()
    put_part(s3_client, upload, 1, b"dropped")
    part = put_part(s3_client, upload, 2, b"kept")
    complete(s3_client, upload, [part])
    assert s3_client.get_object(Bucket=bucket, Key="k")["Body"].read() == b"kept"
    assert server.blob_count() == 1


def test_a_completion_that_is_wrong_changes_nothing(server, s3_client, bucket, begin):
    upload = begin()
    small = [put_part(s3_client, upload, n, b"x") for n in (1, 2)]
    with failure("EntityTooSmall", contains="smaller than the minimum allowed size"):
        complete(s3_client, upload, small)
    with failure("InvalidPartOrder", contains="not in ascending order"):
        complete(s3_client, upload, small[::-1])
    with failure("InvalidPart", contains="could not be found"):
        complete(s3_client, upload, [{"PartNumber": 3, "ETag": small[0]["ETag"]}])
    with failure("InvalidPart", contains="may not match"):
        complete(s3_client, upload, [{"PartNumber": 1, "ETag": '"other"'}])
    with failure("MalformedXML"):
        complete(s3_client, upload, [])
    with failure("InvalidRequest", contains="x-amz-mp-object-size"):
        complete(s3_client, upload, small[:1], MpuObjectSize=7)
    s3_client.put_object(Bucket=bucket, Key="k", Body=b"there")
    with failure("PreconditionFailed"):
        complete(s3_client, upload, small[:1], IfNoneMatch="*")
    assert len(s3_client.list_parts(**upload)["Parts"]) == 2
    assert s3_client.get_object(Bucket=bucket, Key="k")["Body"].read() == b"there"
    assert server.blob_count() == 3


def test_an_upload_is_aborted(server, s3_client, begin):
    upload = begin()
    part = put_part(s3_client, upload, 1, b"x")
    s3_client.abort_multipart_upload(**upload)
    assert server.blob_count() == 0
    text = (
        "The specified upload does not exist. The upload ID may be invalid, or the upload may "
        "have been aborted or completed."
    )
    with failure("NoSuchUpload", text):
        s3_client.abort_multipart_upload(**upload)
    with failure("NoSuchUpload", text):
        put_part(s3_client, upload, 1, b"x")
    with failure("NoSuchUpload", text):
        complete(s3_client, upload, [part])
    with failure("NoSuchUpload", text):
        s3_client.list_parts(**upload)


def test_a_part_number_out_of_range_is_refused(s3_client, begin):
    upload = begin()
    for number in (0, 10_001):
        with failure("InvalidArgument", contains="between 1 and 10000, inclusive"):
            put_part(s3_client, upload, number, b"x")


def test_parts_are_listed_in_pages(s3_client, begin):
    upload = begin(StorageClass="STANDARD_IA")
    for number in (3, 1, 2):
        put_part(s3_client, upload, number, b"x" * number)
    page = s3_client.list_parts(**upload, MaxParts=2)
    assert [(p["PartNumber"], p["Size"]) for p in page["Parts"]] == [(1, 1), (2, 2)]
    assert (page["IsTruncated"], page["NextPartNumberMarker"]) == (True, 2)
    assert page["StorageClass"] == "STANDARD_IA"
    rest = s3_client.list_parts(**upload, PartNumberMarker=2)
    assert [p["PartNumber"] for p in rest["Parts"]] == [3]
    assert not rest["IsTruncated"]


def test_uploads_are_listed_by_key_and_start(s3_client, bucket):
    ids = {}
    for key in ("b", "a/1", "b", "a/2"):
        made = s3_client.create_multipart_upload(Bucket=bucket, Key=key)
        ids.setdefault(key, []).append(made["UploadId"])
    listed = s3_client.list_multipart_uploads(Bucket=bucket)
    found = [(one["Key"], one["UploadId"]) for one in listed["Uploads"]]
    assert found == [("a/1", ids["a/1"][0]), ("a/2", ids["a/2"][0]), *(("b", i) for i in ids["b"])]
    rolled_up = s3_client.list_multipart_uploads(Bucket=bucket, Delimiter="/")
    assert [one["Prefix"] for one in rolled_up["CommonPrefixes"]] == ["a/"]
    only = s3_client.list_multipart_uploads(Bucket=bucket, Prefix="a/2")
    assert [one["Key"] for one in only["Uploads"]] == ["a/2"]
    pages = s3_client.get_paginator("list_multipart_uploads").paginate(
        Bucket=bucket, PaginationConfig={"PageSize": 1}
    )
    assert [one["UploadId"] for page in pages for one in page["Uploads"]] == [i for _, i in found]


def test_a_part_is_copied_from_a_range_of_an_object(server, s3_client, bucket, begin):
    s3_client.put_object(Bucket=bucket, Key="source", Body=b"0123456789")
    upload = begin(ChecksumAlgorithm="SHA256")
    copied = s3_client.upload_part_copy(
        **upload, PartNumber=1, CopySource=f"{bucket}/source", CopySourceRange="bytes=2-4"
    )["CopyPartResult"]
    sha256 = base64.b64encode(hashlib.sha256(b"234").digest()).decode()
    assert copied["ChecksumSHA256"] == sha256
    complete(s3_client, upload, [{"PartNumber": 1, "ETag": copied["ETag"]}])
    assert s3_client.get_object(Bucket=bucket, Key="k")["Body"].read() == b"234"
    upload = begin()
    with failure("InvalidArgument", "Range specified is not valid for source object of size: 10"):
        s3_client.upload_part_copy(
            **upload, PartNumber=1, CopySource=f"{bucket}/source", CopySourceRange="bytes=2-10"
        )
    with failure("InvalidArgument", contains="bytes=first-last"):
        s3_client.upload_part_copy(
            **upload, PartNumber=1, CopySource=f"{bucket}/source", CopySourceRange="bytes=2-"
        )
    assert server.blob_count() == 2


def test_a_composite_checksum_is_of_the_parts_checksums(s3_client, bucket, begin):
    upload = begin(ChecksumAlgorithm="SHA256")
    bodies = [b"a" * FIVE_MIB, b"b"]
    parts = [
        put_part(s3_client, upload, n, body, ChecksumAlgorithm="SHA256")
        for n, body in enumerate(bodies, 1)
    ]
    together = hashlib.sha256(b"".join(hashlib.sha256(body).digest() for body in bodies)).digest()
    expected = base64.b64encode(together).decode() + "-2"
    with failure("BadDigest"):
        complete(s3_client, upload, parts, ChecksumSHA256=base64.b64encode(b"0" * 32).decode())
    assert complete(s3_client, upload, parts)["ChecksumSHA256"] == expected
    found = s3_client.head_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert (found["ChecksumSHA256"], found["ChecksumType"]) == (expected, "COMPOSITE")


def test_a_full_checksum_is_of_the_whole_object(s3_client, bucket, begin):
    upload = begin(ChecksumAlgorithm="CRC32", ChecksumType="FULL_OBJECT")
    bodies = [b"a" * FIVE_MIB, b"b"]
    parts = [put_part(s3_client, upload, n, body) for n, body in enumerate(bodies, 1)]
    crc32 = zlib.crc32(b"".join(bodies)).to_bytes(4, "big")
    expected = base64.b64encode(crc32).decode()
    done = complete(s3_client, upload, parts, ChecksumCRC32=expected, ChecksumType="FULL_OBJECT")
    assert (done["ChecksumCRC32"], done["ChecksumType"]) == (expected, "FULL_OBJECT")


def test_a_checksum_that_is_not_the_uploads_is_refused(server, s3_client, begin):
    upload = begin(ChecksumAlgorithm="SHA256")
    with failure("InvalidRequest", contains="expected checksum Type: sha256, actual"):
        put_part(s3_client, upload, 1, b"x", ChecksumAlgorithm="CRC32")
    assert server.blob_count() == 0
    with failure("InvalidRequest", contains="FULL_OBJECT checksum type cannot be used"):
        begin(ChecksumAlgorithm="SHA256", ChecksumType="FULL_OBJECT")
    with failure("InvalidRequest", contains="x-amz-checksum-type header can only be used"):
        begin(ChecksumType="FULL_OBJECT")


def test_a_version_comes_of_an_upload(s3_client, bucket, begin):
    s3_client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    upload = begin()
    done = complete(s3_client, upload, [put_part(s3_client, upload, 1, b"x")])
    assert s3_client.head_object(Bucket=bucket, Key="k")["VersionId"] == done["VersionId"]


def test_thirty_megabytes_go_up_and_come_back(server, bucket, tmp_path):
    # Eight threads at once; no retries: a refused part would fail the test.
    client = server.aws.client("s3", config=Config(max_pool_connections=8))
    content = random.Random(1).randbytes(30 * 1024 * 1024)
    (tmp_path / "up").write_bytes(content)
    transfer = TransferConfig(multipart_threshold=FIVE_MIB, multipart_chunksize=FIVE_MIB)
    client.upload_file(str(tmp_path / "up"), bucket, "big", Config=transfer)
    assert client.head_object(Bucket=bucket, Key="big")["ETag"].endswith('-6"')
    client.download_file(bucket, "big", str(tmp_path / "down"), Config=transfer)
    assert (tmp_path / "down").read_bytes() == content
    assert server.blob_count() == 1
