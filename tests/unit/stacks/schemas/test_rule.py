"""Rules of a schema document, each read once and shared by all values of its type."""

from typing import Any

from penstock.stacks.schemas.rule import Check, Rule, Rules

DOCUMENT: dict[str, Any] = {
    "definitions": {
        "Tree": {
            "type": "object",
            "properties": {"Name": {"type": "string"}, "Inner": {"$ref": "#/definitions/Tree"}},
            "additionalProperties": False,
        },
        "Other": {"$ref": "#/definitions/Tree"},
        "Circle": {"$ref": "#/definitions/Circle"},
    }
}


def problems(stated: Any, *values: Any) -> list[list[str]]:
    rules = Rules(DOCUMENT)
    root = Rule({"type": "object", "properties": {"Of": stated}}, rules)
    found = []
    for value in values:
        check = Check()
        root.check({"Of": value}, "#", check)
        found.append(check.found)
    return found


def test_a_rule_is_the_same_for_every_value() -> None:
    right, wrong = {"Inner": {"Inner": {"Name": "a"}}}, {"Inner": {"Inner": {"Age": 1}}}
    assert problems({"$ref": "#/definitions/Other"}, right, wrong, right) == [
        [],
        ["#/Of/Inner/Inner: extraneous key [Age] is not permitted"],
        [],
    ]


def test_a_circle_of_names_and_a_node_that_is_no_rule_say_nothing() -> None:
    assert problems({"$ref": "#/definitions/Circle"}, 1, {}) == [[], []]
    assert problems(True, 1) == [[]]


def test_what_an_alternative_has_against_a_value_is_not_told() -> None:
    either = {"anyOf": [{"type": "integer"}, {"type": "object"}]}
    assert problems(either, "a", 1) == [
        ["#/Of: #: no subschema matched out of the total 2 subschemas"],
        [],
    ]
