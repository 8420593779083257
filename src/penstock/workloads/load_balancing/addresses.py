"""Where listeners are bound on this host: an address for each load balancer, and free ports.

All of 127.0.0.0/8 is this machine, so every load balancer has a port 80 of its own, and its address
is its DNS name: nothing has to be resolved.
"""

import contextlib
import errno
import hashlib
import socket
from collections.abc import Collection

from penstock.aws.errors import ServiceError

_FIRST_NETWORK, _NETWORKS = 64, 187
_FIRST_PORT, _PORTS = 8_000, 1_000
_CONNECT_SECONDS = 1.0


def own_address(arn: str, taken: Collection[str]) -> str:
    """Return the address that always belongs to `arn`, or the next that is not taken."""
    number = int.from_bytes(hashlib.sha256(arn.encode()).digest()[:8])
    while True:
        number, last = divmod(number, 254)
        rest, third = divmod(number, 256)
        address = f"127.{_FIRST_NETWORK + rest % _NETWORKS}.{third}.{last + 1}"
        if address not in taken:
            return address
        number = number * 254 + last + 1


def stand_in(arn: str, address: str, port: int, taken: Collection[int]) -> int:
    """Return a free port to be bound in place of `port`, the same again while it is free."""
    start = int(hashlib.sha256(f"{arn} {port}".encode()).hexdigest(), 16) % _PORTS
    for offset in range(_PORTS):
        candidate = _FIRST_PORT + (start + offset) % _PORTS
        if candidate not in taken and is_free(address, candidate):
            return candidate
    raise ServiceError(
        "InvalidConfigurationRequestException",
        f"Expected a free port of {address} from {_FIRST_PORT} to {_FIRST_PORT + _PORTS - 1} for "
        "the load balancer, found none; free some on this machine.",
    )


def is_free(address: str, port: int) -> bool:
    """Tell whether HAProxy could listen there.

    Where this process may not (a port below 1024), whoever answers shows that it is taken.
    """
    with contextlib.closing(socket.socket()) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
            probe.listen(1)
        except OSError as error:
            if error.errno not in {errno.EACCES, errno.EPERM}:
                return False
        else:
            return True
    with contextlib.closing(socket.socket()) as probe:
        probe.settimeout(_CONNECT_SECONDS)
        return probe.connect_ex((address, port)) == errno.ECONNREFUSED
