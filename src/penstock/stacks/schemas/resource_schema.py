"""What AWS's resource schemas say of a type: properties, identifiers, what needs a replacement.

Read from the data files of the cfn-lint package (its patches are applied in them already), one
type at a time; the package itself is never imported, which would cost a second.
Source: https://docs.aws.amazon.com/cloudformation-cli/latest/userguide/resource-type-schema.html
"""

import functools
import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from penstock.errors import EngineError

PropertyPath = tuple[str, ...]
"""`("Volumes", "*", "Name")` of the pointer `/properties/Volumes/*/Name`; `*` is any item."""

ValuePath = tuple[str | int, ...]
"""Where a value is in a resource's properties: `("Volumes", 0, "Name")`."""

_PROVIDER = "us-east-1.json"


@dataclass(frozen=True, slots=True)
class ResourceSchema:
    """One resource type's schema."""

    type_name: str
    document: Mapping[str, Any]
    """The schema as a JSON document; `definitions` are what `$ref` points to."""
    properties: Mapping[str, Any]
    required: frozenset[str]
    create_only: frozenset[PropertyPath]
    conditional_create_only: frozenset[PropertyPath]
    read_only: frozenset[PropertyPath]
    write_only: frozenset[PropertyPath]
    primary_identifier: tuple[PropertyPath, ...]
    additional_identifiers: tuple[tuple[PropertyPath, ...], ...]
    """Others that each name one resource."""
    tag_property: str | None
    """The property that holds the resource's tags; None when it has none."""

    def requires_recreation(self, path: ValuePath, before: Any, after: Any) -> str:
        """Return Always, Conditionally or Never for a change of what is at `path` in the
        properties.

        `before` and `after` are the values there, None where there is none: of a value with
        create-only members a change counts only where such a member differs.
        """
        for pointers, answer in (
            (self.create_only, "Always"),
            (self.conditional_create_only, "Conditionally"),
        ):
            for pointer in pointers:
                rest = _below(pointer, path)
                if rest is not None and _at(before, rest) != _at(after, rest):
                    return answer
        return "Never"


def known_type(name: str) -> bool:
    """Return whether AWS has a resource type of that name."""
    return name in _types()


def type_names() -> list[str]:
    """Return every resource type that AWS has, in order of name."""
    return sorted(_types())


def schema(type_name: str) -> ResourceSchema | None:
    """Return the type's schema, None for a type that AWS does not have."""
    return _schema(type_name) if known_type(type_name) else None


@functools.cache
def _schema(type_name: str) -> ResourceSchema:
    document = msgspec.json.decode(
        (_folder() / "resources" / f"{_types()[type_name]}.json").read_bytes()
    )
    tagging = document.get("tagging", {})
    tag_property = tagging.get("tagProperty", "/properties/Tags").rpartition("/")[2]
    properties = document["properties"]
    return ResourceSchema(
        type_name=type_name,
        document=document,
        properties=properties,
        required=frozenset(document.get("required", ())),
        create_only=_paths(document, "createOnlyProperties"),
        conditional_create_only=_paths(document, "conditionalCreateOnlyProperties"),
        read_only=_paths(document, "readOnlyProperties"),
        write_only=_paths(document, "writeOnlyProperties"),
        primary_identifier=tuple(map(_path, document.get("primaryIdentifier", ()))),
        additional_identifiers=tuple(
            tuple(map(_path, each)) for each in document.get("additionalIdentifiers", ())
        ),
        tag_property=tag_property
        if tag_property in properties and tagging.get("taggable", True)
        else None,
    )


@functools.cache
def _types() -> Mapping[str, str]:
    """Return the name of each type's file by type."""
    text = (_folder() / "providers" / _PROVIDER).read_bytes()
    return msgspec.json.decode(text, type=dict[str, str])


@functools.cache
def _folder() -> Path:
    found = importlib.util.find_spec("cfnlint")  # finds the package without running it
    if found is None or found.origin is None:
        raise EngineError(
            "expected the package cfn-lint, whose data describes AWS's resource types; "
            "install Penstock with its dependencies",
            retryable=False,
        )
    return Path(found.origin).parent / "data" / "schemas"


def _paths(document: Mapping[str, Any], key: str) -> frozenset[PropertyPath]:
    return frozenset(map(_path, document.get(key, ())))


def _path(pointer: str) -> PropertyPath:
    """`/properties/A/properties/B`, as some schemas have it, is `/properties/A/B`."""
    parts = pointer.removeprefix("/properties/").split("/")
    return tuple(part for i, part in enumerate(parts) if i == 0 or part != "properties")


def _below(pointer: PropertyPath, path: ValuePath) -> PropertyPath | None:
    """Return what is left of `pointer` at `path`: nothing when the path leads to it or below it.

    None when the path leads elsewhere.
    """
    position = 0
    for step in path:
        if position == len(pointer):
            return ()
        part = pointer[position]
        if isinstance(step, int):
            position += part in {"*", "items"}
        elif part in {step, "*"}:
            position += 1
        else:
            return None
    return pointer[position:]


def _at(value: Any, path: PropertyPath) -> Any:
    """Return the value at a path; at `*` (or through a list) all items' values."""
    if not path:
        return value
    if isinstance(value, list):
        rest = path[1:] if path[0] in {"*", "items"} else path
        return [_at(item, rest) for item in value]
    if isinstance(value, Mapping):
        return _at(value.get(path[0]), path[1:])
    return None
