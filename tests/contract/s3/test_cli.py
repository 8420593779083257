"""`aws s3` of the real CLI, from making a bucket to removing it."""

import os
import random
import subprocess
import sys
from pathlib import Path

import pytest
from tests.aws_server import ROOT_KEY

AWS = Path(sys.executable).with_name("aws")


@pytest.fixture
def aws(server, tmp_path):
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "AWS_ENDPOINT_URL": server.aws.url,
        "AWS_ACCESS_KEY_ID": ROOT_KEY.access_key_id,
        "AWS_SECRET_ACCESS_KEY": ROOT_KEY.secret_access_key,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_MAX_ATTEMPTS": "1",
    }

    def run(*arguments, succeeds=True, **options):
        done = subprocess.run(
            [AWS, "s3", *arguments], check=False, env=environment, capture_output=True, text=True,
            **options,
        )  # fmt: skip
        assert (done.returncode == 0) == succeeds, done.stderr
        return done.stdout if succeeds else done.stderr

    return run


def test_the_high_level_commands(server, aws, tmp_path):
    files = tmp_path / "files"
    (files / "sub dir").mkdir(parents=True)
    (files / "one.txt").write_text("one")
    (files / "sub dir" / "two.json").write_text("{}")
    big = random.Random(2).randbytes(30 * 1024 * 1024)
    (files / "big.bin").write_bytes(big)

    aws("mb", "s3://the-bucket")
    aws("sync", str(files), "s3://the-bucket/tree")
    listed = aws("ls", "s3://the-bucket", "--recursive").splitlines()
    assert [line.split(maxsplit=3)[2:] for line in listed] == [
        [str(len(big)), "tree/big.bin"], ["3", "tree/one.txt"], ["2", "tree/sub dir/two.json"]
    ]  # fmt: skip
    head = server.client.head_object(Bucket="the-bucket", Key="tree/big.bin")
    assert head["ETag"].endswith('-4"')
    assert aws("sync", str(files), "s3://the-bucket/tree") == ""
    assert "PRE tree/" in aws("ls", "s3://the-bucket")

    aws("cp", "s3://the-bucket/tree/big.bin", str(tmp_path / "back.bin"))
    assert (tmp_path / "back.bin").read_bytes() == big
    assert aws("cp", "s3://the-bucket/tree/one.txt", "-") == "one"
    aws("cp", "-", "s3://the-bucket/from-stdin", input="typed")
    assert aws("cp", "s3://the-bucket/from-stdin", "-") == "typed"
    aws("mv", "s3://the-bucket/tree/one.txt", "s3://the-bucket/moved.txt")
    aws("cp", "s3://the-bucket/tree/big.bin", "s3://the-bucket/copy.bin")
    assert "404" in aws("cp", "s3://the-bucket/tree/one.txt", "-", succeeds=False)
    content = server.client.get_object(Bucket="the-bucket", Key="copy.bin")["Body"].read()
    assert content == big

    aws("rm", "s3://the-bucket/moved.txt")
    aws("rm", "s3://the-bucket/tree", "--recursive")
    left = server.client.list_objects_v2(Bucket="the-bucket")["Contents"]
    assert [one["Key"] for one in left] == ["copy.bin", "from-stdin"]
    assert "BucketNotEmpty" in aws("rb", "s3://the-bucket", succeeds=False)
    aws("rb", "s3://the-bucket", "--force")
    assert server.client.list_buckets()["Buckets"] == []
    assert server.blob_count() == 0
