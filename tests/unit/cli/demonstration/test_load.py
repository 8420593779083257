"""The demo's load counts what was really answered."""

import http.client
import json
import time
from typing import Any, ClassVar

import pytest

from penstock.cli.demonstration import load
from penstock.cli.demonstration.load import Load


class Answer:
    def __init__(self, status: int, body: bytes) -> None:
        self.status = status
        self._body = body

    def read(self) -> bytes:
        return self._body


class Server:
    """Stands for a connection; each answers what is next in `answers`, the last one for ever."""

    answers: ClassVar[list[Any]] = []
    sent: ClassVar[list[dict[str, str]]] = []

    def __init__(self, host: str, port: int, timeout: float) -> None:
        assert (host, port) == ("127.0.0.7", 80)

    def request(self, method: str, path: str, headers: dict[str, str]) -> None:
        assert (method, path) == ("GET", "/version")
        self.sent.append(headers)

    def getresponse(self) -> Answer:
        found = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(found, Exception):
            raise found
        return Answer(*found)

    def close(self) -> None: ...


def run(monkeypatch: pytest.MonkeyPatch, *answers: Any) -> Load:
    monkeypatch.setattr(http.client, "HTTPConnection", Server)
    monkeypatch.setattr(load, "_PAUSE_SECONDS", 0.001)
    Server.answers[:] = answers
    with Load("http://127.0.0.7/version", "version") as running:
        deadline = time.monotonic() + 10
        while running.requests < 20 and time.monotonic() < deadline:
            time.sleep(0.001)
    return running


def version(name: str) -> tuple[int, bytes]:
    return 200, json.dumps({"version": name}).encode()


def test_answers_are_counted_by_what_they_say(monkeypatch: pytest.MonkeyPatch) -> None:
    found = run(monkeypatch, version("1"), version("1"), version("2"))
    assert found.answers["1"] == 2
    assert found.requests == found.answers["1"] + found.answers["2"] >= 20
    assert found.failures == []
    assert all(headers == {"Connection": "close"} for headers in Server.sent)


@pytest.mark.parametrize(
    "failure",
    [(503, b"no server"), (200, b"not JSON"), (200, b"{}"), (200, b"[]"), OSError("reset")],
)
def test_whatever_is_no_answer_is_a_failure(failure: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    found = run(monkeypatch, version("1"), failure, version("1"))
    assert len(found.failures) == 1
    assert found.requests == found.answers["1"] + 1
