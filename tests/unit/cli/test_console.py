"""`penstock console` against a server that is a function: what it sends and what it says."""

import json
import time
import webbrowser
from pathlib import Path
from typing import Any

import pytest
import urllib3

from penstock.cli.connection import Connection
from penstock.cli.console import login_link, show
from penstock.cli.refusal import Refusal

CONNECTION = Connection(
    "http://127.0.0.1:4600", "us-east-1", "123456789012", "AKIAEXAMPLE", "secret"
)


class Answer:
    def __init__(self, status: int, document: Any) -> None:
        self.status = status
        self.data = document if isinstance(document, bytes) else json.dumps(document).encode()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Any:
    sent: dict[str, Any] = {}

    def request(method: str, url: str, **options: Any) -> Answer:
        sent.update(method=method, url=url, **options)
        if isinstance(sent["answer"], Exception):
            raise sent["answer"]
        return sent["answer"]

    monkeypatch.setattr(urllib3, "request", request)
    return sent


def test_the_link_is_at_the_servers_address(server: Any) -> None:
    server["answer"] = Answer(200, {"Path": "/console/login?link=abc"})
    assert login_link(CONNECTION) == "http://127.0.0.1:4600/console/login?link=abc"
    assert server["method"] == "POST"
    assert server["url"] == "http://127.0.0.1:4600/_penstock/console/login-links"
    authorization = server["headers"]["Authorization"]
    assert authorization.startswith("AWS4-HMAC-SHA256 Credential=AKIAEXAMPLE/")
    assert "/us-east-1/penstock/aws4_request" in authorization


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (
            Answer(403, {"__type": "AccessDeniedException", "message": "temporary credentials"}),
            "the server refused: temporary credentials",
        ),
        (Answer(200, b"<html>"), "did not answer as a Penstock server does"),
        (Answer(404, []), "did not answer as a Penstock server does"),
        (
            urllib3.exceptions.ProtocolError("refused"),
            "no server answers at http://127.0.0.1:4600; start it: penstock serve",
        ),
    ],
)
def test_why_there_is_no_link(server: Any, answer: Any, message: str) -> None:
    server["answer"] = answer
    with pytest.raises(Refusal, match=message):
        login_link(CONNECTION)


def test_the_browsers_arguments_do_not_tell_the_link(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Every user of a machine sees programs' arguments, and could follow the link first."""
    link = "http://127.0.0.1:4600/console/login?link=one-time"
    seen: list[str] = []

    def browser(address: str) -> bool:
        assert "one-time" not in address
        page = Path(address.removeprefix("file://"))
        assert page.stat().st_mode & 0o077 == page.parent.stat().st_mode & 0o077 == 0
        seen.append(page.read_text())
        return True

    monkeypatch.setattr(webbrowser, "open", browser)
    monkeypatch.setattr(time, "sleep", lambda _: None)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert show(link)
    assert link in seen[0]
    assert list(tmp_path.iterdir()) == []
