"""Values as a change set shows them: text, what is not known yet, and no secret.

AWS gives values as strings, structures as JSON text, and `{{changeSet:KNOWN_AFTER_APPLY}}` for
what only the execution will tell.
Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ResourceTargetDefinition.html
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from penstock.aws.errors import ServiceError
from penstock.stacks.intrinsics.unknown import KNOWN_AFTER_APPLY
from penstock.stacks.state import DeployedResource
from penstock.stacks.template.evaluate import Unknown
from penstock.stacks.template.template import ParameterValue

MASK = "****"
_JSON = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
SHORTEST_PART = 4
"""A shorter secret is masked only where it is a whole value: it stands in other texts by chance."""


def canonical(value: Any) -> Any:
    """Return `value` with its scalars as text, as CloudFormation compares and shows them."""
    if isinstance(value, str):
        return value
    if isinstance(value, Unknown):
        return KNOWN_AFTER_APPLY
    if isinstance(value, Mapping):
        return {str(key): canonical(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [canonical(each) for each in value]
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def as_text(value: Any) -> str:
    """Return a canonical value as one string: JSON for structures, without spaces (recorded)."""
    return value if isinstance(value, str) else as_json(value)


def as_json(value: Any) -> str:
    """Return JSON without spaces, members in their order."""
    return _JSON.encode(value)


@dataclass(frozen=True, slots=True)
class Secrets:
    """The values of NoEcho parameters, before and after a change."""

    values: frozenset[str]

    def masked(self, value: Any, paths: Iterable[tuple[str | int, ...]] = ()) -> Any:
        """Return a value without secrets; its texts are searched for them.

        Whatever stands at one of `paths`, where the template refers to a NoEcho parameter, is
        masked whole; elsewhere the secrets themselves are.
        """
        for path in paths:
            value = _masked_at(value, path)
        return self._masked(value, self._parts()) if self.values else value

    def masked_text(self, text: str) -> str:
        """Return a text, such as the reason of a failure, without secrets."""
        return str(self._masked(text, self._parts()))

    def masked_error(self, error: ServiceError) -> ServiceError:
        """Return the refusal, its texts without secrets and the items of those that are lists."""
        items = {item.strip() for value in self.values for item in value.split(",")}
        hidden = Secrets(self.values | items - {""})
        error.message = hidden.masked_text(error.message)
        error.args = (error.message,)
        error.members = {name: hidden.masked(each) for name, each in error.members.items()}
        return error

    def _parts(self) -> list[str]:
        """Return what is looked for in texts, the longest first: one may be part of another."""
        long = (each for each in self.values if len(each) >= SHORTEST_PART)
        return sorted({form for each in long for form in _quoted(each)}, key=len, reverse=True)

    def _masked(self, value: Any, parts: Sequence[str]) -> Any:
        if isinstance(value, Mapping):
            return {key: self._masked(each, parts) for key, each in value.items()}
        if isinstance(value, list):
            return [self._masked(each, parts) for each in value]
        if not isinstance(value, str):
            return value
        if value in self.values:
            return MASK
        for part in parts:
            value = value.replace(part, MASK)
        return value


def _quoted(text: str) -> set[str]:
    """Return a text as it is, and as JSON and Python's errors quote it."""
    quoted = (json.dumps(text), json.dumps(text, ensure_ascii=False), repr(text))
    return {text, *(each[1:-1] for each in quoted)}


def secrets_of(
    *parameters: Mapping[str, ParameterValue], resources: Iterable[DeployedResource] = ()
) -> Secrets:
    """Return the NoEcho values among the parameters of one or several templates, and those that
    custom resources answered as such."""
    found = (value for each in parameters for value in each.values() if value.no_echo)
    texts = {text for value in found if (text := value.effective)}
    for resource in resources:
        if resource.no_echo:
            texts.update(_texts(canonical(resource.attributes)))
    return Secrets(frozenset(texts))


def all_masked(value: Any) -> Any:
    """Return a value with every scalar in it masked."""
    if isinstance(value, Mapping):
        return {key: all_masked(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [all_masked(each) for each in value]
    return MASK


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping | list):
        for each in value.values() if isinstance(value, Mapping) else value:
            yield from _texts(each)
    elif value:
        yield value


def _masked_at(value: Any, path: tuple[str | int, ...]) -> Any:
    if not path:
        return MASK
    first, rest = path[0], path[1:]
    if isinstance(value, Mapping) and first in value:
        return {**value, first: _masked_at(value[first], rest)}
    if isinstance(value, list) and isinstance(first, int):
        # An item before may have been AWS::NoValue: an index too high means the last ones.
        index = min(first, len(value) - 1)
        return [_masked_at(each, rest) if i == index else each for i, each in enumerate(value)]
    return value
