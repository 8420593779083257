"""Stack policies: what they say, and whether they allow an update of a resource. Pure.

A policy counts for updates alone. Once a stack has one, what no statement allows is refused, and
what one denies is refused whatever another allows.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/protect-stack-resources.html
Texts: events of refused updates that public logs show have the statement's own words in brackets
(`does not allow [Update:*] for resource [*];`); several such statements, several words: unverified.
Unknown logical ids: fireflycons/PSCloudFormation. A statement without resource does nothing
(serverless/serverless#5012).
"""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from penstock.aws import wildcards
from penstock.aws.errors import ServiceError
from penstock.stacks.template.errors import invalid

LONGEST_BYTES = 16_384
_RESOURCE = "LogicalResourceId/"
_ACTIONS = frozenset({"update:modify", "update:replace", "update:delete", "update:*"})
_MEMBERS = frozenset({"Version", "Id", "Statement"})
_STATEMENT = frozenset(
    {
        "Sid",
        "Effect",
        "Principal",
        "Action",
        "NotAction",
        "Resource",
        "NotResource",
        "Condition",
    }
)
_NOT_ALLOWED = "Action not allowed by stack policy"
"""What an event says where no statement speaks of the update (localstack/localstack#7159)."""


class UpdateAction(StrEnum):
    """What an update does with a resource that is there."""

    MODIFY = "Update:Modify"
    REPLACE = "Update:Replace"
    DELETE = "Update:Delete"


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement; `resources` is empty where it names none, and then it speaks of nothing."""

    allows: bool
    actions: Sequence[str]
    except_actions: bool
    resources: Sequence[str]
    except_resources: bool
    conditions: Sequence[tuple[str, Sequence[str]]]
    """An operator and the values of ResourceType, any of which may match."""

    def speaks_of(self, action: UpdateAction, logical_id: str, resource_type: str) -> bool:
        """Return whether the statement is about this update of this resource."""
        named = any(wildcards.matches(each.casefold(), action.casefold()) for each in self.actions)
        if named is self.except_actions or not self.resources:
            return False
        name = f"{_RESOURCE}{logical_id}"
        meant = any(wildcards.matches(each, name) for each in self.resources)
        if meant is self.except_resources:
            return False
        return all(
            resource_type in values
            if operator == "StringEquals"
            else any(wildcards.matches(each, resource_type) for each in values)
            for operator, values in self.conditions
        )

    @property
    def refusal(self) -> str:
        """What an event says of it, behind its number."""
        actions, resources = ", ".join(self.actions), ", ".join(self.resources)
        return f"does not allow [{actions}] for resource [{resources}];"


def parse(text: str) -> Sequence[Statement]:
    """Return the statements of a policy; raise AWS's ValidationError for what is none."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        raise _invalid() from None
    if not isinstance(document, dict) or document.keys() - _MEMBERS:
        raise _invalid()
    statements = document.get("Statement", [])
    if isinstance(statements, dict):
        statements = [statements]
    if not isinstance(statements, list):
        raise _invalid()
    return [_statement(each) for each in statements]


def check(text: str, logical_ids: Collection[str], *, existing: bool = False) -> None:
    """Raise AWS's ValidationError for a policy that is none, or names what the template lacks.

    `existing`: the policy is the stack's own, and the template is one that it is to get.
    """
    for statement in parse(text):
        for each in statement.resources:
            name = each.removeprefix(_RESOURCE)
            if each != "*" and not set("*?") & set(name) and name not in logical_ids:
                which = "existing stack policy" if existing else "stack policy"
                raise invalid(
                    f"Error validating {which}: Unknown logical id '{each}' in statement {{}} - "
                    "stack policies can only be applied to logical ids referenced in the template"
                )


def refusal(
    policy: str | None, action: UpdateAction, logical_id: str, resource_type: str
) -> str | None:
    """Return why a policy refuses an update of a resource, None where it allows it.

    `policy` is the text of a valid policy; a stack without one refuses nothing.
    """
    if policy is None:
        return None
    numbered = list(enumerate(parse(policy), 1))
    meant = [each for each in numbered if each[1].speaks_of(action, logical_id, resource_type)]
    denying = [f"Statement [#{n}] {each.refusal}" for n, each in meant if not each.allows]
    if denying:
        return f"Action denied by stack policy: {' '.join(denying)}"
    return None if meant else _NOT_ALLOWED


def _statement(given: Any) -> Statement:
    if not isinstance(given, dict) or given.keys() - _STATEMENT:
        raise _invalid()
    if given.get("Effect") not in {"Allow", "Deny"} or given.get("Principal") != "*":
        raise _invalid()
    if {"Resource", "NotResource"} <= given.keys():
        raise _invalid()
    if ("Action" in given) == ("NotAction" in given):
        raise _invalid()
    actions = _texts(given.get("Action", given.get("NotAction")))
    if not actions or any(each.casefold() not in _ACTIONS for each in actions):
        raise _invalid()
    resources = _texts(given.get("Resource", given.get("NotResource", [])))
    if any(each != "*" and not each.startswith(_RESOURCE) for each in resources):
        raise _invalid()
    return Statement(
        allows=given["Effect"] == "Allow",
        actions=actions,
        except_actions="NotAction" in given,
        resources=resources,
        except_resources="NotResource" in given,
        conditions=_conditions(given.get("Condition", {})),
    )


def _conditions(given: Any) -> Sequence[tuple[str, Sequence[str]]]:
    if not isinstance(given, Mapping):
        raise _invalid()
    found = []
    for operator, keys in given.items():
        known = operator in {"StringEquals", "StringLike"}
        if not known or not isinstance(keys, Mapping) or keys.keys() != {"ResourceType"}:
            raise _invalid()
        found.append((operator, _texts(keys["ResourceType"])))
    return found


def _texts(given: Any) -> Sequence[str]:
    values = given if isinstance(given, list) else [given]
    if not all(isinstance(each, str) for each in values):
        raise _invalid()
    return values


def _invalid() -> ServiceError:
    return invalid("Error validating stack policy: Invalid stack policy")
