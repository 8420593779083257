"""A CloudFormation action's ParameterOverrides: JSON whose values may be read from artifacts.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/continuous-delivery-codepipeline-parameter-override-functions.html
"""

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from penstock.pipelines.actions.provider import ArtifactLocation

_ATTRIBUTES = ("BucketName", "ObjectKey", "URL")
ReadFile = Callable[[str, str], Awaitable[str]]
"""(artifact, path) → text; raises ArtifactFileMissing."""


class BadOverrides(Exception):
    """What is wrong with the overrides, in words for the user."""


@dataclass(frozen=True, slots=True)
class GetParam:
    """`{"Fn::GetParam": [artifact, JSON file, key]}`."""

    artifact: str
    path: str
    key: str


@dataclass(frozen=True, slots=True)
class GetArtifactAtt:
    """`{"Fn::GetArtifactAtt": [artifact, BucketName | ObjectKey | URL]}`."""

    artifact: str
    attribute: str


Override = str | GetParam | GetArtifactAtt


def parse(text: str) -> dict[str, Override]:
    """Return the overrides by parameter; raise BadOverrides saying what was expected and found."""
    try:
        given = json.loads(text)
    except json.JSONDecodeError as error:
        raise BadOverrides(f"expected a JSON object, found text that is not JSON ({error})") from (
            error
        )
    if not isinstance(given, dict):
        raise BadOverrides(f"expected a JSON object, found {type(given).__name__}")
    return {name: _override(name, value) for name, value in given.items()}


def _override(name: str, value: Any) -> Override:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return json.dumps(value)
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return ",".join(value)
    if isinstance(value, dict) and len(value) == 1:
        ((function, arguments),) = value.items()
        if function == "Fn::GetParam":
            return GetParam(*_texts(name, function, arguments, 3))
        if function == "Fn::GetArtifactAtt":
            artifact, attribute = _texts(name, function, arguments, 2)
            if attribute not in _ATTRIBUTES:
                raise BadOverrides(
                    f"parameter {name}: expected one of {', '.join(_ATTRIBUTES)} as the attribute "
                    f"of Fn::GetArtifactAtt, found {attribute!r}"
                )
            return GetArtifactAtt(artifact, attribute)
    raise BadOverrides(
        f"parameter {name}: expected a string, Fn::GetParam or Fn::GetArtifactAtt, "
        f"found {json.dumps(value)}"
    )


def _texts(name: str, function: str, arguments: Any, count: int) -> list[str]:
    if (
        isinstance(arguments, list)
        and len(arguments) == count
        and all(isinstance(each, str) for each in arguments)
    ):
        return arguments
    raise BadOverrides(
        f"parameter {name}: expected {function} with a list of {count} strings, "
        f"found {json.dumps(arguments)}"
    )


async def resolve(
    overrides: Mapping[str, Override], inputs: Sequence[ArtifactLocation], read: ReadFile
) -> dict[str, str]:
    """Return each parameter's value.

    Raises BadOverrides for an artifact that is no input, a file that is no JSON object, or a key
    that it lacks; ArtifactFileMissing for a missing file.
    """
    values: dict[str, str] = {}
    for name, override in overrides.items():
        match override:
            case GetParam():
                values[name] = await _parameter(name, override, read)
            case GetArtifactAtt():
                values[name] = _attribute(name, override, inputs)
            case text:
                values[name] = text
    return values


async def _parameter(name: str, wanted: GetParam, read: ReadFile) -> str:
    text = await read(wanted.artifact, wanted.path)
    place = f"parameter {name}: file {wanted.path} in artifact {wanted.artifact}"
    try:
        document = json.loads(text)
    except json.JSONDecodeError as error:
        raise BadOverrides(f"{place} is not JSON ({error})") from error
    if not isinstance(document, dict):
        raise BadOverrides(f"{place} is not a JSON object but {type(document).__name__}")
    if wanted.key not in document:
        known = ", ".join(sorted(document)) or "none"
        raise BadOverrides(f"{place} has no key {wanted.key!r} (its keys: {known})")
    value = document[wanted.key]
    if isinstance(value, str):
        return value
    if isinstance(value, bool | int | float):
        return json.dumps(value)
    raise BadOverrides(f"{place}: expected a string under {wanted.key!r}, found {value!r}")


def _attribute(name: str, wanted: GetArtifactAtt, inputs: Sequence[ArtifactLocation]) -> str:
    place = next((each for each in inputs if each.name == wanted.artifact), None)
    if place is None:
        names = ", ".join(each.name for each in inputs) or "none"
        raise BadOverrides(
            f"parameter {name}: artifact {wanted.artifact} is not an input artifact of this action "
            f"(its inputs: {names})"
        )
    if wanted.attribute == "BucketName":
        return place.bucket
    if wanted.attribute == "ObjectKey":
        return place.key
    return f"https://s3.amazonaws.com/{place.bucket}/{place.key}"
