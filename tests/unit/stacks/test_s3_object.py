"""Texts in S3: what is read, and what ends the reading."""

from collections.abc import AsyncIterator

import pytest

from penstock.aws.errors import ServiceError
from penstock.aws.in_process import InProcess
from penstock.aws.principals import root
from penstock.aws.service import Call, Request, Response, Service
from penstock.clock import utc_now
from penstock.stacks.s3_object import NotText, S3Object, TooLarge, text_of

ACCOUNT = "123456789012"
OBJECT = S3Object("b", "k")


class Bucket:
    """Answers every object with the same chunks, and keeps what was asked and read."""

    def __init__(self, *chunks: bytes) -> None:
        self.chunks, self.read, self.asked = chunks, 0, dict[str, object]()

    async def get_object(self, call: Call, request: Request) -> Response:
        self.asked = dict(request)
        if request["Key"] == "absent":
            raise ServiceError("NoSuchKey", "The specified key does not exist.", status=404)

        async def body() -> AsyncIterator[bytes]:
            for chunk in self.chunks:
                self.read += 1
                yield chunk

        return {"Body": body()}

    async def text(self, found: S3Object = OBJECT, most: int = 8) -> str:
        async def allow(*_: object, **__: object) -> None: ...

        in_process = InProcess(
            lambda: [Service("s3", {"GetObject": self.get_object})],
            allow, ACCOUNT, "us-east-1", utc_now, "http://127.0.0.1",
        )  # fmt: skip
        return await text_of(in_process, root(ACCOUNT), found, most)


async def test_chunks_make_one_text_of_the_version_that_is_asked_for() -> None:
    bucket = Bucket("hä".encode()[:2], "hä".encode()[2:], b"ho")
    assert await bucket.text() == "häho"
    assert bucket.asked == {"Bucket": "b", "Key": "k"}
    await bucket.text(S3Object("b", "k", "v1"))
    assert bucket.asked["VersionId"] == "v1"


async def test_no_more_is_read_than_may_be() -> None:
    bucket = Bucket(b"1234", b"5678", b"9", b"never")
    with pytest.raises(TooLarge):
        await bucket.text()
    assert bucket.read == 3
    assert await Bucket(b"1234", b"5678").text() == "12345678"


async def test_what_is_no_text() -> None:
    with pytest.raises(NotText):
        await Bucket(b"\xff").text()
    with pytest.raises(ServiceError, match="does not exist"):
        await Bucket().text(S3Object("b", "absent"))
