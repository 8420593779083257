"""Decides whether policies allow an action: explicit deny wins, deny by default.

Pure: policies come in as values (`policy_document.parse_policy`), the request as an
action, a resource and a context. A statement whose Condition cannot be evaluated is
deny-safe: an Allow does not allow, a Deny denies.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum

from penstock.aws import wildcards
from penstock.aws.policy_conditions import Condition, Context, Outcome, outcome_of_all

_VARIABLE = re.compile(r"\$\{([^}]*)\}")
_LITERALS = {"*": "*", "?": "?", "$": "$"}


class Effect(Enum):
    """A statement's Effect."""

    ALLOW = "Allow"
    DENY = "Deny"


class Decision(Enum):
    """What a set of policies says of one request."""

    ALLOWED = "allowed"
    IMPLICITLY_DENIED = "no policy allows it"
    EXPLICITLY_DENIED = "a policy denies it"


class Patterns:
    """A list of Action or Resource patterns and whether it names the exceptions (`Not…`)."""

    __slots__ = ("_fixed", "_lower", "_variable", "excluding", "patterns")

    def __init__(
        self, patterns: Iterable[str], *, excluding: bool = False, ignore_case: bool = False
    ) -> None:
        self.patterns = tuple(patterns)
        self.excluding = excluding
        self._lower = ignore_case
        texts = [text.lower() if ignore_case else text for text in self.patterns]
        self._variable = [text for text in texts if "${" in text]
        self._fixed = wildcards.any_matcher(text for text in texts if "${" not in text)

    def cover(self, text: str, context: Context) -> bool:
        """Return whether the statement is about `text`."""
        if self._lower:
            text = text.lower()
        hit = self._fixed(text) or any(
            _matches_with_variables(pattern, text, context) for pattern in self._variable
        )
        return hit != self.excluding


@dataclass(frozen=True, slots=True)
class Principals:
    """Whom a statement of a resource or trust policy names: kind (`AWS`, `Service`) → names."""

    names: Mapping[str, tuple[str, ...]]
    excluding: bool = False

    def cover(self, kind: str, candidates: Iterable[str]) -> bool:
        """Return whether one of the names by which the caller is known is listed.

        `*` stands for every AWS principal; wildcards inside a name do not exist here.
        """
        listed = self.names.get(kind, ())
        hit = (kind == "AWS" and "*" in listed) or any(name in listed for name in candidates)
        return hit != self.excluding


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement; a trust policy's has principals and no resources."""

    effect: Effect
    actions: Patterns
    resources: Patterns | None
    conditions: tuple[Condition, ...] = ()
    principals: Principals | None = None

    def applies(self, action: str, resource: str, context: Context) -> bool:
        """Return whether the statement decides about this request (principals aside)."""
        if not self.actions.cover(action, context):
            return False
        if self.resources is not None and not self.resources.cover(resource, context):
            return False
        outcome = outcome_of_all(self.conditions, context)
        if outcome is Outcome.UNKNOWN:
            return self.effect is Effect.DENY
        return outcome is Outcome.MET


@dataclass(frozen=True, slots=True)
class Policy:
    """A parsed policy document."""

    statements: tuple[Statement, ...]


def lower_keys(context: Context) -> Context:
    """Return `context` as conditions look it up: keys in lower case."""
    return {key.lower(): value for key, value in context.items()}


def evaluate(policies: Iterable[Policy], action: str, resource: str, context: Context) -> Decision:
    """Decide by identity (or session) policies. `context` is as `lower_keys` returns it."""
    decision = Decision.IMPLICITLY_DENIED
    for policy in policies:
        for statement in policy.statements:
            if decision is Decision.ALLOWED and statement.effect is Effect.ALLOW:
                continue
            if statement.applies(action, resource, context):
                if statement.effect is Effect.DENY:
                    return Decision.EXPLICITLY_DENIED
                decision = Decision.ALLOWED
    return decision


def evaluate_trust(
    policy: Policy, kind: str, candidates: Iterable[str], action: str, context: Context
) -> Decision:
    """Decide by a trust policy whether a caller, known by `candidates` of `kind`, may `action`."""
    names = tuple(candidates)
    decision = Decision.IMPLICITLY_DENIED
    for statement in policy.statements:
        if statement.principals is None or not statement.principals.cover(kind, names):
            continue
        if statement.applies(action, "*", context):
            if statement.effect is Effect.DENY:
                return Decision.EXPLICITLY_DENIED
            decision = Decision.ALLOWED
    return decision


def _matches_with_variables(pattern: str, text: str, context: Context) -> bool:
    """Match a pattern holding `${aws:username}`; one that has no value matches nothing.

    A variable's value is literal: its `*` and `?` are no wildcards. So the pattern is matched
    with private characters in their place.
    """
    hide = str.maketrans({"*": "\ue000", "?": "\ue001"})
    missing = False

    def value(found: re.Match[str]) -> str:
        nonlocal missing
        name, _, default = found[1].partition(",")
        if name.strip() in _LITERALS:
            return _LITERALS[name.strip()].translate(hide)
        given = context.get(name.strip().lower())
        if isinstance(given, str):
            return given.translate(hide)
        if default:
            return default.strip().strip("'").translate(hide)
        missing = True
        return ""

    resolved = _VARIABLE.sub(value, pattern)
    return not missing and wildcards.matches(resolved, text.translate(hide))
