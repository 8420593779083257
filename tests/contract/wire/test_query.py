"""The Query protocol over HTTP, with boto3 and the `aws` command."""

import json
import os
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.aws_server import ROOT_KEY
from tests.signing import sign

from penstock.aws.errors import ServiceError
from penstock.aws.service import Call, Request, Response, Service

AWS = Path(sys.executable).parent / "aws"


async def _caller(call: Call, request: Request) -> Response:
    arn = call.principal.arn
    return {"Account": call.account_id, "Arn": arn, "UserId": call.principal.user_id}


async def _create_role(call: Call, request: Request) -> Response:
    if request["RoleName"] == "taken":
        raise ServiceError("EntityAlreadyExistsException", "Role with name taken already exists.")
    role = {
        "Path": request.get("Path", "/"),
        "RoleName": request["RoleName"],
        "RoleId": "AROAEXAMPLEEXAMPLE",
        "Arn": "arn:aws:iam::123456789012:role/x",
        "CreateDate": call.now,
        "AssumeRolePolicyDocument": request["AssumeRolePolicyDocument"],
        "Tags": request.get("Tags", []),
    }
    return {"Role": role}


async def _delete_role(call: Call, request: Request) -> Response:
    raise ServiceError("NoSuchEntityException", f"no role {request['RoleName']} <&>")


SERVICES = [
    Service("sts", {"GetCallerIdentity": _caller}),
    Service("iam", {"CreateRole": _create_role, "DeleteRole": _delete_role}),
]


@pytest.fixture
def server(aws_server: Callable[..., Any]) -> Any:
    return aws_server(SERVICES, region="eu-west-1")


def test_who_am_i(server: Any) -> None:
    response = server.client("sts", server.user("reader")).get_caller_identity()
    assert response["Account"] == "123456789012"
    assert response["Arn"] == "arn:aws:iam::123456789012:user/reader"


def test_lists_documents_and_dates_arrive(server: Any) -> None:
    tags = [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "é=@/"}]
    document = '{"Version": "2012-10-17", "Statement": []}'
    role = server.client("iam").create_role(
        RoleName="r", AssumeRolePolicyDocument=document, Tags=tags
    )["Role"]
    assert role["Tags"] == tags
    assert role["Path"] == "/"
    assert role["CreateDate"].tzinfo is not None


def test_modelled_errors_have_their_wire_codes(server: Any) -> None:
    client = server.client("iam")
    with pytest.raises(client.exceptions.EntityAlreadyExistsException) as raised:
        client.create_role(RoleName="taken", AssumeRolePolicyDocument="{}")
    assert raised.value.response["Error"]["Code"] == "EntityAlreadyExists"
    assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == 409
    with pytest.raises(client.exceptions.NoSuchEntityException, match="no role x <&>") as absent:
        client.delete_role(RoleName="x")
    assert absent.value.response["Error"]["Type"] == "Sender"


@pytest.mark.parametrize("region", ["us-east-1", "eu-west-1"])
def test_global_services_take_us_east_1_too(server: Any, region: str) -> None:
    assert server.client("sts", region_name=region).get_caller_identity()["UserId"]


def test_another_region_and_another_secret(server: Any) -> None:
    with pytest.raises(ClientError, match="not 'ap-south-1'") as raised:
        server.client("sts", region_name="ap-south-1").get_caller_identity()
    assert raised.value.response["Error"]["Code"] == "SignatureDoesNotMatch"
    assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403


def test_denied(server: Any) -> None:
    with pytest.raises(ClientError) as raised:
        server.client("iam", server.user("reader")).delete_role(RoleName="r")
    assert raised.value.response["Error"]["Code"] == "AccessDenied"
    assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403


def test_a_presigned_url_proves_an_identity(server: Any) -> None:
    url = server.client("sts").generate_presigned_url("get_caller_identity", HttpMethod="GET")
    with urllib.request.urlopen(url) as response:
        assert b"<Arn>arn:aws:iam::123456789012:root</Arn>" in response.read()
    with pytest.raises(urllib.error.HTTPError) as raised:
        urllib.request.urlopen(url.replace("X-Amz-Expires=3600", "X-Amz-Expires=3601"))
    with raised.value as error:
        assert error.code == 403
        assert b"<Code>SignatureDoesNotMatch</Code>" in error.read()


@pytest.mark.parametrize(
    ("form", "told"),
    [
        ({"Action": "NoSuchThing", "Version": "2011-06-15"},
         "Could not find operation NoSuchThing for version 2011-06-15"),
        ({"Action": "NoSuchThing", "Version": "2011-06-15"}, "<Code>InvalidAction</Code>"),
        ({"Action": "CreateRole", "Version": "2010-05-08", "RoleName": "r",
          "AssumeRolePolicyDocument": "{}", "MaxSessionDuration": "an hour"},
         "<Code>MalformedInput</Code>"),
        ({"Action": "GetSessionToken", "Version": "2011-06-15"},
         "Penstock does not implement sts GetSessionToken. Of sts it implements: "),
        ({"Action": "ListQueues", "Version": "2012-11-05"},
         "Penstock does not serve the service &#x27;Version 2012-11-05&#x27;"),
    ],
)  # fmt: skip
def test_unknown_actions(aws_server: Callable[..., Any], form: dict[str, str], told: str) -> None:
    server = aws_server(SERVICES, authenticate=False)
    data = urllib.parse.urlencode(form).encode()
    with pytest.raises(urllib.error.HTTPError) as raised:
        urllib.request.urlopen(server.url, data)
    with raised.value as error:
        assert error.code == 400
        text = error.read().decode()
    assert told.replace("&#x27;", "'") in text
    assert text.startswith('<?xml version="1.0" encoding="UTF-8"?>\n<ErrorResponse')


def test_a_signed_request_without_an_action(server: Any) -> None:
    """https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html; text unverified."""
    body = b"Version=2011-06-15"
    headers = {"content-type": "application/x-www-form-urlencoded"}
    signed = sign("POST", f"{server.url}/", body=body, headers=headers, service="sts",
                  signer="SigV4Auth", key=ROOT_KEY, at=datetime.now(UTC),
                  region=server.region)  # fmt: skip
    request = urllib.request.Request(f"{server.url}/", body, dict(signed.headers))
    with pytest.raises(urllib.error.HTTPError) as raised:
        urllib.request.urlopen(request)
    with raised.value as error:
        assert (error.code, b"<Code>MissingAction</Code>" in error.read()) == (400, True)


def aws(server: Any, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {
        "AWS_ENDPOINT_URL": server.url,
        "AWS_ACCESS_KEY_ID": ROOT_KEY.access_key_id,
        "AWS_SECRET_ACCESS_KEY": ROOT_KEY.secret_access_key,
        "AWS_DEFAULT_REGION": server.region,
        "AWS_CONFIG_FILE": "/nonexistent",
        "AWS_MAX_ATTEMPTS": "1",
    }
    return subprocess.run([AWS, *arguments], capture_output=True, text=True, env=environment,
                          timeout=60, check=False)  # fmt: skip


def test_the_aws_command(server: Any) -> None:
    done = aws(server, "sts", "get-caller-identity")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["Arn"] == "arn:aws:iam::123456789012:root"
    done = aws(server, "iam", "delete-role", "--role-name", "x")
    assert done.returncode != 0
    assert "An error occurred (NoSuchEntity) when calling the DeleteRole operation" in done.stderr
