"""One rule of a resource schema, read once, and what it has against a value.

A rule is a JSON Schema node: of a type's properties, of one of them, or of what is inside it. Its
keywords are looked up when it is read, not for every value: templates have hundreds of resources
of few types.
"""

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from penstock.stacks.schemas import patterns as schema_patterns
from penstock.stacks.template.dynamic_references import has_reference
from penstock.stacks.template.evaluate import Unknown, contains_unknown

_TYPE_NAMES = {
    "string": "String",
    "integer": "Integer",
    "number": "Number",
    "boolean": "Boolean",
    "object": "JSONObject",
    "array": "JSONArray",
}
_BOUNDS: Mapping[str, Callable[[Any, Any], bool]] = {
    "minimum": operator.ge,
    "maximum": operator.le,
    "exclusiveMinimum": operator.gt,
    "exclusiveMaximum": operator.lt,
}
_NONE_OF = {"oneOf": "0 subschemas matched instead of one"}
_JSON_TEXT = "json"
"""`format` of properties that take JSON, as an object or as text."""
_LONGEST_CIRCLE = 20


@dataclass(slots=True)
class Check:
    """One look at a resource's properties; `found` is what is wrong, one line each."""

    made_up: Sequence[str] = ()
    """Places, as JSON pointers, of which only the type counts."""
    with_enums: bool = True
    found: list[str] = field(default_factory=list)

    def say(self, place: str, problem: str) -> None:
        """Add what is wrong at a place."""
        self.found.append(f"{place}: {problem}")

    def is_made_up(self, place: str) -> bool:
        """Tell whether what stands at a place, or around it, is made up."""
        return any(place == each or place.startswith(f"{each}/") for each in self.made_up)


