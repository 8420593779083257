"""Every operation that a service registers is called by that service's contract tests."""

import importlib
import re
from pathlib import Path

import pytest
from botocore import xform_name

CONTRACT = Path(__file__).parent.parent / "contract"
TABLES = {
    "cloudformation": "penstock.stacks.api",
    "codebuild": "penstock.builds.api",
    "codecommit": "penstock.repositories.api",
    "codeconnections": "penstock.services.codeconnections.api",
    "codepipeline": "penstock.pipelines.api",
    "ecr": "penstock.services.ecr.api",
    "ecs": "penstock.workloads.ecs.api",
    "elbv2": "penstock.workloads.load_balancing.api",
    "iam": "penstock.services.iam.api",
    "lambda": "penstock.workloads.functions.api",
    "logs": "penstock.services.logs.api",
    "s3": "penstock.services.s3.api",
    "secretsmanager": "penstock.services.secretsmanager.api",
    "sns": "penstock.services.sns.api",
    "ssm": "penstock.services.ssm.api",
    "sts": "penstock.services.sts.api",
}


@pytest.mark.parametrize("service", TABLES)
def test_every_operation_is_called(service: str) -> None:
    tests = "".join(file.read_text() for file in (CONTRACT / service).glob("*.py"))
    names = map(xform_name, importlib.import_module(TABLES[service]).OPERATIONS)
    missing = [
        name for name in names if not re.search(rf"\b{name}\b|\"{name.replace('_', '-')}\"", tests)
    ]
    assert missing == [], f"no test in tests/contract/{service} calls these"


def test_no_service_is_forgotten() -> None:
    without_a_service = {"wire", "server"}
    folders = {path.name for path in CONTRACT.iterdir() if any(path.glob("test_*.py"))}
    assert folders - without_a_service == set(TABLES)
