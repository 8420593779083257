"""What a stack shall become: a request's template, parameters and options, checked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

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
    exports: Mapping[str, str] = field(default_factory=dict)
    """The region's exports by name, for Fn::ImportValue."""
