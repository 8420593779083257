"""What becomes of physical resources: policies as stated, and AWS's snapshots without being asked.

The table is AWS's page of DeletionPolicy: databases that are in no cluster, and clusters.
"""

from typing import Any

import pytest
from tests.stack_states import deployed

from penstock.stacks.planning import deletion_policy
from penstock.stacks.state import DeployedResource


def of(resource_type: str, policy: str | None = None, **properties: Any) -> DeployedResource:
    declared: dict[str, Any] = {"Type": resource_type, "Properties": properties}
    if policy is not None:
        declared["DeletionPolicy"] = policy
    return deployed({"Resources": {"R": declared}}).resources["R"]


@pytest.mark.parametrize(
    ("resource", "outcome"),
    [
        (of("AWS::SNS::Topic"), "Delete"),
        (of("AWS::SNS::Topic", "Retain"), "Retain"),
        (of("AWS::SNS::Topic", "RetainExceptOnCreate"), "Retain"),
        (of("AWS::EC2::Volume", "Snapshot", AvailabilityZone="a"), "Snapshot"),
        (of("AWS::RDS::DBInstance"), "Snapshot"),
        (of("AWS::RDS::DBInstance", DBClusterIdentifier="c"), "Delete"),
        (of("AWS::RDS::DBCluster", DBClusterIdentifier="c"), "Snapshot"),
        (of("AWS::RDS::DBCluster", "Delete"), "Delete"),
    ],
)
def test_after_a_deletion(resource: DeployedResource, outcome: str) -> None:
    assert deletion_policy.after_deletion(resource) == outcome


def test_after_a_replacement_nothing_is_kept_that_nobody_asks_for() -> None:
    assert deletion_policy.after_replacement(None) == "Delete"
    assert deletion_policy.after_replacement("Snapshot") == "Snapshot"
    assert deletion_policy.after_replacement("Retain") == "Retain"
