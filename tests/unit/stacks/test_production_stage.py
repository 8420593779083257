"""The example's stage Production: the same from the template as added by hand."""

import json
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.resource_world import ResourceWorld, resource_world
from tests.unit.stacks.test_kept_stack import ended, reasons

EXAMPLE = Path(__file__).parents[3] / "examples/todobackend-aws"


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[ResourceWorld]:
    async with resource_world(tmp_path) as made:
        yield made


def add_stage(file: Path, *values: str) -> "subprocess.CompletedProcess[str]":
    """Run the example's program, as its README says."""
    return subprocess.run(
        [
            sys.executable,
            EXAMPLE / "add-stage.py",
            file,
            EXAMPLE / "production-stage.json",
            *values,
        ],
        capture_output=True,
        text=True,
        check=False,
    )


async def test_the_stage_added_by_hand_is_the_templates(
    world: ResourceWorld, tmp_path: Path
) -> None:
    asked = {
        "TemplateBody": (EXAMPLE / "pipeline.yml").read_text(),
        "Capabilities": ["CAPABILITY_NAMED_IAM"],
        "Parameters": [{"ParameterKey": "Production", "ParameterValue": "yes"}],
    }
    await world.call("cloudformation", "CreateStack", StackName="ci", **asked)
    stack = await ended(world, "ci")
    assert stack["StackStatus"] == "CREATE_COMPLETE", await reasons(world, "ci")
    outputs = {one["OutputKey"]: one["OutputValue"] for one in stack["Outputs"]}
    from_template: Any = await world.call("codepipeline", "GetPipeline", name="todobackend")
    stages = [stage["name"] for stage in from_template["pipeline"]["stages"]]
    assert stages == ["Source", "Build", "Dev", "Production"]

    told = dict(from_template["pipeline"], stages=from_template["pipeline"]["stages"][:-1])
    file = tmp_path / "pipeline.json"
    file.write_text(json.dumps({"pipeline": told, "metadata": {}}, default=str))
    values = [f"{name}={outputs[name]}" for name in ("DeploymentRole", "Approvals")]
    for _ in range(2):  # repeating adds nothing
        done = add_stage(file, *values)
        assert done.returncode == 0, done.stderr
    edited = json.loads(file.read_text())
    assert list(edited) == ["pipeline"], "update-pipeline takes no metadata"
    await world.call("codepipeline", "UpdatePipeline", **edited)
    by_hand: Any = await world.call("codepipeline", "GetPipeline", name="todobackend")
    assert by_hand["pipeline"]["stages"] == from_template["pipeline"]["stages"]


def test_a_value_that_was_not_given_is_named(tmp_path: Path) -> None:
    file = tmp_path / "pipeline.json"
    file.write_text('{"pipeline": {"stages": []}}')
    done = add_stage(file, "Approvals=arn:aws:sns:us-east-1:123456789012:approvals")
    assert done.returncode == 1
    assert "give a value for DeploymentRole: DeploymentRole=VALUE" in done.stderr
    assert json.loads(file.read_text()) == {"pipeline": {"stages": []}}
