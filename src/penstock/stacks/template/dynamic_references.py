"""Dynamic references in a template's values: `{{resolve:service:reference}}`. Pure.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/dynamic-references.html
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

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


def contains_dynamic_reference(value: Any) -> bool:
    """Tell whether any text in a value has a reference."""
    return any(_REFERENCE.search(text) for text in _texts(value))


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for member in value.values():
            yield from _texts(member)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _texts(item)
