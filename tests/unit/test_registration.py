"""Every registered operation is one that AWS has, and says who may call it."""

import importlib
import inspect
from unittest.mock import Mock

import pytest

from penstock.aws.authorization import table
from penstock.aws.models import load
from penstock.aws.service import Service

PACKAGES = [
    "penstock.builds.api",
    "penstock.pipelines.api",
    "penstock.repositories.api",
    "penstock.services.ecr.api",
    "penstock.services.iam.api",
    "penstock.services.logs.api",
    "penstock.services.s3.api",
    "penstock.services.secretsmanager.api",
    "penstock.services.sns.api",
    "penstock.services.ssm.api",
    "penstock.services.sts.api",
    "penstock.stacks.api",
    "penstock.workloads.load_balancing.api",
    "penstock.workloads.ecs.api",
    "penstock.workloads.functions.api",
]


def registered(package: str) -> Service:
    make = importlib.import_module(package).service
    placeholders = [Mock() for _ in inspect.signature(make).parameters]
    found = make(*placeholders)
    assert isinstance(found, Service)
    return found


@pytest.mark.parametrize("package", PACKAGES)
def test_operations_are_aws_operations(package: str) -> None:
    service = registered(package)
    assert service.operations
    assert service.operations.keys() <= load(service.name).operation_names


@pytest.mark.parametrize("package", PACKAGES)
def test_operations_have_an_authorization_rule(package: str) -> None:
    service = registered(package)
    rules = table(service.name)
    assert rules is not None
    assert service.operations.keys() - rules.operations.keys() == set()
