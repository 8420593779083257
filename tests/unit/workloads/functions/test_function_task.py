"""The Task of an invocation: what it may, and what it is told."""

import json
from datetime import UTC, datetime
from unittest.mock import Mock

import pytest

from penstock.containers.image_recipes import FUNCTION_IMAGES, curated_recipe
from penstock.services.iam.credentials import TemporaryCredentials
from penstock.workloads.functions.function import Code, Function
from penstock.workloads.functions.function_task import task
from penstock.workloads.functions.invocation import Invocation

CREDENTIALS = TemporaryCredentials(
    "ASIA", "secret", "session", datetime(2030, 1, 1, tzinfo=UTC), Mock()
)
PLACE = {"region": "us-east-1", "account_id": "123456789012"}


def made(runtime: str = "python3.12", memory: int = 128, **variables: str) -> Invocation:
    function = Function(
        name="worker", arn="arn:aws:lambda:us-east-1:123456789012:function:worker", generation="1",
        runtime=runtime, role="arn:aws:iam::123456789012:role/worker", handler="index.handler",
        code=Code("blob", 1, "sha"), memory_mb=memory, revision_id="1", modified_at="now",
    )  # fmt: skip
    return Invocation("request", function, b'{"a": 1}', "stream", variables)


def test_it_is_contained() -> None:
    [container] = task("id", made(), CREDENTIALS, "nonce", PLACE, 8.0).containers
    assert container.user == "993:993"
    assert container.dropped_capabilities == ("ALL",)
    assert container.no_new_privileges
    assert container.most_processes == 1024
    assert not container.privileged
    assert not container.mounts
    assert container.memory_bytes == 128 * 1024 * 1024
    assert container.cpus == 1.0


def test_the_engine_keeps_so_much_of_its_output() -> None:
    """It kept all, for a restart to replay: no function is replayed."""
    [container] = task("id", made(), CREDENTIALS, "nonce", PLACE, 8.0).containers
    assert container.most_log_bytes == 400 * 1024 * 1024


def test_cpus_follow_the_memory_up_to_what_there_is() -> None:
    [container] = task("id", made(memory=3538), CREDENTIALS, "n", PLACE, 8.0).containers
    assert container.cpus == 2.0
    [container] = task("id", made(memory=10_240), CREDENTIALS, "n", PLACE, 2.0).containers
    assert container.cpus == 2.0


def test_what_it_is_told() -> None:
    spec = task("id", made(STAGE="dev", PYTHONPATH="lib"), CREDENTIALS, "nonce", PLACE, 8.0)
    [container] = spec.containers
    files = {file.path: file.content for file in container.files}
    assert files["/var/runtime/event.json"] == b'{"a": 1}'
    assert b"def main()" in files["/var/runtime/bootstrap.py"]
    told = json.loads(files["/var/runtime/invocation.json"])
    assert (told["nonce"], told["handler"]) == ("nonce", "index.handler")
    variables = container.environment
    assert variables["STAGE"] == "dev"
    assert variables["PYTHONPATH"] == "lib"
    assert variables["AWS_SESSION_TOKEN"] == "session"
    assert variables["AWS_EXECUTION_ENV"] == "AWS_Lambda_python3.12"
    assert variables["AWS_LAMBDA_LOG_GROUP_NAME"] == "/aws/lambda/worker"
    assert (spec.kind, spec.labels["penstock.function"]) == ("function", "worker")


def test_the_roles_credentials_are_no_variables_of_the_users() -> None:
    variables = {"AWS_ACCESS_KEY_ID": "mine"}
    [container] = task("id", made(**variables), CREDENTIALS, "n", PLACE, 1.0).containers
    assert container.environment["AWS_ACCESS_KEY_ID"] == "ASIA"


@pytest.mark.parametrize(("runtime", "command"), [("python3.9", "python3"), ("nodejs24.x", "node")])
def test_each_language_has_its_image(runtime: str, command: str) -> None:
    [container] = task("id", made(runtime), CREDENTIALS, "n", PLACE, 1.0).containers
    assert container.command is not None
    assert container.command[0] == command
    assert curated_recipe(container.image) is FUNCTION_IMAGES[container.image]
