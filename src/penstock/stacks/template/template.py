"""A template as values. Functions stay as AWS writes them in JSON (`{"Fn::Sub": …}`, `{"Ref": …}`);
short forms were expanded by `load.py`.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-anatomy.html
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

_MOST_KEPT = 16
"""Kinds of what was found in one template, under one or another set of conditions."""


@dataclass(frozen=True, slots=True)
class ParameterDeclaration:
    """One member of Parameters."""

    name: str
    type: str
    default: str | None = None
    no_echo: bool = False
    description: str | None = None
    allowed_values: Sequence[str] | None = None
    allowed_pattern: str | None = None
    min_length: int | None = None
    max_length: int | None = None
    min_value: float | None = None
    max_value: float | None = None
    constraint_description: str | None = None


@dataclass(frozen=True, slots=True)
class ResourceDeclaration:
    """One member of Resources; `properties` and `metadata` unevaluated."""

    logical_id: str
    type: str
    properties: Mapping[str, Any] = field(default_factory=dict)
    depends_on: Sequence[str] = ()
    condition: str | None = None
    deletion_policy: str | None = None
    update_replace_policy: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    creation_policy: Mapping[str, Any] | None = None
    update_policy: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class OutputDeclaration:
    """One member of Outputs; `value` and `export_name` unevaluated."""

    name: str
    value: Any
    description: str | None = None
    export_name: Any = None
    condition: str | None = None


@dataclass(frozen=True, slots=True)
class Template:
    """A loaded and validated template."""

    body: str
    """The text that counts: as it was given, or as its transforms made it."""
    resources: Mapping[str, ResourceDeclaration]
    parameters: Mapping[str, ParameterDeclaration] = field(default_factory=dict)
    mappings: Mapping[str, Mapping[str, Mapping[str, Any]]] = field(default_factory=dict)
    conditions: Mapping[str, Any] = field(default_factory=dict)
    outputs: Mapping[str, OutputDeclaration] = field(default_factory=dict)
    description: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    transforms: Sequence[str] = ()
    """Those that are still to be carried out."""
    format_version: str | None = None
    rules: Mapping[str, Any] = field(default_factory=dict)
    original: str | None = None
    """The text as it was given, where transforms made another one of it; otherwise None."""
    found: dict[Any, Any] = field(default_factory=dict, init=False, repr=False, compare=False)
    """What was found in it so far; whoever looks for something keeps it under a key of its own."""

    def found_under(self, conditions: Mapping[str, bool], key: Any) -> dict[str, Any]:
        """Return what was found in it so far of a kind, where its conditions have these values."""
        whole = frozenset(conditions.items()), key
        if whole not in self.found:
            if len(self.found) >= _MOST_KEPT:
                self.found.clear()
            self.found[whole] = {}
        kept: dict[str, Any] = self.found[whole]
        return kept


@dataclass(frozen=True, slots=True)
class ParameterValue:
    """A parameter's value in one stack: text as given; `resolved` for SSM parameter types."""

    value: str
    no_echo: bool = False
    resolved: str | None = None

    @property
    def effective(self) -> str:
        """What Ref answers, as text; lists are comma-separated."""
        return self.resolved if self.resolved is not None else self.value
