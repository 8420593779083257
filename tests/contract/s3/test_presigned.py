"""Presigned URLs, used as anything but an SDK would use them.

Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-presigned-url.html
"""

import urllib.error
import urllib.request
from datetime import UTC, datetime, timedelta

import pytest


def fetch(url, method="GET", body=None, headers=None):
    request = urllib.request.Request(url, data=body, method=method, headers=headers or {})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return answer.read()


def test_an_object_is_put_and_read_by_urls(s3_client, bucket):
    name = {"Bucket": bucket, "Key": "a b/ü"}
    put = s3_client.generate_presigned_url(
        "put_object", Params=name | {"ContentType": "text/plain"}, ExpiresIn=60
    )
    fetch(put, "PUT", b"content", {"Content-Type": "text/plain"})
    assert s3_client.head_object(**name)["ContentType"] == "text/plain"
    get = s3_client.generate_presigned_url("get_object", Params=name, ExpiresIn=60)
    assert fetch(get) == b"content"
    with pytest.raises(urllib.error.HTTPError) as refused:
        fetch(get.replace("a%20b", "other"))
    assert refused.value.code == 403
    assert b"SignatureDoesNotMatch" in refused.value.read()


def test_a_url_ends(server, s3_client, bucket):
    s3_client.put_object(Bucket=bucket, Key="k", Body=b"x")
    params = {"Bucket": bucket, "Key": "k"}
    get = s3_client.generate_presigned_url("get_object", Params=params, ExpiresIn=60)
    server.aws.now = datetime.now(UTC) + timedelta(seconds=90)
    with pytest.raises(urllib.error.HTTPError) as refused:
        fetch(get)
    assert refused.value.code == 403
    assert b"Request has expired" in refused.value.read()


def test_an_anonymous_reader_is_refused(server, s3_client, bucket):
    s3_client.put_object(Bucket=bucket, Key="k", Body=b"x")
    with pytest.raises(urllib.error.HTTPError) as refused:
        fetch(f"{server.aws.url}/{bucket}/k")
    assert refused.value.code == 403
    assert b"<Code>AccessDenied</Code>" in refused.value.read()
