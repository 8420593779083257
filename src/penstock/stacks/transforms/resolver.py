"""Evaluates functions before a template's resources exist: what parameters, mappings, conditions
and pseudo parameters tell. Pure.

Everything else is Unknown: resources, exports, and NoEcho parameters, whose values would stand in
the processed text. Conditions are evaluated with them, since they tell yes or no only.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from penstock.stacks.intrinsics import find_in_map, to_json_string
from penstock.stacks.intrinsics.boolean import not_boolean
from penstock.stacks.intrinsics.function import NO_VALUE, function_of
from penstock.stacks.intrinsics.table import FUNCTIONS
from penstock.stacks.intrinsics.unknown import Unknown, contains_unknown
from penstock.stacks.template import parameter_types
from penstock.stacks.template.errors import template_error
from penstock.stacks.template.pseudo_parameters import partition, url_suffix
from penstock.stacks.template.template import ParameterDeclaration, ParameterValue

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

    def texts(self, *, secrets: bool = True) -> dict[str, Any]:
        """Return the parameters' values as Ref gives them, lists as lists.

        Without `secrets` those of NoEcho parameters are left out.
        """
        return {
            name: self._given(name)
            for name, given in self.parameters.items()
            if secrets or not given.no_echo
        }

    def _given(self, name: str) -> Any:
        effective = self.parameters[name].effective
        listed = parameter_types.is_list(self.declared[name].type)
        return parameter_types.items(effective) if listed else effective


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

    @property
    def region(self) -> str:
        """The stack's region."""
        return self.known.region

    def value(self, node: Any) -> Any:
        """Return a node evaluated, with Unknown for what is not known; NO_VALUE where it says so.

        Raises ServiceError ValidationError for functions that are wrongly given.
        """
        if isinstance(node, list):
            items = [self.value(item) for item in node]
            return [item for item in items if item is not NO_VALUE]
        if not isinstance(node, dict):
            return node
        call = function_of(node)
        if call is None and self.in_condition and node.keys() == {"Condition"}:
            call = ("Condition", node["Condition"])
        if call is None:
            members = {key: self.value(member) for key, member in node.items()}
            return {key: value for key, value in members.items() if value is not NO_VALUE}
        return self._function(*call)

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
        return self.known.texts()[name]

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
        match name:
            case "Fn::Length":
                return self._length(argument)
            case "Fn::FindInMap":  # its names may be any function here
                if not find_in_map.parts(argument)[0]:
                    raise template_error("Fn::FindInMap layout is incorrect")
                return find_in_map.evaluate(argument, self)
            case "Fn::ToJsonString":
                to_json_string.check(argument)
                value = self.value(argument)
                if contains_unknown(value):
                    return Unknown(name)
                return to_json_string.written(value)
            case "Ref" | "Fn::GetAtt" if not isinstance(argument, str | list):
                found = self.value(argument)
                return self.reference(found) if isinstance(found, str) else Unknown(name)
        if name not in FUNCTIONS:
            raise template_error(f"Encountered unsupported function: {name}")
        FUNCTIONS[name].check(argument)
        return FUNCTIONS[name].evaluate(argument, self)

    def _length(self, argument: Any) -> Any:
        found = self.value(argument)
        if not isinstance(found, list):
            raise template_error("Fn::Length layout is incorrect")
        return len(found)

    def _pseudo_parameter(self, name: str) -> Any:
        match name:
            case "AWS::NoValue":
                return NO_VALUE
            case "AWS::Region":
                return self.known.region
            case "AWS::AccountId":
                return self.known.account_id
            case "AWS::StackName":
                return self.known.stack_name
            case "AWS::StackId" if self.known.stack_id:
                return self.known.stack_id
            case "AWS::Partition":
                return partition(self.known.region)
            case "AWS::URLSuffix":
                return url_suffix(self.known.region)
            case _:
                return Unknown(name)
