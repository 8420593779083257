"""What a load balancer's DNSName becomes."""

from datetime import UTC, datetime

import pytest

from penstock.workloads.load_balancing.records import LoadBalancer, from_document, to_document


def _balancer(ports: dict[int, int]) -> LoadBalancer:
    return LoadBalancer(
        name="web",
        arn="arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/app/web/1",
        scheme="internet-facing",
        subnets=("subnet-1", "subnet-2"),
        security_groups=(),
        address="192.0.2.7",
        ports=ports,
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
        attributes={},
    )


@pytest.mark.parametrize(
    ("ports", "dns_name"),
    [
        ({}, "192.0.2.7"),
        ({80: 8123}, "192.0.2.7:8123"),
        ({8080: 8124}, "192.0.2.7"),
        ({80: 8123, 8080: 8124}, "192.0.2.7:8123"),
    ],
)
def test_dns_name_is_what_answers_for_port_80(ports: dict[int, int], dns_name: str) -> None:
    balancer = _balancer(ports)
    assert balancer.dns_name == dns_name
    assert from_document(to_document(balancer), LoadBalancer) == balancer
