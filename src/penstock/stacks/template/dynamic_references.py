"""Dynamic references in a template's values: `{{resolve:service:reference}}`. Pure.

They stay text in everything that is planned, stored, compared and shown; what they say is looked up
where a handler is called (`reference_lookups.py`). Docs: ADR 0035 and
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/dynamic-references.html;
`SSM Secure reference is not supported in` with its paths: aws/serverless-application-model#1528,
aws/aws-cdk#24904; `Incorrect format` of SSM references: aws/aws-cdk#18729.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from penstock.aws.errors import ServiceError
from penstock.stacks.template.errors import invalid

SSM, SSM_SECURE, SECRETS_MANAGER = "ssm", "ssm-secure", "secretsmanager"
MOST_REFERENCES = 60
"""In one template."""

_BEGIN = "{{resolve:"
_REFERENCE = re.compile(
    r"\{\{resolve:(?P<service>ssm|ssm-secure|secretsmanager):(?P<reference>[^{}]*)\}\}"
)
_OF_SSM = re.compile(r"(?P<name>[a-zA-Z0-9_.\-/]+)(?::(?P<version>[0-9]{1,18}))?")
_ARN_PARTS = 7
_MOST_SECRET_PARTS = 4
_SECURE_PLACES = frozenset(
    {
        "AWS::DirectoryService::MicrosoftAD/Properties/Password",
        "AWS::DirectoryService::SimpleAD/Properties/Password",
        "AWS::ElastiCache::ReplicationGroup/Properties/AuthToken",
        "AWS::IAM::User/Properties/LoginProfile/Password",
        "AWS::KinesisFirehose::DeliveryStream/Properties/RedshiftDestinationConfiguration/Password",
        "AWS::OpsWorks::App/Properties/AppSource/Password",
        "AWS::OpsWorks::Stack/Properties/CustomCookbooksSource/Password",
        "AWS::OpsWorks::Stack/Properties/RdsDbInstances/*/DbPassword",
        "AWS::RDS::DBCluster/Properties/MasterUserPassword",
        "AWS::RDS::DBInstance/Properties/MasterUserPassword",
        "AWS::Redshift::Cluster/Properties/MasterUserPassword",
    }
)


@dataclass(frozen=True, slots=True)
class DynamicReference:
    """One reference; `service` is ssm, ssm-secure or secretsmanager, `text` how it is written."""

    service: str
    reference: str
    text: str

    @property
    def secret(self) -> bool:
        """Whether its value is never shown."""
        return self.service != SSM


@dataclass(frozen=True, slots=True)
class OfParameterStore:
    """What a reference of ssm or ssm-secure names; without a version the newest is meant."""

    name: str
    version: str | None

    @property
    def selector(self) -> str:
        """The Name of GetParameter."""
        return self.name if self.version is None else f"{self.name}:{self.version}"


@dataclass(frozen=True, slots=True)
class OfSecretsManager:
    """What a reference of secretsmanager names; `secret_id` is a name or an ARN."""

    secret_id: str
    json_key: str | None
    version_stage: str | None
    version_id: str | None


def dynamic_references(value: Any) -> list[DynamicReference]:
    """Return the references in a value, at any depth, in order."""
    return [
        DynamicReference(match["service"], match["reference"], match[0])
        for text, _ in _texts_in(value)
        for match in _REFERENCE.finditer(text)
    ]


def referring_texts(value: Any) -> list[str]:
    """Return the texts in a value, at any depth, that have references in them."""
    return [text for text, _ in _texts_in(value) if has_reference(text)]


def has_reference(text: str) -> bool:
    """Tell whether a text has a reference in it: its value is not known yet then."""
    return _BEGIN in text and _REFERENCE.search(text) is not None


def is_reference(text: str) -> bool:
    """Tell whether a text is one reference and nothing else."""
    return _REFERENCE.fullmatch(text) is not None


def parsed(reference: DynamicReference) -> OfParameterStore | OfSecretsManager:
    """Return what a reference names. Raises ServiceError ValidationError for a wrong form."""
    if reference.service != SECRETS_MANAGER:
        found = _OF_SSM.fullmatch(reference.reference)
        if found is None:
            raise _wrong_form("SSM", reference)
        return OfParameterStore(found["name"], found["version"])
    parts = reference.reference.split(":")
    of_id = _ARN_PARTS if parts[0] == "arn" else 1
    secret_id, rest = ":".join(parts[:of_id]), parts[of_id:]
    if len(parts) < of_id or not secret_id or len(rest) > _MOST_SECRET_PARTS:
        raise _wrong_form("Secrets Manager", reference)
    kind, key, stage, version = [*rest, *[""] * (_MOST_SECRET_PARTS - len(rest))]
    if kind not in ("", "SecretString"):
        raise _wrong_form("Secrets Manager", reference)
    return OfSecretsManager(secret_id, key or None, stage or None, version or None)


def replaced(value: Any, values: Mapping[str, str], lists: Mapping[str, list[str]]) -> Any:
    """Return a value with the references (as they are written) that `values` has replaced.

    A list of nothing but one reference that `lists` has becomes that list: what Fn::Split makes of
    a StringList.
    """
    if isinstance(value, str):
        if _BEGIN not in value:
            return value
        return _REFERENCE.sub(lambda match: values.get(match[0], match[0]), value)
    if isinstance(value, Mapping):
        return {key: replaced(member, values, lists) for key, member in value.items()}
    if isinstance(value, list | tuple):
        if len(value) == 1 and isinstance(value[0], str) and value[0] in lists:
            return list(lists[value[0]])
        return [replaced(item, values, lists) for item in value]
    return value


def without_braces(value: Any, kept: Collection[str] = ()) -> Any:
    """Return a value without braces in its texts, at any depth, so that they are no part of a
    reference; the references `kept` (as they are written) stay."""
    if isinstance(value, str):
        pieces, end = [], 0
        for match in _REFERENCE.finditer(value) if kept else ():
            if match[0] in kept:
                pieces += [_braceless(value[end : match.start()]), match[0]]
                end = match.end()
        return "".join([*pieces, _braceless(value[end:])])
    if isinstance(value, Mapping):
        return {key: without_braces(member, kept) for key, member in value.items()}
    if isinstance(value, list | tuple):
        return [without_braces(item, kept) for item in value]
    return value


def misplaced(resource_type: str, properties: Any) -> list[str]:
    """Return where properties refer to secure strings and may not, as AWS names the places."""
    return [
        "/".join([resource_type, "Properties", *_until_list(path)])
        for text, path in _texts_in(properties)
        for match in _REFERENCE.finditer(text)
        if match["service"] == SSM_SECURE and _place(resource_type, path) not in _SECURE_PLACES
    ]


def refused_places(places: list[str]) -> ServiceError:
    """Return AWS's refusal of secure strings at these places."""
    return invalid(f"SSM Secure reference is not supported in: [{','.join(places)}]")


