"""The container that owns a Task's network namespace, and what it forwards where.

    169.254.170.2:80    credentials              → the server's plain listener for Tasks
    169.254.170.3:53    names                    AWS's are 169.254.170.3; others go upstream
    169.254.170.3:443   this account's ECR host  → the registry, by SNI
                        the mirror's host        → the mirror of base images, where there is one
                        every other host         → the server's TLS listener for Tasks
    169.254.169.254     nowhere: an instance's metadata service is not a Task's

The proxy and the resolver listen on ports of their own, and rules of the namespace lead the
ports above there: a Task's containers may take ports 53, 80 and 443 of 0.0.0.0 for themselves.
The rules are a table of their own, before any of a build's inner Docker daemon, whose
containers reach these addresses through its bridges.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from penstock.containers.certificates import MIRROR_HOST
from penstock.containers.task import File, PublishedPort

_AWS_DOMAINS = ("amazonaws.com", "amazonaws.com.cn", "api.aws")
_ENGINE_RESOLVER = "127.0.0.11"
_CREDENTIALS_ADDRESS = "169.254.170.2"
_ADDRESS = "169.254.170.3"
# Above the ports that Linux gives to outgoing connections.
_CREDENTIALS_PORT = 61080
_TLS_PORT = 61443
_DNS_PORT = 61053
# An inner Docker daemon's rules for its published ports are at -100.
_BEFORE_DOCKER = -110
_MEMORY_BYTES = 128 * 1024 * 1024
_CAPABILITIES = ("NET_ADMIN", "NET_BIND_SERVICE", "SETUID", "SETGID", "CHOWN", "KILL")

_NO_HOSTS: Mapping[str, str] = {}
HOST_ADDRESS = "127.0.0.1"
"""Where published ports answer: on this host alone."""

READY = b"ready"
"""What the sandbox writes once its addresses answer."""


@dataclass(frozen=True, slots=True)
class TaskEndpoints:
    """What stands behind a sandbox's addresses, as seen from the instance's network.

    `gateway` is the network's gateway, where the server listens on `tls_port` and `http_port`;
    the registry and the mirror are published there too, on their own ports.
    """

    gateway: str
    tls_port: int
    http_port: int
    registry_host: str
    """The ECR host name of this account and region."""
    registry_port: int | None = None
    mirror_port: int | None = None


def configuration(endpoints: TaskEndpoints) -> list[File]:
    """Return the files of the resolver, the proxy and the namespace's rules."""
    return [
        File("/etc/penstock/dnsmasq.conf", _dnsmasq(endpoints).encode()),
        File("/etc/penstock/haproxy.cfg", _haproxy(endpoints).encode()),
        File("/etc/penstock/rules.nft", _rules().encode()),
    ]


def container_config(
    image: str,
    network: str,
    hostname: str,
    labels: Mapping[str, str],
    *,
    ports: Sequence[PublishedPort] = (),
    hosts: Mapping[str, str] = _NO_HOSTS,
) -> dict[str, Any]:
    """Return the engine's description of a sandbox container; `hosts` are names to addresses."""
    bindings = {
        f"{port.container_port}/{port.protocol}": [
            {"HostIp": HOST_ADDRESS, "HostPort": str(port.host_port or "")}
        ]
        for port in ports
    }
    return {
        "Image": image,
        "Hostname": hostname,
        "Labels": dict(labels),
        "ExposedPorts": {name: {} for name in bindings},
        "HostConfig": {
            "NetworkMode": network,
            "PortBindings": bindings,
            "ExtraHosts": [f"{name}:{address}" for name, address in hosts.items()],
            "CapDrop": ["ALL"],
            "CapAdd": list(_CAPABILITIES),
            "SecurityOpt": ["no-new-privileges"],
            "Memory": _MEMORY_BYTES,
            "MemorySwap": _MEMORY_BYTES,
            "PidsLimit": 64,
            "LogConfig": {"Type": "json-file", "Config": {"max-size": "1m"}},
        },
    }


def _dnsmasq(endpoints: TaskEndpoints) -> str:
    names = [*_AWS_DOMAINS, *([MIRROR_HOST] if endpoints.mirror_port else [])]
    lines = [
        f"port={_DNS_PORT}",
        f"listen-address={_ADDRESS}",
        "bind-interfaces",
        "no-hosts",
        "no-resolv",
        f"server={_ENGINE_RESOLVER}",
        "cache-size=1000",
    ]
    lines += [f"address=/{name}/{_ADDRESS}" for name in names]
    lines += [f"local=/{name}/" for name in names]
    return "\n".join(lines) + "\n"


def _haproxy(endpoints: TaskEndpoints) -> str:
    routes = [
        ("registry", endpoints.registry_host, endpoints.registry_port),
        ("mirror", MIRROR_HOST, endpoints.mirror_port),
    ]
    present = [(name, host, port) for name, host, port in routes if port is not None]
    choices = "".join(
        f"    use_backend {name} if {{ req.ssl_sni -i {host} }}\n" for name, host, _ in present
    )
    backends = "".join(
        f"backend {name}\n    server {name} {endpoints.gateway}:{port}\n"
        for name, _, port in present
    )
    return f"""\
global
    user haproxy
    group haproxy
    nbthread 1
    maxconn 4000
defaults
    mode tcp
    timeout connect 10s
    timeout client 1h
    timeout server 1h
frontend credentials
    bind {_CREDENTIALS_ADDRESS}:{_CREDENTIALS_PORT}
    default_backend listener_http
frontend aws
    bind {_ADDRESS}:{_TLS_PORT}
    tcp-request inspect-delay 5s
    tcp-request content accept if {{ req.ssl_hello_type 1 }}
{choices}    default_backend listener_tls
backend listener_http
    server penstock {endpoints.gateway}:{endpoints.http_port}
backend listener_tls
    server penstock {endpoints.gateway}:{endpoints.tls_port}
{backends}"""


def _rules() -> str:
    """Return the rules, for what a Task's processes send and for what an inner bridge does."""
    ways = [
        ("tcp", _CREDENTIALS_ADDRESS, 80, _CREDENTIALS_PORT),
        ("tcp", _ADDRESS, 443, _TLS_PORT),
        ("tcp", _ADDRESS, 53, _DNS_PORT),
        ("udp", _ADDRESS, 53, _DNS_PORT),
    ]
    rules = [
        f"        ip daddr {address} {protocol} dport {port} dnat to {address}:{own}"
        for protocol, address, port, own in ways
    ]
    lines = ["table ip penstock {"]
    for hook in ("output", "prerouting"):
        lines += [
            f"    chain {hook} {{",
            f"        type nat hook {hook} priority {_BEFORE_DOCKER};",
        ]
        lines += [*rules, "    }"]
    return "\n".join([*lines, "}"]) + "\n"