class Rules:
    """The rules of one schema document, each read when it is first needed."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        """`document` has the definitions and properties that `$ref` names."""
        self._document = document  # as long as it is there, no other node has the id of one of its
        self._definitions = document.get("definitions", {})
        self._properties = document.get("properties", {})
        self._read: dict[int, Rule | None] = {}

    def rule(self, stated: Any) -> "Rule | None":
        """Return the rule that a node of the document states; None where it says nothing."""
        if id(stated) not in self._read:
            named = self._named(stated)
            self._read[id(stated)] = Rule(named, self) if isinstance(named, Mapping) else None
        return self._read[id(stated)]

    def _named(self, stated: Any) -> Any:
        for _ in range(_LONGEST_CIRCLE):  # a definition may be another's name
            if not isinstance(stated, Mapping) or "$ref" not in stated:
                return stated
            _, _, pointer = str(stated["$ref"]).partition("#/")
            family, _, name = pointer.partition("/")
            source = self._definitions if family == "definitions" else self._properties
            stated = source.get(name)
        return None


class Rule:
    """What one node of a schema document allows."""

    def __init__(self, stated: Mapping[str, Any], rules: Rules) -> None:
        self._rules = rules
        self._stated = stated
        kinds = stated.get("type")
        self._kinds: Sequence[str] = (kinds,) if isinstance(kinds, str) else tuple(kinds or ())
        self._any_kind = not self._kinds or stated.get("format") == _JSON_TEXT
        self._is_text = kinds == "string" and not self._any_kind
        self._members: Mapping[str, Any] = stated.get("properties", {})
        self._patterns: Mapping[str, Any] = stated.get("patternProperties", {})
        self._is_closed = stated.get("additionalProperties") is False and bool(
            self._members or self._patterns
        )
        self._has_size = any(
            keyword in stated for keyword in ("minProperties", "maxProperties", "dependencies")
        )
        self._bounds = _bounds(stated) if kinds in ("integer", "number") else {}
        step = stated.get("multipleOf")
        self._step = step if kinds in ("integer", "number") and isinstance(step, int) else None
        self._listed = frozenset(map(text_of, stated["enum"])) if "enum" in stated else None
        folded = stated.get("enumCaseInsensitive", ())
        self._folded = frozenset(text_of(each).lower() for each in folded)
        self._alternatives = any(keyword in stated for keyword in ("allOf", "anyOf", "oneOf"))

    def check(self, value: Any, place: str, check: Check) -> None:
        """Add what the rule has against `value` to `check`; `place` is a JSON pointer."""
        if isinstance(value, Unknown) or (isinstance(value, str) and has_reference(value)):
            return  # what it will be is known at its turn
        if not self._any_kind and not self._fits(value):
            expected = " or ".join(_TYPE_NAMES.get(kind, kind) for kind in self._kinds)
            check.say(place, f"expected type: {expected}, found: {_name_of(value)}")
            return
        if isinstance(value, dict):
            self._check_object(value, place, check)
        elif isinstance(value, list):
            self._check_array(value, place, check)
        elif not check.made_up or not check.is_made_up(place):
            self._check_scalar(text_of(value), place, check)
        if self._alternatives:
            self._check_alternatives(value, place, check)

    def _fits(self, value: Any) -> bool:
        if isinstance(value, str) and self._is_text:
            return True
        return any(_fits(kind, value) for kind in self._kinds)

    def _check_object(self, value: Mapping[str, Any], place: str, check: Check) -> None:
        for name in self._stated.get("required", ()):
            if name not in value:
                check.say(place, f"required key [{name}] not found")
        if self._has_size:
            self._check_size(value, place, check)
        for name, each in value.items():
            if name in self._members:
                self._check_inner(self._members[name], each, f"{place}/{name}", check)
                continue
            matching = [p for p in self._patterns if schema_patterns.matches(p, name)]
            for pattern in matching:
                self._check_inner(self._patterns[pattern], each, f"{place}/{name}", check)
            if self._is_closed and not matching:
                check.say(place, f"extraneous key [{name}] is not permitted")

    def _check_inner(self, stated: Any, value: Any, place: str, check: Check) -> None:
        rule = self._rules.rule(stated)
        if rule is not None:
            rule.check(value, place, check)

    def _check_size(self, value: Mapping[str, Any], place: str, check: Check) -> None:
        least, most = self._stated.get("minProperties"), self._stated.get("maxProperties")
        if least is not None and len(value) < least:
            check.say(place, f"minimum size: [{least}], found: [{len(value)}]")
        if most is not None and len(value) > most:
            check.say(place, f"maximum size: [{most}], found: [{len(value)}]")
        for name, needed in self._stated.get("dependencies", {}).items():
            if name in value and isinstance(needed, list):
                for each in needed:
                    if each not in value:
                        check.say(place, f"property [{each}] is required")

    def _check_array(self, value: list[Any], place: str, check: Check) -> None:
        if not check.is_made_up(place):
            self._check_count(value, place, check)
        for index, item in enumerate(value):
            self._check_inner(self._stated.get("items"), item, f"{place}/{index}", check)

    def _check_count(self, value: list[Any], place: str, check: Check) -> None:
        least, most = self._stated.get("minItems"), self._stated.get("maxItems")
        if least is not None and len(value) < least:
            check.say(place, f"expected minimum item count: {least}, found: {len(value)}")
        if most is not None and len(value) > most:
            check.say(place, f"expected maximum item count: {most}, found: {len(value)}")
        if self._stated.get("uniqueItems") and not contains_unknown(value):
            seen = [repr(item) for item in value]
            if len(set(seen)) < len(seen):
                check.say(place, "array items are not unique")

    def _check_scalar(self, text: str, place: str, check: Check) -> None:
        if self._is_text:
            self._check_text(text, place, check)
        for keyword, bound in self._bounds.items():
            if not _BOUNDS[keyword](float(text), bound):
                _fails(keyword, place, check)
        if self._step is not None and float(text) % self._step:
            _fails("multipleOf", place, check)
        if check.with_enums:
            if self._listed is not None and text not in self._listed:
                _fails("enum", place, check)
            if self._folded and text.lower() not in self._folded:
                _fails("enum", place, check)

    def _check_text(self, text: str, place: str, check: Check) -> None:
        stated = self._stated
        least, most = stated.get("minLength"), stated.get("maxLength")
        if least is not None and len(text) < least:
            check.say(place, f"expected minLength: {least}, actual: {len(text)}")
        if most is not None and len(text) > most:
            check.say(place, f"expected maxLength: {most}, actual: {len(text)}")
        pattern = stated.get("pattern")
        if pattern is not None and not schema_patterns.matches(pattern, text):
            _fails("pattern", place, check)

    def _check_alternatives(self, value: Any, place: str, check: Check) -> None:
        for part in self._stated.get("allOf", ()):
            self._check_inner(part, value, place, check)
        for keyword in ("anyOf", "oneOf"):
            parts = self._stated.get(keyword, ())
            if parts and not any(self._accepts(part, value, place, check) for part in parts):
                total = f"no subschema matched out of the total {len(parts)} subschemas"
                check.say(place, f"#: {_NONE_OF.get(keyword, total)}")

    def _accepts(self, part: Any, value: Any, place: str, check: Check) -> bool:
        alone = replace(check, found=[])
        self._check_inner(part, value, place, alone)
        return not alone.found


def _bounds(stated: Mapping[str, Any]) -> dict[str, float]:
    return {
        keyword: bound
        for keyword in _BOUNDS
        if isinstance(bound := stated.get(keyword), int | float)
    }


def _fails(keyword: str, place: str, check: Check) -> None:
    check.say(place, f"failed validation constraint for keyword [{keyword}]")


def _fits(kind: str, value: Any) -> bool:
    """Return whether `value`, or its text, is of the JSON type `kind`."""
    if kind in ("object", "array"):
        return isinstance(value, dict if kind == "object" else list)
    if isinstance(value, dict | list):
        return False
    if kind == "integer":
        return (
            not isinstance(value, bool)
            and re.fullmatch(r"[+-]?\d+(\.0+)?", text_of(value)) is not None
        )
    if kind == "number":
        return not isinstance(value, bool) and _is_number(text_of(value))
    if kind == "boolean":
        return text_of(value).lower() in {"true", "false"}
    return True  # any scalar has a text; a kind that is not known says nothing


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _name_of(value: Any) -> str:
    if isinstance(value, dict):
        return "JSONObject"
    if isinstance(value, list):
        return "JSONArray"
    if isinstance(value, bool):
        return "Boolean"
    if isinstance(value, int):
        return "Integer"
    return "String" if isinstance(value, str) else "Number"


def text_of(value: Any) -> str:
    """Return a scalar as CloudFormation writes it."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
