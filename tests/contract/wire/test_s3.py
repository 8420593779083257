"""REST-XML over HTTP as S3 speaks it: streams, framing, presigned URLs, its own errors."""

import base64
import hashlib
import http.client
import io
import resource
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from tests.aws_server import ROOT_KEY
from tests.signing import sign

from penstock.aws.errors import ServiceError
from penstock.aws.service import Call, Request, Response, Service


class Store:
    """Objects in memory, and what their uploads looked like."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.requests: dict[str, Request] = {}
        self.checksums: dict[str, str] = {}
        self.sunk = 0

    async def put_object(self, call: Call, request: Request) -> Response:
        if request["Bucket"] == "absent":
            raise ServiceError(
                "NoSuchBucket", "The specified bucket does not exist", BucketName="absent"
            )
        if request["Key"] == "sink":
            async for block in request["Body"]:
                self.sunk += len(block)
            return {}
        data = b"".join([block async for block in request["Body"]])
        self.objects[request["Key"]] = data
        self.requests[request["Key"]] = request
        self.checksums = request["Body"].checksums
        return {"ETag": f'"{hashlib.md5(data).hexdigest()}"'}

    async def get_object(self, call: Call, request: Request) -> Response:
        data = self.objects.get(request["Key"])
        if data is None:
            raise ServiceError("NoSuchKey", "The specified key does not exist.", Key=request["Key"])
        if request.get("Range") == "bytes=1-2":
            return {"Body": data[1:3], "ContentRange": f"bytes 1-2/{len(data)}",
                    "ContentLength": 2}  # fmt: skip

        async def blocks() -> AsyncIterator[bytes]:
            for start in range(0, len(data), 5):
                yield data[start : start + 5]

        return {
            "Body": blocks(),
            "ContentLength": len(data),
            "LastModified": datetime(2026, 11, 23, 1, 2, 3, tzinfo=UTC),
            "Metadata": {"colour": "blue"},
        }

    async def head_object(self, call: Call, request: Request) -> Response:
        answer = dict(await self.get_object(call, request))
        del answer["Body"]
        return answer

    async def list_objects(self, call: Call, request: Request) -> Response:
        contents = [{"Key": key, "Size": len(self.objects[key])} for key in sorted(self.objects)]
        return {"Name": request["Bucket"], "Contents": contents, "IsTruncated": False}

    async def get_location(self, call: Call, request: Request) -> Response:
        return {"LocationConstraint": "eu-west-1"}

    async def delete_objects(self, call: Call, request: Request) -> Response:
        keys = [item["Key"] for item in request["Delete"]["Objects"]]
        for key in keys:
            self.objects.pop(key, None)
        return {"Deleted": [{"Key": key} for key in keys]}

    async def delete_object(self, call: Call, request: Request) -> Response:
        self.objects.pop(request["Key"], None)
        return {}

    async def complete(self, call: Call, request: Request) -> Response:
        return {"Key": request["Key"], "ETag": str(len(request["MultipartUpload"]["Parts"]))}

    def service(self) -> Service:
        return Service(
            "s3",
            {
                "PutObject": self.put_object,
                "GetObject": self.get_object,
                "HeadObject": self.head_object,
                "ListObjectsV2": self.list_objects,
                "GetBucketLocation": self.get_location,
                "DeleteObjects": self.delete_objects,
                "DeleteObject": self.delete_object,
                "CompleteMultipartUpload": self.complete,
            },
        )


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
def server(aws_server: Callable[..., Any], store: Store) -> Any:
    return aws_server([store.service()])


@pytest.fixture
def s3(server: Any) -> Any:
    return server.client("s3")


KEYS = ["plain", "a b/ü+?%&=#", "dots/../and//slashes/", "~-_.!*'()"]


@pytest.mark.parametrize("key", KEYS)
def test_any_key_goes_in_and_comes_out(s3: Any, store: Store, key: str) -> None:
    s3.put_object(Bucket="b1", Key=key, Body=b"hello world", Metadata={"colour": "red"})
    assert store.objects == {key: b"hello world"}
    assert store.requests[key]["Metadata"] == {"colour": "red"}
    assert store.requests[key]["ContentLength"] == 11
    assert store.checksums["crc32"] == "DUoRhQ=="
    got = s3.get_object(Bucket="b1", Key=key)
    assert got["Body"].read() == b"hello world"
    assert got["ContentLength"] == 11
    assert got["Metadata"] == {"colour": "blue"}
    assert got["LastModified"] == datetime(2026, 11, 23, 1, 2, 3, tzinfo=UTC)
    assert got["ResponseMetadata"]["HTTPHeaders"]["x-amz-request-id"]


@pytest.mark.parametrize(
    ("endpoint", "host"),
    [
        (None, "artifacts.s3.amazonaws.com"),
        ("http://localhost:4600", "artifacts.localhost:4600"),
        ("http://s3.localhost:4600", "artifacts.s3.localhost:4600"),
    ],
)
def test_virtual_hosts(server: Any, store: Store, endpoint: str | None, host: str) -> None:
    """The bucket in the host's name, signed so; the connection goes to the server as it is."""
    store.objects["a b"] = b"virtual"
    config = Config(signature_version="s3v4", s3={"addressing_style": "virtual"})
    client = server.client("s3", config=config, endpoint_url=endpoint)
    place = {"Bucket": "artifacts", "Key": "a b"}
    url = urlsplit(client.generate_presigned_url("get_object", Params=place))
    assert url.netloc == host
    assert fetch(f"{server.url}{url.path}?{url.query}", headers={"Host": host}) == (200, b"virtual")


