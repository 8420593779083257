"""One operation on a stack as values: what it was asked for, and what it does with each resource.

Pure. An operation goes through phases (`walk.py`); each phase has a step per resource. The steps
of a phase are made from what the phases before it did, when it begins, and stored with it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec

from penstock.aws.service import Principal
from penstock.stacks.operations.walk import Node, NodeStatus, Phase
from penstock.stacks.planning.differences import is_custom
from penstock.stacks.planning.plan import Plan
from penstock.stacks.policies.creation_policy import WAIT_CONDITION, SignalsWanted
from penstock.stacks.state import DeployedResource, StackState
from penstock.stacks.template.template import ParameterValue

GONE = frozenset({"DELETE_COMPLETE", "DELETE_SKIPPED"})
"""Statuses of resources that a stack no longer has."""

ENDED = frozenset({NodeStatus.SUCCEEDED, NodeStatus.FAILED, NodeStatus.CANCELLED})
"""Statuses of steps that did something, or may have."""


class Work(StrEnum):
    """What a step does. APPLY becomes one of the next four, or DENIED, at its turn."""

    APPLY = "APPLY"
    CREATE = "CREATE"
    UPDATE = "UPDATE"
    REPLACE = "REPLACE"
    NOTHING = "NOTHING"
    RESTORE = "RESTORE"
    DELETE = "DELETE"
    RETAIN = "RETAIN"
    DENIED = "DENIED"
    """An update, or a removal, that the stack's policy refuses."""


class Step(msgspec.Struct, frozen=True):
    """What one phase does with one resource."""

    phase: Phase
    key: str
    """The logical id; with a suffix for what an earlier operation left behind."""
    logical_id: str
    work: Work
    status: NodeStatus = NodeStatus.WAITING
    after: Sequence[str] = ()
    old: DeployedResource | None = None
    """What was deployed before: to compare with, to go back to, or to delete."""
    new: DeployedResource | None = None
    """What is being made; for going back, what was attempted."""
    physical_id: str | None = None
    """What this step made or works on, as soon as it is known."""
    context: Mapping[str, Any] | None = None
    """The handler's callback context."""
    attempt: int = 0
    reason: str | None = None
    provisional_id: str | None = None
    """What it goes by where it ends before its physical id is known."""
    replaced_id: str | None = None
    """For going back: the physical id that an answer gave another in place of."""
    signals: SignalsWanted | None = None
    """What has to come after it is made, or changed."""
    conditional: bool = False
    """Whether only the execution tells if its update needs a replacement, and no property says."""

    @property
    def waits_for_answers(self) -> bool:
        """Whether what comes for its stack from outside may be for it."""
        resource = self.new or self.old
        kind = resource.resource_type if resource is not None else ""
        return self.signals is not None or kind == WAIT_CONDITION or is_custom(kind)

    @property
    def node(self) -> Node:
        """The step as the walk sees it."""
        return Node(self.key, self.status, frozenset(self.after))


@dataclass(frozen=True, slots=True)
class OutputValue:
    """One output of a stack."""

    name: str
    value: str
    description: str | None = None
    export_name: str | None = None


@dataclass(frozen=True, slots=True)
class StackDocument:
    """What a stack's row keeps encrypted."""

    template_body: str = ""
    original_body: str | None = None
    """The template as it was given, where transforms made `template_body` of it."""
    parameters: Mapping[str, ParameterValue] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    capabilities: Sequence[str] = ()
    role_arn: str | None = None
    notification_arns: Sequence[str] = ()
    monitoring_minutes: int = 0
    description: str | None = None
    disable_rollback: bool = False
    does_nothing_on_failure: bool = False
    """Whether it was created with OnFailure DO_NOTHING."""
    timeout_minutes: int | None = None
    outputs: Sequence[OutputValue] = ()
    leftovers: Sequence[DeployedResource] = ()
    """What updates replaced and did not delete."""
    change_set_id: str | None = None


@dataclass(frozen=True, slots=True)
class Parent:
    """The stack that a nested stack is a resource of, and its operation that is under way."""

    stack_id: str
    root_id: str
    operation_id: str


@dataclass(frozen=True, slots=True)
class Actor:
    """As whom something is done: a session of the role, or without one `principal`."""

    principal: Principal
    role_arn: str | None


@dataclass(frozen=True, slots=True)
class Operation:
    """What was asked for, and the stack as it was then.

    Fixed when the operation begins, but for `monitored_until` and `deleter`, and for how and as
    whom it goes on where a request has it go back or try again: `on_failure`,
    `retain_except_on_create`, `principal`, `role_arn` and `token` (`recoveries.py`).
    """

    id: str
    stack_id: str
    stack_name: str
    plan: Plan | None
    """None for a deletion."""
    before: StackState
    """The stack as it was: what a rollback goes back to."""
    before_document: StackDocument
    """What the stack's row kept then."""
    before_imports: Sequence[str]
    """Exports of other stacks that it used then."""
    principal: Principal
    role_arn: str | None
    on_failure: str = "ROLLBACK"
    deadline: datetime | None = None
    timeout_minutes: int | None = None
    retain_except_on_create: bool = False
    """Whether a rollback deletes what it made in spite of a DeletionPolicy of Retain."""
    token: str | None = None
    retain: Sequence[str] = ()
    leftovers: Sequence[DeployedResource] = ()
    """What earlier updates replaced and could not delete."""
    plan_digest: str | None = None
    """The plan's digest when the operation began; None for a deletion."""
    stack_policy: str | None = None
    """The policy that counts during an update."""
    own_stack_policy: str | None = None
    """The stack's own policy when the update began."""
    next_stack_policy: str | None = None
    """The policy that the stack gets when the update has succeeded; None: it keeps its own. One
    that was set during the update stays."""
    does_nothing_on_failure: bool = False
    """Whether the request said OnFailure DO_NOTHING, and not DisableRollback."""
    force: bool = False
    """Of a deletion: whether what cannot be deleted is left behind."""
    request_digest: str | None = None
    """What the request said, where its token may come again."""
    parent: Parent | None = None
    """Of a nested stack: whose operation this one is part of; None where a caller began it."""
    monitored_until: datetime | None = None
    """Until when it waits before it cleans up and ends; None: not everything is made yet."""
    deleter: Actor | None = None
    """Of a creation: who had the stack deleted before that ended."""

    def actor(self, phase: Phase) -> Actor:
        """Return as whom a phase goes on: what makes resources is seen to its end by who began it,
        their deletion is the deleter's."""
        if phase is Phase.DELETE and self.deleter is not None:
            return self.deleter
        return Actor(self.principal, self.role_arn)

    @property
    def topics(self) -> Sequence[str]:
        """The topics that are told of its events."""
        return self.before.notification_arns if self.plan is None else self.plan.notification_arns


