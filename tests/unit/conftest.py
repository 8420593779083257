"""Unit tests reach nothing outside their process but files and programs: sockets are blocked."""

import socket
from typing import NoReturn

import pytest


@pytest.fixture(autouse=True)
def _no_sockets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuse every connection, the container engine's too; asyncio's own socket pair is none."""

    def refuse(_socket: socket.socket, address: object) -> NoReturn:
        pytest.fail(
            f"a unit test connected to {address!r}: give it what stands there, or move it to "
            "tests/contract or tests/docker"
        )

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket.socket, "connect_ex", refuse)
