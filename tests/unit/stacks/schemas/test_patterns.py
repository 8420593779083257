"""Patterns of AWS's schemas, which are Java's and ECMA's, as Python reads them."""

import time
import warnings
from collections.abc import Iterator
from typing import Any

import pytest

from penstock.stacks.schemas import pattern_text, property_rules, resource_schema
from penstock.stacks.schemas import patterns as schema_patterns

TAG = r"^([\p{L}\p{Z}\p{N}_.:/=+\-@]*)$"


@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [
        (TAG, "a b/c@1", True),
        (TAG, "Größe 日本", True),
        (TAG, "a\tb", False),
        (r"^[^\p{C}]+$", "aé", True),
        (r"^[^\p{C}]+$", "a\x01", False),
        (r"^\P{C}+$", "\x01", False),
        (r"^[\p{Graph}\x20]*$", "a b", True),
        (r"^[\w-.~]+$", "a-b.c~d", True),
        (r"^(?s).+$", "a\nb", True),
        (r"^[a-z]+$", "abc\n", False),  # ECMA's $ is the end
        (r"^a$|^b$", "b\n", False),
        (r"^[\p{Print}&&[^|:/]]+$", "a|b", True),  # an intersection: nobody can tell
    ],
)
def test_what_a_pattern_finds(pattern: str, text: str, found: bool) -> None:
    assert schema_patterns.matches(pattern, text) is found


def patterns_in(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("pattern"), str):
            yield node["pattern"]
        for each in node.values():
            yield from patterns_in(each)
    elif isinstance(node, list):
        for each in node:
            yield from patterns_in(each)


def every_pattern() -> set[str]:
    return {
        pattern
        for name in resource_schema.type_names()
        if (schema := resource_schema.schema(name)) is not None
        for pattern in patterns_in(schema.document)
    }


@pytest.fixture(scope="module")
def patterns() -> set[str]:
    return every_pattern()


TRYING = [
    "", "a" * 32 + "!", "1" * 32 + "!", "-" * 32 + "!", "a-" * 16 + "!", "." * 32 + "!",
    "/" * 32 + "!", "a/" * 16 + "\n", "a." * 16 + "!", "arn:aws:" + "a" * 32 + "!",
    "arn:aws:iam::123456789012:role/" + "a/" * 16 + "!", "http://" + "a" * 32 + "!",
    "https://" + "a." * 16 + "!", "A" * 32 + " ", "aA1" * 11 + "\n", "x:" * 16 + " ", "=" * 32,
    "a," * 16 + "!", " " * 32 + "!", "_" * 32 + "!", "é" * 32 + "\n", "*" * 32 + "!",
    "0." * 16 + "!", "\\" * 16 + "!", "a@" * 16 + "!",
]  # fmt: skip
"""Texts on which eleven of the patterns did not end in Python's `re`."""


@pytest.mark.timeout(60)
@pytest.mark.parametrize("text", TRYING)
def test_no_text_keeps_a_pattern_of_aws(text: str, patterns: set[str]) -> None:
    for pattern in patterns:
        began = time.monotonic()
        schema_patterns.matches(pattern, text)
        assert time.monotonic() - began < 5, pattern


@pytest.mark.timeout(20)
def test_a_property_that_froze_the_server_is_told_to_be_wrong() -> None:
    schema = resource_schema.schema("AWS::ECR::RegistryScanningConfiguration")
    assert schema is not None
    filters = [{"Filter": "a" * 40 + "!", "FilterType": "WILDCARD"}]
    rules = [{"ScanFrequency": "SCAN_ON_PUSH", "RepositoryFilters": filters}]
    assert property_rules.problems(schema, {"ScanType": "BASIC", "Rules": rules}) == [
        "#/Rules/0/RepositoryFilters/0/Filter: failed validation constraint for keyword [pattern]"
    ]


def test_a_match_that_takes_too_long_is_no_finding() -> None:
    assert schema_patterns.matches(r"^(a|aa)+$", "a" * 60 + "!")
    assert not schema_patterns.matches(r"^(a|aa)+$", "!")


def test_nearly_every_pattern_of_aws_can_be_read() -> None:
    every = every_pattern()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        unread = {pattern for pattern in every if schema_patterns.compiled(pattern) is None}
    assert len(every) > 2000
    assert len(unread) <= 3


@pytest.mark.parametrize(
    "pattern",
    [
        r"^[a-z0-9]{10}$",
        r"^d[a-z0-9]+$",
        r"^arn:(aws|aws-cn):aps:[a-z0-9-]+:[0-9]+:anomalydetector/.+$",
        r"^(vpc-)?[0-9a-f]{8}$",
        r"^[0-9a-f]{8}-[0-9a-f]{4}$|^x$",
        r"[^\d\s]{3,5}",
    ],
)
def test_a_text_is_made_from_a_pattern_and_always_the_same(pattern: str) -> None:
    made = pattern_text.text_of(pattern, "seed")
    assert made is not None
    assert schema_patterns.matches(pattern, made)
    assert pattern_text.text_of(pattern, "seed") == made
    assert pattern_text.text_of(r"^[a-z0-9]{10}$", "other") != pattern_text.text_of(
        r"^[a-z0-9]{10}$", "seed"
    )


def test_a_text_is_within_its_bounds_or_not_made() -> None:
    assert len(pattern_text.text_of(r"^[a-z]+$", "s", 5, 5) or "") <= 12
    assert pattern_text.text_of(r"^[a-z]{3}$", "s", 10, 20) is None
    assert pattern_text.text_of(r"^(a)\1b$", "s") is None
