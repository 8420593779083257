"""The control port of the load balancer: HAProxy's master, through mutual TLS.

Loopback belongs to every user of the machine, so the port takes only the server's certificate.
Through the master every process is reached, also those that a reload left behind. Source:
https://docs.haproxy.org/2.6/management.html#9.4
"""

import asyncio
import contextlib
import ssl
from pathlib import Path

from penstock.containers.certificates import Certificates
from penstock.errors import EngineError
from penstock.workloads.load_balancing.runtime import (
    SHOW_SERVERS,
    ObservedServer,
    Worker,
    parse_servers,
    parse_workers,
)

_TIMEOUT_SECONDS = 10.0
_DESCRIPTION = "description: "


class Control:
    """Speaks to the master on `port` of 127.0.0.1; EngineError when it does not answer."""

    def __init__(self, certificates: Certificates, port: int) -> None:
        self._port = port
        pair = certificates.load_balancer_control
        self._context = _context(certificates.ca.certificate, pair.certificate, pair.key)

    async def workers(self) -> list[Worker]:
        """Return the processes that serve, the current one first."""
        return parse_workers(await self.ask("show proc"))

    async def servers(self, worker: Worker) -> list[ObservedServer]:
        """Return a process's targets."""
        return parse_servers(await self.tell(worker, SHOW_SERVERS))

    async def generation(self, worker: Worker) -> str:
        """Return which configuration a process was started with."""
        for line in (await self.tell(worker, "show info")).splitlines():
            if line.startswith(_DESCRIPTION):
                return line.removeprefix(_DESCRIPTION)
        return ""

    async def tell(self, worker: Worker, command: str) -> str:
        """Return a process's answer to one command."""
        return await self.ask(f"@!{worker.process_id} {command}")

    async def ask(self, command: str) -> str:
        """Return the master's answer to one command."""
        try:
            async with asyncio.timeout(_TIMEOUT_SECONDS):
                reader, writer = await asyncio.open_connection(
                    "127.0.0.1", self._port, ssl=self._context, server_hostname="127.0.0.1"
                )
                try:
                    writer.write(f"{command}\nquit\n".encode())
                    return (await reader.read()).decode(errors="replace")
                finally:
                    writer.close()
                    with contextlib.suppress(OSError):
                        await writer.wait_closed()
        except (OSError, TimeoutError) as error:
            raise EngineError(
                f"the load balancer's control port {self._port} did not answer: "
                f"{str(error) or type(error).__name__}",
                retryable=True,
            ) from error


def _context(ca: Path, certificate: Path, key: Path) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(ca))
    context.load_cert_chain(certificate, key)
    return context
