"""What becomes of a physical resource that its stack lets go. Pure.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-attribute-deletionpolicy.html
"""

from penstock.stacks.state import DeployedResource

_SNAPSHOT_BY_DEFAULT = frozenset({"AWS::RDS::DBCluster", "AWS::RDS::DBInstance"})


def after_deletion(deployed: DeployedResource) -> str:
    """Return what a removal comes to: Delete, Retain or Snapshot."""
    if deployed.deletion_policy is None and is_snapshot_by_default(deployed):
        return "Snapshot"
    return _stated(deployed.deletion_policy)


def after_replacement(update_replace_policy: str | None) -> str:
    """Return what becomes of a resource that another has replaced."""
    return _stated(update_replace_policy)


def is_snapshot_by_default(deployed: DeployedResource) -> bool:
    """Return whether AWS makes a snapshot without being asked: of databases that are in no cluster,
    and of clusters."""
    in_cluster = bool(deployed.properties.get("DBClusterIdentifier"))
    of_cluster = deployed.resource_type.endswith("DBCluster")
    return deployed.resource_type in _SNAPSHOT_BY_DEFAULT and (of_cluster or not in_cluster)


def _stated(policy: str | None) -> str:
    return "Retain" if policy == "RetainExceptOnCreate" else policy or "Delete"
