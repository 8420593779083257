"""What an operation deletes, and what policies keep. Pure.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-attribute-deletionpolicy.html
"""

from collections.abc import Iterable, Sequence

import msgspec

from penstock.stacks.operations.operation import ENDED, GONE, Operation, Step, Work, delete_steps
from penstock.stacks.operations.walk import NodeStatus, Phase
from penstock.stacks.planning.deletion_policy import is_snapshot_by_default
from penstock.stacks.state import DeployedResource

NO_SNAPSHOT = "recorded only: nothing ran behind it, so no snapshot was made"
_SNAPSHOTS = {
    "AWS::DocDB::DBCluster",
    "AWS::EC2::Volume",
    "AWS::ElastiCache::CacheCluster",
    "AWS::ElastiCache::ReplicationGroup",
    "AWS::Neptune::DBCluster",
    "AWS::RDS::DBCluster",
    "AWS::RDS::DBInstance",
    "AWS::Redshift::Cluster",
}


def deletion(
    resources: Iterable[DeployedResource], operation: Operation, *, asked_for: bool = True
) -> list[Step]:
    """Return the steps that delete a stack's resources and what earlier updates left behind.

    A deletion that nobody `asked_for` follows a failed creation: it keeps what a rollback keeps,
    so that RetainExceptOnCreate leaves nothing in the way of the next attempt.
    """
    there = [each for each in resources if each.status not in GONE]
    retained = {
        each.logical_resource_id
        for each in there
        if (retains(each.deletion_policy) if asked_for else kept_on_rollback(each, operation))
    }
    return delete_steps(
        Phase.DELETE, [*there, *operation.leftovers], retained | set(operation.retain)
    )


def cleanup(operation: Operation, applied: Sequence[Step]) -> list[Step]:
    """Return the deletions of what the update left out or replaced."""
    wanted = {step.logical_id for step in applied}
    before = operation.before.resources
    replaced = [
        step
        for step in applied
        if step.old is not None and step.work is Work.REPLACE and step.old.physical_resource_id
    ]
    removed = [
        each for name, each in before.items() if name not in wanted and each.status not in GONE
    ]
    undone = _made_anew(operation, applied)
    retained = [each.logical_resource_id for each in removed if retains(each.deletion_policy)]
    retained += [step.logical_id for step in replaced if _keeps_what_it_replaces(step)]
    old = [step.old for step in replaced if step.old is not None]
    leftovers = operation.leftovers
    return delete_steps(Phase.CLEANUP, [*removed, *old, *undone, *leftovers], retained)


def left_behind(operation: Operation, applied: Sequence[Step]) -> list[DeployedResource]:
    """Return what a failed update that is not rolled back has made or replaced for nothing, and
    what failed before and was made anew."""
    left = _made_anew(operation, [step for step in applied if step.status in ENDED])
    for step in applied:
        if step.work is not Work.REPLACE or step.old is None or step.new is None:
            continue
        if step.status is NodeStatus.SUCCEEDED:
            if not _keeps_what_it_replaces(step):
                left.append(step.old)
        elif step.physical_id:
            left.append(msgspec.structs.replace(step.new, physical_resource_id=step.physical_id))
    return left


def _made_anew(operation: Operation, applied: Iterable[Step]) -> list[DeployedResource]:
    """Return what an earlier operation failed to make, and left, of resources that this one made
    from the beginning."""
    before = operation.before.resources
    return [
        before[step.logical_id]
        for step in applied
        if step.work is Work.CREATE
        and step.logical_id in before
        and before[step.logical_id].physical_resource_id
        and before[step.logical_id].status not in GONE
    ]


def _keeps_what_it_replaces(step: Step) -> bool:
    """Return what UpdateReplacePolicy says, in the template that replaces: a change set shows it
    as `ReplaceAndRetain` (alchemy-run/alchemy#548 on whose policy counts)."""
    return step.new is not None and retains(step.new.update_replace_policy)


def kept_on_rollback(resource: DeployedResource, operation: Operation) -> bool:
    """Return whether a rollback leaves what it had made (RetainExceptOnCreate does not)."""
    if operation.retain_except_on_create:
        return False
    return resource.deletion_policy == "Retain" and bool(resource.physical_resource_id)


def retains(policy: str | None) -> bool:
    """Return whether a policy leaves a resource that is removed or replaced."""
    return policy in {"Retain", "RetainExceptOnCreate"}


def without_snapshot(step: Step) -> str | None:
    """Return what the event of a deletion says where the policy asks for a snapshot: only types
    that are recorded here can have one on AWS. Other types' policies do nothing there either
    (aws/aws-cdk#20668)."""
    resource = step.old
    if resource is None or step.phase not in {Phase.DELETE, Phase.CLEANUP}:
        return None
    return NO_SNAPSHOT if asks_for_snapshot(resource, resource.deletion_policy) else None


def asks_for_snapshot(resource: DeployedResource, policy: str | None) -> bool:
    """Return whether AWS would make a snapshot before it deletes a resource."""
    if policy is None:
        return is_snapshot_by_default(resource)
    return policy == "Snapshot" and resource.resource_type in _SNAPSHOTS
