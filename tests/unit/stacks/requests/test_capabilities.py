"""Which capabilities a template needs acknowledged."""

from typing import Any

import pytest
from tests.stack_states import text_of

from penstock.aws.errors import ServiceError
from penstock.stacks.requests.capabilities import check
from penstock.stacks.template.load import load_template

ROLE: dict[str, Any] = {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": {}}}
NAMED: dict[str, Any] = {
    "Type": "AWS::IAM::Role",
    "Properties": {"AssumeRolePolicyDocument": {}, "RoleName": "r"},
}
POLICY = {"Type": "AWS::IAM::Policy", "Properties": {"PolicyName": "p", "PolicyDocument": {}}}


@pytest.mark.parametrize(
    ("resource", "acknowledged", "missing"),
    [
        (ROLE, [], "CAPABILITY_IAM"),
        (POLICY, [], "CAPABILITY_IAM"),
        (NAMED, [], "CAPABILITY_NAMED_IAM"),
        (NAMED, ["CAPABILITY_IAM"], "CAPABILITY_NAMED_IAM"),
    ],
)
def test_what_is_missing_is_named(
    resource: dict[str, Any], acknowledged: list[str], missing: str
) -> None:
    with pytest.raises(ServiceError) as raised:
        check(load_template(text_of({"Resources": {"R": resource}})), acknowledged)
    assert raised.value.code == "InsufficientCapabilitiesException"
    assert raised.value.message == f"Requires capabilities : [{missing}]"


@pytest.mark.parametrize(
    ("resource", "acknowledged"),
    [
        (ROLE, ["CAPABILITY_IAM"]),
        (ROLE, ["CAPABILITY_NAMED_IAM"]),
        (POLICY, ["CAPABILITY_IAM"]),
        (NAMED, ["CAPABILITY_NAMED_IAM"]),
        ({"Type": "AWS::SNS::Topic"}, []),
    ],
)
def test_what_is_enough(resource: dict[str, Any], acknowledged: list[str]) -> None:
    check(load_template(text_of({"Resources": {"R": resource}})), acknowledged)
