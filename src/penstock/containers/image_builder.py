"""Build the images of `image_recipes.py` on the engine.

Each step runs a script in a container made from its parent and commits the result, so that
the host's CA bundle, proxies and pip settings can be lent to the step without entering the
image. One build of an image at a time, on this machine by a file lock.
"""

import asyncio
import base64
import contextlib
import fcntl
import json
import logging
import os
import shlex
import shutil
import tempfile
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any

from penstock.containers.archive import pack
from penstock.containers.engine import Engine, EngineRefusal
from penstock.containers.image_recipes import SUITE, Recipe
from penstock.containers.task import File
from penstock.containers.trust import host_bundle, host_environment
from penstock.errors import EngineError

_LOG = logging.getLogger(__name__)
_WORK = "/tmp/penstock-image"  # noqa: S108 - inside a container of our own
_TAIL_LINES = 30
_LOCK_POLL_SECONDS = 0.2
_MIRROR_PORT = 5000
MIRROR_ROOT = "/srv/mirror"
_DEBIAN_IMAGES = (f"debian:{SUITE}-slim", f"debian:{SUITE}")

Progress = Callable[[str], None]


class ImageBuilder:
    """Builds what is missing; `progress` hears one line per thing begun or ended."""

    def __init__(self, engine: Engine, progress: Progress = _LOG.info) -> None:
        self._engine = engine
        self._progress = progress
        self._locks: dict[str, asyncio.Lock] = {}

    async def ensure(self, recipe: Recipe) -> str:
        """Return the reference of the built image, building it first when it is absent."""
        reference = recipe.reference
        if await self.exists(reference):
            return reference
        async with self._locks.setdefault(reference, asyncio.Lock()), _file_lock(reference):
            if not await self.exists(reference):
                if recipe.parent is not None:
                    await self.ensure(recipe.parent)
                for _, needed in recipe.base_images:
                    await self.ensure(needed)
                await self._build(recipe)
        return reference

    async def exists(self, reference: str) -> bool:
        """Tell whether the engine has the image."""
        try:
            await self._engine.json("GET", f"images/{reference}/json")
        except EngineRefusal as refusal:
            if refusal.status != 404:
                raise
            return False
        return True

    async def _build(self, recipe: Recipe) -> None:
        started = asyncio.get_running_loop().time()
        self._progress(f"{recipe.reference}: building (the engine has no image of this recipe)")
        if recipe.parent is None:
            await self._build_root(recipe)
        elif recipe.base_images:
            await self._build_mirror(recipe, recipe.parent)
        else:
            await self._build_layer(recipe, recipe.parent)
        seconds = asyncio.get_running_loop().time() - started
        self._progress(f"{recipe.reference}: built in {seconds:.0f} s")

    async def _build_root(self, recipe: Recipe) -> None:
        """Make the root file system with mmdebstrap; else take a Debian image that is at hand."""
        if os.geteuid() == 0 and shutil.which("mmdebstrap"):
            self._progress(f"{recipe.reference}: root file system by mmdebstrap {SUITE}")
            await self._import(recipe, _mmdebstrap())
            return
        for image in _DEBIAN_IMAGES:
            if await self.exists(image) or await self._pulled(image):
                self._progress(f"{recipe.reference}: from the image {image}")
                await self._tag(image, recipe.reference)
                return
        raise EngineError(
            f"expected mmdebstrap on this host and root to run it, or an image of {SUITE} that "
            f"is local or can be pulled; found neither. Install it (apt-get install mmdebstrap) "
            f"and run `python -m penstock.containers.images` as root, or load one of "
            f"{', '.join(_DEBIAN_IMAGES)} into the engine",
            retryable=False,
        )

    async def _import(self, recipe: Recipe, content: AsyncIterator[bytes]) -> None:
        params = {
            "fromSrc": "-",
            "repo": recipe.repository,
            "tag": recipe.digest,
            "changes": f"CMD {json.dumps(list(recipe.command))}",
        }
        async for _ in self._engine.progress("POST", "images/create", params=params, data=content):
            pass

    async def _pulled(self, image: str) -> bool:
        name, _, tag = image.partition(":")
        try:
            async for _ in self._engine.progress(
                "POST", "images/create", params={"fromImage": name, "tag": tag}
            ):
                pass
        except EngineRefusal:
            return False
        return True

    async def _tag(self, image: str, reference: str) -> None:
        repository, _, tag = reference.rpartition(":")
        params = {"repo": repository, "tag": tag}
        await self._engine.json("POST", f"images/{image}/tag", params=params)

    async def _build_layer(self, recipe: Recipe, parent: Recipe) -> None:
        name = f"penstock-image-{recipe.repository.rpartition('/')[2]}-{recipe.digest}"
        async with self._container(
            name,
            {"Image": parent.reference, "Cmd": ["/bin/sh", "-eu", f"{_WORK}/run.sh"]},
            [*_lent_files(recipe), *recipe.files],
        ):
            await self._engine.json("POST", f"containers/{name}/start")
            tail: deque[bytes] = deque(maxlen=_TAIL_LINES)
            params = {"stdout": "1", "stderr": "1", "follow": "1"}
            async for chunk in self._engine.output(f"containers/{name}/logs", params):
                tail.extend(chunk.splitlines())
            ended = await self._engine.json("POST", f"containers/{name}/wait", timeout_seconds=None)
            if ended["StatusCode"] != 0:
                raise EngineError(
                    f"building {recipe.reference} failed with exit status "
                    f"{ended['StatusCode']}; its last lines:\n"
                    + b"\n".join(tail).decode(errors="replace"),
                    retryable=True,
                )
            await self._commit(recipe, name)

    async def _build_mirror(self, recipe: Recipe, parent: Recipe) -> None:
        """Push the base images into a registry whose storage then becomes part of the image."""
        name = f"penstock-image-mirror-{recipe.digest}"
        port = f"{_MIRROR_PORT}/tcp"
        config: dict[str, Any] = {
            "Image": parent.reference,
            "ExposedPorts": {port: {}},
            "HostConfig": {"PortBindings": {port: [{"HostIp": "127.0.0.1", "HostPort": ""}]}},
        }
        async with self._container(name, config, [mirror_filling_configuration()]):
            await self._engine.json("POST", f"containers/{name}/start")
            state = await self._engine.json("GET", f"containers/{name}/json")
            host_port = state["NetworkSettings"]["Ports"][port][0]["HostPort"]
            for image, base in recipe.base_images:
                self._progress(f"{recipe.reference}: adding {image}")
                await self._push(base.reference, f"127.0.0.1:{host_port}/{image}")
            await self._engine.json("POST", f"containers/{name}/stop", params={"t": "5"})
            await self._commit(recipe, name)

    async def _push(self, reference: str, target: str) -> None:
        await self._tag(reference, target)
        try:
            await self._push_when_up(target)
        finally:
            await self._engine.json("DELETE", f"images/{target}", params={"noprune": "1"})

    async def _push_when_up(self, target: str) -> None:
        """Push, again for a while when the registry is not listening yet."""
        headers = {"X-Registry-Auth": base64.urlsafe_b64encode(b"{}").decode()}
        repository, _, tag = target.rpartition(":")
        for attempt in range(50):
            try:
                async for _ in self._engine.progress(
                    "POST", f"images/{repository}/push", params={"tag": tag}, headers=headers
                ):
                    pass
                return
            except EngineRefusal:
                if attempt == 49:
                    raise
                await asyncio.sleep(0.1)

    async def _commit(self, recipe: Recipe, container: str) -> None:
        body = {
            "Cmd": list(recipe.command),
            "Env": [f"{name}={value}" for name, value in recipe.environment.items()],
            "Labels": {"penstock.recipe": recipe.digest},
            "ExposedPorts": {},
        }
        params = {"container": container, "repo": recipe.repository, "tag": recipe.digest}
        await self._engine.json("POST", "commit", params=params, body=body, timeout_seconds=None)

    @contextlib.asynccontextmanager
    async def _container(
        self, name: str, config: Mapping[str, Any], files: list[File]
    ) -> AsyncIterator[None]:
        """Hold a container of this name, with `files` in it; removed at the end."""
        await self._remove(name)
        await self._engine.json("POST", "containers/create", params={"name": name}, body=config)
        try:
            async with self._engine.stream(
                "PUT",
                f"containers/{name}/archive",
                params={"path": "/"},
                data=pack(files),
                content_type="application/x-tar",
            ):
                pass
            yield
        finally:
            await self._remove(name)

    async def _remove(self, name: str) -> None:
        with contextlib.suppress(EngineRefusal):
            await self._engine.json("DELETE", f"containers/{name}", params={"force": "1", "v": "1"})


