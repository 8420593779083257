"""The container engine's API: requests, streams, and its errors in our words.

A thin layer over aiodocker, which finds the engine (DOCKER_HOST, contexts, default socket)
and negotiates the API version. Everything that the other modules ask of the engine passes
here, so that no error of the HTTP client escapes. Source:
https://docs.docker.com/reference/api/engine/version/v1.41/
"""

import asyncio
import contextlib
import json
import os
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping
from pathlib import Path
from typing import Any

import aiodocker
import aiohttp

from penstock.errors import EngineError

_CHUNK_BYTES = 256 * 1024
_FRAME_HEADER_BYTES = 8
_NOT_CONNECTED = 900
"""aiodocker's status when no connection could be made."""

Body = bytes | AsyncIterator[bytes]


class EngineRefusal(EngineError):
    """The engine answered with an error. `status` is HTTP's; 0 when it came inside a stream."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message, retryable=status >= 500)
        self.status = status
        self.message = message


class Engine:
    """One engine. Made inside a running event loop; ends with `close()`."""

    def __init__(self, docker_host: str | None = None) -> None:
        self._docker_host = docker_host or os.environ.get("DOCKER_HOST") or None
        self._client: aiodocker.Docker | None = None

    async def close(self) -> None:
        """Close every connection; repeating is safe."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()
            await client.connector.close()  # a connector of our own is not the client's to close

    async def json(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        timeout_seconds: float | None = 120,
    ) -> Any:
        """Send one request and return the parsed answer (None when it is empty).

        `body` is sent as JSON. Raises EngineRefusal or EngineError.
        """
        data = None if body is None else json.dumps(body).encode()
        async with self.stream(
            method, path, params=params, data=data, headers=headers, timeout_seconds=timeout_seconds
        ) as response:
            with _translated():
                content = await response.read()
        return json.loads(content) if content.strip() else None

    @contextlib.asynccontextmanager
    async def stream(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        data: Body | None = None,
        content_type: str = "application/json",
        headers: Mapping[str, str] | None = None,
        timeout_seconds: float | None = None,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Open a request whose answer the caller reads; no time-out unless one is given."""
        sent = {"Content-Type": content_type, **(headers or {})} if data is not None else headers
        async with contextlib.AsyncExitStack() as stack:
            with _translated():
                response = await stack.enter_async_context(
                    self._connected()._query(
                        path,
                        method,
                        params=dict(params or {}),
                        data=data,
                        headers=dict(sent or {}),
                        timeout=aiohttp.ClientTimeout(total=timeout_seconds),
                    )
                )
            try:
                yield response
            finally:
                response.close()

    async def chunks(
        self, method: str, path: str, *, params: Mapping[str, str] | None = None
    ) -> AsyncGenerator[bytes, None]:
        """Yield the answer's body in chunks of at most 256 KiB."""
        async with self.stream(method, path, params=params) as response:
            while True:
                with _translated():
                    chunk = await response.content.read(_CHUNK_BYTES)
                if not chunk:
                    return
                yield chunk

    async def output(self, path: str, params: Mapping[str, str]) -> AsyncGenerator[bytes, None]:
        """Yield a container's output from the engine's framed stream, as the engine has it."""
        async with self.stream("GET", path, params=params) as response:
            while True:
                with _translated():
                    try:
                        header = await response.content.readexactly(_FRAME_HEADER_BYTES)
                        frame = await response.content.readexactly(int.from_bytes(header[4:]))
                    except asyncio.IncompleteReadError as error:
                        if error.partial:
                            raise aiohttp.ClientPayloadError("output ended amid a frame") from error
                        return
                yield frame

    async def progress(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        data: Body | None = None,
        content_type: str = "application/x-tar",
        headers: Mapping[str, str] | None = None,
    ) -> AsyncGenerator[dict[str, Any], None]:
        """Yield the messages of a pull, push or import; an error among them is an EngineRefusal."""
        async with self.stream(
            method, path, params=params, data=data, content_type=content_type, headers=headers
        ) as response:
            async for message in self.messages(response):
                if "error" in message:
                    raise EngineRefusal(0, str(message["error"]))
                yield message

    async def messages(self, response: aiohttp.ClientResponse) -> AsyncGenerator[Any, None]:
        """Yield the JSON values of an answer, one per line, as they come."""
        while True:
            with _translated():
                line = await response.content.readline()
            if not line:
                return
            yield json.loads(line)

    def _connected(self) -> aiodocker.Docker:
        if self._client is None:
            self._client = _connect(self._docker_host)
        return self._client


def _connect(docker_host: str | None) -> aiodocker.Docker:
    """Connect; log streams hold a connection each, so their number must not be limited."""
    socket = docker_host.removeprefix("unix://") if docker_host else "/var/run/docker.sock"
    if (docker_host or "unix://").startswith("unix://") and Path(socket).exists():
        return aiodocker.Docker(
            "unix://localhost", connector=aiohttp.UnixConnector(socket, limit=0)
        )
    try:
        return aiodocker.Docker(docker_host)
    except (AssertionError, ValueError) as error:
        raise EngineError(
            "expected a container engine at DOCKER_HOST or at its default socket, found none; "
            "start one (on Debian: apt-get install docker.io) or set DOCKER_HOST",
            retryable=True,
        ) from error


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    """Turn the client's errors into EngineRefusal (the engine said no) and EngineError."""
    try:
        yield
    except aiodocker.DockerError as error:
        if error.status == _NOT_CONNECTED:
            raise EngineError(error.message, retryable=True) from error
        raise EngineRefusal(error.status, error.message) from error
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        raise EngineError(
            f"the container engine did not answer: {str(error) or type(error).__name__}",
            retryable=True,
        ) from error
