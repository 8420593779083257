"""A change set as somebody reviews it: parameters before and after, changes with their values.

Everything is read from the stored plan, the one that is executed. Secrets are masked: the plan's
changes were masked when it was made, NoEcho parameters are here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from penstock.stacks.change_sets.change_set import NO_CHANGES, ChangeSet
from penstock.stacks.change_sets.description import describe_changes
from penstock.stacks.change_sets.stored_change_sets import StoredChangeSets
from penstock.stacks.display import MASK
from penstock.stacks.planning.plan import Plan
from penstock.stacks.template.template import ParameterValue
from penstock.storage.change_sets import ChangeSetRow

MASKED_AND_CHANGED = f"{MASK} (another value)"


@dataclass(frozen=True, slots=True)
class ReviewedParameter:
    """One parameter of the stack; None where it is not there before or after."""

    name: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class ReviewedPlan:
    """A change set and what it would change. `parameters` is empty once the stack moved on:
    what stood before is then known no more. `changes` are those of DescribeChangeSet with property
    values, and those that AWS tells only without: what reads an attribute of something that changes
    in place, and may change with it."""

    row: ChangeSetRow
    kind: str
    empty: bool
    parameters: Sequence[ReviewedParameter]
    changes: Sequence[Mapping[str, Any]]


async def review(
    change_sets: StoredChangeSets, name_or_arn: str, stack_name: str | None = None
) -> ReviewedPlan:
    """Return the change set as it is now, one that was executed too. Raises ServiceError when it
    is not there."""
    found = await change_sets.find(name_or_arn, stack_name, executed=True)
    row, document = found.row, found.document
    plan = document.plan
    empty = row.status == "FAILED" and (row.status_reason or "") == NO_CHANGES
    broken = plan is None or (row.status == "FAILED" and not empty)
    return ReviewedPlan(
        row=row,
        kind="CREATE" if document.create else "UPDATE",
        empty=empty,
        parameters=() if broken else await _parameters(change_sets, found),
        changes=() if plan is None or broken else _changes(plan),
    )


def _changes(plan: Plan, above: str = "") -> list[dict[str, Any]]:
    """Return the changes; those of a nested stack follow it, named `Child.Resource`."""
    found = {_logical_id(each): each for each in describe_changes(plan, False)}
    found |= {_logical_id(each): each for each in describe_changes(plan, True)}
    changes = []
    for each in plan.changes:
        name = each.logical_resource_id
        if name in found:
            own = found[name]["ResourceChange"] | {"LogicalResourceId": f"{above}{name}"}
            changes.append({**found[name], "ResourceChange": own})
        if each.nested is not None:
            changes += _changes(each.nested, f"{above}{name}.")
    return changes


def _logical_id(change: Mapping[str, Any]) -> str:
    return str(change["ResourceChange"]["LogicalResourceId"])


async def _parameters(
    change_sets: StoredChangeSets, found: ChangeSet
) -> Sequence[ReviewedParameter]:
    stack, plan = await change_sets.stack(found.row), found.document.plan
    if plan is None or stack is None or stack.serial != found.row.stack_serial:
        return ()
    names = [*plan.parameters, *(name for name in stack.parameters if name not in plan.parameters)]
    return [
        _parameter(name, stack.parameters.get(name), plan.parameters.get(name)) for name in names
    ]


def _parameter(
    name: str, before: ParameterValue | None, after: ParameterValue | None
) -> ReviewedParameter:
    hidden = any(each is not None and each.no_echo for each in (before, after))
    if not hidden:
        return ReviewedParameter(name, _text(before), _text(after))
    changed = before is not None and after is not None and before.value != after.value
    return ReviewedParameter(
        name,
        None if before is None else MASK,
        None if after is None else MASKED_AND_CHANGED if changed else MASK,
    )


def _text(value: ParameterValue | None) -> str | None:
    """Return the value; of an SSM parameter what it resolved to, and its name."""
    if value is None or value.resolved is None:
        return None if value is None else value.value
    return f"{value.resolved} (from {value.value})"
