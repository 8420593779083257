import json
from datetime import UTC, datetime
from pathlib import Path

from penstock.containers.certificates import Certificates
from penstock.containers.engine import Engine
from penstock.containers.helper_container import HelperContainer
from penstock.containers.images import Images
from penstock.containers.mirror import configuration
from penstock.containers.network import Network
from penstock.containers.registry import Registry
from penstock.containers.task import File


def test_the_registry_demands_our_tokens_and_reports_pushes(tmp_path: Path) -> None:
    engine = Engine("unix:///nowhere")
    registry = Registry(
        engine,
        Network(engine, "i1"),
        Images(engine),
        Certificates(tmp_path, "eu-west-1", lambda: datetime(2026, 1, 1, tzinfo=UTC)),
        instance_id="i1",
        account_id="111122223333",
        region="eu-west-1",
        gateway="172.20.0.1",
        http_port=4480,
        notification_secret="hush",
    )
    found = registry.configuration()
    assert found["auth"]["token"]["realm"] == (
        "https://api.ecr.eu-west-1.amazonaws.com/_penstock/registry/token"
    )
    (endpoint,) = found["notifications"]["endpoints"]
    assert endpoint["url"] == "http://172.20.0.1:4480/_penstock/registry/notifications"
    assert endpoint["headers"] == {"Authorization": ["Bearer hush"]}
    assert "hush" not in found["http"]["secret"]
    assert registry.ecr_host == "111122223333.dkr.ecr.eu-west-1.amazonaws.com"


def test_the_mirror_takes_no_writes() -> None:
    found = json.loads(configuration())
    assert found["storage"]["maintenance"]["readonly"]["enabled"] is True


def test_a_helper_is_made_anew_only_when_something_changed() -> None:
    def helper(content: bytes = b"x", address: str = "127.0.0.1") -> str:
        return HelperContainer(
            "n", "image", "net", 5000, (address,), (File("/f", content),), {"any": "label"}
        ).digest

    assert helper() == helper()
    assert len({helper(), helper(b"y"), helper(address="172.20.0.1")}) == 3
