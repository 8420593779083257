r"""HAProxy's configuration, from values: pure text.

Each listener is a frontend; each target group in use two backends, `tg.NAME.ID` with its checked
targets and `open.NAME.ID` with the same ones unchecked, which answer only while every target is
unhealthy: an application load balancer fails open. Whatever a user wrote is put in byte by byte
(`\xHH`), so no text of a request becomes configuration. Source:
https://docs.haproxy.org/2.6/configuration.html, docs/adr/0022-load-balancing-by-haproxy.md
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from penstock.workloads.load_balancing import haproxy_rules
from penstock.workloads.load_balancing.haproxy_words import word
from penstock.workloads.load_balancing.records import Listener, Rule, TargetGroup

CONTROL_NAME = "Penstock load balancer control"
"""The common name of the certificate that may steer."""

DIRECTORY = "/etc/haproxy"
MASTER_SOCKET = "/run/haproxy/master.sock"
_MOST_DESCRIPTORS = 65_536


@dataclass(frozen=True, slots=True)
class Server:
    """A target as HAProxy has it. `healthy`: it takes requests at once; `open`: it takes them
    while nobody is healthy (it is unhealthy itself)."""

    name: str
    address: str
    port: int
    healthy: bool
    open: bool


@dataclass(frozen=True, slots=True)
class Backend:
    """A target group in use and the targets that are to take requests (no draining ones)."""

    group: TargetGroup
    servers: Sequence[Server]
    idle_timeout_seconds: int


@dataclass(frozen=True, slots=True)
class Frontend:
    """A listener, where it is bound, and its rules in order of priority."""

    listener: Listener
    address: str
    port: int
    rules: Sequence[Rule]
    idle_timeout_seconds: int


@dataclass(frozen=True, slots=True)
class Desired:
    """Everything that the load balancer's container is to do."""

    frontends: Sequence[Frontend]
    backends: Sequence[Backend]
    control_port: int
    certificate_digest: str
    """Of the certificates that the control port shows and trusts: others need a reload."""


def generation(desired: Desired) -> str:
    """Return a digest of all but the targets: another one needs a reload."""
    bare = [Backend(each.group, (), each.idle_timeout_seconds) for each in desired.backends]
    text = _text(replace(desired, backends=bare), "")
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def configuration(desired: Desired) -> str:
    """Return haproxy.cfg."""
    return _text(desired, generation(desired))


def server_states(desired: Desired) -> str:
    """Return the server-state file: targets not known to be healthy begin without requests."""
    lines = ["1", _STATE_FIELDS]
    for backend in desired.backends:
        name = haproxy_rules.backend_name(backend.group.arn)
        lines += [
            f"0 {name} 0 {server.name} {server.address} 0 0 1 1 0 {_INITIAL} 0 0 6 0 0 0 - "
            f"{server.port} - 0 0 - - 0"
            for server in backend.servers
            if not server.healthy
        ]
    return "\n".join(lines) + "\n"


def server_keywords(group: TargetGroup) -> str:
    """Return how a group's targets are checked, as `server` and `add server` take it."""
    check = group.health_check
    port = "" if check.port == "traffic-port" else f" port {int(check.port)}"
    return (
        f"check{port} inter {check.interval_seconds}s "
        f"downinter {min(check.interval_seconds, _DOWN_SECONDS)}s "
        f"fall {check.unhealthy_threshold} rise {check.healthy_threshold}"
    )


_DOWN_SECONDS = 2
"""Between checks of a target that has not answered yet, so that a new one is soon found healthy."""
_INITIAL = 1
"""A check status of 0, `unknown`, would stay so: HAProxy 2.6 never checks such a server."""
_STATE_FIELDS = (
    "# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight "
    "srv_iweight srv_time_since_last_change srv_check_status srv_check_result srv_check_health "
    "srv_check_state srv_agent_state bk_f_forced_id srv_f_forced_id srv_fqdn srv_port srvrecord "
    "srv_use_ssl srv_check_port srv_check_addr srv_agent_addr srv_agent_port"
)