def mirror_filling_configuration() -> File:
    """Return the registry's configuration while base images are pushed into the mirror."""
    configuration = {
        "version": "0.1",
        "log": {"level": "warn"},
        "storage": {"filesystem": {"rootdirectory": MIRROR_ROOT}},
        "http": {"addr": f":{_MIRROR_PORT}"},
    }
    return File("/etc/docker/registry/config.yml", json.dumps(configuration).encode())


def _lent_files(recipe: Recipe) -> list[File]:
    """Return the script and what the host lends it; the wrapper removes them before the commit."""
    bundle = f"{_WORK}/ca-bundle.crt"
    lines = [
        f"export {name}={shlex.quote(value)}" for name, value in host_environment(bundle).items()
    ]
    wrapper = [*lines, f"/bin/sh -eux {_WORK}/recipe.sh", f"rm -rf {_WORK}"]
    return [
        File(f"{_WORK}/run.sh", "\n".join(wrapper).encode()),
        File(f"{_WORK}/recipe.sh", recipe.script.encode()),
        File(bundle, host_bundle()),
    ]


async def _mmdebstrap() -> AsyncIterator[bytes]:
    """Yield a tar of a minimal Debian root file system, from the archive the host may reach."""
    command = ["mmdebstrap", "--quiet", "--variant=minbase", "--format=tar"]
    command += ["--include=ca-certificates"]
    command += [f"--dpkgopt=path-exclude=/usr/share/{kept_out}/*" for kept_out in ("man", "locale")]
    process = await asyncio.create_subprocess_exec(
        *command,
        SUITE,
        "-",
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    errors = asyncio.create_task(process.stderr.read())
    try:
        while chunk := await process.stdout.read(256 * 1024):
            yield chunk
        if await process.wait() != 0:
            text = (await errors).decode(errors="replace")
            raise EngineError(f"mmdebstrap {SUITE} failed:\n{text}", retryable=True)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        await errors


@contextlib.asynccontextmanager
async def _file_lock(reference: str) -> AsyncIterator[None]:
    """Hold this machine's lock for one image; several servers may share the engine."""
    name = "penstock-" + reference.replace("/", "-").replace(":", "-") + ".lock"
    path = Path(tempfile.gettempdir()) / name
    descriptor = os.open(path, os.O_CREAT | os.O_RDONLY, 0o644)
    try:
        while not _locked(descriptor):  # noqa: ASYNC110 - another process holds it
            await asyncio.sleep(_LOCK_POLL_SECONDS)
        yield
    finally:
        os.close(descriptor)


def _locked(descriptor: int) -> bool:
    """Try the lock without waiting: a thread that waits could not be cancelled."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
