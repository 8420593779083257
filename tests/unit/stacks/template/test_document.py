import pytest

from penstock.aws.errors import ServiceError
from penstock.stacks.template import document, yaml_text
from penstock.stacks.template.document import parse_document
from penstock.stacks.template.positions import Position, locate


def refused(text: str) -> str:
    with pytest.raises(ServiceError) as raised:
        parse_document(text)
    return raised.value.message


def test_json_begins_with_a_brace():
    assert parse_document(' \n{"a": [1, 1.5, true, null, "x"]}') == {"a": [1, 1.5, True, None, "x"]}


def test_anything_else_is_yaml():
    assert parse_document("a: {b: c}") == {"a": {"b": "c"}}


def test_of_equal_keys_the_last_counts():
    assert parse_document('{"a": 1, "a": 2}') == {"a": 2}


@pytest.mark.parametrize("text", ["", "text", "[1]", "- a", "---\n", "# nothing"])
def test_what_is_no_map_is_unsupported(text):
    assert refused(text) == "Template format error: unsupported structure."


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ('{"a": }', " (line 1, column 8)"),
        ('{"this is invalid JSON"="bobbins"}', " (line 1, column 25)"),
        ('{\n"a": 1,\n}', " (line 3, column 2)"),
        ('{"a": 1', " (line 1, column 8)"),
        ('{\n"a": "x', " (line 2, column 8)"),
        ('{"a": NaN}', ""),
        ('{"a": Infinity}', ""),
        ('{"a": "\\ud800"}', ""),
    ],
)
def test_broken_json_is_placed(text, place):
    assert refused(text) == f"Template format error: JSON not well-formed.{place}"


@pytest.mark.parametrize("depth", [101, 2_000, 200_000])
def test_depth_is_bounded(depth):
    text = '{"a":' + "[" * depth + "]" * depth + "}"
    assert refused(text) == "Template format error: JSON nested deeper than 100 levels"


def test_numbers_too_large_for_others_stay_text():
    assert parse_document('{"a": %s, "b": 1e999}' % ("9" * 6000)) == {
        "a": "9" * 6000, "b": "1e999",
    }  # fmt: skip


def test_positions_are_those_of_keys_and_items():
    text = "a:\n  b: 1\n  c:\n    - x\n    - d: !Sub y\n"
    assert locate(text, ["a", "b"]) == Position(2, 3)
    assert locate(text, ["a", "c", 0]) == Position(4, 7)
    assert locate(text, ["a", "c", 1, "d"]) == Position(5, 7)
    assert locate(text, ["a", "c", 1, "d", "Fn::Sub"]) == Position(5, 7)


def test_positions_in_json():
    assert locate('{"a": {\n  "b": 1}}', ["a", "b"]) == Position(2, 3)


def test_a_text_that_is_no_yaml_has_no_positions():
    assert locate("a: [", ["a"]) is None
    assert locate("", ["a"]) is None


@pytest.mark.parametrize(
    ("some", "one"), [('{"A":{"B":[%s[]]}}', "[],"), ("A: {B: [%s0]}", "0,")], ids=["json", "yaml"]
)
def test_values_are_bounded(some: str, one: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # A third of a million of them, in a megabyte, took seconds in which nobody was answered.
    assert document.MOST_VALUES == yaml_text.MOST_VALUES == 150_000
    monkeypatch.setattr(document, "MOST_VALUES", 1000)
    monkeypatch.setattr(yaml_text, "MOST_VALUES", 1000)
    most = 1000 - 4  # the document, A, B and the last item
    assert len(parse_document(some % (one * most))["A"]["B"]) == most + 1
    assert refused(some % (one * (most + 1))) == (
        "Template format error: expected at most 1000 values in a template, found more"
    )
