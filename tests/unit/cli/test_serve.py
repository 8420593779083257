from dataclasses import replace
from pathlib import Path

import pytest

from penstock.cli.refusal import Refusal
from penstock.cli.serve import check, is_loopback, smtp_password
from penstock.config import Config

GOOD = Config(data_dir=Path("/nowhere"))


def test_the_defaults_can_be_served():
    check(GOOD)
    check(replace(GOOD, authenticate=False))
    check(replace(GOOD, host="0.0.0.0", region="us-gov-west-1", account_id="000000000001"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"account_id": "12345"}, "--account-id: expected 12 digits, found '12345'"),
        ({"account_id": "12345678901\n"}, "--account-id"),
        ({"region": "virginia"}, "--region: expected a name such as us-east-1"),
        ({"authenticate": False, "host": "0.0.0.0"}, "--no-auth lets anyone in"),
        ({"authenticate": False, "host": "build.example.com"}, "--no-auth lets anyone in"),
        ({"authenticate": False, "public_url": "https://ci.example.com"}, "without --public-url"),
    ],
)
def test_options_that_cannot_be_served_are_refused(change, message):
    with pytest.raises(Refusal, match=message) as caught:
        check(replace(GOOD, **change))
    assert caught.value.exit_code == 2


def test_a_data_directory_that_is_a_file_is_refused(tmp_path):
    (file := tmp_path / "data").touch()
    with pytest.raises(Refusal, match="--data-dir: expected a directory, found a file"):
        check(replace(GOOD, data_dir=file))


def test_loopback():
    assert all(map(is_loopback, ["127.0.0.1", "127.9.9.9", "::1", "localhost"]))
    assert not any(map(is_loopback, ["0.0.0.0", "10.0.0.1", "::", "example.com"]))


def test_mail_settings(tmp_path):
    mail = {"smtp_url": "smtp://ops@mail.test", "smtp_from": "a@b.test"}
    check(replace(GOOD, **mail, smtp_password="x"))
    for change, message in (
        (mail, "--smtp-url: user 'ops' needs a password"),
        ({"smtp_from": "a@b.test"}, "--smtp-from: it needs --smtp-url"),
        ({"smtp_url": "smtp://ops:x@mail.test", "smtp_from": "a@b.test"}, "a password in it"),
    ):
        with pytest.raises(Refusal, match=message):
            check(replace(GOOD, **change))
    assert "hidden" not in repr(replace(GOOD, **mail, smtp_password="hidden"))


def test_the_mail_password_comes_from_a_file_or_a_variable(tmp_path):
    (file := tmp_path / "password").write_text("from the file\n")
    variable = {"PENSTOCK_SMTP_PASSWORD": "from the variable"}
    assert smtp_password(file, variable) == "from the file"
    assert smtp_password(None, variable) == "from the variable"
    assert smtp_password(None, {}) is None
    with pytest.raises(Refusal, match="--smtp-password-file"):
        smtp_password(tmp_path / "none", {})


def test_a_public_url_is_an_address_alone():
    for url in ("https://ci.example.com", "http://10.0.0.8:4600"):
        check(replace(GOOD, public_url=url))
        assert replace(GOOD, public_url=url).link_url == url
    assert GOOD.link_url == GOOD.endpoint_url
    for url in ("ci.example.com", "https://ci.example.com/penstock", "ftp://host", "https://"):
        with pytest.raises(Refusal, match="--public-url: expected"):
            check(replace(GOOD, public_url=url))
