"""Which parameter a task's execution role is asked for."""

from typing import Any

import pytest

from penstock.aws.principals import root
from penstock.workloads.ecs.task_secrets import TaskSecrets

HERE = "arn:aws:ssm:us-east-1:123456789012:parameter"


class FakeParameters:
    async def value(self, name: str) -> tuple[str, bool]:
        return f"value of {name}", True


@pytest.mark.parametrize(
    "source", ["/prod/db", "/prod/db:3", "/prod/db:live", f"{HERE}/prod/db", f"{HERE}/prod/db:3"]
)
async def test_a_version_or_label_is_no_part_of_what_policies_name(source: str) -> None:
    asked: list[str] = []

    async def authorize(_: Any, action: str, resource: str, context: Any = None) -> None:
        asked.append(f"{action} {resource}")

    secrets = TaskSecrets(
        FakeParameters(),
        None,
        authorize,
        account_id="123456789012",
        region="us-east-1",  # type: ignore[arg-type]
    )
    container = {"name": "c", "secrets": [{"name": "DB", "valueFrom": source}]}
    read = await secrets.read([container], root("123456789012"))
    assert read == {"c": {"DB": f"value of {source}"}}
    assert asked == [f"ssm:GetParameters {HERE}/prod/db"]