@dataclass(frozen=True, slots=True)
class Options:
    """How an operation goes, beside what it makes of the stack."""

    on_failure: str = "ROLLBACK"
    timeout_minutes: int | None = None
    protected: bool = False
    """Of a new stack: with termination protection."""
    retain_except_on_create: bool = False
    stack_policy: str | None = None
    """The stack's policy from the operation's end on, from its beginning for a new stack."""
    stack_policy_during_update: str | None = None
    """Counts in place of the stack's own policy, for this update alone."""
    does_nothing_on_failure: bool = False
    """OnFailure DO_NOTHING, which AWS tells from DisableRollback afterwards."""
    request_digest: str | None = None
    parent: Parent | None = None
    """Of a nested stack, whose parent began the operation."""


def apply_steps(
    phase: Phase, dependencies: Mapping[str, frozenset[str]], before: StackState
) -> list[Step]:
    """Return the steps that make the template's resources, in order of logical id."""
    return [
        Step(
            phase,
            name,
            name,
            Work.APPLY,
            after=tuple(sorted(dependencies[name])),
            old=before.resources.get(name),
        )
        for name in sorted(dependencies)
    ]


def revert_steps(applied: Iterable[Step]) -> list[Step]:
    """Return the steps that undo an update's changes of resources that were there before."""
    touched = {
        step.key: step
        for step in applied
        if step.work in {Work.UPDATE, Work.REPLACE, Work.DENIED} and step.status in ENDED
    }
    steps = []
    for key, step in sorted(touched.items()):
        assert step.old is not None
        steps.append(
            Step(
                Phase.REVERT,
                key,
                step.logical_id,
                Work.UPDATE if step.work is Work.UPDATE else Work.RESTORE,
                after=tuple(one for one in sorted(step.old.depends_on) if one in touched),
                old=step.old,
                new=step.new,
                physical_id=_standing(step),
            )
        )
    return steps


def _standing(step: Step) -> str:
    """Return the physical id that is left after a rollback of the step."""
    assert step.old is not None
    updated = step.physical_id if step.work is Work.UPDATE else None
    return updated or step.old.physical_resource_id


def made_by(applied: Iterable[Step], before: StackState) -> list[DeployedResource]:
    """Return what the steps made of a stack that was `before`, to be taken back.

    An added resource, or a replacement, without a physical id failed before anything was made; AWS
    tells its deletion all the same (recorded: radkawar/stackd, eventbridge_rule_migration.json).
    What an earlier operation had failed to make is left out in that case: it stays.
    """
    made = []
    for step in applied:
        started = step.status in ENDED
        if not started or step.work not in {Work.CREATE, Work.REPLACE, Work.APPLY}:
            continue
        there = step.logical_id in before.resources and step.work is not Work.REPLACE
        if step.new is None or (not step.physical_id and there):
            continue
        made.append(msgspec.structs.replace(step.new, physical_resource_id=step.physical_id or ""))
    return made


def replaced_by(reverted: Iterable[Step]) -> list[DeployedResource]:
    """Return what going back replaced: what an update that failed had made in place of another."""
    return [
        msgspec.structs.replace(step.new, physical_resource_id=step.replaced_id)
        for step in reverted
        if step.replaced_id is not None and step.new is not None
    ]


def delete_steps(
    phase: Phase,
    resources: Iterable[DeployedResource],
    retained: Iterable[str] = (),
) -> list[Step]:
    """Return the steps that delete `resources`, those that refer to others first."""
    by_key: dict[str, DeployedResource] = {}
    for resource in resources:
        key = resource.logical_resource_id
        number = 1
        while key in by_key:
            number += 1
            key = f"{resource.logical_resource_id}#{number}"
        by_key[key] = resource
    kept = set(retained)
    return [
        Step(
            phase,
            key,
            resource.logical_resource_id,
            Work.RETAIN if key in kept else Work.DELETE,
            after=_referring(key, resource, by_key),
            old=resource,
            physical_id=resource.physical_resource_id or None,
        )
        for key, resource in sorted(by_key.items())
    ]


def _referring(
    key: str, resource: DeployedResource, by_key: Mapping[str, DeployedResource]
) -> tuple[str, ...]:
    name = resource.logical_resource_id
    return tuple(
        sorted(
            other
            for other, each in by_key.items()
            if other != key and name in each.depends_on and each.logical_resource_id != name
        )
    )
