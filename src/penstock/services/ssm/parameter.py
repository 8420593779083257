"""A parameter and its versions: values and pure functions.

Source: https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-paramstore-versions.html
"""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import msgspec

from penstock.aws.errors import ServiceError
from penstock.services.ssm.names import Reference

SECURE = "SecureString"
_MOST_VERSIONS = 100
_MOST_LABELS = 10
_LABEL = re.compile(r"(?!aws|ssm)[A-Za-z_.-][A-Za-z0-9_.-]{0,99}", re.IGNORECASE)


class Version(msgspec.Struct, frozen=True):
    """One value with what was said of it; the value of a SecureString is its ciphertext."""

    number: int
    type: str
    value: str
    modified_at: datetime
    modified_by: str
    description: str | None = None
    allowed_pattern: str | None = None
    key_id: str | None = None
    tier: str = "Standard"
    data_type: str = "text"
    labels: tuple[str, ...] = ()


class Parameter(msgspec.Struct, frozen=True):
    """A parameter as stored; `versions` oldest first, at least one."""

    name: str
    arn: str
    versions: tuple[Version, ...]

    @property
    def newest(self) -> Version:
        """The version that a name alone means."""
        return self.versions[-1]

    def select(self, reference: Reference) -> Version:
        """Return the version meant; ServiceError when there is none."""
        if not reference.selector:
            return self.newest
        number = reference.version
        for version in self.versions:
            if version.number == number or reference.selector in version.labels:
                return version
        kind = "label" if number is None else "version"
        raise ServiceError(
            "ParameterVersionNotFound",
            f"Systems Manager could not find {kind} {reference.selector} of {self.name}. Verify "
            f"the {kind} and try again.",
        )


def to_document(parameter: Parameter) -> dict[str, Any]:
    """Return the JSON document to store."""
    document: dict[str, Any] = msgspec.to_builtins(parameter)
    return document


def from_document(document: Mapping[str, Any]) -> Parameter:
    """Read back what `to_document` made."""
    return msgspec.convert(document, Parameter)


def with_version(parameter: Parameter, version: Version) -> Parameter:
    """Add a version; the oldest makes room, unless it has a label: then ServiceError."""
    versions = (*parameter.versions, version)
    if len(versions) > _MOST_VERSIONS:
        if versions[0].labels:
            raise ServiceError(
                "ParameterMaxVersionLimitExceeded",
                f"You attempted to create a new version of {parameter.name} by calling the "
                f"PutParameter API with the overwrite flag. Version {versions[0].number}, the "
                "oldest version, can't be deleted because it has a label associated with it. "
                "Move the label to another version of the parameter, and try again.",
            )
        versions = versions[1:]
    return msgspec.structs.replace(parameter, versions=versions)


def with_labels(parameter: Parameter, number: int, labels: Iterable[str]) -> Parameter:
    """Move `labels` to a version; ServiceError when it would have more than AWS allows."""
    moving = tuple(dict.fromkeys(labels))
    versions = []
    for version in parameter.versions:
        kept = tuple(label for label in version.labels if label not in moving)
        if version.number == number:
            kept += moving
        if len(kept) > _MOST_LABELS:
            raise ServiceError(
                "ParameterVersionLabelLimitExceeded",
                "An error occurred because a parameter version can have a maximum of "
                f"{_MOST_LABELS} labels. Move one or more labels to another version and try "
                "again.",
            )
        versions.append(msgspec.structs.replace(version, labels=kept))
    return msgspec.structs.replace(parameter, versions=tuple(versions))


def without_labels(parameter: Parameter, number: int, labels: Iterable[str]) -> Parameter:
    """Take `labels` off a version."""
    gone = set(labels)
    versions = tuple(
        msgspec.structs.replace(v, labels=tuple(label for label in v.labels if label not in gone))
        if v.number == number
        else v
        for v in parameter.versions
    )
    return msgspec.structs.replace(parameter, versions=versions)


def is_label(text: str) -> bool:
    """Return whether AWS takes `text` as a label: it begins with no digit, `aws` or `ssm`."""
    return _LABEL.fullmatch(text) is not None
