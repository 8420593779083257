"""The Task-facing listeners keep their ports over restarts, whatever they find."""

import json
import socket
import stat
from pathlib import Path

import pytest
from starlette.applications import Starlette

from penstock.clock import utc_now
from penstock.config import Config
from penstock.containers.certificates import Certificates
from penstock.errors import EngineError
from penstock.storage.data_directory import DataDirectory
from penstock.task_host import TaskHost


class Restarts:
    """One data directory, on which hosts listen one after the other."""

    def __init__(self, path: Path) -> None:
        self.data = DataDirectory.open(path)
        self.config = Config(data_dir=path, docker_host="unix:///nonexistent")
        self.file = path / "task-ports.json"

    def host(self) -> TaskHost:
        certificates = Certificates(self.data.certificates, "us-east-1", utc_now)
        app = Starlette()
        return TaskHost(self.config, self.data, certificates, "s", tls_app=app, http_app=app)

    async def ports(self) -> dict[str, int]:
        host = self.host()
        await host._listen("127.0.0.1")
        await host.close()
        return dict(json.loads(self.file.read_text()))


@pytest.fixture
def restarts(tmp_path: Path) -> Restarts:
    return Restarts(tmp_path / "data")


async def test_the_next_server_listens_where_the_last_did(restarts: Restarts) -> None:
    ports = await restarts.ports()
    assert set(ports) == {"tls", "http"}
    assert await restarts.ports() == ports
    assert stat.S_IMODE(restarts.file.stat().st_mode) == 0o600


@pytest.mark.parametrize("content", ["", "{", "[]", '{"tls": 1}', '{"tls": "x", "http": null}'])
async def test_a_broken_file_of_ports_costs_the_ports_alone(
    restarts: Restarts, content: str
) -> None:
    """Locks: a file cut off by a crash ended the task that brings the engine's side up."""
    restarts.file.write_text(content)
    assert set(await restarts.ports()) == {"tls", "http"}


async def test_a_taken_port_is_replaced_and_told(
    restarts: Restarts, caplog: pytest.LogCaptureFixture
) -> None:
    ports = await restarts.ports()
    with socket.socket() as other:
        other.bind(("127.0.0.1", ports["tls"]))
        other.listen()
        assert (await restarts.ports())["tls"] != ports["tls"]
    assert f"port {ports['tls']} on 127.0.0.1 is taken" in caplog.text


async def test_where_nothing_can_be_listened_on_nothing_stays_open(restarts: Restarts) -> None:
    with pytest.raises(EngineError, match="The engine must run on this host"):
        await restarts.host()._listen("192.0.2.1")
    assert not restarts.file.exists()
