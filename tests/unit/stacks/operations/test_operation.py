"""Steps as values."""

import pytest

from penstock.stacks.operations.operation import Step, Work
from penstock.stacks.operations.walk import Phase
from penstock.stacks.policies.creation_policy import SignalsWanted
from penstock.stacks.state import DeployedResource


def step(resource_type: str, signals: SignalsWanted | None = None) -> Step:
    new = DeployedResource("A", resource_type, "", "", {}, {}, "kept")
    return Step(Phase.CREATE, "A", "A", Work.CREATE, new=new, signals=signals)


@pytest.mark.parametrize(
    ("resource_type", "signals", "waits"),
    [
        ("AWS::SNS::Topic", None, False),
        ("AWS::EC2::Instance", SignalsWanted(1, 60), True),
        ("AWS::CloudFormation::WaitCondition", None, True),
        ("AWS::CloudFormation::CustomResource", None, True),
        ("Custom::Thing", None, True),
    ],
)
def test_what_is_looked_at_when_something_comes(
    resource_type: str, signals: SignalsWanted | None, waits: bool
) -> None:
    """Locks: each signal had every resource in progress called again."""
    assert step(resource_type, signals).waits_for_answers == waits
