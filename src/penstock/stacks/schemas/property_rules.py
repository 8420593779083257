"""Whether a resource's evaluated properties are what its schema allows, in AWS's words.

Never a false alarm: what is not known yet, and what a schema says in a way that is not certain,
is accepted. CloudFormation takes scalars of another type whose text fits (`"80"`, `"true"`).
Source of the texts: the validator that AWS published (cloudformation-resource-schema), which
leaves out values for keywords such as enum and pattern.
"""

import functools
import operator
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from penstock.stacks.schemas import patterns as schema_patterns
from penstock.stacks.schemas import resource_schema
from penstock.stacks.schemas.resource_schema import ResourceSchema, ValuePath
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
_COMBINED = ("allOf", "anyOf", "oneOf", "dependencies", "patternProperties")
_NONE_OF = {"oneOf": "0 subschemas matched instead of one"}
_JSON_TEXT = "json"
"""`format` of properties that take JSON, as an object or as text."""


def problems(
    schema: ResourceSchema,
    properties: Mapping[str, Any],
    made_up: Iterable[ValuePath] = (),
    *,
    early: bool = False,
) -> list[str]:
    """Return what is wrong, one line each: `#/Port: expected type: Integer, found: String`.

    Of the values at the paths of `made_up` only the type counts: what nothing stands behind is not
    the author's. `early`: before the resource's turn, when lists of allowed values do not count;
    they age, and the service knows better.
    """
    rules = _Rules(schema.document, made_up, with_enums=not early)
    return list(rules.check(_document(schema.type_name), properties, "#"))


def failure(logical_resource_id: str, found: list[str]) -> str:
    """Return the reason of a resource's event, or of a failed change set."""
    lines = "\n".join(found)
    return f"Properties validation failed for resource {logical_resource_id} with message:\n{lines}"


@functools.cache
def _document(type_name: str) -> Mapping[str, Any]:
    """Return the rule of all of a type's properties."""
    schema = resource_schema.schema(type_name)
    assert schema is not None
    return {
        "type": "object",
        "properties": schema.properties,
        "required": sorted(schema.required),
        "additionalProperties": schema.document.get("additionalProperties", False),
        **{name: schema.document[name] for name in _COMBINED if name in schema.document},
    }