def test_a_trailing_checksum_over_aws_chunked(server: Any, store: Store) -> None:
    """As SDKs send streams over TLS: framed, unsigned, the checksum behind the data."""
    headers = {
        "x-amz-content-sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
        "x-amz-trailer": "x-amz-checksum-crc64nvme",
        "x-amz-decoded-content-length": "9",
        "content-encoding": "aws-chunked,gzip",
    }
    signed = sign("PUT", f"{server.url}/b1/k", body=b"", headers=headers, service="s3",
                  signer="SigV4Auth", key=ROOT_KEY, at=datetime.now(UTC))  # fmt: skip
    right, wrong = b"rosUhgp5mIg=", b"rosUhgp5mIh="
    for checksum, status in ((wrong, 400), (right, 200)):
        trailer = b"x-amz-checksum-crc64nvme:" + checksum
        data = b"4\r\n1234\r\n5\r\n56789\r\n0\r\n" + trailer + b"\r\n\r\n"
        connection = http.client.HTTPConnection(urlsplit(server.url).netloc)
        sent = {name: value for name, value in signed.headers.items() if name != "content-length"}
        connection.request("PUT", "/b1/k", data, sent)
        assert connection.getresponse().status == status
        connection.close()
        assert store.objects == ({"k": b"123456789"} if status == 200 else {})
    assert store.checksums == {"crc64nvme": "rosUhgp5mIg="}
    assert store.requests["k"]["ContentEncoding"] == "gzip"
    assert store.requests["k"]["ContentLength"] == 9


def test_a_framed_body_says_how_long_it_is_without_its_frames(server: Any, store: Store) -> None:
    """Text: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html."""
    headers = {
        "x-amz-content-sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
        "content-encoding": "aws-chunked",
    }
    signed = sign("PUT", f"{server.url}/b1/k", body=b"", headers=headers, service="s3",
                  signer="SigV4Auth", key=ROOT_KEY, at=datetime.now(UTC))  # fmt: skip
    connection = http.client.HTTPConnection(urlsplit(server.url).netloc)
    sent = {name: value for name, value in signed.headers.items() if name != "content-length"}
    connection.request("PUT", "/b1/k", b"1\r\n1\r\n0\r\n\r\n", sent)
    answer = connection.getresponse()
    text = answer.read()
    connection.close()
    assert (answer.status, b"<Code>MissingContentLength</Code>" in text) == (411, True)
    assert b"You must provide the Content-Length HTTP header." in text
    assert store.objects == {}


