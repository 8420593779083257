"""Secrets in actions' configuration: sealed in storage, masked wherever shown."""

from typing import Any

from penstock.pipelines.secret_configuration import opened, sealed, shown, shown_configuration

GITHUB = {"category": "Source", "owner": "ThirdParty", "provider": "GitHub", "version": "1"}
CODECOMMIT = {"category": "Source", "owner": "AWS", "provider": "CodeCommit", "version": "1"}


def encrypt(text: str) -> str:
    return text[::-1]


def declaration(token: str, name: str = "App") -> dict[str, Any]:
    other = {
        "name": "Other", "actionTypeId": CODECOMMIT, "configuration": {"OAuthToken": "not one"},
    }  # fmt: skip
    action = {
        "name": name, "actionTypeId": GITHUB,
        "configuration": {"Owner": "me", "OAuthToken": token},
    }  # fmt: skip
    return {"name": "pipe", "stages": [{"name": "Source", "actions": [action, other]}]}


def configuration(document: dict[str, Any]) -> dict[str, str]:
    return dict(document["stages"][0]["actions"][0]["configuration"])


def test_only_the_secret_is_sealed_and_opens_again() -> None:
    given = declaration("s3cret")
    stored = sealed(given, None, encrypt)
    assert configuration(stored)["Owner"] == "me"
    token = configuration(stored)["OAuthToken"]
    assert "s3cret" not in token
    assert opened(token, encrypt) == "s3cret"
    assert stored["stages"][0]["actions"][1] == given["stages"][0]["actions"][1]
    assert configuration(given)["OAuthToken"] == "s3cret", "the caller's own is untouched"


def test_nobody_is_shown_it() -> None:
    stored = sealed(declaration("s3cret"), None, encrypt)
    assert configuration(shown(stored)) == {"Owner": "me", "OAuthToken": "****"}
    assert shown_configuration(configuration(stored)) == {"Owner": "me", "OAuthToken": "****"}


def test_an_update_with_the_mask_keeps_the_stored_secret() -> None:
    stored = sealed(declaration("s3cret"), None, encrypt)
    again = sealed(shown(stored), stored, encrypt)
    assert configuration(again) == configuration(stored)
    changed = sealed(declaration("other"), stored, encrypt)
    assert opened(configuration(changed)["OAuthToken"], encrypt) == "other"


def test_the_mask_of_another_action_is_no_secret() -> None:
    stored = sealed(declaration("s3cret"), None, encrypt)
    renamed = sealed(declaration("****", name="New"), stored, encrypt)
    assert configuration(renamed)["OAuthToken"] == "****"