def check_places(resource_type: str, properties: Any) -> None:
    """Raise ServiceError ValidationError for a secure string where none may be."""
    places = misplaced(resource_type, properties)
    if places:
        raise refused_places(places)


def cannot_be_found(references: list[str]) -> ServiceError:
    """Return AWS's error for parameters that Parameter Store lacks (`ssm:/name`), as seen in
    aws-samples/data-mesh-datazone-cdk-cloudformation#19."""
    return invalid(f"Parameters: [{','.join(references)}] cannot be found.")


def _wrong_form(service: str, reference: DynamicReference) -> ServiceError:
    # For Secrets Manager unverified.
    return invalid(
        f"Incorrect format is used in the following {service} reference: [{reference.text}]"
    )


def _braceless(text: str) -> str:
    return text.replace("{", "(").replace("}", ")")


def _place(resource_type: str, path: tuple[str | int, ...]) -> str:
    steps = ("*" if isinstance(step, int) else step for step in path)
    return "/".join([resource_type, "Properties", *steps])


def _until_list(path: tuple[str | int, ...]) -> Iterator[str]:
    for step in path:
        if isinstance(step, int):
            return
        yield step


def _texts_in(value: Any) -> Iterable[tuple[str, tuple[str | int, ...]]]:
    """Return the texts in a value that may hold references, each with its path."""
    return _texts(value, ()) if _may_refer(value) else ()


def _may_refer(value: Any) -> bool:
    """Tell whether any text in a value may hold a reference: in most values none does."""
    if isinstance(value, str):
        return _BEGIN in value
    if isinstance(value, Mapping):
        return any(map(_may_refer, value.values()))
    return isinstance(value, list | tuple) and any(map(_may_refer, value))


def _texts(value: Any, path: tuple[str | int, ...]) -> Iterator[tuple[str, tuple[str | int, ...]]]:
    """Yield the texts below a value that may hold references, each with its path."""
    if isinstance(value, str):
        if _BEGIN in value:
            yield value, path
    elif isinstance(value, Mapping):
        for key, member in value.items():
            yield from _texts(member, (*path, str(key)))
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from _texts(item, (*path, index))
