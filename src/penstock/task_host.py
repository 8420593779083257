"""What stands behind Tasks on the engine: network, Task-facing listeners, registry, mirror, runner.

The listeners serve no console and always demand SigV4 (design.md, "Trust boundary"): one over
TLS for every AWS host name, one plain for role credentials and the registry's notifications.
Their ports are kept in the data directory, so that Tasks which outlive a server find the next.
"""

import asyncio
import json
import logging
from collections.abc import Mapping
from pathlib import Path

from starlette.types import ASGIApp

from penstock.aws.errors import EngineError
from penstock.config import Config
from penstock.containers.cache_volumes import CacheVolumes
from penstock.containers.certificates import Certificates
from penstock.containers.docker_runner import DockerRunner
from penstock.containers.engine import Engine
from penstock.containers.images import Images
from penstock.containers.mirror import Mirror
from penstock.containers.network import Network
from penstock.containers.registry import Registry
from penstock.containers.sandbox import TaskEndpoints
from penstock.containers.trust import Trust
from penstock.listeners import Listener, TlsFiles
from penstock.storage.data_directory import DataDirectory

_LOG = logging.getLogger(__name__)
_PORTS_FILE = "task-ports.json"


class TaskHost:
    """One instance's side of the engine. `start` may be repeated until it succeeds."""

    def __init__(
        self,
        config: Config,
        data: DataDirectory,
        certificates: Certificates,
        notification_secret: str,
        *,
        tls_app: ASGIApp,
        http_app: ASGIApp,
    ) -> None:
        self._config = config
        self._data = data
        self._certificates = certificates
        self._notification_secret = notification_secret
        self._apps = {"tls": tls_app, "http": http_app}
        self._listeners: dict[str, Listener] = {}
        self._engine: Engine | None = None
        self._registry: Registry | None = None

    @property
    def registry_url(self) -> str | None:
        """The registry as this host reaches it; None until it runs."""
        return f"https://{self._registry.host_port}" if self._registry else None

    async def start(self) -> DockerRunner:
        """Bring everything up and return the runner; raise EngineError where the engine fails."""
        engine = self._engine = self._engine or Engine(self._config.docker_host)
        instance_id = self._data.instance_id
        network = Network(engine, instance_id)
        gateway = await network.ensure()
        await self._listen(gateway)
        images = Images(engine)
        await images.ensure_own()
        registry = Registry(
            engine,
            network,
            images,
            self._certificates,
            instance_id=instance_id,
            account_id=self._config.account_id,
            region=self._config.region,
            gateway=gateway,
            http_port=self._listeners["http"].port,
            notification_secret=self._notification_secret,
        )
        await registry.ensure()
        self._registry = registry
        mirror = Mirror(
            engine, network, images, self._certificates, instance_id=instance_id, gateway=gateway
        )
        endpoints = TaskEndpoints(
            gateway=gateway,
            tls_port=self._listeners["tls"].port,
            http_port=self._listeners["http"].port,
            registry_host=registry.ecr_host,
            registry_port=registry.task_port,
            mirror_port=await mirror.ensure(),
        )
        return DockerRunner(
            engine,
            network,
            images,
            Trust(self._certificates),
            endpoints,
            CacheVolumes(engine, instance_id),
            instance_id,
        )

    async def close(self) -> None:
        """Stop listening; the registry and running Tasks go on."""
        await asyncio.gather(*(listener.close() for listener in self._listeners.values()))
        if self._engine is not None:
            await self._engine.close()

    async def _listen(self, gateway: str) -> None:
        if self._listeners:
            return
        leaf = self._certificates.leaf
        tls = TlsFiles(leaf.certificate, leaf.key)
        ports = self._read_ports()
        listeners = {
            name: _bind(app, gateway, ports.get(name, 0), tls if name == "tls" else None)
            for name, app in self._apps.items()
        }
        self._data_file.write_text(json.dumps({n: each.port for n, each in listeners.items()}))
        for listener in listeners.values():
            await listener.start()
        self._listeners = listeners

    @property
    def _data_file(self) -> Path:
        return self._data.path / _PORTS_FILE

    def _read_ports(self) -> Mapping[str, int]:
        try:
            return {str(k): int(v) for k, v in json.loads(self._data_file.read_text()).items()}
        except FileNotFoundError:
            return {}


def _bind(app: ASGIApp, host: str, port: int, tls: TlsFiles | None) -> Listener:
    try:
        return Listener(app, host, port, tls)
    except OSError as error:
        if not port:
            raise EngineError(
                f"cannot listen for Tasks on {host}, the gateway of this instance's network on the "
                f"engine: {error}. The engine must run on this host",
                retryable=True,
            ) from error
        _LOG.warning("port %d on %s is taken: Tasks still running lose this server", port, host)
        return _bind(app, host, 0, tls)


def write_private(path: Path, content: bytes) -> None:
    """Replace `path` by a file that only its owner reads."""
    temporary = path.with_name(path.name + ".new")
    temporary.unlink(missing_ok=True)
    temporary.touch(mode=0o600)
    temporary.write_bytes(content)
    temporary.replace(path)
