"""Which CloudFormation a preview speaks to, and with whose credentials."""

import json
from pathlib import Path
from typing import Any

import pytest

from penstock.cli import cloudformation_endpoint as module
from penstock.cli.cloudformation_endpoint import cloudformation_endpoint
from penstock.cli.refusal import Refusal

OURS = "http://127.0.0.1:4600"
OTHERS = "http://127.0.0.1:5000"
VARIABLES = {
    "AWS_ENDPOINT_URL": OURS,
    "AWS_ACCESS_KEY_ID": "key",
    "AWS_SECRET_ACCESS_KEY": "secret",
    "AWS_DEFAULT_REGION": "us-east-1",
}


@pytest.fixture(autouse=True)
def _world(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, value in VARIABLES.items():
        monkeypatch.setenv(name, value)
    for name in ("AWS_REGION", "AWS_PROFILE", "AWS_DATA_PATH", "PENSTOCK_DATA_DIR"):
        monkeypatch.delenv(name, raising=False)
    profiles = tmp_path / "config"
    profiles.write_text("[profile real]\naws_access_key_id = REAL\naws_secret_access_key = s\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(profiles))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setattr(module, "_is_ours", lambda url: url.rstrip("/") == OURS)


def urls(found: Any) -> list[str]:
    return [found.client(service).meta.endpoint_url for service in ("cloudformation", "s3")]


def test_without_a_url_it_is_the_server_of_every_other_command() -> None:
    found = cloudformation_endpoint(None, None)
    assert urls(found) == [OURS, OURS]
    assert found.own is not None
    assert cloudformation_endpoint(None, None, "eu-west-1").region == "eu-west-1"


def test_a_server_that_is_not_ours_is_no_own_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", OTHERS)
    found = cloudformation_endpoint(None, None)
    assert (urls(found), found.own) == ([OTHERS, OTHERS], None)


def test_our_own_address_is_met_with_our_own_credentials(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name)
    stored = {"AccessKeyId": "OWN", "SecretAccessKey": "s", "Endpoint": OURS}
    stored |= {"Region": "us-east-1", "AccountId": "1"}
    (tmp_path / "root-credentials.json").write_text(json.dumps(stored))
    found = cloudformation_endpoint(tmp_path, f"{OURS}/")
    assert found.own is not None
    assert found.own.access_key_id == "OWN"


def test_another_address_serves_all_it_needs() -> None:
    found = cloudformation_endpoint(None, OTHERS, "eu-west-1")
    assert (urls(found), found.region, found.own) == ([OTHERS, OTHERS], "eu-west-1", None)


@pytest.mark.parametrize(
    ("url", "cloudformation"),
    [
        ("aws", "https://cloudformation.eu-west-1.amazonaws.com"),
        (
            "https://cloudformation.eu-west-1.amazonaws.com",
            "https://cloudformation.eu-west-1.amazonaws.com",
        ),
        ("https://vpce-1.cloudformation.eu-west-1.vpce.amazonaws.com",) * 2,
    ],
)
def test_aws_is_aws_whatever_the_environment_points_to(url: str, cloudformation: str) -> None:
    found = cloudformation_endpoint(None, url, "eu-west-1")
    assert urls(found) == [cloudformation, "https://s3.eu-west-1.amazonaws.com"]
    assert found.own is None


def test_an_address_of_aws_names_its_region() -> None:
    found = cloudformation_endpoint(None, "https://cloudformation.eu-west-1.amazonaws.com")
    assert found.region == "eu-west-1"


def test_a_profile_goes_to_aws_with_its_own_key() -> None:
    found = cloudformation_endpoint(None, None, "eu-west-1", "real")
    assert urls(found)[0] == "https://cloudformation.eu-west-1.amazonaws.com"
    credentials = found.cloudformation._request_signer._credentials
    assert credentials.access_key == "REAL"


@pytest.mark.parametrize("variables", [{}, {"AWS_DATA_PATH": "/models"}])
def test_a_profile_that_does_not_exist_is_refused(
    variables: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With AWS_DATA_PATH, which importing `awscli` sets, a session is made without the profile."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(Refusal, match="nobody"):
        cloudformation_endpoint(None, None, "eu-west-1", "nobody")
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    with pytest.raises(Refusal, match="nobody"):
        cloudformation_endpoint(None, "aws", "eu-west-1")


@pytest.mark.parametrize("url", ["127.0.0.1:4600", "ftp://x", "AWS", "http://"])
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(Refusal, match="--endpoint expects `aws` or a URL"):
        cloudformation_endpoint(None, url, "eu-west-1")


def test_a_region_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    with pytest.raises(Refusal, match="give --region"):
        cloudformation_endpoint(None, "aws")
