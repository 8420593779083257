"""Dynamic references in a template's values: `{{resolve:service:reference}}`. Pure.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/dynamic-references.html
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from penstock.stacks.template.errors import invalid

_REFERENCE = re.compile(r"\{\{resolve:(?P<service>[a-z-]+):(?P<reference>[^{}]*)\}\}")


@dataclass(frozen=True, slots=True)
class DynamicReference:
    """One reference; `service` is ssm, ssm-secure or secretsmanager, `text` how it is written."""

    service: str
    reference: str
    text: str


def dynamic_references(value: Any) -> list[DynamicReference]:
    """Return the references in a value, at any depth, in order."""
    return [
        DynamicReference(match["service"], match["reference"], match[0])
        for text in _texts(value)
        for match in _REFERENCE.finditer(text)
    ]


def refuse_in(logical_id: str, properties: Any) -> None:
    """Raise ValidationError for a reference in a resource's properties: none is resolved yet.

    Asked of the template and again of evaluated properties: what a parameter's value or a join
    makes would otherwise be passed on as text.
    """
    found = dynamic_references(properties)
    if found:
        named = f"{{{{resolve:{found[0].service}:…}}}}"
        raise invalid(
            f"Penstock resolves no dynamic references yet, found {named} in the resource "
            f"{logical_id}; use a parameter with NoEcho instead."
        )


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for member in value.values():
            yield from _texts(member)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _texts(item)