class _Rules:
    """Checks by one schema document, whose definitions `$ref` names."""

    def __init__(
        self, document: Mapping[str, Any], made_up: Iterable[ValuePath], *, with_enums: bool
    ) -> None:
        self._definitions = document.get("definitions", {})
        self._properties = document.get("properties", {})
        self._made_up = tuple("/".join(("#", *map(str, path))) for path in made_up)
        self._with_enums = with_enums

    def check(self, rule: Any, value: Any, place: str) -> Iterator[str]:
        """Yield what `rule` has against `value`; `place` is a JSON pointer."""
        rule = self._resolved(rule)
        if not isinstance(rule, Mapping) or isinstance(value, Unknown) or _is_looked_up(value):
            return
        wrong_type = self._wrong_type(rule, value)
        if wrong_type is not None:
            yield f"{place}: {wrong_type}"
            return
        if isinstance(value, Mapping):
            yield from self._check_object(rule, value, place)
        elif isinstance(value, list):
            yield from self._check_array(rule, value, place)
        else:
            yield from self._check_scalar(rule, value, place)
        yield from self._check_alternatives(rule, value, place)

    def _resolved(self, rule: Any) -> Any:
        for _ in range(20):  # a definition may be another's name; a circle says nothing
            if not isinstance(rule, Mapping) or "$ref" not in rule:
                return rule
            _, _, pointer = str(rule["$ref"]).partition("#/")
            family, _, name = pointer.partition("/")
            source = self._definitions if family == "definitions" else self._properties
            rule = source.get(name)
        return None

    def _wrong_type(self, rule: Mapping[str, Any], value: Any) -> str | None:
        stated = rule.get("type")
        kinds = [stated] if isinstance(stated, str) else list(stated or ())
        if not kinds or rule.get("format") == _JSON_TEXT or any(_fits(k, value) for k in kinds):
            return None
        expected = " or ".join(_TYPE_NAMES.get(kind, kind) for kind in kinds)
        return f"expected type: {expected}, found: {_name_of(value)}"

    def _check_object(
        self, rule: Mapping[str, Any], value: Mapping[str, Any], place: str
    ) -> Iterator[str]:
        members: Mapping[str, Any] = rule.get("properties", {})
        patterns: Mapping[str, Any] = rule.get("patternProperties", {})
        for name in rule.get("required", ()):
            if name not in value:
                yield f"{place}: required key [{name}] not found"
        yield from self._check_size(rule, value, place)
        closed = rule.get("additionalProperties") is False and bool(members or patterns)
        for name, each in value.items():
            if name in members:
                yield from self.check(members[name], each, f"{place}/{name}")
                continue
            matching = [p for p in patterns if schema_patterns.matches(p, name)]
            for pattern in matching:
                yield from self.check(patterns[pattern], each, f"{place}/{name}")
            if closed and not matching:
                yield f"{place}: extraneous key [{name}] is not permitted"

    def _check_size(
        self, rule: Mapping[str, Any], value: Mapping[str, Any], place: str
    ) -> Iterator[str]:
        least, most = rule.get("minProperties"), rule.get("maxProperties")
        if least is not None and len(value) < least:
            yield f"{place}: minimum size: [{least}], found: [{len(value)}]"
        if most is not None and len(value) > most:
            yield f"{place}: maximum size: [{most}], found: [{len(value)}]"
        for name, needed in rule.get("dependencies", {}).items():
            if name in value and isinstance(needed, list):
                missing = [each for each in needed if each not in value]
                yield from (f"{place}: property [{each}] is required" for each in missing)

    def _check_array(self, rule: Mapping[str, Any], value: list[Any], place: str) -> Iterator[str]:
        if not self._is_made_up(place):
            yield from self._check_count(rule, value, place)
        for index, item in enumerate(value):
            yield from self.check(rule.get("items"), item, f"{place}/{index}")

    def _check_count(self, rule: Mapping[str, Any], value: list[Any], place: str) -> Iterator[str]:
        least, most = rule.get("minItems"), rule.get("maxItems")
        if least is not None and len(value) < least:
            yield f"{place}: expected minimum item count: {least}, found: {len(value)}"
        if most is not None and len(value) > most:
            yield f"{place}: expected maximum item count: {most}, found: {len(value)}"
        if rule.get("uniqueItems") and not contains_unknown(value):
            seen = [repr(item) for item in value]
            if len(set(seen)) < len(seen):
                yield f"{place}: array items are not unique"

    def _is_made_up(self, place: str) -> bool:
        return any(place == each or place.startswith(f"{each}/") for each in self._made_up)

    def _check_scalar(self, rule: Mapping[str, Any], value: Any, place: str) -> Iterator[str]:
        if self._is_made_up(place):
            return
        text = _text(value)
        stated = rule.get("type")
        if stated == "string" and rule.get("format") != _JSON_TEXT:
            least, most = rule.get("minLength"), rule.get("maxLength")
            if least is not None and len(text) < least:
                yield f"{place}: expected minLength: {least}, actual: {len(text)}"
            if most is not None and len(text) > most:
                yield f"{place}: expected maxLength: {most}, actual: {len(text)}"
            pattern = rule.get("pattern")
            if pattern is not None and not schema_patterns.matches(pattern, text):
                yield _constraint(place, "pattern")
        if isinstance(stated, str) and stated in {"integer", "number"}:
            for keyword, holds in _BOUNDS.items():
                bound = rule.get(keyword)
                if isinstance(bound, int | float) and not holds(float(text), bound):
                    yield _constraint(place, keyword)
            step = rule.get("multipleOf")
            if isinstance(step, int) and float(text) % step:
                yield _constraint(place, "multipleOf")
        if self._with_enums:
            yield from self._check_listed(rule, text, place)

    def _check_listed(self, rule: Mapping[str, Any], text: str, place: str) -> Iterator[str]:
        if "enum" in rule and text not in {_text(each) for each in rule["enum"]}:
            yield _constraint(place, "enum")
        folded = {_text(each).lower() for each in rule.get("enumCaseInsensitive", ())}
        if folded and text.lower() not in folded:
            yield _constraint(place, "enum")

    def _check_alternatives(self, rule: Mapping[str, Any], value: Any, place: str) -> Iterator[str]:
        for part in rule.get("allOf", ()):
            yield from self.check(part, value, place)
        for keyword in ("anyOf", "oneOf"):
            parts = rule.get(keyword, ())
            if parts and not any(self._accepts(part, value, place) for part in parts):
                total = f"no subschema matched out of the total {len(parts)} subschemas"
                yield f"{place}: #: {_NONE_OF.get(keyword, total)}"

    def _accepts(self, part: Any, value: Any, place: str) -> bool:
        return next(self.check(part, value, place), None) is None


def _is_looked_up(value: Any) -> bool:
    """Return whether a text has dynamic references: what it will be is known at its turn."""
    return isinstance(value, str) and has_reference(value)


def _constraint(place: str, keyword: str) -> str:
    return f"{place}: failed validation constraint for keyword [{keyword}]"


def _fits(kind: str, value: Any) -> bool:
    """Return whether `value`, or its text, is of the JSON type `kind`."""
    if kind in {"object", "array"}:
        return isinstance(value, Mapping if kind == "object" else list)
    if isinstance(value, Mapping | list):
        return False
    if kind == "integer":
        return (
            not isinstance(value, bool)
            and re.fullmatch(r"[+-]?\d+(\.0+)?", _text(value)) is not None
        )
    if kind == "number":
        return not isinstance(value, bool) and _is_number(_text(value))
    if kind == "boolean":
        return _text(value).lower() in {"true", "false"}
    return True  # any scalar has a text; a kind that is not known says nothing


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _name_of(value: Any) -> str:
    if isinstance(value, Mapping):
        return "JSONObject"
    if isinstance(value, list):
        return "JSONArray"
    if isinstance(value, bool):
        return "Boolean"
    if isinstance(value, int):
        return "Integer"
    return "String" if isinstance(value, str) else "Number"


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
