"""The smallest properties that a resource schema takes: made up from the schema alone.

Where a pattern is wanted, a text is tried from a list of shapes (names, ARNs, ids, dates) and then
built from the pattern itself; what nothing fits is left to the caller, who is told by None.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from hypothesis import HealthCheck, Phase, find, settings
from hypothesis import strategies as st
from hypothesis.errors import HypothesisException

from penstock.stacks.schemas import patterns
from penstock.stacks.schemas.resource_schema import ResourceSchema

_SHAPES = (
    "name", "Name1", "a", "1", "0", "abcdefghij", "00000000", "2030-01-01T00:00:00Z",
    "arn:aws:iam::123456789012:role/name", "arn:aws:kms:us-east-1:123456789012:key/name",
    "arn:aws:s3:::name", "arn:aws:sns:us-east-1:123456789012:name", "s3://name/key",
    "https://example.com/a", "10.0.0.0/16", "10.0.0.1", "123456789012", "us-east-1",
    "us-east-1a", "a@example.com", "example.com", "11111111-2222-3333-4444-555555555555",
    "vpc-0123456789abcdef0", "subnet-0123456789abcdef0", "sg-0123456789abcdef0", "{}",
    "AWS::S3::Bucket", "rate(1 day)", "1.0", "a" * 32, "a1" * 16, "/name", "name/name",
)  # fmt: skip
_DEEPEST = 12


class Minimal:
    """Makes values for one schema."""

    def __init__(self, schema: ResourceSchema) -> None:
        self._schema = schema
        self._definitions = schema.document.get("definitions", {})

    def properties(self) -> dict[str, Any]:
        """Return the smallest properties; read-only ones are the service's to give."""
        document = self._schema.document
        rule = {
            **{key: document[key] for key in _COMBINING if key in document},
            "properties": document["properties"],
            "required": document.get("required", ()),
        }
        return self._object(rule, 0)

    def value(self, rule: Any, depth: int = 0) -> Any:
        """Return a value that `rule` takes, as far as one is found."""
        rule = self._resolved(rule)
        if depth > _DEEPEST:
            return {}
        for keyword in ("enum", "enumCaseInsensitive"):
            if rule.get(keyword):
                return rule[keyword][0]
        if "const" in rule:
            return rule["const"]
        if not rule.get("type"):
            for keyword in ("oneOf", "anyOf", "allOf"):
                if rule.get(keyword):
                    part = {**self._resolved(rule[keyword][0])}
                    part.setdefault("minItems", rule.get("minItems", 0))
                    return self.value(part, depth + 1)
        match _kind(rule):
            case "object":
                return self._object(rule, depth)
            case "array":
                return self._array(rule, depth)
            case "integer" | "number":
                least = rule.get("minimum", rule.get("exclusiveMinimum", -1) + 1)
                step = rule.get("multipleOf", 1)
                return -(-least // step) * step
            case "boolean":
                return True
            case _:
                return _text(rule)

    def _array(self, rule: Mapping[str, Any], depth: int) -> list[Any]:
        items, count = rule.get("items", {}), rule.get("minItems", 0)
        made = [self.value(items, depth + 1) for _ in range(count)]
        if rule.get("uniqueItems") and count > 1:
            made = [_other(item, number) for number, item in enumerate(made)]
        return made

    def _object(self, rule: Mapping[str, Any], depth: int) -> dict[str, Any]:
        members = dict(rule.get("properties", {}))
        wanted = list(rule.get("required", ()))
        for part in self._chosen(rule):
            members = {**part.get("properties", {}), **members}
            wanted += [name for name in part.get("required", ()) if name not in wanted]
        made = {name: self.value(members.get(name, {}), depth + 1) for name in wanted}
        for pattern, each in rule.get("patternProperties", {}).items():
            if len(made) < rule.get("minProperties", 0):
                made[_text({"type": "string", "pattern": pattern})] = self.value(each, depth + 1)
        for name in members:
            if len(made) < rule.get("minProperties", 0) and name not in made:
                made[name] = self.value(members[name], depth + 1)
        if len(made) < rule.get("minProperties", 0):
            made["a"] = "a"
        return made

    def _chosen(self, rule: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
        """Yield the parts of a rule's combinations that are to hold, the first of each choice."""
        for part in rule.get("allOf", ()):
            yield self._resolved(part)
            yield from self._chosen(self._resolved(part))
        for keyword in ("anyOf", "oneOf"):
            if rule.get(keyword):
                first = self._resolved(rule[keyword][0])
                yield first
                yield from self._chosen(first)
        for keyword in ("requiredXor", "requiredOr"):
            if rule.get(keyword):
                yield {"required": [rule[keyword][0]]}

    def _resolved(self, rule: Any) -> Mapping[str, Any]:
        for _ in range(20):
            if not isinstance(rule, Mapping):
                return {}
            if "$ref" not in rule:
                return rule
            family, _, name = str(rule["$ref"]).partition("#/")[2].partition("/")
            source = self._definitions if family == "definitions" else self._schema.properties
            rule = source.get(name)
        return {}


_COMBINING = ("allOf", "anyOf", "oneOf", "requiredXor", "requiredOr")


def _kind(rule: Mapping[str, Any]) -> str:
    stated = rule.get("type")
    if isinstance(stated, list):
        return str(next((kind for kind in stated if kind != "null"), "string"))
    if stated is None and ("properties" in rule or "patternProperties" in rule):
        return "object"
    return str(stated or "string")


def _text(rule: Mapping[str, Any]) -> str:
    least, most = rule.get("minLength", 0), rule.get("maxLength", 100_000)
    pattern = rule.get("pattern")

    def fits(text: str) -> bool:
        in_bounds = least <= len(text) <= most
        return in_bounds and (pattern is None or patterns.matches(pattern, text))

    for shape in (*_SHAPES, "a" * max(least, 1), "1" * max(least, 1)):
        if fits(shape):
            return shape
    readable = patterns.compiled(str(pattern))
    try:
        found: str = find(
            st.from_regex(readable.pattern if readable else "", fullmatch=False),
            fits,
            settings=settings(
                max_examples=200, database=None, phases=[Phase.generate], deadline=None,
                suppress_health_check=list(HealthCheck),
            ),
        )  # fmt: skip
    except (HypothesisException, re.error):
        return "a" * max(least, 1)
    return found


def _other(item: Any, number: int) -> Any:
    """Return the item with its first text changed: one of its own by `number`."""
    if not number:
        return item
    if isinstance(item, str):
        return f"{item[:-1]}{number}"
    if isinstance(item, dict):
        for name, value in item.items():
            other = _other(value, number)
            if other != value:
                return {**item, name: other}
        return item
    return item + number if isinstance(item, int) and not isinstance(item, bool) else item
