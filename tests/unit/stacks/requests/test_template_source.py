from collections.abc import AsyncIterator
from types import SimpleNamespace

import pytest

from penstock.aws.errors import ServiceError
from penstock.aws.principals import root
from penstock.stacks.requests.template_source import object_of, template_text

ENDPOINT = "http://127.0.0.1:4600"
ROOT = root("123456789012", "AKIA")
MORE = (
    "For more information check http://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html"
)


class Bucket:
    """Answers s3 GetObject from a dict, in chunks."""

    endpoint_url = ENDPOINT

    def __init__(self, objects: dict[str, bytes]) -> None:
        self.objects = objects
        self.asked = []

    async def call(self, principal, service, operation, parameters):
        self.asked.append((principal, service, operation, parameters))
        if parameters["Key"] not in self.objects:
            raise ServiceError("NoSuchKey", "The specified key does not exist.")
        return {"Body": self.chunks(self.objects[parameters["Key"]])}

    async def chunks(self, content: bytes) -> AsyncIterator[bytes]:
        for start in range(0, len(content), 100_000):
            yield content[start : start + 100_000]


async def refused(request, objects=None) -> str:
    with pytest.raises(ServiceError) as raised:
        await template_text(Bucket(objects or {}), ROOT, request)
    assert (raised.value.code, raised.value.status) == ("ValidationError", 400)
    return raised.value.message


async def test_a_body_is_the_template():
    nothing = SimpleNamespace(endpoint_url=ENDPOINT)
    assert await template_text(nothing, ROOT, {"TemplateBody": "a: ü"}) == "a: ü"


async def test_a_url_is_read_as_the_caller():
    bucket = Bucket({"a/b c.yml": "x: ü".encode()})
    url = f"{ENDPOINT}/artifacts/a/b%20c.yml?versionId=v1"
    assert await template_text(bucket, ROOT, {"TemplateURL": url}) == "x: ü"
    wanted = {"Bucket": "artifacts", "Key": "a/b c.yml", "VersionId": "v1"}
    assert bucket.asked == [(ROOT, "s3", "GetObject", wanted)]


async def test_there_must_be_one_source():
    assert await refused({}) == "Either Template URL or Template Body must be specified."
    both = {"TemplateBody": "a", "TemplateURL": f"{ENDPOINT}/b/k"}
    assert await refused(both) == "Specify either Template URL or Template Body, not both."


async def test_sizes():
    body = "x" * 51_201
    assert await refused({"TemplateBody": body}) == (
        f"1 validation error detected: Value '{body}' at 'templateBody' failed to satisfy "
        "constraint: Member must have length less than or equal to 51200"
    )
    request = {"TemplateURL": f"{ENDPOINT}/b/k"}
    assert await refused(request, {"k": b"x" * 1_000_001}) == (
        "Template may not exceed 1000000 bytes in size."
    )
    assert len(await template_text(Bucket({"k": b"x" * 1_000_000}), ROOT, request)) == 1_000_000


async def test_an_object_that_cannot_be_had():
    assert await refused({"TemplateURL": f"{ENDPOINT}/b/none"}) == (
        f"S3 error: The specified key does not exist.\n{MORE}"
    )
    assert "UTF-8" in await refused({"TemplateURL": f"{ENDPOINT}/b/k"}, {"k": b"\xff"})


@pytest.mark.parametrize(
    ("url", "bucket", "key"),
    [
        ("http://127.0.0.1:4600/b/k", "b", "k"),
        ("http://localhost:4600/b/k/l.yml", "b", "k/l.yml"),
        ("http://bkt.localhost:4600/k", "bkt", "k"),
        ("http://bkt.s3.localhost:4600/k", "bkt", "k"),
        ("http://s3.localhost:4600/b/k", "b", "k"),
        ("https://s3.amazonaws.com/b/k", "b", "k"),
        ("https://s3.us-east-1.amazonaws.com/b/k", "b", "k"),
        ("https://s3-us-west-2.amazonaws.com/b/k", "b", "k"),
        ("https://bkt.s3.amazonaws.com/k", "bkt", "k"),
        ("https://s3-own.s3.amazonaws.com/k", "s3-own", "k"),
        ("https://my.b.s3.us-east-1.amazonaws.com/k", "my.b", "k"),
        ("https://cf-templates-x.s3.dualstack.us-east-1.amazonaws.com/k", "cf-templates-x", "k"),
    ],
)
def test_urls_of_s3(url, bucket, key):
    found = object_of(url, ENDPOINT)
    assert (found.bucket, found.key) == (bucket, key)


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/b/k",
        "k",
        "file:///etc/passwd",
        "http://127.0.0.1:4600/b",
        "http://[",
        "http:///b/k",
    ],
)
def test_urls_that_name_no_object(url):
    with pytest.raises(ServiceError) as raised:
        object_of(url, ENDPOINT)
    assert raised.value.message == "TemplateURL must be a supported URL."


def test_the_urls_of_s3_commands():
    with pytest.raises(ServiceError) as raised:
        object_of("s3://bucket/test/template.yml", ENDPOINT)
    assert raised.value.message == (
        "S3 error: Domain name specified in bucket is not a valid S3 domain"
    )
