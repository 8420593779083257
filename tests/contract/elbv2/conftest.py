"""A server with Elastic Load Balancing alone, and no container engine."""

import contextlib
from pathlib import Path
from typing import Any

import pytest
from tests.databases import opened_database

from penstock.aws.service import Service
from penstock.clock import utc_now
from penstock.workloads.load_balancing.api import service
from penstock.workloads.load_balancing.load_balancing import LoadBalancing

SUBNETS = ["subnet-1", "subnet-2"]
INSTANCE = "test"


@pytest.fixture
def server(aws_server: Any, tmp_path: Path) -> Any:
    async def build(stack: contextlib.AsyncExitStack) -> list[Service]:
        database = stack.enter_context(opened_database(tmp_path))
        domain = LoadBalancing(
            database,
            utc_now,
            account_id="123456789012",
            region="us-east-1",
            instance_id=INSTANCE,
            own_ports=(4600,),
        )
        stack.push_async_callback(domain.close)
        return [service(domain)]

    return aws_server(build)


@pytest.fixture
def elbv2(server: Any) -> Any:
    return server.client("elbv2")


@pytest.fixture
def balancer(elbv2: Any) -> str:
    """The ARN of a load balancer."""
    made = elbv2.create_load_balancer(Name="web", Subnets=SUBNETS)
    arn: str = made["LoadBalancers"][0]["LoadBalancerArn"]
    return arn


@pytest.fixture
def group(elbv2: Any) -> str:
    """The ARN of a target group of addresses."""
    made = elbv2.create_target_group(
        Name="app", Protocol="HTTP", Port=8080, VpcId="vpc-1", TargetType="ip"
    )
    arn: str = made["TargetGroups"][0]["TargetGroupArn"]
    return arn


@pytest.fixture
def listener(elbv2: Any, balancer: str, group: str) -> str:
    """The ARN of a listener on a port that is free on every machine."""
    made = elbv2.create_listener(
        LoadBalancerArn=balancer,
        Protocol="HTTP",
        Port=18080,
        DefaultActions=[{"Type": "forward", "TargetGroupArn": group}],
    )
    arn: str = made["Listeners"][0]["ListenerArn"]
    return arn
