"""Which dynamic references the template wrote, and which only look like some. Pure.

What others answer (attributes and ids of resources, other stacks' outputs, parameters that are
kept in Parameter Store) may hold the text of a reference, or a piece of one. It stays text: the
stack's role reads what its template's author named, nothing else. A template is evaluated a second
time for that, with all braces taken out of what comes from others: the references that are left
are written (docs/adr/0035-values-from-elsewhere.md).
"""

import contextlib
import dataclasses
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from penstock.aws.errors import ServiceError
from penstock.stacks.template import evaluate
from penstock.stacks.template.dynamic_references import dynamic_references, without_braces
from penstock.stacks.template.errors import invalid
from penstock.stacks.template.references import references
from penstock.stacks.template.scope import OtherStack, ResourceValues, Scope
from penstock.stacks.template.template import ParameterValue

_ANSWERED = (
    "Custom::",
    "AWS::CloudFormation::CustomResource",
    "AWS::CloudFormation::WaitCondition",
)
"""Types whose attributes are another's words: no reference in them is the engine's own."""


def written_scope(scope: Scope) -> Scope:
    """Return the scope without the braces that others answered.

    In an attribute a reference of its resource's own properties stays: the engine puts it where
    the resource hands a secret on. Raises ServiceError for conditions that cannot be evaluated.
    """
    resources = _Resources(scope.resources)
    scrubbed = dataclasses.replace(
        scope,
        parameters={name: _parameter(each) for name, each in scope.parameters.items()},
        exports=_Exports(scope.exports),
        other_stacks={name: _other_stack(each) for name, each in scope.other_stacks.items()},
        resources=resources,
    )
    scrubbed.known_conditions.update(evaluate.conditions(scope))
    resources.scope = scrubbed
    return scrubbed


def unwritten(scope: Scope, logical_id: str, properties: Any) -> tuple[str, ...]:
    """Return the texts in a resource's evaluated properties that look like dynamic references
    and were not written by the template.

    Raises ServiceError ValidationError where the same text is written in another place: a resource
    keeps its texts, not where they stand, and would have the secret in both.
    """
    found = _texts(properties)
    if not found:
        return ()
    scrubbed = _evaluated(written_scope(scope), logical_id)
    written = frozenset(_texts(scrubbed))
    twice = [text for text in _answered(properties, scrubbed) if text in written]
    if twice:
        raise invalid(  # unverified
            f"Dynamic references [{', '.join(twice)}] are in a resource's attribute, another "
            f"stack's output or a parameter of Parameter Store, and resource {logical_id} also "
            "has them as its template wrote them. Write them in each place, or take them out of "
            "what is answered."
        )
    return tuple(dict.fromkeys(text for text in found if text not in written))


def unwritten_in_outputs(scope: Scope) -> dict[str, tuple[str, ...]]:
    """Return the same for outputs, by their names. Raises as `evaluate.outputs` does."""
    found = {each.name: _texts(each.value) for each in evaluate.outputs(scope)}
    if not any(found.values()):
        return {}
    written: dict[str, list[str]] = {}
    with contextlib.suppress(ServiceError):
        written = {each.name: _texts(each.value) for each in evaluate.outputs(written_scope(scope))}
    return {
        name: tuple(text for text in texts if text not in written.get(name, ()))
        for name, texts in found.items()
    }


def handed_on(texts: Sequence[str]) -> ServiceError:
    """Return the refusal of texts that a nested stack would take for its template's own."""
    return invalid(  # unverified
        "Dynamic references in what is handed to a nested stack must be written in the template or "
        f"its parameters; found [{', '.join(texts)}] in a resource's attribute, another stack's "
        "output or a parameter of Parameter Store. Write the reference where it is used."
    )


def _texts(value: Any) -> list[str]:
    return [each.text for each in dynamic_references(value)]


def _evaluated(scrubbed: Scope, logical_id: str) -> Any:
    """Return a resource's properties, None where they cannot be evaluated without braces."""
    try:
        return evaluate.properties(scrubbed, logical_id)
    except ServiceError:
        return None


def _answered(value: Any, scrubbed: Any) -> Counter[str]:
    """Return the references in a value that are not in the same place of what is scrubbed."""
    if isinstance(value, Mapping) and isinstance(scrubbed, Mapping):
        pairs = [(each, scrubbed.get(key)) for key, each in value.items()]
    elif isinstance(value, list) and isinstance(scrubbed, list) and len(value) == len(scrubbed):
        pairs = list(zip(value, scrubbed, strict=True))
    else:
        return Counter(_texts(value)) - Counter(_texts(scrubbed))
    return sum((_answered(*pair) for pair in pairs), Counter())


class _Resources(Mapping[str, ResourceValues]):
    """What resources give, without the braces of others; made when one is asked for."""

    scope: Scope

    def __init__(self, resources: Mapping[str, ResourceValues]) -> None:
        self._resources = resources
        self._found: dict[str, frozenset[str]] = {}
        self._asked: dict[str, Iterator[str]] = {}

    def __getitem__(self, name: str) -> ResourceValues:
        values = self._resources[name]
        own = self._own(name) if _texts(values.attributes) else frozenset()
        return dataclasses.replace(
            values,
            ref=without_braces(values.ref),
            attributes=without_braces(values.attributes, own),
        )

    def __iter__(self) -> Iterator[str]:
        return iter(self._resources)

    def __len__(self) -> int:
        return len(self._resources)

    def _own(self, name: str) -> frozenset[str]:
        """Return the references of a resource's own properties. What it is built from is looked at
        first, without recursion: a chain that hands one on may be as long as a template."""
        path = [] if name in self._asked else [name]
        while path:
            current = path[-1]
            if current not in self._asked:
                self._asked[current] = iter(self._built_from(current))
            following = next((one for one in self._asked[current] if one not in self._asked), None)
            if following is not None:
                path.append(following)
            else:
                answered = not self._writes(current)
                self._found[current] = frozenset() if answered else self._written(current)
                path.pop()
        return self._found.get(name, frozenset())  # nothing yet: it is built from itself

    def _written(self, name: str) -> frozenset[str]:
        return frozenset(_texts(_evaluated(self.scope, name)))

    def _built_from(self, name: str) -> list[str]:
        """Return the resources whose attributes, with references in them, a resource reads."""
        if not self._writes(name):
            return []
        refers = references(self.scope.template, name, self.scope.known_conditions)
        named = dict.fromkeys(each.name for each in refers if each.kind == "Attribute")
        return [
            one
            for one in named
            if one in self._resources and _texts(self._resources[one].attributes)
        ]

    def _writes(self, name: str) -> bool:
        declared = self.scope.template.resources.get(name)
        return declared is not None and not declared.type.startswith(_ANSWERED)


class _Exports(Mapping[str, str]):
    """Exports without braces; the others may note what is asked for."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        self._texts = texts

    def __getitem__(self, name: str) -> str:
        return str(without_braces(self._texts[name]))

    def __iter__(self) -> Iterator[str]:
        return iter(self._texts)

    def __len__(self) -> int:
        return len(self._texts)


def _parameter(value: ParameterValue) -> ParameterValue:
    """What was given counts as written; what Parameter Store answered does not."""
    if value.resolved is None:
        return value
    return dataclasses.replace(value, resolved=without_braces(value.resolved))


def _other_stack(other: OtherStack) -> OtherStack:
    if other.outputs is None:
        return other
    return dataclasses.replace(other, outputs=without_braces(other.outputs))
