"""ListObjectsV2 and ListObjects through boto3.

Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html
"""

import pytest
from botocore.handlers import decode_list_object, decode_list_object_v2
from tests.contract.s3.failures import failure

KEYS = ["a", "b/1", "b/2", "b/c/3", "d", "e/1", "f", "é", "日"]


@pytest.fixture
def filled(s3_client, bucket):
    for key in reversed(KEYS):
        s3_client.put_object(Bucket=bucket, Key=key, Body=key.encode())
    return bucket


def keys(page):
    return [one["Key"] for one in page.get("Contents", ())]


def prefixes(page):
    return [one["Prefix"] for one in page.get("CommonPrefixes", ())]


def test_keys_are_in_the_order_of_their_bytes(s3_client, filled):
    page = s3_client.list_objects_v2(Bucket=filled)
    assert keys(page) == KEYS
    assert (page["KeyCount"], page["IsTruncated"], page["MaxKeys"]) == (9, False, 1000)
    assert page["Contents"][1]["Size"] == 3
    assert page["Contents"][1]["StorageClass"] == "STANDARD"
    assert "Owner" not in page["Contents"][1]
    with_owner = s3_client.list_objects_v2(Bucket=filled, FetchOwner=True)
    assert len(with_owner["Contents"][0]["Owner"]["ID"]) == 64
    assert keys(s3_client.list_objects(Bucket=filled)) == KEYS


@pytest.mark.parametrize(
    ("options", "expected", "rolled_up"),
    [
        ({"Prefix": "b/"}, ["b/1", "b/2", "b/c/3"], []),
        ({"Prefix": "b"}, ["b/1", "b/2", "b/c/3"], []),
        ({"Prefix": "x"}, [], []),
        ({"Delimiter": "/"}, ["a", "d", "f", "é", "日"], ["b/", "e/"]),
        ({"Delimiter": "/", "Prefix": "b/"}, ["b/1", "b/2"], ["b/c/"]),
        ({"Delimiter": "/", "Prefix": "b"}, [], ["b/"]),
        ({"Delimiter": "1"}, ["a", "b/2", "b/c/3", "d", "f", "é", "日"], ["b/1", "e/1"]),
    ],
)
def test_prefix_and_delimiter(s3_client, filled, options, expected, rolled_up):
    for page in (
        s3_client.list_objects_v2(Bucket=filled, **options),
        s3_client.list_objects(Bucket=filled, **options),
    ):
        assert (keys(page), prefixes(page)) == (expected, rolled_up)


@pytest.mark.parametrize("operation", ["list_objects_v2", "list_objects"])
@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_pages_make_up_the_whole(s3_client, filled, operation, size):
    pages = list(
        s3_client.get_paginator(operation).paginate(
            Bucket=filled, Delimiter="/", PaginationConfig={"PageSize": size}
        )
    )
    assert [key for page in pages for key in keys(page)] == ["a", "d", "f", "é", "日"]
    assert [prefix for page in pages for prefix in prefixes(page)] == ["b/", "e/"]
    assert all(len(keys(page)) + len(prefixes(page)) == size for page in pages[:-1])
    assert len(pages) == -(-7 // size)


def test_a_list_starts_behind_a_key_or_a_prefix(s3_client, filled):
    assert keys(s3_client.list_objects_v2(Bucket=filled, StartAfter="d")) == KEYS[5:]
    assert keys(s3_client.list_objects_v2(Bucket=filled, StartAfter="c")) == KEYS[4:]
    assert keys(s3_client.list_objects(Bucket=filled, Marker="d")) == KEYS[5:]
    page = s3_client.list_objects(Bucket=filled, Delimiter="/", Marker="b/")
    assert (keys(page), prefixes(page)) == (["d", "f", "é", "日"], ["e/"])


def test_next_marker_is_told_with_a_delimiter_alone(s3_client, filled):
    page = s3_client.list_objects(Bucket=filled, Delimiter="/", MaxKeys=2)
    assert page["NextMarker"] == "b/"
    assert "NextMarker" not in s3_client.list_objects(Bucket=filled, MaxKeys=2)


def test_no_keys_at_most_are_no_keys(s3_client, filled):
    page = s3_client.list_objects_v2(Bucket=filled, MaxKeys=0)
    assert (keys(page), page["IsTruncated"], page["MaxKeys"]) == ([], False, 0)
    assert s3_client.list_objects_v2(Bucket=filled, MaxKeys=5000)["MaxKeys"] == 1000


def test_a_bad_argument_is_refused(s3_client, filled):
    with failure("InvalidArgument", "The continuation token provided is incorrect"):
        s3_client.list_objects_v2(Bucket=filled, ContinuationToken="made-up")
    text = "Argument maxKeys must be an integer between 0 and 2147483647"
    with failure("InvalidArgument", text):
        s3_client.list_objects_v2(Bucket=filled, MaxKeys=-1)


def test_names_are_encoded_when_asked(s3_client, bucket):
    key = "a +\u0001/é"
    s3_client.put_object(Bucket=bucket, Key=key, Body=b"")
    assert keys(s3_client.list_objects_v2(Bucket=bucket)) == [key]
    events = s3_client.meta.events
    events.unregister("after-call.s3.ListObjectsV2", decode_list_object_v2)
    events.unregister("after-call.s3.ListObjects", decode_list_object)
    raw = s3_client.list_objects_v2(Bucket=bucket, EncodingType="url", Delimiter="é")
    assert raw["EncodingType"] == "url"
    assert prefixes(raw) == ["a%20%2B%01/%C3%A9"]
    assert raw["Delimiter"] == "%C3%A9"


def test_keys_that_come_and_go_between_pages_shift_nothing(s3_client, filled):
    first = s3_client.list_objects_v2(Bucket=filled, MaxKeys=3)
    for key in keys(first):
        s3_client.delete_object(Bucket=filled, Key=key)
    s3_client.put_object(Bucket=filled, Key="aa")
    rest = s3_client.list_objects_v2(
        Bucket=filled, ContinuationToken=first["NextContinuationToken"]
    )
    assert keys(rest) == KEYS[3:]
