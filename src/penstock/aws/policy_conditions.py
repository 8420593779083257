"""The Condition element of a policy statement, in three values.

A condition is met, not met, or *unknown*: its operator is not implemented, or its key is one
that nobody here supplies, so that its absence says nothing about what AWS would have seen.
`policy.py` lets an unknown condition neither allow nor lift a denial.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
"""

import ipaddress
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum

from penstock.aws import wildcards

Context = Mapping[str, str | Sequence[str]]
"""Condition keys in lower case → value or values."""


class Outcome(Enum):
    """What a condition says of a request."""

    MET = "met"
    NOT_MET = "not met"
    UNKNOWN = "unknown"


_KEYS_WHOSE_ABSENCE_IS_KNOWN = frozenset(
    {
        "aws:username",
        "aws:userid",
        "aws:principalarn",
        "aws:principalaccount",
        "aws:principaltype",
        "aws:multifactorauthpresent",
        "aws:multifactorauthage",
        "aws:tokenissuetime",
        "aws:principalorgid",
        "sts:externalid",
        "sts:rolesessionname",
    }
)
_PREFIXES_WHOSE_ABSENCE_IS_KNOWN = ("aws:principaltag/",)

Comparison = Callable[[str, str], bool]


def _arn_like(expected: str, found: str) -> bool:
    """Compare the six parts one by one: a wildcard does not reach over a colon."""
    pattern, parts = expected.split(":", 5), found.split(":", 5)
    return len(pattern) == len(parts) and all(
        wildcards.matches(one, other) for one, other in zip(pattern, parts, strict=True)
    )


def _moment(text: str) -> datetime:
    if text.replace(".", "", 1).isdigit():
        return datetime.fromtimestamp(float(text), UTC)
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _in_network(expected: str, found: str) -> bool:
    return ipaddress.ip_address(found) in ipaddress.ip_network(expected, strict=False)


_COMPARISONS: Mapping[str, Comparison] = {
    "stringequals": lambda expected, found: expected == found,
    "stringequalsignorecase": lambda expected, found: expected.lower() == found.lower(),
    "stringlike": wildcards.matches,
    "arnequals": _arn_like,
    "arnlike": _arn_like,
    "bool": lambda expected, found: expected.lower() == found.lower(),
    "binaryequals": lambda expected, found: expected == found,
    "numericequals": lambda expected, found: float(found) == float(expected),
    "numericlessthan": lambda expected, found: float(found) < float(expected),
    "numericlessthanequals": lambda expected, found: float(found) <= float(expected),
    "numericgreaterthan": lambda expected, found: float(found) > float(expected),
    "numericgreaterthanequals": lambda expected, found: float(found) >= float(expected),
    "dateequals": lambda expected, found: _moment(found) == _moment(expected),
    "datelessthan": lambda expected, found: _moment(found) < _moment(expected),
    "datelessthanequals": lambda expected, found: _moment(found) <= _moment(expected),
    "dategreaterthan": lambda expected, found: _moment(found) > _moment(expected),
    "dategreaterthanequals": lambda expected, found: _moment(found) >= _moment(expected),
    "ipaddress": _in_network,
}
_NEGATIONS: Mapping[str, str] = {
    "stringnotequals": "stringequals",
    "stringnotequalsignorecase": "stringequalsignorecase",
    "stringnotlike": "stringlike",
    "arnnotequals": "arnequals",
    "arnnotlike": "arnlike",
    "numericnotequals": "numericequals",
    "datenotequals": "dateequals",
    "notipaddress": "ipaddress",
}


def is_operator(name: str) -> bool:
    """Return whether IAM has an operator of this name, qualifiers included."""
    operator = _split(name)[1]
    return operator in _COMPARISONS or operator in _NEGATIONS or operator == "null"


def has_readable_dates(condition: "Condition") -> bool:
    """Return whether the condition compares no dates, or only dates that can be read."""
    operator = _split(condition.operator)[1]
    if not operator.startswith("date"):
        return True
    return all("${" in value or _is_moment(value) for value in condition.values)


def _is_moment(text: str) -> bool:
    try:
        _moment(text)
    except (ValueError, OverflowError, OSError):
        return False
    return True


def _split(name: str) -> tuple[str, str, bool]:
    """Split `ForAnyValue:StringLikeIfExists` into qualifier, bare operator, if-exists."""
    qualifier, colon, operator = name.lower().rpartition(":")
    if colon and qualifier not in ("foranyvalue", "forallvalues"):
        return "", name.lower(), False
    if operator.endswith("ifexists"):
        return qualifier, operator.removesuffix("ifexists"), True
    return qualifier, operator, False


@dataclass(frozen=True, slots=True)
class Condition:
    """One operator on one key: met when any of `values` compares (a negation: when none)."""

    operator: str
    key: str
    values: tuple[str, ...]

    def outcome(self, context: Context) -> Outcome:
        """Compare with the request's context; a value that does not parse is not met."""
        qualifier, operator, if_exists = _split(self.operator)
        if not is_operator(self.operator):
            return Outcome.UNKNOWN
        found = context.get(self.key.lower())
        if operator == "null":
            return self._null(found)
        if found is None:
            return self._absent(qualifier, operator, if_exists)
        values = [found] if isinstance(found, str) else list(found)
        negated = operator in _NEGATIONS
        compare = _COMPARISONS[_NEGATIONS.get(operator, operator)]
        try:
            hits = [
                any(compare(expected, value) for expected in self.values) != negated
                for value in values
            ]
        except ValueError:
            return Outcome.NOT_MET
        everyone = qualifier == "forallvalues" or (negated and qualifier != "foranyvalue")
        return Outcome.MET if (all(hits) if everyone else any(hits)) else Outcome.NOT_MET

    def _null(self, found: str | Sequence[str] | None) -> Outcome:
        if found is None and not self._absence_is_known():
            return Outcome.UNKNOWN
        wanted = self.values[0].lower() == "true" if self.values else False
        return Outcome.MET if (found is None) == wanted else Outcome.NOT_MET

    def _absent(self, qualifier: str, operator: str, if_exists: bool) -> Outcome:
        if not self._absence_is_known():
            return Outcome.UNKNOWN
        if qualifier == "foranyvalue":
            return Outcome.MET if if_exists else Outcome.NOT_MET
        met = if_exists or qualifier == "forallvalues" or operator in _NEGATIONS
        return Outcome.MET if met else Outcome.NOT_MET

    def _absence_is_known(self) -> bool:
        key = self.key.lower()
        return key in _KEYS_WHOSE_ABSENCE_IS_KNOWN or key.startswith(
            _PREFIXES_WHOSE_ABSENCE_IS_KNOWN
        )


def outcome_of_all(conditions: Sequence[Condition], context: Context) -> Outcome:
    """Return the conjunction: not met beats unknown, unknown beats met."""
    result = Outcome.MET
    for condition in conditions:
        outcome = condition.outcome(context)
        if outcome is Outcome.NOT_MET:
            return outcome
        if outcome is Outcome.UNKNOWN:
            result = outcome
    return result
