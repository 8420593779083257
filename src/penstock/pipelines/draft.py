"""Edits of a pipeline's declaration, each a new declaration: what is not edited stays as it is.

A declaration is CodePipeline's `PipelineDeclaration`. Stages and actions are named by their
place in its lists, so that names which clash or are wrong can still be corrected.
Source: https://docs.aws.amazon.com/codepipeline/latest/userguide/pipelines-edit.html
"""

import difflib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from penstock.pipelines.secret_configuration import MASK, secret_names

Declaration = Mapping[str, Any]
LAST_RUN_ORDER = 999


class DraftError(Exception):
    """An edit that cannot be made, in words for the person who asked for it."""


@dataclass(frozen=True, slots=True)
class Placed:
    """An action and its place in its stage's list."""

    index: int
    action: Mapping[str, Any]


def add_stage(declaration: Declaration, index: int, name: str) -> dict[str, Any]:
    """Put an empty stage before the stage at `index`, or behind the last one."""
    stages = list(declaration["stages"])
    if not 0 <= index <= len(stages):
        raise DraftError(f"Expected a place from 1 to {len(stages) + 1}, found {index + 1}.")
    stages.insert(index, {"name": name, "actions": []})
    return {**declaration, "stages": stages}


def rename_stage(declaration: Declaration, index: int, name: str) -> dict[str, Any]:
    """Give the stage another name."""
    return _with_stage(declaration, index, {**stage_at(declaration, index), "name": name})


def remove_stage(declaration: Declaration, index: int) -> dict[str, Any]:
    """Take the stage out, with its actions."""
    stage_at(declaration, index)
    stages = [one for place, one in enumerate(declaration["stages"]) if place != index]
    return {**declaration, "stages": stages}


def move_stage(declaration: Declaration, index: int, by: int) -> dict[str, Any]:
    """Move the stage `by` places; no further than to either end."""
    stage = stage_at(declaration, index)
    stages = [one for place, one in enumerate(declaration["stages"]) if place != index]
    stages.insert(max(0, min(len(stages), index + by)), stage)
    return {**declaration, "stages": stages}


def stage_at(declaration: Declaration, index: int) -> Mapping[str, Any]:
    """Return the stage at `index`."""
    stages: Sequence[Mapping[str, Any]] = declaration["stages"]
    if not 0 <= index < len(stages):
        raise DraftError(f"Expected one of {len(stages)} stages, found number {index + 1}.")
    return stages[index]


def action_at(declaration: Declaration, stage: int, index: int) -> Mapping[str, Any]:
    """Return the action at `index` of the stage at `stage`."""
    actions: Sequence[Mapping[str, Any]] = stage_at(declaration, stage)["actions"]
    if not 0 <= index < len(actions):
        raise DraftError(f"Expected one of {len(actions)} actions, found number {index + 1}.")
    return actions[index]


def groups(stage: Mapping[str, Any]) -> list[tuple[int, list[Placed]]]:
    """Return the stage's actions by run order, ascending; those of a group run side by side."""
    found: dict[int, list[Placed]] = {}
    for index, action in enumerate(stage["actions"]):
        found.setdefault(run_order(action), []).append(Placed(index, action))
    return sorted(found.items())


def run_order(action: Mapping[str, Any]) -> int:
    """Return the action's run order, 1 where it declares none."""
    return action.get("runOrder") or 1


def add_action(declaration: Declaration, stage: int, action: Mapping[str, Any]) -> dict[str, Any]:
    """Add the action to the stage."""
    found = stage_at(declaration, stage)
    return _with_stage(declaration, stage, {**found, "actions": [*found["actions"], action]})


def replace_action(
    declaration: Declaration, stage: int, index: int, action: Mapping[str, Any]
) -> dict[str, Any]:
    """Put `action` in the place of the one at `index`."""
    action_at(declaration, stage, index)
    found = stage_at(declaration, stage)
    actions = [action if place == index else other for place, other in enumerate(found["actions"])]
    return _with_stage(declaration, stage, {**found, "actions": actions})


