"""A demo that stops on its way says where, leaves its server running, and tells how to look."""

from pathlib import Path
from typing import Any

import pytest

from penstock.cli import demo
from penstock.cli.connection import Connection
from penstock.cli.demonstration.place import Place
from penstock.cli.demonstration.terminal import Terminal
from penstock.cli.refusal import Refusal

CONNECTION = Connection("http://127.0.0.1:4711", "us-east-1", "123456789012", "key", "secret")


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was done to the server: it starts, and nothing else is at hand."""
    done: list[str] = []
    monkeypatch.setattr(demo.subprocess, "run", lambda *_, **__: Built())
    monkeypatch.setattr(demo.server_process, "start", lambda *_: done.append("start"))
    monkeypatch.setattr(demo.server_process, "stop", lambda *_: done.append("stop"))
    monkeypatch.setattr(demo, "from_data_dir", lambda _root: CONNECTION)
    return done


class Built:
    returncode = 0


@pytest.mark.parametrize("trouble", [Refusal("the execution ended as Failed"), KeyboardInterrupt()])
def test_the_step_that_failed_and_what_to_look_at_are_said(
    trouble: BaseException,
    started: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def deliver(_connection: Any, terminal: Terminal, _road: Any) -> None:
        with terminal.step("Follow its execution"):
            raise trouble

    monkeypatch.setattr(demo, "deliver", deliver)
    place = Place(Path("/data"))
    with pytest.raises(type(trouble)):
        demo._run(place, 4711, Terminal(), asks=False)
    assert started == ["start"], "the server runs on"
    said = capsys.readouterr().out
    for words in (
        "The demo stopped in: Follow its execution",
        "Its server runs on at http://127.0.0.1:4711",
        "penstock status --data-dir /data",
        "penstock logs --data-dir /data",
        "less /data/demo/server.log",
        "penstock demo --down --data-dir /data",
    ):
        assert words in said
