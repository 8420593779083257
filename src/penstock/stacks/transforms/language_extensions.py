"""AWS::LanguageExtensions: loops, Fn::Length, Fn::ToJsonString, a fuller Fn::FindInMap, functions
in Ref, Fn::GetAtt and a resource's policies. Pure.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/transform-aws-languageextensions.html
Only what the transform adds to the language is replaced by its value; every other function stays as
it is. Texts of errors: aws/aws-sam-cli's cfn_language_extensions.
"""

from collections.abc import Mapping
from typing import Any

from penstock.aws.errors import ServiceError
from penstock.stacks.intrinsics import find_in_map, to_json_string
from penstock.stacks.intrinsics.function import NO_VALUE, function_of
from penstock.stacks.intrinsics.unknown import contains_unknown
from penstock.stacks.template.errors import invalid
from penstock.stacks.template.transforms import LANGUAGE_EXTENSIONS
from penstock.stacks.transforms.budget import Budget
from penstock.stacks.transforms.failure import failed
from penstock.stacks.transforms.for_each import Loops
from penstock.stacks.transforms.resolver import Known, Resolver

_SECTIONS = ("Conditions", "Resources", "Outputs")
_POLICIES = ("DeletionPolicy", "UpdateReplacePolicy")
_PREFIXES = ("Template format error: ", "Template error: ")


def extended(document: Mapping[str, Any], known: Known) -> dict[str, Any]:
    """Return the document without what only this transform understands.

    Raises ServiceError ValidationError `Transform AWS::LanguageExtensions failed with: …`.
    """
    try:
        return _extended(document, known)
    except ServiceError as error:
        why = error.message
        for prefix in _PREFIXES:
            why = why.removeprefix(prefix)
        raise failed(LANGUAGE_EXTENSIONS, why) from None


def _extended(document: Mapping[str, Any], known: Known) -> dict[str, Any]:
    made = dict(document)
    mappings = made.get("Mappings", {})
    budget = Budget()
    for section in _SECTIONS:  # conditions first: a collection may need one
        if section in made:
            resolver = Resolver(known, mappings, _map(made.get("Conditions")), budget=budget)
            made[section] = Loops(resolver, budget).expanded(made[section])
    resolver = Resolver(known, mappings, _map(made.get("Conditions")), budget=budget)
    functions = _Functions(resolver, budget)
    for section in _SECTIONS:
        if section in made:
            made[section] = functions.carried_out(made[section])
    for logical_id, resource in _map(made.get("Resources")).items():
        if isinstance(resource, dict):
            for policy in _POLICIES:
                if policy in resource:
                    resource[policy] = _policy(resolver, logical_id, policy, resource[policy])
    return made


def _map(node: Any) -> Mapping[str, Any]:
    return node if isinstance(node, dict) else {}


def _policy(resolver: Resolver, logical_id: str, policy: str, given: Any) -> Any:
    if isinstance(given, list):
        raise invalid(f"Every {policy} member must be a string")
    if given == {"Ref": "AWS::NoValue"}:
        raise invalid("AWS::NoValue is not supported for DeletionPolicy or UpdateReplacePolicy")
    value = resolver.value(given)
    if not isinstance(value, str):
        raise invalid(f"Unsupported expression for {policy} in resource {logical_id}")
    return value


class _Functions:
    """Carries out the transform's functions in a node."""

    def __init__(self, resolver: Resolver, budget: Budget) -> None:
        self._resolver = resolver
        self._budget = budget

    def carried_out(self, node: Any) -> Any:
        """Return a copy of the node with values in the place of these functions."""
        if isinstance(node, list):
            return [self.carried_out(item) for item in node]
        if not isinstance(node, dict):
            return node
        call = function_of(node)
        if call is None:
            return {key: self.carried_out(member) for key, member in node.items()}
        return self._function(*call)

    def _function(self, name: str, argument: Any) -> Any:
        match name:
            case "Fn::Length":
                return self._value({name: argument})
            case "Fn::ToJsonString":
                to_json_string.check(argument)
                value = self._value(argument)
                if not contains_unknown(value):
                    return to_json_string.written(value)
            case "Fn::FindInMap" if _is_fuller(argument):
                value = self._value({name: argument})
                return self._left(argument) if _is_open(value) else value
            case "Ref" if isinstance(argument, dict):
                return {name: self._name(name, argument)}
            case "Fn::GetAtt" if isinstance(argument, list):
                return {name: [self._part(part) for part in argument]}
        return {name: self.carried_out(argument)}

    def _left(self, argument: Any) -> Any:
        """Return what of an Fn::FindInMap is for the template's evaluation: its default, where
        that depends on a resource or is AWS::NoValue."""
        names, default = find_in_map.parts(argument)
        if not default or contains_unknown(self._value(names)):
            raise invalid("Fn::FindInMap layout is incorrect")
        return self.carried_out(default["DefaultValue"])

    def _value(self, node: Any) -> Any:
        """Return a node's value; what that costs is limited, since a function may be evaluated
        again within another."""
        self._budget.spend_on(node)
        value = self._resolver.value(node)
        self._budget.spend_on(value)
        return value

    def _name(self, function: str, node: Any) -> str:
        found = self._value(node)
        if not isinstance(found, str):
            raise invalid(f"{function} layout is incorrect")
        return found

    def _part(self, part: Any) -> Any:
        """Return a part of Fn::GetAtt as text where that is known; a Ref in it may stay."""
        if not isinstance(part, dict):
            return part
        found = self._value(part)
        return found if isinstance(found, str) else self.carried_out(part)


def _is_open(value: Any) -> bool:
    return value is NO_VALUE or contains_unknown(value)


def _is_fuller(argument: Any) -> bool:
    """Tell whether an Fn::FindInMap is one that only the transform understands."""
    if not isinstance(argument, list) or len(argument) != 3:
        return True
    calls = [function_of(part) for part in argument]
    return any(
        call is not None and (call[0] not in find_in_map.INNER or _holds_fuller(call))
        for call in calls
    )


def _holds_fuller(call: tuple[str, Any]) -> bool:
    return call[0] == "Fn::FindInMap" and _is_fuller(call[1])
