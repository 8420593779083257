"""From the engine's answers to values."""

from typing import Any

import pytest

from penstock.containers.observation import container_state, nanoseconds, sandbox_state
from penstock.containers.task import PublishedPort


def inspection(image: str = "repo:1", **state: Any) -> dict[str, Any]:
    return {
        "Id": "abc",
        "Config": {"Labels": {"penstock.container": "web"}, "Image": image},
        "State": {"Status": "running", "Running": True, "ExitCode": 0, "OOMKilled": False,
                  "Error": "", **state},
    }  # fmt: skip


def test_a_container_that_was_never_started() -> None:
    state = container_state(inspection(Status="created", Running=False), ())
    assert (state.started, state.running, state.exit_code) == (False, False, None)
    assert state.stop_signal == "SIGTERM"


@pytest.mark.parametrize(("said", "health"), [("healthy", "healthy"), ("none", None)])
def test_health(said: str, health: str | None) -> None:
    assert container_state(inspection(Health={"Status": said}), ()).health == health
    assert container_state(inspection(), ()).health is None


@pytest.mark.parametrize(
    "image", ["127.0.0.1:5000/app:1", "127.0.0.1:5000/app", "127.0.0.1:5000/app@sha256:1"]
)
def test_the_digest_is_that_of_the_images_own_repository(image: str) -> None:
    digests = ["other@sha256:0", "127.0.0.1:5000/app@sha256:1"]
    assert container_state(inspection(image), digests).image_digest == "sha256:1"
    assert container_state(inspection("local"), digests).image_digest is None


def test_a_sandbox_has_an_address_and_ports() -> None:
    found = sandbox_state(
        {
            "State": {"Running": True},
            "NetworkSettings": {
                "Networks": {"net": {"IPAddress": "10.0.0.2"}},
                "Ports": {"80/tcp": [{"HostIp": "127.0.0.1", "HostPort": "49153"}], "81/udp": None},
            },
        },
        "net",
    )
    assert found.ipv4 == "10.0.0.2"
    assert found.ports == [PublishedPort(80, 49153, "tcp")]


def test_times_are_exact() -> None:
    assert nanoseconds("2026-01-01T00:00:00.5Z") - nanoseconds("2026-01-01T00:00:00Z") == 5 * 10**8
