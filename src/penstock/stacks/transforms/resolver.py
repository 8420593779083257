"""Evaluates functions before a template's resources exist: what parameters, mappings, conditions
and pseudo parameters tell. Pure.

Everything else is Unknown: resources, exports, and NoEcho parameters, whose values would stand in
the processed text. Conditions are evaluated with them, since they tell yes or no only.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from penstock.stacks.intrinsics.boolean import not_boolean
from penstock.stacks.intrinsics.function import function_of, members
from penstock.stacks.intrinsics.table import EXTENDED
from penstock.stacks.intrinsics.unknown import Unknown
from penstock.stacks.template import parameter_types, pseudo_parameters
from penstock.stacks.template.errors import template_error
from penstock.stacks.template.template import ParameterDeclaration, ParameterValue
from penstock.stacks.transforms.budget import NODE, Budget

_MOST_CONDITIONS = 100
"""Conditions that may need each other in a row."""


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a stack before its template is processed."""

    region: str
    account_id: str
    stack_name: str
    stack_id: str = ""
    """Empty for a stack that does not exist yet."""
    declared: Mapping[str, ParameterDeclaration] = field(default_factory=dict)
    parameters: Mapping[str, ParameterValue] = field(default_factory=dict)
    _lists: dict[str, list[str]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )
    """Parameters that are lists, by name, each split once."""

    def texts(self, *, secrets: bool = True) -> dict[str, Any]:
        """Return the parameters' values as Ref gives them, lists as lists.

        Without `secrets` those of NoEcho parameters are left out.
        """
        return {
            name: self.text(name)
            for name, given in self.parameters.items()
            if secrets or not given.no_echo
        }

    def text(self, name: str) -> Any:
        """Return one parameter's value as Ref gives it, a list as a list of the caller's own."""
        effective = self.parameters[name].effective
        if not parameter_types.is_list(self.declared[name].type):
            return effective
        if name not in self._lists:
            self._lists[name] = parameter_types.items(effective)
        return list(self._lists[name])


@dataclass(frozen=True)
class Resolver:
    """One evaluation: what is known, and the document's Mappings and Conditions."""

    known: Known
    mappings: Mapping[str, Any] = field(default_factory=dict)
    conditions: Mapping[str, Any] = field(default_factory=dict)
    in_condition: bool = False
    depth: int = 0
    known_conditions: dict[str, bool] = field(default_factory=dict)
    """Conditions evaluated so far: each is once, however often others name it."""
    budget: Budget = field(default_factory=Budget)
    """What may still be evaluated: a parameter's value may be asked for thousands of times."""

    @property
    def region(self) -> str:
        """The stack's region."""
        return self.known.region

    def value(self, node: Any) -> Any:
        """Return a node evaluated, with Unknown for what is not known; NO_VALUE where it says so.

        Raises ServiceError ValidationError for functions that are wrongly given, and for more
        than the budget allows.
        """
        self.budget.spend(NODE)
        if isinstance(node, list):
            return members(node, self.value)
        if not isinstance(node, dict):
            return node
        call = function_of(node)
        if call is None and self.in_condition and node.keys() == {"Condition"}:
            call = ("Condition", node["Condition"])
        if call is None:
            return members(node, self.value)
        value = self._function(*call)
        self.budget.spend_on(value)
        return value

    def condition(self, name: str) -> bool:
        """Return a condition's value."""
        if name not in self.conditions:
            raise template_error(f"unresolved condition dependency {name} in Fn::If")
        if self.depth >= _MOST_CONDITIONS:
            raise template_error("Circular dependency between conditions")  # unverified
        if name not in self.known_conditions:
            inner = dataclasses.replace(self, in_condition=True, depth=self.depth + 1)
            value = inner.value(self.conditions[name])
            if not isinstance(value, bool):
                raise not_boolean()
            self.known_conditions[name] = value
        return self.known_conditions[name]

    def reference(self, name: str) -> Any:
        """Return what Ref gives, Unknown for what is no parameter."""
        if name.startswith("AWS::"):
            return self._pseudo_parameter(name)
        given = self.known.parameters.get(name)
        if given is None or (given.no_echo and not self.in_condition):
            return Unknown(name)
        return self.known.text(name)

    def attribute(self, logical_id: str, attribute: str) -> Any:
        """Return Unknown: resources do not exist yet."""
        return Unknown(logical_id, attribute)

    def mapped(self, name: str, top: str, second: str) -> Any:
        """Return a value of Mappings, None where there is none."""
        found: Any = self.mappings
        for key in (name, top, second):
            found = found.get(key) if isinstance(found, dict) else None
        return found

    def export(self, name: str) -> Any:
        """Return Unknown: exports are read when the template is evaluated."""
        return Unknown(name)

    def stack_output(self, stack: str, output: str) -> Any:
        """Return Unknown: other stacks are read when the template is evaluated."""
        return Unknown(f"{stack}.{output}")

    def _function(self, name: str, argument: Any) -> Any:
        if name in ("Ref", "Fn::GetAtt") and not isinstance(argument, str | list):
            found = self.value(argument)
            return self.reference(found) if isinstance(found, str) else Unknown(name)
        if name not in EXTENDED:
            raise template_error(f"Encountered unsupported function: {name}")
        EXTENDED[name].check(argument)
        return EXTENDED[name].evaluate(argument, self)

    def _pseudo_parameter(self, name: str) -> Any:
        known = self.known
        stack = (known.stack_name, known.stack_id)
        found = pseudo_parameters.value(name, known.region, known.account_id, stack)
        return found or Unknown(name)
