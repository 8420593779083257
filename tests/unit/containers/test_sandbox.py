import re

from penstock.containers.sandbox import TaskEndpoints, configuration, container_config

HOST = "123456789012.dkr.ecr.us-east-1.amazonaws.com"


def render(**changes: int | None) -> tuple[str, str, str]:
    endpoints = TaskEndpoints(
        gateway="172.20.0.1",
        tls_port=4443,
        http_port=4480,
        registry_host=HOST,
        registry_port=changes.get("registry_port", 20001),
        mirror_port=changes.get("mirror_port"),
    )
    resolver, proxy, rules = (file.content.decode() for file in configuration(endpoints))
    return resolver, proxy, rules


def test_awss_names_are_answered_locally_and_never_asked_upstream() -> None:
    resolver, _, _ = render()
    for name in ("amazonaws.com", "amazonaws.com.cn", "api.aws"):
        assert f"address=/{name}/169.254.170.3\n" in resolver
        assert f"local=/{name}/\n" in resolver
    assert "listen-address=169.254.170.3\n" in resolver
    assert "penstock" not in resolver


def test_the_proxy_tells_the_registry_from_the_rest_by_name() -> None:
    _, proxy, _ = render()
    assert f"use_backend registry if {{ req.ssl_sni -i {HOST} }}\n" in proxy
    assert "backend registry\n    server registry 172.20.0.1:20001\n" in proxy
    assert "default_backend listener_tls\n" in proxy
    assert "server penstock 172.20.0.1:4443\n" in proxy
    assert "server penstock 172.20.0.1:4480\n" in proxy
    assert "mirror" not in proxy


def test_a_mirror_is_named_only_where_there_is_one() -> None:
    resolver, proxy, _ = render(mirror_port=20002)
    assert "address=/mirror.penstock.internal/169.254.170.3\n" in resolver
    assert "use_backend mirror if { req.ssl_sni -i mirror.penstock.internal }\n" in proxy
    assert "server mirror 172.20.0.1:20002\n" in proxy


def test_without_a_registry_its_name_leads_to_the_server() -> None:
    _, proxy, _ = render(registry_port=None)
    assert "use_backend" not in proxy


def test_rules_lead_the_addresses_to_where_the_sandbox_listens() -> None:
    resolver, proxy, rules = render()
    binds = re.findall(r"bind (169\.254\.170\.\d):(\d+)\n", proxy)
    names = re.findall(r"^port=(\d+)\nlisten-address=(.+)$", resolver, re.MULTILINE)
    listening = {*binds, *((address, port) for port, address in names)}
    led = re.findall(r"ip daddr (\S+) (tcp|udp) dport (\d+) dnat to (\S+):(\d+)\n", rules)
    assert {(target, port) for _, _, _, target, port in led} == listening
    assert {address for address, _, _, target, _ in led if address != target} == set()
    answered = [(address, protocol, port) for address, protocol, port, _, _ in led]
    assert answered == 2 * [
        ("169.254.170.2", "tcp", "80"),
        ("169.254.170.3", "tcp", "443"),
        ("169.254.170.3", "tcp", "53"),
        ("169.254.170.3", "udp", "53"),
    ]


def test_no_port_that_a_task_may_want_is_listened_on() -> None:
    resolver, proxy, _ = render()
    ports = re.findall(r"(?:bind \S+:|^port=)(\d+)$", proxy + resolver, re.MULTILINE)
    assert len(ports) == 3
    assert all(60999 < int(port) < 65536 for port in ports)  # outgoing connections have those below


def test_rules_come_before_those_of_an_inner_docker_daemon() -> None:
    _, _, rules = render()
    hooks = re.findall(r"type nat hook (\w+) priority (-\d+);", rules)
    assert [hook for hook, _ in hooks] == ["output", "prerouting"]
    assert all(-200 < int(priority) < -100 for _, priority in hooks)
    assert rules.startswith("table ip penstock {\n")


def test_the_container_has_limits_and_nothing_of_the_host() -> None:
    host = container_config("image", "net", "t", {})["HostConfig"]
    assert host["CapDrop"] == ["ALL"]
    assert host["Memory"] == host["MemorySwap"] > 0
    assert "Binds" not in host
    assert "Mounts" not in host
