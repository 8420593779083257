"""A stack as it stands: what the planner compares with and the provisioner keeps up to date."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from penstock.stacks.template.scope import ResourceValues
from penstock.stacks.template.template import ParameterValue


@dataclass(frozen=True, slots=True)
class Attempt:
    """What an update of a resource in place asked for, which failed, and may have done in part."""

    properties: Mapping[str, Any]
    unwritten: tuple[str, ...] = ()
    """As of a DeployedResource."""
    tags: Mapping[str, str] = field(default_factory=dict)
    """The stack's before it and those that it asked for."""


class DeployedResource(msgspec.Struct, frozen=True):
    """One resource of a stack, as it was last deployed."""

    logical_resource_id: str
    resource_type: str
    physical_resource_id: str
    status: str
    """ResourceStatus."""
    properties: Mapping[str, Any]
    """Evaluated: as sent to the handler."""
    attributes: Mapping[str, Any]
    support: str
    """running, kept or recorded."""
    ref: str | None = None
    depends_on: tuple[str, ...] = ()
    """Every resource it refers to: deletions go in the reverse order."""
    deletion_policy: str | None = None
    update_replace_policy: str | None = None
    metadata: Mapping[str, Any] = msgspec.field(default_factory=dict)
    no_echo: bool = False
    """Whether its attributes are secrets (a custom resource's answer with NoEcho)."""
    source: str | None = None
    """For a custom resource: by what AWS calls the answer that the attributes are from."""
    unwritten: tuple[str, ...] = ()
    """Texts in the properties that look like dynamic references and are none: others answered
    them."""
    attempts: tuple[Attempt, ...] = ()
    """The updates that failed since, oldest first: some of each may be there."""

    @property
    def values(self) -> ResourceValues:
        """What Ref and Fn::GetAtt give."""
        ref = self.physical_resource_id if self.ref is None else self.ref
        return ResourceValues(ref=ref, attributes=self.attributes, source=self.source)


@dataclass(frozen=True, slots=True)
class StackState:
    """A stack and its resources. `template_body` is empty for a stack in REVIEW_IN_PROGRESS."""

    stack_id: str
    stack_name: str
    region: str
    account_id: str
    status: str
    serial: int
    """Rises with every operation on the stack."""
    template_body: str = ""
    original_body: str | None = None
    """The template as it was given, where transforms made `template_body` of it."""
    parameters: Mapping[str, ParameterValue] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    capabilities: Sequence[str] = ()
    role_arn: str | None = None
    notification_arns: Sequence[str] = ()
    monitoring_minutes: int = 0
    resources: Mapping[str, DeployedResource] = field(default_factory=dict)
    outputs: Mapping[str, str] = field(default_factory=dict)

    @property
    def secret_resources(self) -> list[str]:
        """The resources whose attributes are secrets."""
        return [name for name, each in self.resources.items() if each.no_echo]
