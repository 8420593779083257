"""What a stack shall become: a request's template, parameters and options, checked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from penstock.stacks.template.scope import OtherStack
from penstock.stacks.template.template import ParameterValue, Template


@dataclass(frozen=True, slots=True)
class Desired:
    """The wanted state. Everything in it was validated by `request.py`."""

    template: Template
    parameters: Mapping[str, ParameterValue] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    capabilities: Sequence[str] = ()
    role_arn: str | None = None
    notification_arns: Sequence[str] = ()
    disable_rollback: bool = False
    monitoring_minutes: int = 0
    """RollbackConfiguration's MonitoringTimeInMinutes."""
    exports: Mapping[str, str] = field(default_factory=dict)
    """The region's exports by name, for Fn::ImportValue."""
    other_stacks: Mapping[str, OtherStack] = field(default_factory=dict)
    """Stacks whose outputs Fn::GetStackOutput gives, by the name that the template gives."""
    failure: str | None = None
    """Why the template's transforms failed, for a change set, which then is FAILED: nothing can be
    planned, and the template has its original text only."""
