"""Virtual hosts name a bucket; other hosts do not."""

import pytest

from penstock.aws.http import http_request
from penstock.aws.payload import one_block
from penstock.aws.s3_hosts import bucket_of_host, path_style


@pytest.mark.parametrize(
    ("host", "bucket"),
    [
        ("artifacts.s3.amazonaws.com", "artifacts"),
        ("artifacts.s3.eu-west-1.amazonaws.com", "artifacts"),
        ("artifacts.s3-eu-west-1.amazonaws.com", "artifacts"),
        ("artifacts.s3.dualstack.eu-west-1.amazonaws.com", "artifacts"),
        ("my.dotted.bucket.s3.amazonaws.com", "my.dotted.bucket"),
        ("artifacts.localhost:4600", "artifacts"),
        ("artifacts.s3.localhost:4600", "artifacts"),
        ("s3.amazonaws.com", None),
        ("s3.eu-west-1.amazonaws.com", None),
        ("s3.localhost:4600", None),
        ("localhost:4600", None),
        ("127.0.0.1:4600", None),
        ("sts.eu-west-1.amazonaws.com", None),
    ],
)
def test_hosts(host: str, bucket: str | None) -> None:
    assert bucket_of_host(host) == bucket


def test_the_bucket_moves_into_the_path() -> None:
    request = http_request(
        "GET", "/key%20x", "versionId=1", {"host": "b1.localhost"}, one_block(b"")
    )
    assert path_style(request).raw_path == "/b1/key%20x"
