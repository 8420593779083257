"""The façade: what is stored is read back, what is gone leaves nothing behind."""

import asyncio
import dataclasses
import hashlib

import pytest

from penstock.aws.errors import ServiceError
from penstock.errors import EngineError
from penstock.services.s3 import Objects, buckets
from penstock.services.s3.buckets import Versioning
from penstock.services.s3.objects import Description
from penstock.storage import objects as rows
from penstock.storage.blobs import Blobs


@pytest.fixture
async def objects(database, tmp_path, clock):
    objects = Objects(database, Blobs(tmp_path / "blobs"), clock, "us-east-1")
    await objects.write(lambda c: buckets.create(c, "b", "us-east-1", {}, clock()))
    return objects


async def pieces(*parts):
    for part in parts:
        yield part


async def whole(chunks):
    return b"".join([chunk async for chunk in chunks])


async def read(objects, key, version_id=None):
    return await whole((await objects.get("b", key, version_id))[1])


def set_versioning(objects, status):
    def work(connection):
        bucket = buckets.get(connection, "b")
        buckets.set_versioning(connection, bucket, status, objects.clock())

    return objects.write(work)


async def test_a_stored_object_is_read_back(objects):
    stored = await objects.put(
        "b", "k", pieces(b"one", b"two"), content_type="text/plain", metadata={"who": "ann"}
    )
    assert (stored.size, stored.version_id) == (6, "null")
    assert stored.etag == hashlib.md5(b"onetwo").hexdigest()
    found, chunks = await objects.get("b", "k")
    assert await whole(chunks) == b"onetwo"
    assert found.headers == {"ContentType": "text/plain"}
    assert found.metadata == {"who": "ann"}
    assert (await objects.path("b", "k")).read_bytes() == b"onetwo"


async def test_what_is_missing_is_named(objects):
    with pytest.raises(ServiceError, match="NoSuchBucket"):
        await objects.put("x", "k", pieces(b""))
    with pytest.raises(ServiceError, match="NoSuchKey"):
        await objects.get("b", "k")


async def test_replacing_and_deleting_leave_no_blob(objects):
    await objects.put("b", "k", pieces(b"one"))
    await objects.put("b", "k", pieces(b"two"))
    assert await read(objects, "k") == b"two"
    assert len(await objects.blobs.ids()) == 1
    await objects.delete("b", "k")
    await objects.delete("b", "k")
    assert await objects.blobs.ids() == []


async def test_a_refused_write_leaves_no_blob(objects):
    await objects.put("b", "k", pieces(b"one"))
    blob = await objects.blobs.put(pieces(b"two"))

    with pytest.raises(ServiceError, match="PreconditionFailed"):
        await objects.keep("b", "k", blob, "e", Description(), if_none_match="*")
    assert len(await objects.blobs.ids()) == 1
    assert await read(objects, "k") == b"one"


async def test_the_start_sweeps_what_a_crash_left(objects):
    await objects.put("b", "k", pieces(b"kept"))
    await objects.blobs.put(pieces(b"left behind"))
    await objects.start()
    assert len(await objects.blobs.ids()) == 1
    assert await read(objects, "k") == b"kept"


async def test_versions_are_kept_and_a_delete_adds_a_marker(objects):
    await objects.put("b", "k", pieces(b"before"))
    await set_versioning(objects, Versioning.ENABLED)
    first = await objects.put("b", "k", pieces(b"one"))
    second = await objects.put("b", "k", pieces(b"two"))
    assert await read(objects, "k", "null") == b"before"
    assert await read(objects, "k", first.version_id) == b"one"
    deleted = await objects.delete("b", "k")
    assert deleted.is_delete_marker
    with pytest.raises(ServiceError, match="NoSuchKey"):
        await objects.get("b", "k")
    with pytest.raises(ServiceError, match="MethodNotAllowed"):
        await objects.get("b", "k", deleted.version_id)
    await objects.delete("b", "k", deleted.version_id)
    assert await read(objects, "k") == b"two"
    await objects.delete("b", "k", second.version_id)
    assert await read(objects, "k") == b"one"


async def test_suspended_versioning_replaces_only_the_null_version(objects):
    await set_versioning(objects, Versioning.ENABLED)
    first = await objects.put("b", "k", pieces(b"one"))
    await set_versioning(objects, Versioning.SUSPENDED)
    await objects.put("b", "k", pieces(b"two"))
    await objects.put("b", "k", pieces(b"three"))
    assert await read(objects, "k") == b"three"
    assert await read(objects, "k", first.version_id) == b"one"
    assert len(await objects.blobs.ids()) == 2


async def test_a_reader_finishes_although_the_object_is_replaced(objects):
    content = b"x" * 1_000_000
    await objects.put("b", "k", pieces(content))
    _, chunks = await objects.get("b", "k")
    await objects.put("b", "k", pieces(b"new"))
    assert await whole(chunks) == content


async def test_readers_and_writers_of_one_key_never_fail(objects):
    await objects.put("b", "k", pieces(b"0"))

    async def write():
        for number in range(20):
            await objects.put("b", "k", pieces(b"%d" % number))

    async def look():
        for _ in range(20):
            assert (await read(objects, "k")).isdigit()

    await asyncio.gather(write(), write(), look(), look())
    assert len(await objects.blobs.ids()) == 1


async def test_an_object_replaced_before_its_file_is_open_is_looked_up_anew(objects):
    await objects.put("b", "k", pieces(b"old"))
    old = (await objects.head("b", "k")).blob_id
    looked_at = []

    def select(found):
        looked_at.append(found.blob_id)
        if found.blob_id == old:
            objects.blobs.path(old).unlink()  # as the put that replaces it does
            objects._database.submit(
                lambda c: rows.insert_latest(c, dataclasses.replace(found, blob_id=new.id))
            ).result()
        return 0, 3

    new = await objects.blobs.put(pieces(b"new"))
    _, chunks = await objects.open("b", "k", None, select)
    assert await whole(chunks) == b"new"
    assert looked_at == [old, new.id]


async def test_lost_content_is_an_error_that_names_the_file(objects):
    await objects.put("b", "k", pieces(b"old"))
    path = await objects.path("b", "k")
    path.unlink()
    with pytest.raises(EngineError, match=f"s3://b/k is lost: expected the file {path}"):
        await objects.get("b", "k")