def test_a_wrong_checksum_stores_nothing(s3: Any, store: Store) -> None:
    wrong = base64.b64encode(bytes(4)).decode()
    with pytest.raises(ClientError) as raised:
        s3.put_object(Bucket="b1", Key="k", Body=b"data", ChecksumCRC32=wrong)
    assert raised.value.response["Error"]["Code"] == "BadDigest"
    assert raised.value.response["Error"]["Message"] == (
        "The CRC32 you specified did not match the calculated checksum."
    )
    assert store.objects == {}


def test_ranges_head_and_delete(s3: Any, store: Store) -> None:
    store.objects["k"] = b"hello"
    part = s3.get_object(Bucket="b1", Key="k", Range="bytes=1-2")
    assert part["ResponseMetadata"]["HTTPStatusCode"] == 206
    assert part["Body"].read() == b"el"
    assert s3.head_object(Bucket="b1", Key="k")["ContentLength"] == 5
    gone = s3.delete_object(Bucket="b1", Key="k")
    assert gone["ResponseMetadata"]["HTTPStatusCode"] == 204


def test_xml_both_ways(s3: Any, store: Store) -> None:
    store.objects |= {"a&b": b"1", "c": b"2"}
    listed = s3.list_objects_v2(Bucket="b1")
    assert [item["Key"] for item in listed["Contents"]] == ["a&b", "c"]
    assert s3.get_bucket_location(Bucket="b1")["LocationConstraint"] == "eu-west-1"
    deleted = s3.delete_objects(Bucket="b1", Delete={"Objects": [{"Key": "a&b"}, {"Key": "c"}]})
    assert [item["Key"] for item in deleted["Deleted"]] == ["a&b", "c"]
    assert store.objects == {}
    parts = [{"PartNumber": n, "ETag": "x"} for n in (1, 2)]
    done = s3.complete_multipart_upload(
        Bucket="b1", Key="k", UploadId="u", MultipartUpload={"Parts": parts},
        ChecksumCRC32="AAAAAA==",
    )  # fmt: skip
    assert done["ETag"] == "2"


def test_errors_are_s3s(s3: Any, server: Any) -> None:
    with pytest.raises(s3.exceptions.NoSuchKey) as absent:
        s3.get_object(Bucket="b1", Key="nothing")
    error = absent.value.response["Error"]
    assert (error["Code"], error["Key"]) == ("NoSuchKey", "nothing")
    assert absent.value.response["ResponseMetadata"]["HTTPStatusCode"] == 404
    assert absent.value.response["ResponseMetadata"]["HostId"]
    with pytest.raises(ClientError) as head:
        s3.head_object(Bucket="b1", Key="nothing")
    assert head.value.response["Error"] == {"Code": "404", "Message": "Not Found"}
    with pytest.raises(s3.exceptions.NoSuchBucket):
        s3.put_object(Bucket="absent", Key="k", Body=b"x" * 100_000)
    with pytest.raises(ClientError) as denied:
        server.client("s3", server.user("reader")).get_object(Bucket="b1", Key="k")
    assert denied.value.response["Error"]["Code"] == "AccessDenied"
    assert denied.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
    with pytest.raises(ClientError, match="Penstock does not implement s3 GetBucketAcl"):
        s3.get_bucket_acl(Bucket="b1")
    with pytest.raises(ClientError, match="Penstock does not implement s3 PutObjectAcl"):
        s3.put_object_acl(Bucket="b1", Key="k", ACL="private")


def fetch(
    url: str, method: str = "GET", data: bytes | None = None, headers: Any = None
) -> tuple[int, bytes]:
    try:
        request = urllib.request.Request(url, data, headers or {}, method=method)
        with urllib.request.urlopen(request) as response:
            return response.status, response.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


