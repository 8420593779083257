"""The stored plan: what a change set describes and what its execution carries out.

Made by `planner.py` (pure), stored by whoever asked, executed by `provisioner.py`. Describing
and executing read the same plan; `digest` names it. Values only; JSON through msgspec.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import msgspec

from penstock.aws.errors import ServiceError
from penstock.stacks.template.errors import invalid
from penstock.stacks.template.template import ParameterValue


class Action(StrEnum):
    """What happens to one resource; the values are ResourceChange's."""

    ADD = "Add"
    MODIFY = "Modify"
    REMOVE = "Remove"
    DYNAMIC = "Dynamic"


class Replacement(StrEnum):
    """Whether a Modify makes a new physical resource."""

    TRUE = "True"
    FALSE = "False"
    CONDITIONAL = "Conditional"


class Shown(StrEnum):
    """In which of DescribeChangeSet's two forms AWS gives a detail."""

    ALWAYS = "Always"
    WITHOUT_VALUES = "WithoutValues"
    WITH_VALUES = "WithValues"


@dataclass(frozen=True, slots=True)
class Detail:
    """One ResourceChangeDetail, in the model's own words (docs: API_ResourceChangeDetail)."""

    attribute: str
    """Properties, Metadata, Tags, CreationPolicy, UpdatePolicy, DeletionPolicy, …"""
    name: str | None
    requires_recreation: str
    """Never, Conditionally or Always."""
    evaluation: str
    """Static or Dynamic."""
    change_source: str | None
    causing_entity: str | None = None
    path: str | None = None
    attribute_change_type: str | None = None
    before_value: str | None = None
    after_value: str | None = None
    shown: Shown = Shown.ALWAYS

    @property
    def uncertain(self) -> bool:
        """Whether only the execution tells if the value changes at all."""
        return self.evaluation == "Dynamic" and self.change_source != "DirectModification"


def replacement_of(details: Sequence[Detail]) -> Replacement:
    """Return what the details of a Modify come to, as AWS documents it.

    Always replaces where the change is certain; otherwise the replacement is Conditional.
    """
    certain = [each for each in details if not each.uncertain]
    if any(each.requires_recreation == "Always" for each in certain):
        return Replacement.TRUE
    never = all(each.requires_recreation == "Never" for each in details)
    return Replacement.FALSE if never else Replacement.CONDITIONAL


@dataclass(frozen=True, slots=True)
class PlannedChange:
    """One resource that changes. Details carry everything; Describe gives what was asked."""

    action: Action
    logical_resource_id: str
    resource_type: str
    physical_resource_id: str | None = None
    replacement: Replacement | None = None
    policy_action: str | None = None
    scope: Sequence[str] = ()
    details: Sequence[Detail] = ()
    before_context: str | None = None
    after_context: str | None = None
    change_set_id: str | None = None
    """Of a nested stack: its own change set, where the request asked for one."""
    nested: "Plan | None" = None
    """What is executed of that; None where the nested stack does not change."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that an operation on a stack will do, decided.

    `stack_serial` is the serial of the stack's state that the plan was made from: a plan whose
    stack moved on is never executed.
    """

    stack_id: str
    stack_serial: int
    template_body: str
    parameters: Mapping[str, ParameterValue]
    tags: Mapping[str, str]
    capabilities: Sequence[str]
    role_arn: str | None
    notification_arns: Sequence[str]
    changes: Sequence[PlannedChange] = ()
    warnings: Sequence[str] = ()
    """`[WARN] …` lines for StatusReason."""
    disable_rollback: bool = False
    description: str | None = None
    outputs_changed: bool = False
    tags_changed: bool = False
    invalid_properties: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """What the schemas have against properties that are known already, by logical id."""
    extra: Mapping[str, Any] = field(default_factory=dict)
    original_body: str | None = None
    """The template as it was given, where transforms made `template_body` of it."""
    imports: Mapping[str, str] = field(default_factory=dict)
    """What the exports of other stacks gave that it was made with, by name."""
    monitoring_minutes: int = 0
    """How long the operation waits, once everything is made, before it cleans up and ends."""

    @property
    def of_change_set(self) -> bool:
        """Whether it is a change set's, which somebody may have reviewed."""
        return "ChangeSetId" in self.extra

    def all_imports(self) -> Iterator[tuple[str, str]]:
        """Yield its imports, and those of the nested stacks' plans in it, by name and value."""
        yield from self.imports.items()
        for change in self.changes:
            if change.nested is not None:
                yield from change.nested.all_imports()

    @property
    def digest(self) -> str:
        """`sha256:…` over the whole plan: what an approver saw and what is executed."""
        return f"sha256:{hashlib.sha256(encode(self)).hexdigest()}"


def planned_otherwise(found: str) -> ServiceError:
    """Return the refusal to execute a change set once `found` differs from what was reviewed."""
    return invalid(f"The change set was planned otherwise: {found}. Make the change set again.")


def encode(plan: Plan) -> bytes:
    """Return the plan as JSON, members in a fixed order."""
    return msgspec.json.encode(plan, order="sorted")


def decode(text: bytes | str) -> Plan:
    """Return the plan that `encode` wrote."""
    return msgspec.json.decode(text, type=Plan)
