"""What each operation needs to be allowed: actions on resources, from checked-in tables.

One JSON table per service, named after it, citing AWS's Service Authorization Reference.
An operation maps to rules `{"action", "resource", "when"?, "unless"?}`; a rule counts when
the request has the member that `when` names and lacks the one that `unless` names. A
resource is a template: `{region}`, `{account}`, `{principal}` and `{member.path}` of the
request, with `[]` after a list and `|filter` (see `_FILTERS`). An absent member reads `*`.
A rule of IAM's PassRole says in `passed_to` which service will assume the role.
An operation without an entry is denied to everybody.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any
from urllib.parse import unquote

import msgspec

from penstock.arns import resource_of
from penstock.aws.errors import ServiceError

_PLACEHOLDER = re.compile(r"\{([\w.\[\]]+)(?:\|(\w+))?\}")


class Requirement(msgspec.Struct, frozen=True):
    """One thing to ask `authorize`: an action on a resource, with condition keys."""

    action: str
    resource: str
    context: Mapping[str, str]


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One line of a table."""

    action: str
    resource: str
    when: str | None = None
    unless: str | None = None
    passed_to: str | None = None


class Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One service's table; `source` is the page it was taken from."""

    source: str
    operations: dict[str, list[Rule]]


@cache
def table(service: str) -> Table | None:
    """Return the table of botocore's service name, or None."""
    resource = files(__name__).joinpath(f"{service}.json")
    if not resource.is_file():
        return None
    return msgspec.json.decode(resource.read_bytes(), type=Table)


def has_rules(service: str, operation: str) -> bool:
    """Tell whether the service's table has an entry for the operation."""
    rules = table(service)
    return rules is not None and operation in rules.operations


def requirements(
    service: str, operation: str, request: Mapping[str, Any], place: Mapping[str, str]
) -> Sequence[Requirement]:
    """Return what the caller must be allowed; empty when the operation is open to everybody.

    `place` gives `region`, `account` and `principal`, the ARN of the caller's user or role.
    Raise AccessDeniedException when the operation has no rule.
    """
    rules = table(service)
    if rules is None or operation not in rules.operations:
        raise ServiceError(
            "AccessDeniedException",
            f"No authorization rule exists for {service} {operation}, so nobody may call it.",
        )
    needed = []
    for rule in rules.operations[operation]:
        if rule.when and not _values(rule.when, request):
            continue
        if rule.unless and _values(rule.unless, request):
            continue
        context = {"iam:PassedToService": rule.passed_to} if rule.passed_to else {}
        for resource in dict.fromkeys(expand(rule.resource, request, place)):
            needed.append(Requirement(rule.action, resource, context))
    return needed


def expand(template: str, request: Mapping[str, Any], place: Mapping[str, str]) -> list[str]:
    """Return every resource that `template` names for this request."""
    start, placeholders = _parsed(template)
    found = [start]
    for each in placeholders:
        values = [place[each.path]] if each.path in place else _values(each.path, request)
        named = [each.convert(value, place) for value in values] or [each.absent]
        found = [f"{before}{name}{each.text}" for before in found for name in named]
    return found


@dataclass(frozen=True, slots=True)
class _Placeholder:
    """One `{path|filter}` of a resource's template, and the text after it."""

    path: str
    convert: Callable[[str, Mapping[str, str]], str]
    absent: str
    """What stands for a member that is absent."""
    text: str


@cache
def _parsed(template: str) -> tuple[str, list[_Placeholder]]:
    """Return what stands before the first placeholder of a table's template, and all of them."""
    start, *parts = _PLACEHOLDER.split(template)
    return start, [
        _Placeholder(
            path,
            _FILTERS[filter_name] if filter_name else _plain,
            _ABSENT.get(filter_name, "*"),
            text,
        )
        for path, filter_name, text in zip(parts[0::3], parts[1::3], parts[2::3], strict=True)
    ]


def _values(path: str, request: Mapping[str, Any]) -> list[str]:
    found: list[Any] = [request]
    for name, many in _steps(path):
        following = [value.get(name) for value in found if isinstance(value, Mapping)]
        found = [value for value in following if value is not None and value != ""]
        if many:
            found = [item for value in found for item in value]
    return [str(value) for value in found]


@cache
def _steps(path: str) -> list[tuple[str, bool]]:
    """Return the names in a table's path, and after which of them `[]` stands."""
    return [(part.removesuffix("[]"), part.endswith("[]")) for part in path.split(".")]