@pytest.mark.parametrize("version", ["s3", "s3v4"])
def test_presigned_urls(server: Any, store: Store, version: str) -> None:
    client = server.client("s3", config=Config(signature_version=version))
    place = {"Bucket": "b1", "Key": "a b/ü+?"}
    put = client.generate_presigned_url("put_object", Params=place)
    status, _ = fetch(put, "PUT", b"through a URL")
    # urllib adds a content type, which a Version 2 signature covers: S3 refuses it too.
    assert status == (200 if version == "s3v4" else 403)
    store.objects[place["Key"]] = b"through a URL"
    get = client.generate_presigned_url("get_object", Params=place)
    assert fetch(get) == (200, b"through a URL")
    status, body = fetch(get.replace("/b1/", "/b2/"))
    assert status == 403
    assert b"<Code>SignatureDoesNotMatch</Code>" in body
    server.now = datetime.now(UTC) + timedelta(hours=2)
    status, body = fetch(get)
    assert status == 403
    assert b"<Code>AccessDenied</Code><Message>Request has expired</Message>" in body


def test_unsigned_is_denied(server: Any) -> None:
    status, body = fetch(f"{server.url}/b1/k")
    assert status == 403
    assert b"<Code>AccessDenied</Code><Message>Access Denied</Message>" in body


def test_another_region_is_told_the_right_one(server: Any) -> None:
    url = f"{server.url}/b1?list-type=2"
    signed = sign("GET", url, body=b"", service="s3", signer="S3SigV4Auth", key=ROOT_KEY,
                  region="eu-west-1", at=datetime.now(UTC))  # fmt: skip
    status, body = fetch(url, headers=signed.headers)
    assert status == 400
    assert (
        b"<Code>AuthorizationHeaderMalformed</Code><Message>The authorization header is malformed; "
        b"the region 'eu-west-1' is wrong; expecting 'us-east-1'</Message>"
        b"<Region>us-east-1</Region>"
    ) in body
    # boto3 reads the region out of that answer and asks again, as with AWS.
    assert server.client("s3", region_name="eu-west-1").list_objects_v2(Bucket="b1")["Name"]


def test_s3_wants_the_hash_header_and_every_amazon_header_signed(server: Any) -> None:
    url = f"{server.url}/b1/k"
    signed = sign("GET", url, body=b"", service="s3", signer="SigV4Auth", key=ROOT_KEY,
                  at=datetime.now(UTC))  # fmt: skip
    status, body = fetch(url, headers=signed.headers)
    assert status == 400
    assert b"Missing required header for this request: x-amz-content-sha256" in body
    signed = sign("GET", url, body=b"", service="s3", signer="S3SigV4Auth", key=ROOT_KEY,
                  at=datetime.now(UTC))  # fmt: skip
    status, body = fetch(url, headers=dict(signed.headers) | {"x-amz-acl": "public-read"})
    assert status == 403
    assert b"headers present in the request which were not signed" in body
    assert b"<HeadersNotSigned>x-amz-acl</HeadersNotSigned>" in body


def test_a_large_upload_needs_no_memory(server: Any, store: Store) -> None:
    class Zeros(io.RawIOBase):
        """120 MB that exist nowhere; the client may rewind it."""

        size = 120_000_000

        def __init__(self) -> None:
            self.position = 0

        def readable(self) -> bool:
            return True

        def seekable(self) -> bool:
            return True

        def tell(self) -> int:
            return self.position

        def seek(self, offset: int, whence: int = 0) -> int:
            base = (0, self.position, self.size)[whence]
            self.position = base + offset
            return self.position

        def readinto(self, buffer: Any) -> int:
            size = min(len(buffer), self.size - self.position)
            buffer[:size] = bytes(size)
            self.position += size
            return size

    client = server.client("s3")
    client.put_object(Bucket="b1", Key="sink", Body=b"warm up")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    client.put_object(Bucket="b1", Key="sink", Body=Zeros())
    grown_kilobytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert store.sunk == Zeros.size + 7
    assert grown_kilobytes < 30_000
