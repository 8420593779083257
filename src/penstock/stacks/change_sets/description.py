"""A plan's changes as DescribeChangeSet answers them, with property values or without.

Pure. Without values AWS lists what a change in place may reach; with values only what differs.
Replacement is the change's own in both forms, also where only a detail that one form leaves out
may bring it about.
Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ResourceChange.html
"""

from collections.abc import Sequence
from typing import Any

from penstock.stacks.planning.plan import Action, Detail, Plan, PlannedChange, Shown

_STRENGTH = {"Never": 0, "Conditionally": 1, "Always": 2}


def describe_changes(plan: Plan, include_property_values: bool) -> list[dict[str, Any]]:
    """Return the members of Changes, in the plan's order."""
    described = (_change(each, with_values=include_property_values) for each in plan.changes)
    return [{"Type": "Resource", "ResourceChange": each} for each in described if each is not None]


def _change(change: PlannedChange, *, with_values: bool) -> dict[str, Any] | None:
    """Return a ResourceChange; None for one that this form leaves out."""
    hidden = Shown.WITHOUT_VALUES if with_values else Shown.WITH_VALUES
    details = [each for each in change.details if each.shown is not hidden]
    modified = change.action is Action.MODIFY
    if modified and not details:
        return None
    described: dict[str, Any] = {
        "PolicyAction": change.policy_action,
        "Action": str(change.action),
        "LogicalResourceId": change.logical_resource_id,
        "PhysicalResourceId": change.physical_resource_id,
        "ResourceType": change.resource_type,
        "ChangeSetId": change.change_set_id,
        "Replacement": None if change.replacement is None else str(change.replacement),
        "Scope": sorted({each.attribute for each in details}),
        "Details": [_detail(each, with_values=True) for each in details]
        if with_values
        else [_detail(each, with_values=False) for each in _merged(details)],
    }
    if with_values:
        described["BeforeContext"] = change.before_context
        described["AfterContext"] = change.after_context
    return {key: value for key, value in described.items() if value is not None}


def _merged(details: Sequence[Detail]) -> list[Detail]:
    """Return one detail of those that differ in their paths and values alone: the strongest."""
    found: dict[tuple[str | None, ...], Detail] = {}
    for each in details:
        key = (
            each.attribute, each.name, each.evaluation, each.change_source, each.causing_entity,
        )  # fmt: skip
        known = found.get(key)
        if (
            known is None
            or _STRENGTH[known.requires_recreation] < _STRENGTH[each.requires_recreation]
        ):
            found[key] = each
    return list(found.values())


def _detail(detail: Detail, *, with_values: bool) -> dict[str, Any]:
    target = {
        "Attribute": detail.attribute,
        "Name": detail.name,
        "RequiresRecreation": detail.requires_recreation,
    }
    if with_values:
        target |= {
            "Path": detail.path,
            "AttributeChangeType": detail.attribute_change_type,
            "BeforeValue": detail.before_value,
            "AfterValue": detail.after_value,
        }
    described = {
        "Target": {key: value for key, value in target.items() if value is not None},
        "Evaluation": detail.evaluation,
        "ChangeSource": detail.change_source,
        "CausingEntity": detail.causing_entity,
    }
    return {key: value for key, value in described.items() if value is not None}
