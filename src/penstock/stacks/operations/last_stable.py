"""Going back after several operations that failed and were kept: to what the stack was before the
first of them. Pure.

AWS rolls a stack back to its last known stable state, and deletes what has none; so all that was
done since is taken for one operation, whose steps are made from what there is now.
Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_RollbackStack.html
"""

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import msgspec

from penstock.stacks.operations.operation import GONE, Operation, Step, Work
from penstock.stacks.operations.walk import NodeStatus, Phase
from penstock.stacks.planning.nesting import NESTED_STACK
from penstock.stacks.state import DeployedResource

_LOST = frozenset({NodeStatus.FAILED, NodeStatus.CANCELLED})


@dataclass(frozen=True, slots=True)
class Merged:
    """The last operation as if it had done what all did, the phase that it failed in, and the
    steps of that."""

    operation: Operation
    phase: Phase
    steps: Sequence[Step]


def merged(
    last: Operation,
    first: Operation,
    steps: Iterable[Step],
    resources: Mapping[str, DeployedResource],
    leftovers: Sequence[DeployedResource],
) -> Merged:
    """Return what goes back to what the stack was before `first`.

    `steps` are the last operation's; `resources` and `leftovers` are what the stack has now.
    """
    created = not first.before.template_body
    phase = Phase.CREATE if created else Phase.UPDATE
    before = {
        name: each for name, each in first.before.resources.items() if each.status not in GONE
    }
    ended = {each.key: each.status for each in steps}
    made = [
        step
        for name, each in resources.items()
        for step in _steps(phase, before.get(name), each, ended.get(name), leftovers)
    ]
    made += _left(phase, before, [*leftovers], first.before_document.leftovers)
    operation = dataclasses.replace(
        last,
        before=first.before,
        before_document=first.before_document,
        before_imports=first.before_imports,
        leftovers=first.leftovers,
    )
    return Merged(operation, phase, made)


def has_nested(*stacks: Mapping[str, DeployedResource]) -> bool:
    """Return whether a stack is nested in one: each went its own way meanwhile."""
    return any(each.resource_type == NESTED_STACK for found in stacks for each in found.values())


def _steps(
    phase: Phase,
    old: DeployedResource | None,
    new: DeployedResource,
    ended: NodeStatus | None,
    leftovers: Sequence[DeployedResource],
) -> Iterator[Step]:
    """Yield the step that made `new` of `old`; where `old` was changed before it was replaced,
    that change, which is to be undone, and the creation of what replaced it."""
    step = _step(phase, old, new, ended)
    changed = _changed(old, leftovers) if step.work is Work.REPLACE else None
    if old is None or changed is None:
        yield step
        return
    name = step.logical_id
    physical_id = old.physical_resource_id
    yield msgspec.structs.replace(step, work=Work.UPDATE, new=changed, physical_id=physical_id)
    yield Step(
        phase, f"{name}#1", name, Work.CREATE, NodeStatus.SUCCEEDED,
        new=new, physical_id=step.physical_id,
    )  # fmt: skip


def _changed(
    old: DeployedResource | None, leftovers: Sequence[DeployedResource]
) -> DeployedResource | None:
    """Return what became of `old` until it was replaced; None where it stayed as it was."""
    for each in leftovers:
        if (
            old is not None
            and each.logical_resource_id == old.logical_resource_id
            and each.physical_resource_id == old.physical_resource_id
            and (each.attempts or each.properties != old.properties)
        ):
            return each
    return None


def _step(
    phase: Phase, old: DeployedResource | None, new: DeployedResource, ended: NodeStatus | None
) -> Step:
    """Return the step that made `new` of `old`, however many operations that took."""
    if old is None:
        work = Work.CREATE
    elif old.physical_resource_id != new.physical_resource_id:
        work = Work.REPLACE
    else:
        work = Work.NOTHING if old == new else Work.UPDATE
    failed = new.status.endswith("_FAILED")
    status = NodeStatus.FAILED if failed or ended in _LOST else NodeStatus.SUCCEEDED
    name = new.logical_resource_id
    physical_id = new.physical_resource_id or None
    return Step(phase, name, name, work, status, old=old, new=new, physical_id=physical_id)


def _left(
    phase: Phase,
    before: Mapping[str, DeployedResource],
    leftovers: Iterable[DeployedResource],
    earlier: Iterable[DeployedResource],
) -> Iterator[Step]:
    """Yield steps that made what the operations replaced or gave up, and nothing needs."""
    kept = {(name, each.physical_resource_id) for name, each in before.items()}
    kept |= {(each.logical_resource_id, each.physical_resource_id) for each in earlier}
    for number, each in enumerate(leftovers):
        name = each.logical_resource_id
        if (name, each.physical_resource_id) not in kept:
            yield Step(
                phase, f"{name}#{number + 2}", name, Work.CREATE, NodeStatus.SUCCEEDED,
                new=each, physical_id=each.physical_resource_id or None,
            )  # fmt: skip
