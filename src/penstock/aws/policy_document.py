"""Reads policy documents, refusing what IAM refuses, with IAM's texts.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
The reference does not list the texts; they, and which of them wins, are as recorded from AWS in
github.com/localstack/localstack tests/aws/services/iam/test_iam_policies.snapshot.json and
test_iam_roles.snapshot.json (February 2026). A text that neither shows is marked unverified.
"""

import json
import re
from collections.abc import Mapping
from enum import Enum
from functools import lru_cache
from typing import Any

from penstock.aws.policy import Effect, Patterns, Policy, Principals, Statement
from penstock.aws.policy_conditions import Condition, has_readable_dates, is_operator
from penstock.aws.policy_resources import MalformedPolicy, check_resource, is_legacy_arn

__all__ = ["SYNTAX", "MalformedPolicy", "PolicyKind", "parse_policy"]

SYNTAX = "Syntax errors in policy."
_LEGACY = "The policy failed legacy parsing"
_NO_ACTIONS = "Policy statement must contain actions."
_VERSIONS = ("2012-10-17", "2008-10-17")
_STATEMENT_KEYS = frozenset(
    {
        "Sid",
        "Effect",
        "Action",
        "NotAction",
        "Resource",
        "NotResource",
        "Condition",
        "Principal",
        "NotPrincipal",
    }
)
_SID = re.compile(r"[A-Za-z0-9]*")
_VENDOR = re.compile(r"[A-Za-z0-9-]+|\*")
_ACCOUNT = re.compile(r"\d{12}")
_TRUST_ACTIONS = frozenset(
    {
        "sts:assumerole",
        "sts:assumerolewithsaml",
        "sts:assumerolewithwebidentity",
        "sts:tagsession",
        "sts:setsourceidentity",
        "sts:setcontext",
        "sts:*",
    }
)


class PolicyKind(Enum):
    """Where a document stands; each place has rules of its own."""

    INLINE = "inline"
    MANAGED = "managed"
    TRUST = "trust"


@lru_cache(maxsize=2048)
def parse_policy(text: str, kind: PolicyKind = PolicyKind.INLINE) -> Policy:
    """Return the document as a Policy; raise MalformedPolicy."""
    document = _object(text, kind)
    version = document.get("Version")
    if version is not None and version not in _VERSIONS:
        raise MalformedPolicy(SYNTAX)
    if kind is PolicyKind.MANAGED and version != "2012-10-17":
        raise MalformedPolicy("Policy document must be version 2012-10-17 or greater.")
    if document.keys() - {"Version", "Id", "Statement"} or "Statement" not in document:
        raise MalformedPolicy(
            "Missing required field Statement"
            if kind is PolicyKind.TRUST and "Statement" not in document
            else SYNTAX
        )
    listed = document["Statement"]
    statements = listed if isinstance(listed, list) else [listed]
    if not statements:
        raise MalformedPolicy(SYNTAX)
    for statement in statements:
        _check_shape(statement, kind)
    _check_sids(statements)
    read = _trust_statement if kind is PolicyKind.TRUST else _identity_statement
    return Policy(tuple(read(statement) for statement in statements))


def _object(text: str, kind: PolicyKind) -> Mapping[str, Any]:
    try:
        document = json.loads(text, object_pairs_hook=_without_duplicates)
    except (ValueError, RecursionError) as error:
        message = "This policy contains invalid Json" if kind is PolicyKind.TRUST else SYNTAX
        raise MalformedPolicy(message) from error
    if not isinstance(document, dict):
        raise MalformedPolicy(SYNTAX)
    return document


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice in one object")
    return found


def _check_shape(statement: Any, kind: PolicyKind) -> None:
    """Raise for what IAM finds before it looks at any statement's meaning."""
    if not isinstance(statement, dict) or statement.keys() - _STATEMENT_KEYS:
        raise MalformedPolicy(SYNTAX)
    if not isinstance(statement.get("Sid", ""), str):
        raise MalformedPolicy(SYNTAX)
    effect = statement.get("Effect")
    if not isinstance(effect, str) or effect.capitalize() not in ("Allow", "Deny"):
        raise MalformedPolicy(SYNTAX)
    _either(statement, "Action")
    resources = _either(statement, "Resource")
    conditions = _conditions(statement)
    if kind is PolicyKind.TRUST:
        return
    if (
        effect != effect.capitalize()
        or (resources is not None and not all(map(is_legacy_arn, resources.patterns)))
        or not all(map(has_readable_dates, conditions))
    ):
        raise MalformedPolicy(_LEGACY)


def _check_sids(statements: list[Mapping[str, Any]]) -> None:
    seen: set[str] = set()
    for sid in (statement["Sid"] for statement in statements if "Sid" in statement):
        if not _SID.fullmatch(sid):
            raise MalformedPolicy(
                "Statement IDs (SID) must be alpha-numeric. "
                f"Check that your input satisfies the regular expression [0-9A-Za-z]*: {sid}"
            )
        if sid and sid in seen:
            raise MalformedPolicy("Statement IDs (SID) in a single policy must be unique.")
        seen.add(sid)


