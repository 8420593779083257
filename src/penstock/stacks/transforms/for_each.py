"""Fn::ForEach: a fragment of the template, repeated for each item of a collection. Pure.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-foreach.html
Texts: aws/aws-sam-cli's cfn_language_extensions, whose texts are those of the transform; `Duplicate
key …` was seen from AWS. Work is counted before it is done: nested loops end at the limit of a
template's size, not when memory does.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from penstock.stacks.intrinsics.function import text_of
from penstock.stacks.template.errors import invalid
from penstock.stacks.transforms.budget import NODE, Budget
from penstock.stacks.transforms.resolver import Resolver

PREFIX = "Fn::ForEach::"
_DEEPEST = 5
_ITEM = 64
"""What one turn of a loop costs, whatever it makes."""
_OTHER = re.compile(r"[^A-Za-z0-9]")


@dataclass(frozen=True)
class Loops:
    """Expands the loops in a node; `identifiers` are those of the loops around it."""

    resolver: Resolver
    budget: Budget
    identifiers: Sequence[str] = field(default=())
    depth: int = 0

    def expanded(self, node: Any) -> Any:
        """Return the node without loops. Raises ServiceError ValidationError."""
        if isinstance(node, list):
            return [self.expanded(item) for item in node]
        if not isinstance(node, dict):
            return node
        made: dict[str, Any] = {}
        for key, member in node.items():
            repeated = key.startswith(PREFIX)
            for name, value in (
                self._loop(key, member) if repeated else [(key, self.expanded(member))]
            ):
                if name in made:
                    raise invalid(
                        f"Duplicate key '{name}' when merging keys to parent object in Fn::ForEach"
                    )
                made[name] = value
        return made

    def _loop(self, key: str, argument: Any) -> Iterator[tuple[str, Any]]:
        if self.depth >= _DEEPEST:
            raise invalid(  # unverified
                f"{key} is nested deeper than the {_DEEPEST} levels that Fn::ForEach supports"
            )
        if not isinstance(argument, list) or len(argument) != 3:
            raise _layout(key)
        identifiers = self._identifiers(key, argument[0])
        body = argument[2]
        if not isinstance(body, dict):
            raise _layout(key)
        items = list(self._items(key, argument[1], argument[0], len(identifiers)))
        inner = Loops(self.resolver, self.budget, (*self.identifiers, *identifiers), self.depth + 1)
        for item in items:
            given = dict(zip(identifiers, item, strict=True))
            fragment = _Substitution(given, self.budget).applied(body)
            yield from inner.expanded(fragment).items()

    def _identifiers(self, key: str, given: Any) -> list[str]:
        names = given if isinstance(given, list) else [given]
        if not names or not all(isinstance(name, str) and name for name in names):
            raise _layout(key)
        for name in names:
            if name in self.resolver.known.declared:
                raise invalid(f"{key}: identifier '{name}' conflicts with parameter name")
            if name in self.identifiers:
                raise invalid(f"{key}: identifier '{name}' conflicts with another loop identifier")
        loop = key.removeprefix(PREFIX)
        if loop in self.resolver.known.declared:
            raise invalid(f"{key}: loop name '{loop}' conflicts with parameter name")
        return names

    def _items(self, key: str, collection: Any, given: Any, count: int) -> Iterator[list[str]]:
        """Yield for each item of the collection the texts of its identifiers."""
        found = self.resolver.value(collection)
        if not isinstance(found, list):
            raise _layout(key)
        for item in found:
            parts = item if isinstance(given, list) else [item]
            texts = [text_of(part) for part in parts] if isinstance(parts, list) else []
            if len(texts) != count or None in texts:
                raise _layout(key)
            known = [text for text in texts if text is not None]
            self.budget.spend(_ITEM + sum(map(len, known)))
            yield known


class _Substitution:
    """Puts items into a fragment: `${X}`, `&{X}` (letters and digits alone) and `{"Ref": "X"}`."""

    def __init__(self, given: Mapping[str, str], budget: Budget) -> None:
        self._given = given
        self._budget = budget
        names = "|".join(map(re.escape, given))
        self._places = re.compile(rf"([$&])\{{({names})\}}")
        self._longest = max(map(len, given.values()))

    def applied(self, node: Any) -> Any:
        """Return a copy of the node with its places filled."""
        self._budget.spend(NODE)
        if isinstance(node, str):
            return self._text(node)
        if isinstance(node, list):
            return [self.applied(item) for item in node]
        if not isinstance(node, dict):
            return node
        if node.keys() == {"Ref"} and isinstance(node["Ref"], str) and node["Ref"] in self._given:
            value = self._given[node["Ref"]]
            self._budget.spend(len(value))
            return value
        made: dict[str, Any] = {}
        for key, member in node.items():
            name = self._text(key)
            if name in made:
                raise invalid(
                    f"Duplicate key '{name}' when merging keys to parent object in Fn::ForEach"
                )
            made[name] = self.applied(member)
        return made

    def _text(self, text: str) -> str:
        self._budget.spend(len(text))
        if "{" not in text:
            return text
        self._budget.spend((text.count("${") + text.count("&{")) * self._longest)
        return self._places.sub(self._filled, text)

    def _filled(self, match: re.Match[str]) -> str:
        value = self._given[match[2]]
        return value if match[1] == "$" else _OTHER.sub("", value)


def _layout(key: str) -> Exception:
    return invalid(f"{key} layout is incorrect")
