import pytest

from penstock.aws.errors import ServiceError
from penstock.stacks.template.yaml_text import DEEPEST, SHORT_FORMS, parse_yaml


def refused(text: str) -> str:
    with pytest.raises(ServiceError) as raised:
        parse_yaml(text)
    assert (raised.value.code, raised.value.status) == ("ValidationError", 400)
    return raised.value.message


@pytest.mark.parametrize(
    ("short", "long"),
    [
        ("!Ref Name", {"Ref": "Name"}),
        ("!Ref 123", {"Ref": "123"}),
        ("!Condition IsProd", {"Condition": "IsProd"}),
        ("!Sub 'a-${B}'", {"Fn::Sub": "a-${B}"}),
        ("!Sub ['${A}', {A: 1}]", {"Fn::Sub": ["${A}", {"A": 1}]}),
        ("!GetAtt A.B", {"Fn::GetAtt": ["A", "B"]}),
        ("!GetAtt Db.Endpoint.Address", {"Fn::GetAtt": ["Db", "Endpoint.Address"]}),
        ("!GetAtt [A, B]", {"Fn::GetAtt": ["A", "B"]}),
        ("!Join ['-', [a, !Ref B]]", {"Fn::Join": ["-", ["a", {"Ref": "B"}]]}),
        ("!Select [0, !GetAZs '']", {"Fn::Select": [0, {"Fn::GetAZs": ""}]}),
        ("!Split [',', a]", {"Fn::Split": [",", "a"]}),
        (
            "!If [C, !Ref A, !Ref 'AWS::NoValue']",
            {"Fn::If": ["C", {"Ref": "A"}, {"Ref": "AWS::NoValue"}]},
        ),
        (
            "!And [!Condition A, !Not [!Condition B]]",
            {"Fn::And": [{"Condition": "A"}, {"Fn::Not": [{"Condition": "B"}]}]},
        ),
        (
            "!Or [!Equals [a, b], {Condition: C}]",
            {"Fn::Or": [{"Fn::Equals": ["a", "b"]}, {"Condition": "C"}]},
        ),
        ("!FindInMap [M, a, b]", {"Fn::FindInMap": ["M", "a", "b"]}),
        ("!ImportValue x", {"Fn::ImportValue": "x"}),
        ("!Base64 x", {"Fn::Base64": "x"}),
        ("!Cidr [10.0.0.0/16, 2, 8]", {"Fn::Cidr": ["10.0.0.0/16", 2, 8]}),
        ("!Length [a, b]", {"Fn::Length": ["a", "b"]}),
        ("!ToJsonString {a: !Ref B}", {"Fn::ToJsonString": {"a": {"Ref": "B"}}}),
        ("!Transform {Name: 'AWS::Include'}", {"Fn::Transform": {"Name": "AWS::Include"}}),
    ],
)  # fmt: skip
def test_short_forms_become_long_ones(short, long):
    assert parse_yaml(f"key: {short}") == {"key": long}


def test_every_short_form_stands_before_scalars_lists_and_maps():
    for tag, name in SHORT_FORMS.items():
        assert parse_yaml(f"- {tag} [a, b]\n- {tag} {{a: b}}") == [
            {name: ["a", "b"]},
            {name: {"a": "b"}},
        ]


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("2010-09-09", "2010-09-09"),
        ("2010-09-09T10:00:00Z", "2010-09-09T10:00:00Z"),
        ("yes", True),
        ("Off", False),
        ("'yes'", "yes"),
        ("~", None),
        ("", None),
        ("80", 80),
        ("-1", -1),
        ("0100", 64),
        ("0800", "0800"),
        ("0x1F", 31),
        ("1_000", 1000),
        ("22:22", 1342),
        ("1.5", 1.5),
        ("1e3", "1e3"),
        (".inf", ".inf"),
        ("_", "_"),
        ("+", "+"),
        ("123456789012345678901234567890", "123456789012345678901234567890"),
        ("!!str 80", "80"),
        ("! 80", "80"),
        ('"80"', "80"),
        ("|\n  a\n  b\n", "a\nb\n"),
        ("=", "="),
    ],
)
def test_scalars(written, value):
    found = parse_yaml(f"key: {written}")["key"]
    assert (found, type(found)) == (value, type(value))


def test_keys_are_always_text():
    assert parse_yaml("80: a\nyes: b\n2010-09-09: c\n~: d") == {
        "80": "a", "yes": "b", "2010-09-09": "c", "~": "d",
    }  # fmt: skip


def test_of_equal_keys_the_last_counts():
    assert parse_yaml("a: 1\na: 2") == {"a": 2}


def test_only_the_first_document_counts():
    assert parse_yaml("a: 1\n---\nb: 2") == {"a": 1}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "Resources:\n  A:\n    Name: !Sub: x",
            "(line 3, column 11): unknown tag '!Sub:'; did you mean '!Sub'?",
        ),
        ("a:\n- !GetAtr x.y", "(line 2, column 3): unknown tag '!GetAtr'; did you mean '!GetAtt'?"),
        ("a: !ref x", "(line 1, column 4): unknown tag '!ref'; did you mean '!Ref'?"),
        ("a: !Fn::Join x", "(line 1, column 4): unknown tag '!Fn::Join'; did you mean '!Join'?"),
        ("a: !Xyzzy [x]", "(line 1, column 4): unknown tag '!Xyzzy'"),
        ("a: !!binary x", "(line 1, column 4): unknown tag '!!binary'"),
        ("!Ref x: y", "(line 1, column 1): a key must be a string, not !Ref"),
        ("? [a]\n: b", "(line 1, column 3): a key must be a string"),
        ("a:\n  <<: {b: 1}", "(line 2, column 3): merge keys (<<) are not supported in templates"),
        ("a: 1\n b: 2", "(line 2, column 3)"),
        ("a: [1", "(line 2, column 1)"),
    ],
)  # fmt: skip
def test_what_is_not_well_formed_is_placed(text, message):
    assert refused(text).startswith("Template format error: YAML not well-formed. ")
    assert refused(text).endswith(message)


@pytest.mark.parametrize("text", ["a: &x 1\nb: *x", "a: *x"])
def test_aliases_are_refused(text):
    assert refused(text) == (
        "Template error: YAML aliases are not allowed in CloudFormation templates"
    )


@pytest.mark.parametrize("text", ["[" * 100_000, "- " * 50_000, "{a: " * 50_000, "!Ref [" * 20_000])
def test_depth_is_bounded(text):
    assert f"nested deeper than {DEEPEST} levels" in refused(text)


def test_control_characters_are_refused():
    assert refused("a: \x00") == "Template format error: YAML not well-formed."
