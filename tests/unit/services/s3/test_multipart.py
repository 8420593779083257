"""Uploads below the wire: what a completion chooses, and what a crash or a race leaves."""

import asyncio
from datetime import UTC, datetime

import pytest

from penstock.aws.errors import ServiceError
from penstock.services.s3 import Objects, multipart
from penstock.services.s3.content import Summed
from penstock.services.s3.multipart import SMALLEST_PART_BYTES, Completion, choose, etag_of
from penstock.services.s3.objects import Description
from penstock.storage.blobs import Blobs
from penstock.storage.uploads import PartRow

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
async def objects(database, tmp_path, clock):
    objects = Objects(database, Blobs(tmp_path / "blobs"), clock, "us-east-1")
    await objects.create_bucket("bucket")
    return objects


async def pieces(*parts):
    for part in parts:
        yield part


async def begin(objects):
    return await multipart.create(objects, "bucket", "k", Description(), "arn:root")


async def put_part(objects, upload, number, body):
    part = await multipart.put_part(objects, upload, number, Summed(pieces(body), None))
    return {"PartNumber": number, "ETag": part.etag}


def part(number, size=SMALLEST_PART_BYTES):
    return PartRow("u", number, f"blob{number}", size, f"{number:032x}", {"crc32": "v"}, NOW)


def described(*parts):
    return [{"PartNumber": one.part_number, "ETag": f'"{one.etag}"'} for one in parts]


def test_the_listed_parts_are_chosen_in_order():
    parts = [part(1), part(2), part(7, size=1)]
    assert choose(parts, described(parts[0], parts[2])) == [parts[0], parts[2]]


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        ([], "MalformedXML"),
        (described(part(2), part(1)), "InvalidPartOrder"),
        (described(part(1), part(1)), "InvalidPartOrder"),
        (described(part(3)), "InvalidPart"),
        ([{"PartNumber": 1}], "InvalidPart"),
        ([{**described(part(1))[0], "ChecksumCRC32": "other"}], "InvalidPart"),
    ],
)
def test_what_cannot_be_chosen_is_told(wanted, code):
    with pytest.raises(ServiceError) as refused:
        choose([part(1), part(2)], wanted)
    assert refused.value.code == code


def test_only_the_last_part_may_be_small():
    small = part(1, size=SMALLEST_PART_BYTES - 1)
    assert choose([small], described(small)) == [small]
    with pytest.raises(ServiceError, match="EntityTooSmall"):
        choose([small, part(2)], described(small, part(2)))


def test_the_etag_counts_the_parts():
    # The MD5 of 15 zero bytes and a one, as md5sum computes it.
    assert etag_of([part(1)]) == "cf404dc806178c245b5b4fe2531e6d8c-1"


async def test_the_start_keeps_the_parts_of_uploads(objects):
    upload = await begin(objects)
    listed = await put_part(objects, upload, 1, b"part")
    await objects.blobs.put(pieces(b"left by a crash before its row"))
    await objects.start()
    assert len(await objects.blobs.ids()) == 1
    await multipart.complete(objects, "bucket", "k", upload.upload_id, Completion([listed]))
    _, chunks = await objects.get("bucket", "k")
    assert [chunk async for chunk in chunks] == [b"part"]


async def test_an_upload_completes_once(objects):
    upload = await begin(objects)
    listed = await put_part(objects, upload, 1, b"part")
    answers = await asyncio.gather(
        *(
            multipart.complete(objects, "bucket", "k", upload.upload_id, Completion([listed]))
            for _ in range(4)
        ),
        return_exceptions=True,
    )
    stored = [one for one in answers if not isinstance(one, BaseException)]
    assert len({one.etag for one in stored}) == 1
    refused = [one.code for one in answers if isinstance(one, ServiceError)]
    assert set(refused) <= {"NoSuchUpload", "InvalidPart"}
    assert len(stored) + len(refused) == 4
    assert len(await objects.blobs.ids()) == 1


async def test_a_part_that_comes_after_the_abort_leaves_nothing(objects):
    upload = await begin(objects)

    async def slowly():
        yield b"first"
        await multipart.abort(objects, "bucket", "k", upload.upload_id)
        yield b"second"

    with pytest.raises(ServiceError, match="NoSuchUpload"):
        await multipart.put_part(objects, upload, 1, Summed(slowly(), None))
    assert await objects.blobs.ids() == []