def _text(desired: Desired, description: str) -> str:
    lines = _head(desired, description)
    for frontend in desired.frontends:
        lines += _frontend(frontend)
    for backend in desired.backends:
        lines += _backends(backend)
    return "\n".join(lines) + "\n"


def _head(desired: Desired, description: str) -> list[str]:
    return [
        f"# control certificates {desired.certificate_digest}",
        "global",
        "    user haproxy",
        "    group haproxy",
        "    nbthread 2",
        f"    fd-hard-limit {_MOST_DESCRIPTORS}",
        "    hard-stop-after 1h",
        "    stats socket /run/haproxy/worker.sock mode 600 level admin expose-fd listeners",
        f"    server-state-file {DIRECTORY}/servers.state",
        *([f"    description {description}"] if description else []),
        "defaults",
        "    mode http",
        # A connection to a target for each request: none is reused while its target goes away.
        "    option http-server-close",
        "    option idle-close-on-response",
        "    option redispatch 1",
        "    retries 3",
        "    retry-on conn-failure empty-response",
        "    timeout connect 3s",
        "    timeout client 60s",
        "    timeout server 60s",
        "    load-server-state-from-file global",
        "listen control",
        "    mode tcp",
        "    no option idle-close-on-response",
        (f"    bind 127.0.0.1:{desired.control_port} ssl crt {DIRECTORY}/control.pem "
        f"ca-file {DIRECTORY}/ca.pem verify required"),
        ("    tcp-request content reject unless "
        f"{{ ssl_c_s_dn(CN) -m str {word(CONTROL_NAME)} }}"),
        f"    server master unix@{MASTER_SOCKET}",
    ]  # fmt: skip


def _frontend(frontend: Frontend) -> list[str]:
    idle = frontend.idle_timeout_seconds
    return [
        f"frontend {haproxy_rules.frontend_name(frontend.listener.arn)}",
        f"    bind {frontend.address}:{frontend.port}",
        f"    timeout client {idle}s",
        f"    timeout http-request {idle}s",
        f"    timeout http-keep-alive {idle}s",
        "    http-request disable-l7-retry if !{ method GET HEAD }",
        *_forwarded_headers(),
        *haproxy_rules.lines(frontend.rules, frontend.listener.actions),
    ]


def _forwarded_headers() -> Iterable[str]:
    present = "{ var(txn.before) -m found }"
    header = "    http-request set-header X-Forwarded-For"
    return (
        "    http-request set-var(txn.before) req.fhdr(X-Forwarded-For)",
        f"{header} %[src] if !{present}",
        f"{header} %[var(txn.before)],\\x20%[src] if {present}",
        "    http-request set-header X-Forwarded-Proto http",
        "    http-request set-header X-Forwarded-Port %[dst_port]",
    )


def _backends(backend: Backend) -> list[str]:
    group, check = backend.group, backend.group.health_check
    algorithm = group.attributes.get("load_balancing.algorithm.type", "round_robin")
    balance = {"round_robin": "roundrobin", "least_outstanding_requests": "leastconn"}[algorithm]
    keywords = server_keywords(group)
    lines = [
        f"backend {haproxy_rules.backend_name(group.arn)}",
        f"    # {keywords}",
        f"    balance {balance}",
        f"    timeout server {backend.idle_timeout_seconds}s",
        f"    timeout check {check.timeout_seconds}s",
        "    option httpchk",
        (
            f"    http-check send meth GET uri {word(check.path)} ver HTTP/1.1 "
            "hdr Host %[bc_dst]:%[bc_dst_port] hdr User-Agent ELB-HealthChecker/2.0 "
            "hdr Connection close"
        ),
        f"    http-check expect status {check.matcher}",
    ]
    lines += [
        f"    server {server.name} {server.address}:{server.port} {keywords}"
        for server in backend.servers
    ]
    lines += [
        f"backend {haproxy_rules.open_name(group.arn)}",
        f"    balance {balance}",
        f"    timeout server {backend.idle_timeout_seconds}s",
    ]
    lines += [
        f"    server {server.name} {server.address}:{server.port}"
        + ("" if server.open else " disabled")
        for server in backend.servers
    ]
    return lines
