"""Which change of a property makes another resource of it."""

from typing import Any

import pytest

from penstock.stacks.schemas.identity import is_another

BUS = "arn:aws:events:us-east-1:123456789012:event-bus/first"


@pytest.mark.parametrize(
    ("resource_type", "before", "after", "another"),
    [
        ("AWS::Events::Rule", {"EventBusName": "first"}, {"EventBusName": "second"}, True),
        ("AWS::Events::Rule", {"EventBusName": "first"}, {}, True),
        ("AWS::Events::Rule", {"EventBusName": "default"}, {}, False),
        ("AWS::Events::Rule", {"EventBusName": BUS}, {"EventBusName": "first"}, False),
        ("AWS::Events::Rule", {"State": "ENABLED"}, {"State": "DISABLED"}, False),
        ("AWS::RTBFabric::LinkRoutingRule", {"LinkId": "a"}, {"LinkId": "b"}, True),
        ("AWS::EC2::Instance", {"InstanceType": "t3.nano"}, {"InstanceType": "t3.micro"}, False),
        ("Custom::Thing", {"Name": "a"}, {"Name": "b"}, False),
    ],
)
def test_is_another(
    resource_type: str, before: dict[str, Any], after: dict[str, Any], another: bool
) -> None:
    assert is_another(resource_type, before, after) == another
