"""Basic credentials for git; the signed form is made by the AWS CLI's own helper."""

import base64
import datetime as dt
import io
import sys
from types import SimpleNamespace

import pytest
from awscli.customizations import codecommit as cli_helper
from botocore.credentials import Credentials

from penstock.aws.errors import ServiceError
from penstock.aws.service import Principal, PrincipalKind
from penstock.repositories.credentials import basic_credentials, verify

KEY, SECRET = "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
NOW = dt.datetime(2024, 5, 1, 12, 0, tzinfo=dt.UTC)
ROOT = Principal(
    PrincipalKind.ROOT, "arn:aws:iam::123456789012:root", "123456789012", "123456789012", KEY
)
HOST, PATH = "git-codecommit.eu-west-1.amazonaws.com", "/v1/repos/app"


async def find(key: str, token: str | None, _now: dt.datetime) -> SimpleNamespace | None:
    if (key, token) in {(KEY, None), ("ASIATEMPORARY", "to/ken+%=")}:
        return SimpleNamespace(secret_access_key=SECRET, principal=ROOT)
    return None


async def check(user: str, password: str, now: dt.datetime = NOW, path: str = PATH) -> Principal:
    return await verify(
        user, password, host=HOST, path=path, region="us-east-1", now=now, find_credential=find
    )


def helper_answer(
    monkeypatch: pytest.MonkeyPatch,
    capfdbinary: pytest.CaptureFixture[bytes],
    key: str,
    token: str | None,
    region: str,
) -> tuple[str, str]:
    """Run `aws codecommit credential-helper get` in this process."""
    session = SimpleNamespace(
        get_credentials=lambda: Credentials(key, SECRET, token),
        get_config_variable=lambda _name: region,
    )
    request = f"protocol=https\nhost={HOST}\npath={PATH[1:]}\n"
    monkeypatch.setattr(sys, "stdin", io.StringIO(request))
    monkeypatch.setattr(cli_helper, "get_current_datetime", lambda: NOW)
    command = cli_helper.CodeCommitGetCommand(session)
    command._run_main(SimpleNamespace(ignore_host_check=False), SimpleNamespace(region=region))
    sys.stdout.flush()
    answer = dict(line.split("=", 1) for line in capfdbinary.readouterr().out.decode().splitlines())
    return answer["username"], answer["password"]


async def test_the_secret_itself_is_a_password() -> None:
    assert await check(KEY, SECRET) == ROOT
    assert await check("ASIATEMPORARY%to/ken+%=", SECRET) == ROOT


@pytest.mark.parametrize(("key", "token"), [(KEY, None), ("ASIATEMPORARY", "to/ken+%=")])
async def test_the_aws_clis_credential_helper_is_accepted(
    monkeypatch: pytest.MonkeyPatch,
    capfdbinary: pytest.CaptureFixture[bytes],
    key: str,
    token: str | None,
) -> None:
    user, password = helper_answer(monkeypatch, capfdbinary, key, token, "us-east-1")
    assert await check(user, password, NOW + dt.timedelta(minutes=14)) == ROOT
    with pytest.raises(ServiceError, match="has expired"):
        await check(user, password, NOW + dt.timedelta(minutes=16))
    with pytest.raises(ServiceError, match="has expired"):
        await check(user, password, NOW - dt.timedelta(minutes=16))
    with pytest.raises(ServiceError, match="does not match"):
        await check(user, password, path="/v1/repos/other")


@pytest.mark.parametrize(
    ("user", "password"),
    [
        (KEY, SECRET + "x"),
        (KEY, ""),
        ("AKIAUNKNOWN", SECRET),
        ("ASIATEMPORARY", SECRET),
        (KEY + "%token", SECRET),
        (KEY, "20240501T120000Z" + "0" * 64),
        (KEY, "20241301T120000Z" + "0" * 64),
    ],
)
async def test_anything_else_is_refused(user: str, password: str) -> None:
    with pytest.raises(ServiceError) as caught:
        await check(user, password)
    assert caught.value.status == 403
    assert SECRET not in caught.value.message


def test_the_header_is_taken_apart_at_the_first_colon() -> None:
    header = "Basic " + base64.b64encode(b"user:pass:word").decode()
    assert basic_credentials(header) == ("user", "pass:word")


@pytest.mark.parametrize("header", [None, "", "Basic", "Basic ///", "Basic dXNlcg==", "Bearer x"])
def test_a_header_without_basic_credentials_is_none(header: str | None) -> None:
    assert basic_credentials(header) is None
