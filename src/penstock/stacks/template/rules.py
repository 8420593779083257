"""The Rules section: assertions about parameters, checked before anything is made. Pure.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/rules-section-structure.html
Fn::If and Condition may not stand in rules there either (github.com/aws-cloudformation/
cloudformation-coverage-roadmap issues 921 and 1183). Texts: unverified. Fn::RefAll, Fn::ValueOf and
Fn::ValueOfAll ask for an account's VPCs, subnets and the like; there are none here but those that
stacks recorded, so what is asked of them is refused: an answer would let through, or refuse, what
AWS does not. Availability zones are known.
"""

from collections.abc import Callable, Mapping
from typing import Any

from penstock.aws.errors import ServiceError
from penstock.stacks.intrinsics import get_azs
from penstock.stacks.intrinsics.function import text_of
from penstock.stacks.template.errors import format_error, invalid, template_error, unresolved
from penstock.stacks.template.evaluate import evaluated
from penstock.stacks.template.pseudo_parameters import PSEUDO_PARAMETERS
from penstock.stacks.template.scope import Scope
from penstock.stacks.template.sections import check_keys, check_name, members

_ALL, _ZONES = "Fn::RefAll", "AWS::EC2::AvailabilityZone::Name"
_NOT_HERE = (_ALL, "Fn::ValueOf", "Fn::ValueOfAll")
_BOOLEANS = {"Fn::And": (2, 10), "Fn::Or": (2, 10), "Fn::Not": (1, 1)}
_COMPARISONS = ("Fn::Equals", "Fn::Contains", "Fn::EachMemberEquals", "Fn::EachMemberIn")


def read_rules(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the rules by name, checked but for their values."""
    rules = members("Rules", document)
    parameters = members("Parameters", document)
    for name, rule in rules.items():
        check_name("Rule", name)
        if not isinstance(rule, dict) or not isinstance(rule.get("Assertions"), list):
            raise format_error(f"[/Rules/{name}] every rule must have a list of Assertions")
        check_keys("rule", rule, ("RuleCondition", "Assertions"))
        if "RuleCondition" in rule:
            _check(name, rule["RuleCondition"], parameters)
        for assertion in rule["Assertions"]:
            if not isinstance(assertion, dict) or "Assert" not in assertion:
                raise format_error(f"[/Rules/{name}] every assertion must have an Assert")
            check_keys("assertion", assertion, ("Assert", "AssertDescription"))
            _check(name, assertion["Assert"], parameters)
    return rules


def check_rules(scope: Scope) -> None:
    """Raise ServiceError ValidationError with the description of the first assertion that fails."""
    for name, rule in scope.template.rules.items():
        if "RuleCondition" in rule and not _truth(rule["RuleCondition"], scope):
            continue
        for assertion in rule["Assertions"]:
            if not _truth(assertion["Assert"], scope):
                description = text_of(assertion.get("AssertDescription")) or "an assertion failed"
                raise invalid(f"Rule {name}: {description}")


def _check(rule: str, node: Any, parameters: Mapping[str, Any]) -> None:
    name, argument = _call(rule, node)
    listed = argument if isinstance(argument, list) else []
    if name in _BOOLEANS:
        least, most = _BOOLEANS[name]
        if not least <= len(listed) <= most:
            raise template_error(f"[/Rules/{rule}] {name} takes {least} to {most} booleans")
        for one in listed:
            _check(rule, one, parameters)
        return
    if len(listed) != 2:
        raise template_error(f"[/Rules/{rule}] {name} takes two values")
    for one in listed:
        _check_operand(rule, one, parameters)


def _check_operand(rule: str, node: Any, parameters: Mapping[str, Any]) -> None:
    if isinstance(node, list):
        for item in node:
            _check_operand(rule, item, parameters)
    elif isinstance(node, dict) and node != {_ALL: _ZONES}:
        if node.keys() != {"Ref"}:
            raise _unsupported(rule, next(iter(node), "{}"))
        if node["Ref"] not in PSEUDO_PARAMETERS | parameters.keys():
            raise unresolved([str(node["Ref"])], "Rules")


def _call(rule: str, node: Any) -> tuple[str, Any]:
    if isinstance(node, dict) and len(node) == 1:
        name = next(iter(node))
        if name in _BOOLEANS or name in _COMPARISONS:
            return name, node[name]
        raise _unsupported(rule, name)
    raise template_error(f"[/Rules/{rule}] expected a function that gives true or false")


def _unsupported(rule: str, name: str) -> ServiceError:
    if name in _NOT_HERE:
        return template_error(
            f"[/Rules/{rule}] {name} asks for VPCs, subnets or the like of the account, which "
            f"Penstock does not have. Take it out of the rule; of {_ALL}, {_ZONES} is known."
        )
    supported = ", ".join([*_BOOLEANS, *_COMPARISONS, "Ref"])
    return template_error(
        f"[/Rules/{rule}] Encountered unsupported function: {name} "
        f"Supported functions are: [{supported}]"
    )


def _truth(node: Any, scope: Scope) -> bool:
    [(name, argument)] = node.items()
    if name in _BOOLEANS:
        values = [_truth(one, scope) for one in argument]
        return {"Fn::And": all(values), "Fn::Or": any(values), "Fn::Not": not values[0]}[name]
    left, right = (_texts(_value(one, scope)) for one in argument)
    return _COMPARE[name](left, right)


def _value(node: Any, scope: Scope) -> Any:
    if node == {_ALL: _ZONES}:
        return get_azs.zones(scope.region)
    if isinstance(node, list):
        return [value for item in node if (value := _value(item, scope)) is not None]
    return evaluated(scope, node)


def _texts(value: Any) -> list[str]:
    listed = value if isinstance(value, list) else [value]
    return [text_of(item) or "" for item in listed]


_COMPARE: Mapping[str, Callable[[list[str], list[str]], bool]] = {
    "Fn::Equals": lambda left, right: left == right,
    "Fn::Contains": lambda allowed, wanted: set(wanted) <= set(allowed),
    "Fn::EachMemberEquals": lambda found, wanted: all([one] == wanted for one in found),
    "Fn::EachMemberIn": lambda found, allowed: set(found) <= set(allowed),
}
