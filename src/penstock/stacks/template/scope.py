"""What a template is evaluated with."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from penstock.stacks.intrinsics.function import LONGEST_TOGETHER, length_of
from penstock.stacks.template.errors import template_error
from penstock.stacks.template.template import ParameterValue, Template


@dataclass(frozen=True, slots=True)
class ResourceValues:
    """What an existing resource gives: `ref` to Ref, `attributes` (nested ones as nested maps,
    or with dots in their names) to Fn::GetAtt."""

    ref: Any
    attributes: Mapping[str, Any] | None = field(default_factory=dict)
    """None where they are not known yet."""
    source: str | None = None
    """For a custom resource: by what AWS calls the answer that the attributes are from."""
    changing: bool = False
    """Whether it changes, so that others may be answered."""


@dataclass(frozen=True, slots=True)
class OtherStack:
    """What another stack gives to Fn::GetStackOutput: its outputs, None where they are not known
    yet, or why it gives nothing."""

    outputs: Mapping[str, str] | None
    problem: str | None = None


@dataclass(slots=True)
class Lengths:
    """How long the values of a scope's functions are together. A place of the template that is
    evaluated again counts once."""

    total: int = 0
    by_place: dict[str, int] = field(default_factory=dict)

    def clear(self) -> None:
        """Begin anew."""
        self.total = 0
        self.by_place.clear()

    @property
    def without_conditions(self) -> int:
        """What was counted for everything but Conditions, which many places share."""
        return self.total - self.by_place.get("Conditions", 0)

    def begin(self, place: str) -> None:
        """Forget what was counted for a place."""
        self.total -= self.by_place.pop(place, 0)

    def add(self, place: str, value: Any) -> None:
        """Count a function's value. Raises ServiceError ValidationError when it is one too many."""
        self.count(place, length_of(value))

    def count(self, place: str, length: int) -> None:
        """Count a length that is known. Raises as `add` does."""
        self.total += length
        self.by_place[place] = self.by_place.get(place, 0) + length
        if self.total > LONGEST_TOGETHER:
            raise template_error(
                "the values of the template's functions are together longer than "
                f"{LONGEST_TOGETHER} characters"
            )


@dataclass(frozen=True, slots=True)
class Scope:
    """A template and everything that its functions may ask for. Values only.

    `resources` holds those that exist; of others nothing is known yet.
    """

    template: Template
    parameters: Mapping[str, ParameterValue]
    region: str
    account_id: str
    stack_id: str
    stack_name: str
    notification_arns: Sequence[str] = ()
    exports: Mapping[str, str] = field(default_factory=dict)
    resources: Mapping[str, ResourceValues] = field(default_factory=dict)
    other_stacks: Mapping[str, OtherStack] = field(default_factory=dict)
    """By the name or id that the template gives."""
    known_conditions: dict[str, bool] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )
    """Conditions evaluated so far; kept by `evaluate.py`."""
    lengths: Lengths = field(default_factory=Lengths, init=False, repr=False, compare=False)
    """Of what was evaluated so far; kept by `evaluate.py`."""