def _identity_statement(statement: Mapping[str, Any]) -> Statement:
    if "Principal" in statement or "NotPrincipal" in statement:
        raise MalformedPolicy("Policy document should not specify a principal.")
    actions = _either(statement, "Action", ignore_case=True)
    if actions is None:
        raise MalformedPolicy(_NO_ACTIONS)
    resources = _either(statement, "Resource")
    if resources is None:
        raise MalformedPolicy("Policy statement must contain resources.")
    for resource in resources.patterns:
        check_resource(resource)
    return Statement(_effect(statement), _checked(actions), resources, _conditions(statement))


def _trust_statement(statement: Mapping[str, Any]) -> Statement:
    for prohibited in ("Resource", "NotResource"):
        if prohibited in statement:
            raise MalformedPolicy(f"Has prohibited field {prohibited}")
    actions = _either(statement, "Action", ignore_case=True)
    if actions is None:
        raise MalformedPolicy(_NO_ACTIONS)
    for action in _checked(actions).patterns:
        if not action.lower().startswith("sts:"):
            raise MalformedPolicy("AssumeRole policy may only specify STS AssumeRole actions.")
        if action.lower() not in _TRUST_ACTIONS:
            raise MalformedPolicy(f"Invalid Action: {action}")
    return Statement(
        _effect(statement), actions, None, _conditions(statement), _principals(statement)
    )


def _effect(statement: Mapping[str, Any]) -> Effect:
    try:
        return Effect(statement.get("Effect"))
    except ValueError as error:
        raise MalformedPolicy(SYNTAX) from error


def _texts(value: Any) -> tuple[str, ...]:
    found = value if isinstance(value, list) else [value]
    if not found or not all(isinstance(text, str) for text in found):
        raise MalformedPolicy(SYNTAX)
    return tuple(found)


def _either(
    statement: Mapping[str, Any], name: str, *, ignore_case: bool = False
) -> Patterns | None:
    """Read `name` or `Not<name>`; None when neither is there, an error when both are."""
    present = [key for key in (name, f"Not{name}") if key in statement]
    if len(present) > 1:
        raise MalformedPolicy(SYNTAX)
    if not present or statement[present[0]] == []:
        return None
    return Patterns(
        _texts(statement[present[0]]), excluding=present[0] != name, ignore_case=ignore_case
    )


def _checked(actions: Patterns) -> Patterns:
    """Return `actions`, all of which are of the form vendor:name."""
    for action in actions.patterns:
        if action == "*":
            continue
        vendor, colon, name = action.partition(":")
        if not colon or not vendor or not name:
            raise MalformedPolicy(
                "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."
            )
        if ":" in name:
            raise MalformedPolicy("Actions/Condition can contain only one colon.")
        if not _VENDOR.fullmatch(vendor):
            raise MalformedPolicy(f"Vendor {vendor} is not valid")
    return actions


def _conditions(statement: Mapping[str, Any]) -> tuple[Condition, ...]:
    found = statement.get("Condition", {})
    if not isinstance(found, dict):
        raise MalformedPolicy(SYNTAX)
    conditions = []
    for operator, keys in found.items():
        if not isinstance(keys, dict) or (keys and not is_operator(operator)):
            raise MalformedPolicy(SYNTAX)
        conditions += [Condition(operator, key, _values(value)) for key, value in keys.items()]
    return tuple(conditions)


def _values(value: Any) -> tuple[str, ...]:
    """Condition values may be written as JSON booleans and numbers; they compare as text."""
    found = value if isinstance(value, list) else [value]
    if not all(isinstance(one, str | bool | int | float) for one in found):
        raise MalformedPolicy(SYNTAX)
    return tuple(one if isinstance(one, str) else json.dumps(one) for one in found)


def _principals(statement: Mapping[str, Any]) -> Principals:
    present = [key for key in ("Principal", "NotPrincipal") if key in statement]
    if len(present) != 1:
        raise MalformedPolicy("Missing required field Principal" if not present else SYNTAX)
    value = statement[present[0]]
    if value == "*":
        value = {"AWS": "*"}
    if not isinstance(value, dict) or not value:
        raise MalformedPolicy(SYNTAX)
    names = {kind: _texts(listed) for kind, listed in value.items()}
    for kind, listed in names.items():
        for name in listed:
            _check_principal(kind, name)
    return Principals(names, excluding=present[0] == "NotPrincipal")


def _check_principal(kind: str, name: str) -> None:
    valid = {
        "AWS": name == "*" or bool(_ACCOUNT.fullmatch(name)) or name.startswith("arn:"),
        "Service": bool(re.fullmatch(r"[a-z0-9.-]+\.amazonaws\.com(\.cn)?", name)),
        "Federated": bool(name),
        "CanonicalUser": bool(name),
    }
    if not valid.get(kind, False):
        raise MalformedPolicy(f'Invalid principal in policy: "{kind.upper()}":"{name}"')