def _plain(value: str, place: Mapping[str, str]) -> str:
    return value


def _codebuild_project(value: str, place: Mapping[str, str]) -> str:
    """A project's name or ARN, or a build's id (`project:uuid`) or ARN -> the project's ARN.

    The colon of a build's id ends the name; a name with one is no project's.
    """
    named = resource_of(value, "project/") or resource_of(value, "build/") or value
    name = named.partition(":")[0]
    return f"arn:aws:codebuild:{place['region']}:{place['account']}:project/{name}"


def _secret(value: str, place: Mapping[str, str]) -> str:
    """A secret's ARN, or its name -> the ARN with any random suffix (`-??????`)."""
    if value.startswith("arn:"):
        return value
    return f"arn:aws:secretsmanager:{place['region']}:{place['account']}:secret:{value}-??????"


def _parameter(value: str, place: Mapping[str, str]) -> str:
    """A parameter's ARN or name (with `:version` or `:label`, and a slash or not) -> its ARN."""
    name = value
    if value.startswith("arn:"):  # the versions and labels are no part of what policies name
        prefix, separator, name = value.rpartition(":parameter/")
        return f"{prefix}{separator}{name.partition(':')[0]}"
    name = value.partition(":")[0].removeprefix("/")
    return f"arn:aws:ssm:{place['region']}:{place['account']}:parameter/{name}"


def _copy_source(value: str, place: Mapping[str, str]) -> str:
    """S3's x-amz-copy-source, `/bucket/key?versionId=…` encoded -> the object's ARN."""
    return f"arn:aws:s3:::{unquote(value.partition('?')[0]).removeprefix('/')}"


def _log_group(value: str, place: Mapping[str, str]) -> str:
    """A log group's name or ARN (with `:*` or not) -> its ARN here, whatever place it names."""
    name = resource_of(value.removesuffix(":*"), "log-group:") or value
    return f"arn:aws:logs:{place['region']}:{place['account']}:log-group:{name}"


def _iam_path(value: str, place: Mapping[str, str]) -> str:
    """An IAM path as it stands before a name: `/` -> ``, `/team/` -> `team/`."""
    return value.removeprefix("/")


def _ecs_cluster(value: str, place: Mapping[str, str]) -> str:
    """A cluster's name or ARN -> its name."""
    return resource_of(value, "cluster/") or value


def _ecs_task(value: str, place: Mapping[str, str]) -> str:
    """A task's id or ARN -> its id; the same of container instances and services."""
    return value.rpartition("/")[2]


def _ecs_task_definition(value: str, place: Mapping[str, str]) -> str:
    """A task definition's `family`, `family:revision` or ARN -> its ARN."""
    if value.startswith("arn:"):
        return value
    return f"arn:aws:ecs:{place['region']}:{place['account']}:task-definition/{value}"


def _iam_role(value: str, place: Mapping[str, str]) -> str:
    """A role's name or ARN -> its ARN."""
    return value if value.startswith("arn:") else f"arn:aws:iam::{place['account']}:role/{value}"


def _stack(value: str, place: Mapping[str, str]) -> str:
    """A stack's name or ARN -> its ARN; a name says nothing of the ARN's random end."""
    if value.startswith("arn:"):
        return value
    return f"arn:aws:cloudformation:{place['region']}:{place['account']}:stack/{value}/*"


def _function(value: str, place: Mapping[str, str]) -> str:
    """A function's name, partial ARN or ARN, with a qualifier or not -> its ARN here, unqualified
    where the qualifier is $LATEST."""
    start = f"arn:aws:lambda:{place['region']}:{place['account']}:function:"
    named = value.removeprefix("arn:aws:lambda:").removeprefix(f"{place['region']}:")
    named = named.removeprefix(f"{place['account']}:").removeprefix("function:")
    return start + named.removesuffix(":$LATEST")


_FILTERS: Mapping[str, Callable[[str, Mapping[str, str]], str]] = {
    "codebuild_project": _codebuild_project,
    "secret": _secret,
    "parameter": _parameter,
    "copy_source": _copy_source,
    "log_group": _log_group,
    "iam_path": _iam_path,
    "stack": _stack,
    "ecs_cluster": _ecs_cluster,
    "ecs_task": _ecs_task,
    "ecs_task_definition": _ecs_task_definition,
    "iam_role": _iam_role,
    "function": _function,
}
_ABSENT = {"iam_path": "", "ecs_cluster": "default"}
"""What an absent member reads, where that is not `*`."""
