"""From a resource's properties to an operation's request and back, by botocore's model.

CloudFormation and the APIs spell the same members differently (`ContainerDefinitions`,
`containerDefinitions`) and templates write numbers and booleans as text.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StructureShape

from penstock.aws import models
from penstock.stacks.handlers.handler import ResourceRequest


class UnknownProperty(ValueError):
    """A property that the operation has no member for."""


def to_request(service: str, operation: str, properties: Mapping[str, Any]) -> dict[str, Any]:
    """Return `properties` as a request of `operation`, keys and scalar types as the model has them.

    Raise UnknownProperty naming the path of a property without a member: nothing is dropped.
    """
    shape = models.load(service).operation(operation).input_shape
    converted = _convert(shape, properties, "")
    assert isinstance(converted, dict)
    return converted


def _convert(shape: Shape, value: Any, path: str) -> Any:
    if isinstance(shape, StructureShape) and isinstance(value, Mapping):
        members = _names(shape)
        result = {}
        for name, each in value.items():
            member = members.get(name.lower())
            if member is None:
                raise UnknownProperty(f"{path}/{name}")
            result[member] = _convert(shape.members[member], each, f"{path}/{name}")
        return result
    if isinstance(shape, ListShape) and isinstance(value, list):
        return [_convert(shape.member, each, f"{path}/{i}") for i, each in enumerate(value)]
    if isinstance(shape, MapShape) and isinstance(value, Mapping):
        return {name: _convert(shape.value, each, f"{path}/{name}") for name, each in value.items()}
    return _scalar(shape.type_name, value)


@cache
def _names(shape: StructureShape) -> Mapping[str, str]:
    """Return the members' names by the same in lower case."""
    return {name.lower(): name for name in shape.members}


def to_properties(shape: Shape, value: Any, given: Any = None) -> Any:
    """Return an answer of `shape` as templates write it: members as `given` spells them, which are
    the properties of a template, or with a capital letter. Keys of maps stay as they are."""
    return _as_written(shape, value, [] if given is None else [given])


def _as_written(shape: Shape, value: Any, given: Sequence[Any]) -> Any:
    """`given` are all values that stand in the template at this place, in lists several."""
    if isinstance(shape, StructureShape) and isinstance(value, Mapping):
        there = [each for each in given if isinstance(each, Mapping)]
        spelt = {str(name).lower(): str(name) for each in there for name in each}
        found = {}
        for name, each in value.items():
            if name in shape.members:
                written = spelt.get(name.lower(), name[0].upper() + name[1:])
                below = [one[written] for one in there if written in one]
                found[written] = _as_written(shape.members[name], each, below)
        return found
    if isinstance(shape, ListShape) and isinstance(value, list):
        items = [item for each in given if isinstance(each, list) for item in each]
        return [_as_written(shape.member, each, items) for each in value]
    if isinstance(shape, MapShape) and isinstance(value, Mapping):
        there = [each for each in given if isinstance(each, Mapping)]
        return {
            key: _as_written(shape.value, each, [one[key] for one in there if key in one])
            for key, each in value.items()
        }
    return value


def _scalar(kind: str, value: Any) -> Any:
    if kind == "boolean" and isinstance(value, str) and value.lower() in {"true", "false"}:
        return value.lower() == "true"
    if kind in {"integer", "long"} and isinstance(value, str) and value.lstrip("-").isdigit():
        return int(value)
    if kind in {"float", "double"} and isinstance(value, str):
        try:
            return float(value)
        except ValueError:
            return value
    if kind == "string" and isinstance(value, bool):
        return "true" if value else "false"
    if kind == "string" and isinstance(value, int | float):
        return str(value)
    return value


def merged_tags(request: ResourceRequest, own: Any = None) -> dict[str, str]:
    """Return the resource's tags by key: the stack's, under the resource's own property
    (a list of Key and Value, or a mapping)."""
    if isinstance(own, Mapping):
        mine = {str(key): str(value) for key, value in own.items()}
    else:
        mine = {str(tag["Key"]): str(tag.get("Value", "")) for tag in own or ()}
    return {**request.tags, **mine}
