"""Variables: `#{namespace.key}` in an action's configuration, resolved just before it starts.

Source: https://docs.aws.amazon.com/codepipeline/latest/userguide/reference-variables.html
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

PIPELINE_NAMESPACE = "codepipeline"
"""The reserved namespace that always exists; it holds PipelineExecutionId."""

VARIABLES_NAMESPACE = "variables"
"""The reserved namespace of pipeline-level variables (V2)."""

RESERVED_NAMESPACES = frozenset({PIPELINE_NAMESPACE, VARIABLES_NAMESPACE})

_REFERENCE = re.compile(r"#\{([^{}]*)\}")
_NAMESPACE_AND_KEY = re.compile(r"([A-Za-z0-9@\-_]+)\.([A-Za-z0-9@\-_]+)")

Namespaces = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class Reference:
    """One `#{namespace.key}`; `text` is how it was written. A reference that does not have
    that form has an empty namespace and key."""

    text: str
    namespace: str
    key: str


class UnresolvedVariables(Exception):
    """A configuration refers to variables that no finished action produced."""

    def __init__(self, references: list[Reference]) -> None:
        self.references = references
        super().__init__(", ".join(reference.text for reference in references))


def references(value: str) -> Iterator[Reference]:
    """Yield the references in one configuration value, in order."""
    for match in _REFERENCE.finditer(value):
        parts = _NAMESPACE_AND_KEY.fullmatch(match[1])
        yield Reference(match[0], parts[1] if parts else "", parts[2] if parts else "")


def refers(value: str) -> bool:
    """Say whether a configuration value has any reference."""
    return _REFERENCE.search(value) is not None


def resolve(configuration: Mapping[str, str], namespaces: Namespaces) -> dict[str, str]:
    """Return `configuration` with every reference replaced by its value.

    Replaced text is not looked at again. Raises UnresolvedVariables naming every reference
    without a value.
    """
    missing: list[Reference] = []

    def value_of(match: re.Match[str]) -> str:
        reference = next(references(match[0]))
        value = namespaces.get(reference.namespace, {}).get(reference.key)
        if value is None:
            missing.append(reference)
            return match[0]
        return value

    resolved = {key: _REFERENCE.sub(value_of, text) for key, text in configuration.items()}
    if missing:
        raise UnresolvedVariables(missing)
    return resolved
