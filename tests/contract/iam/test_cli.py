"""IAM and STS through the unmodified `aws` command."""

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.identity_server import allow, document, trust

AWS = Path(sys.executable).with_name("aws")


def aws(server, *arguments):
    environment = {
        **os.environ,
        "AWS_ENDPOINT_URL": server.aws.url,
        "AWS_ACCESS_KEY_ID": server.root["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": server.root["SecretAccessKey"],
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }
    return subprocess.run(
        [AWS, *arguments], env=environment, capture_output=True, text=True, timeout=60, check=False
    )


def test_a_role_for_a_build_is_set_up(server, tmp_path):
    trusted = tmp_path / "trust.json"
    trusted.write_text(trust({"Service": "codebuild.amazonaws.com"}))
    policy = tmp_path / "policy.json"
    policy.write_text(document(allow("logs:*")))
    made = aws(server, "iam", "create-role", "--role-name", "build",
               "--assume-role-policy-document", f"file://{trusted}")  # fmt: skip
    assert made.returncode == 0, made.stderr
    role = json.loads(made.stdout)["Role"]
    statement = role["AssumeRolePolicyDocument"]["Statement"][0]
    assert statement["Principal"] == {"Service": "codebuild.amazonaws.com"}
    put = aws(server, "iam", "put-role-policy", "--role-name", "build", "--policy-name", "p",
              "--policy-document", f"file://{policy}")  # fmt: skip
    assert (put.returncode, put.stderr) == (0, "")
    found = server.iam.get_role_policy(RoleName="build", PolicyName="p")
    assert found["PolicyDocument"] == json.loads(policy.read_text())


def test_an_error_reads_as_on_aws(server):
    refused = aws(server, "iam", "get-role", "--role-name", "x")
    assert refused.returncode != 0
    assert refused.stderr.strip().endswith(
        "An error occurred (NoSuchEntity) when calling the GetRole operation: "
        "The role with name x cannot be found."
    )


def test_the_caller_is_told(server):
    told = aws(server, "sts", "get-caller-identity", "--query", "Arn", "--output", "text")
    assert told.stdout.strip() == "arn:aws:iam::123456789012:root", told.stderr
