"""A secret, its versions and how staging labels move: values and pure functions.

A label is on one version at a time. Moving AWSCURRENT leaves AWSPREVIOUS on the version
it was on. A version without labels is deprecated; the oldest of those are forgotten.

Source: https://docs.aws.amazon.com/secretsmanager/latest/userguide/whats-in-a-secret.html
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import msgspec

CURRENT, PREVIOUS = "AWSCURRENT", "AWSPREVIOUS"
_MOST_DEPRECATED = 100


class Version(msgspec.Struct, frozen=True):
    """One value. `sealed` is its ciphertext: of the text, or of base64 of the bytes."""

    created_at: datetime
    sealed: str
    binary: bool
    stages: tuple[str, ...] = ()


class Secret(msgspec.Struct, frozen=True):
    """A secret as stored; `versions` by version id, oldest first."""

    name: str
    arn: str
    created_at: datetime
    changed_at: datetime
    description: str | None = None
    accessed_at: datetime | None = None
    deleted_at: datetime | None = None
    """When it was asked to be deleted; None while it is in use."""
    delete_on: datetime | None = None
    """From when on it is gone for good."""
    versions: dict[str, Version] = {}

    def gone(self, now: datetime) -> bool:
        """Return whether its recovery window has passed."""
        return self.delete_on is not None and self.delete_on <= now

    def staged(self, stage: str) -> str | None:
        """Return the id of the version that has the label, or None."""
        return next((v_id for v_id, v in self.versions.items() if stage in v.stages), None)

    def stages(self) -> dict[str, list[str]]:
        """Return version id → labels, of the versions that have any."""
        return {v_id: list(v.stages) for v_id, v in self.versions.items() if v.stages}


def to_document(secret: Secret) -> dict[str, Any]:
    """Return the JSON document to store."""
    document: dict[str, Any] = msgspec.to_builtins(secret)
    return document


def from_document(document: Mapping[str, Any]) -> Secret:
    """Read back what `to_document` made."""
    return msgspec.convert(document, Secret)


def with_version(
    secret: Secret, version_id: str, version: Version, stages: Iterable[str], now: datetime
) -> Secret:
    """Add a version and move `stages` to it."""
    versions = {**secret.versions, version_id: version}
    secret = msgspec.structs.replace(secret, versions=versions, changed_at=now)
    for stage in stages:
        secret = with_stage(secret, stage, version_id)
    return _without_oldest_deprecated(secret)


def with_stage(secret: Secret, stage: str, version_id: str | None) -> Secret:
    """Move a label to a version, or with None take it away."""
    was_on = secret.staged(stage)
    if was_on == version_id:
        return secret
    versions = {
        v_id: _labelled(version, stage, on=v_id == version_id)
        for v_id, version in secret.versions.items()
    }
    secret = msgspec.structs.replace(secret, versions=versions)
    if stage == CURRENT and was_on is not None:
        return with_stage(secret, PREVIOUS, was_on)
    return secret


def _labelled(version: Version, stage: str, *, on: bool) -> Version:
    stages = tuple(other for other in version.stages if other != stage)
    return msgspec.structs.replace(version, stages=(*stages, stage) if on else stages)


def _without_oldest_deprecated(secret: Secret) -> Secret:
    deprecated = [v_id for v_id, v in secret.versions.items() if not v.stages]
    forgotten = set(deprecated[: max(0, len(deprecated) - _MOST_DEPRECATED)])
    versions = {v_id: v for v_id, v in secret.versions.items() if v_id not in forgotten}
    return msgspec.structs.replace(secret, versions=versions)
