"""Tasks on the real engine, with a small HTTP server standing in for the server's listeners."""

import asyncio
import contextlib
import json
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

from penstock.clock import utc_now
from penstock.containers.cache_volumes import CacheVolumes
from penstock.containers.certificates import Certificates
from penstock.containers.docker_runner import DockerRunner
from penstock.containers.engine import Engine
from penstock.containers.images import Images
from penstock.containers.mirror import Mirror
from penstock.containers.network import Network
from penstock.containers.registry import Registry
from penstock.containers.sandbox import TaskEndpoints
from penstock.containers.task import ContainerSpec, TaskSpec
from penstock.containers.trust import Trust
from penstock.ids import new_alphanumeric

REGION = "us-east-1"
ACCOUNT = "123456789012"


@dataclass
class StandIn:
    """Answers every request with what it asked for, and remembers it."""

    requests: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    answers: dict[str, bytes] = field(default_factory=dict)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Read one request, answer it, close."""
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            request, *lines = head.strip().split("\r\n")
            headers = {
                name.lower(): value for name, value in (line.split(": ", 1) for line in lines)
            }
            self.bodies.append(await reader.readexactly(int(headers.get("content-length", 0))))
            method, path, _ = request.split(" ")
            self.requests.append((method, path, headers))
            body = self.answers.get(
                path.partition("?")[0], f"stand-in {headers['host']} {path}\n".encode()
            )
            writer.write(
                b"HTTP/1.1 200 OK\r\nConnection: close\r\n"
                b"Content-Length: %d\r\n\r\n%s" % (len(body), body)
            )
            await writer.drain()
        writer.close()


@dataclass
class World:
    """One instance on the engine."""

    engine: Engine
    instance_id: str
    network: Network
    images: Images
    certificates: Certificates
    registry: Registry
    runner: DockerRunner
    cache_volumes: CacheVolumes
    plain: StandIn
    tls: StandIn

    async def objects(self) -> dict[str, list[str]]:
        """Return the names of this instance's containers, volumes and networks."""
        filters = json.dumps({"label": [f"penstock.instance={self.instance_id}"]})
        containers = await self.engine.json(
            "GET", "containers/json", params={"all": "1", "filters": filters}
        )
        volumes = await self.engine.json("GET", "volumes", params={"filters": filters})
        networks = await self.engine.json("GET", "networks", params={"filters": filters})
        return {
            "containers": sorted(container["Names"][0].lstrip("/") for container in containers),
            "volumes": sorted(volume["Name"] for volume in volumes["Volumes"] or ()),
            "networks": sorted(network["Name"] for network in networks),
        }

    async def run(self, task: TaskSpec) -> tuple[int, str]:
        """Run a Task of one container to its end; return exit status and output; remove it."""
        name = task.containers[0].name
        try:
            await self.runner.start(task)
            output = b"".join([chunk async for chunk in self.runner.logs(task.id, name)])
            return await self.runner.wait(task.id, name), output.decode()
        finally:
            await self.runner.remove(task.id)


def shell(task_id: str, script: str, **changes: object) -> TaskSpec:
    """Return a Task of one container of the build image that runs `script`."""
    spec = ContainerSpec("build", "penstock/build:1", ["/bin/sh", "-c", script], **changes)  # type: ignore[arg-type]
    return TaskSpec(task_id, "build", [spec])


@contextlib.asynccontextmanager
async def world(
    directory: Path, *, with_registry: bool = False, instance_id: str | None = None
) -> AsyncIterator[World]:
    """Make an instance of everything on the engine; remove all of it at the end."""
    instance_id = instance_id or f"test{new_alphanumeric(6).lower()}"
    engine = Engine()
    network = Network(engine, instance_id)
    gateway = await network.ensure()
    certificates = Certificates(directory, REGION, utc_now)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates.leaf.certificate, certificates.leaf.key)
    plain, tls = StandIn(), StandIn()
    plain_server = await asyncio.start_server(plain.serve, gateway, 0)
    tls_server = await asyncio.start_server(tls.serve, gateway, 0, ssl=context)
    http_port = plain_server.sockets[0].getsockname()[1]
    images = Images(engine)
    registry = Registry(
        engine,
        network,
        images,
        certificates,
        instance_id=instance_id,
        account_id=ACCOUNT,
        region=REGION,
        gateway=gateway,
        http_port=http_port,
        notification_secret="a-notification-secret",
    )
    mirror = Mirror(engine, network, images, certificates, instance_id=instance_id, gateway=gateway)
    mirror_port = None
    if with_registry:
        await registry.ensure()
        mirror_port = await mirror.ensure()
    endpoints = TaskEndpoints(
        gateway=gateway,
        tls_port=tls_server.sockets[0].getsockname()[1],
        http_port=http_port,
        registry_host=registry.ecr_host,
        registry_port=registry.task_port if with_registry else None,
        mirror_port=mirror_port,
    )
    cache_volumes = CacheVolumes(engine, instance_id)
    runner = DockerRunner(
        engine, network, images, Trust(certificates), endpoints, cache_volumes, instance_id
    )
    made = World(
        engine,
        instance_id,
        network,
        images,
        certificates,
        registry,
        runner,
        cache_volumes,
        plain,
        tls,
    )
    try:
        yield made
    finally:
        await remove_everything(made)
        for server in (plain_server, tls_server):
            server.close()
        await engine.close()


async def remove_everything(made: World) -> None:
    """Remove what the instance has on the engine."""
    found = await made.objects()
    for name in found["containers"]:
        await made.engine.json("DELETE", f"containers/{name}", params={"force": "1", "v": "1"})
    for name in found["volumes"]:
        await made.engine.json("DELETE", f"volumes/{name}")
    await made.network.remove()
