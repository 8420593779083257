"""What stands behind Tasks on the engine: network, Task-facing listeners, registry, mirror, runner.

The listeners serve no console and always demand SigV4 (design.md, "Trust boundary"): one over
TLS for every AWS host name, one plain for role credentials and the registry's notifications.
Their ports are kept in the data directory, so that Tasks which outlive a server find the next.
"""

import asyncio
import contextlib
import json
import logging
from collections.abc import Mapping
from pathlib import Path

from starlette.types import ASGIApp

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
from penstock.errors import EngineError
from penstock.listeners import Listener, TlsFiles
from penstock.storage.data_directory import DataDirectory
from penstock.workloads.load_balancing.proxy import Proxy

_LOG = logging.getLogger(__name__)
_PORTS_FILE = "task-ports.json"
_CHECK_SECONDS = 10.0


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
        self._caches: CacheVolumes | None = None
        self._images: Images | None = None

    @property
    def registry_url(self) -> str | None:
        """The registry as this host reaches it; None until it runs."""
        return f"https://{self._registry.host_address}" if self._registry else None

    async def start(self) -> DockerRunner:
        """Bring everything up and return the runner; raise EngineError where the engine fails."""
        engine = self._connected()
        instance_id = self._data.instance_id
        network = Network(engine, instance_id)
        gateway = await network.ensure()
        await self._listen(gateway)
        images = self._images = Images(engine)
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
        caches = self._caches = self._caches or CacheVolumes(engine, instance_id)
        return DockerRunner(
            engine, network, images, Trust(self._certificates), endpoints, caches, instance_id
        )

    def proxy(self) -> Proxy:
        """Return the load balancers' container; `start` has succeeded."""
        assert self._images is not None, "start() first"
        return Proxy(self._connected(), self._images, self._certificates, self._data.instance_id)

    async def check(self) -> None:
        """Raise EngineError unless the engine answers."""
        await self._connected().json("GET", "version", timeout_seconds=_CHECK_SECONDS)

    async def forget_cache(self, scope: str) -> None:
        """Remove the layer caches of `scope`, a project's ARN, that no build is using.

        Raises EngineError while there is no engine.
        """
        caches = self._caches or CacheVolumes(self._connected(), self._data.instance_id)
        await caches.remove_all(scope)

    async def stop_listening(self) -> None:
        """Let no Task in any more; requests under way may end within the drain time."""
        await asyncio.gather(*(listener.close() for listener in self._listeners.values()))

    async def close(self) -> None:
        """Stop listening; the registry and running Tasks go on."""
        await self.stop_listening()
        if self._caches is not None:
            await self._caches.close()
        if self._engine is not None:
            await self._engine.close()

    def _connected(self) -> Engine:
        self._engine = self._engine or Engine(self._config.docker_host)
        return self._engine

    async def _listen(self, gateway: str) -> None:
        if self._listeners:
            return
        leaf = self._certificates.leaf
        tls = TlsFiles(leaf.certificate, leaf.key)
        ports = self._read_ports()
        async with contextlib.AsyncExitStack() as unfinished:
            listeners: dict[str, Listener] = {}
            for name, app in self._apps.items():
                files = tls if name == "tls" else None
                listeners[name] = _bind(app, gateway, ports.get(name, 0), files)
                unfinished.push_async_callback(listeners[name].close)
            found = {name: each.port for name, each in listeners.items()}
            write_private(self._data_file, json.dumps(found).encode())
            for listener in listeners.values():
                await listener.start()
            self._listeners = listeners
            unfinished.pop_all()

    @property
    def _data_file(self) -> Path:
        return self._data.path / _PORTS_FILE

    def _read_ports(self) -> Mapping[str, int]:
        try:
            stored = json.loads(self._data_file.read_bytes())
            return {name: int(stored[name]) for name in self._apps}
        except FileNotFoundError:
            return {}
        except (ValueError, TypeError, KeyError):
            _LOG.warning("%s is not what a server writes: new ports are taken", self._data_file)
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