def remove_action(declaration: Declaration, stage: int, index: int) -> dict[str, Any]:
    """Take the action out; an empty stage stays."""
    action_at(declaration, stage, index)
    found = stage_at(declaration, stage)
    actions = [other for place, other in enumerate(found["actions"]) if place != index]
    return _with_stage(declaration, stage, {**found, "actions": actions})


def free_run_order(declaration: Declaration, stage: int, order: int) -> dict[str, Any]:
    """Move the group of run order `order` one on, and those that follow it without a gap."""
    found = stage_at(declaration, stage)
    taken = {run_order(action) for action in found["actions"]}
    last = order
    while last in taken:
        last += 1
    if last > LAST_RUN_ORDER:
        raise DraftError(f"No run order is free from {order} to {LAST_RUN_ORDER}.")
    moved = {each: each + 1 for each in range(order, last)}
    return _with_stage(declaration, stage, _reordered(found, moved))


def move_group(declaration: Declaration, stage: int, order: int, by: int) -> dict[str, Any]:
    """Let the group of run order `order` change places with a neighbour: `by` is -1 or 1.

    At either end it stays where it is.
    """
    found = stage_at(declaration, stage)
    orders = [each for each, _ in groups(found)]
    if order not in orders:
        raise DraftError(f"Expected a run order of the stage, found {order}.")
    other = orders.index(order) + by
    if not 0 <= other < len(orders):
        return dict(declaration)
    neighbour = orders[other]
    return _with_stage(declaration, stage, _reordered(found, {order: neighbour, neighbour: order}))


def artifacts_before(declaration: Declaration, stage: int, order: int) -> list[str]:
    """Return the output artifacts that exist when an action of this run order starts there."""
    return [
        artifact["name"]
        for place, each in enumerate(declaration["stages"])
        for action in each["actions"]
        for artifact in action.get("outputArtifacts") or ()
        if (place, run_order(action)) < (stage, order)
    ]


def missing_secrets(declaration: Declaration, stored: Declaration) -> list[tuple[str, str, str]]:
    """Return the stage, action and key of each `****` that stands for no stored value.

    A secret belongs to the names of its stage and action: under another name it is not known.
    """
    known = set(_masked(stored))
    return [place for place in _masked(declaration) if place not in known]


def equal(one: Declaration, other: Declaration) -> bool:
    """Whether two declarations say the same; `version` aside."""
    return {**one, "version": 0} == {**other, "version": 0}


def changes(before: Declaration, after: Declaration) -> list[str]:
    """Return what differs, as lines of a unified diff of the indented JSON.

    The version and the order of members are no difference.
    """
    one, other = (text(_ordered({**each, "version": None})) for each in (before, after))
    lines = difflib.unified_diff(one.splitlines(), other.splitlines(), lineterm="", n=3)
    return [line for line in lines if not line.startswith(("---", "+++"))]


def _ordered(value: Any) -> Any:
    """Return the value with its members in one order, the name first, and absent ones left out."""
    if isinstance(value, list):
        return [_ordered(each) for each in value]
    if not isinstance(value, dict):
        return value
    keys = sorted(value, key=lambda key: (key != "name", key))
    return {key: _ordered(value[key]) for key in keys if value[key] is not None}


def text(declaration: Declaration) -> str:
    """Return the declaration as indented JSON."""
    return json.dumps(declaration, indent=2, ensure_ascii=False)


def _with_stage(declaration: Declaration, index: int, stage: Mapping[str, Any]) -> dict[str, Any]:
    stage_at(declaration, index)
    stages = [
        stage if place == index else other for place, other in enumerate(declaration["stages"])
    ]
    return {**declaration, "stages": stages}


def _reordered(stage: Mapping[str, Any], orders: Mapping[int, int]) -> dict[str, Any]:
    actions = [
        {**action, "runOrder": orders[run_order(action)]} if run_order(action) in orders else action
        for action in stage["actions"]
    ]
    return {**stage, "actions": actions}


def _masked(declaration: Declaration) -> list[tuple[str, str, str]]:
    return [
        (stage["name"], action["name"], key)
        for stage in declaration["stages"]
        for action in stage["actions"]
        for key in sorted(secret_names(action))
        if (action.get("configuration") or {}).get(key) == MASK
    ]
