"""No text makes the loader crash, hang or grow: it gives a Template, or AWS's refusal.

Random bytes, random documents, and this repository's own templates with random damage; then the
texts that are known to hurt readers of YAML and JSON.
"""

import json
import time
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from penstock.aws.errors import ServiceError
from penstock.stacks.requests import summary
from penstock.stacks.requests.template_source import LONGEST_OBJECT_BYTES
from penstock.stacks.template.evaluate import (
    Scope,
    active_resources,
    conditions,
    metadata,
    outputs,
    properties,
)
from penstock.stacks.template.graph import check_acyclic, dependencies
from penstock.stacks.template.load import load_template
from penstock.stacks.template.rules import check_rules
from penstock.stacks.template.template import ParameterValue, Template
from penstock.stacks.template.yaml_text import SHORT_FORMS

ROOT = Path(__file__).parents[3]
MOST_SECONDS = 2.0
"""Of this process, for a text of a few kilobytes."""


def outcome(text, most_seconds=MOST_SECONDS):
    """The template, or the error; neither anything else, nor late."""
    began = time.process_time()
    try:
        found = load_template(text)
        assert isinstance(found, Template)
        summary.summary(found, unrecognized_as_warnings=True)
        evaluate_all(found)
    except ServiceError as error:
        found = error
    if isinstance(found, ServiceError):
        assert (found.code, found.status) == ("ValidationError", 400)
        found.message.encode()
    assert time.process_time() - began < most_seconds
    return found


def evaluate_all(template):
    """What a request does next, with a value for every parameter."""
    given = {
        name: ParameterValue(declared.default or "1")
        for name, declared in template.parameters.items()
    }
    scope = Scope(template, given, "us-east-1", "123456789012", "arn", "app")
    check_rules(scope)
    check_acyclic(dependencies(template, conditions(scope)))
    for name in active_resources(scope):
        properties(scope, name)
        metadata(scope, name)
    outputs(scope)


def templates():
    """The texts of the examples that are templates."""
    found = []
    for path in sorted(ROOT.glob("examples/**/*")):
        if path.suffix in {".yml", ".yaml", ".json"}:
            text = path.read_text()
            if "Resources" in text and "AWS::" in text:
                found.append(text)
    return found


TEMPLATES = templates()
FUNCTIONS = [*SHORT_FORMS.values(), "Fn::ForEach::X", "Fn::Length", "Fn::GetStackOutput", "Fn::No"]
SECTIONS = [
    "AWSTemplateFormatVersion", "Conditions", "Description", "Hooks", "Mappings", "Metadata",
    "Outputs", "Parameters", "Resources", "Rules", "Transform",
]  # fmt: skip
KEYS = [
    "Type", "Properties", "DependsOn", "Condition", "DeletionPolicy", "Metadata", "CreationPolicy",
    "Value", "Export", "Name", "Default", "AllowedValues", "AllowedPattern", "NoEcho", "MinLength",
    "Assertions", "Assert", "RuleCondition", "A", "B", "",
]  # fmt: skip
WORDS = [
    "AWS::S3::Bucket", "AWS::No::Such", "Custom::X", "A::B::MODULE", "String", "Number", "A", "B",
    "List<Number>", "${A}", "${A.Arn}", "${", "A.Arn", "AWS::NoValue", "2010-09-09", "AWS::Include",
    "{{resolve:ssm:/a}}", "\x00", "\ud800", "9" * 5000, "1e999", "-", "true", "Retain",
]  # fmt: skip
leaves = st.sampled_from(WORDS) | st.text(max_size=8) | st.integers() | st.floats() | st.none()
names = st.sampled_from(KEYS) | st.sampled_from(FUNCTIONS) | st.text(max_size=4)
nodes = st.recursive(
    leaves | st.booleans(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(names, inner, max_size=4)
        | st.dictionaries(st.sampled_from(FUNCTIONS), inner, min_size=1, max_size=1)
    ),
    max_leaves=25,
)
resources = st.dictionaries(
    st.sampled_from(["A", "B", "C-", ""]),
    nodes | st.fixed_dictionaries({"Type": st.sampled_from(WORDS)}, optional={"Properties": nodes}),
    max_size=3,
)
documents = st.fixed_dictionaries(
    {"Resources": resources | nodes},
    optional={
        name: st.dictionaries(names, nodes, max_size=3) | nodes
        for name in SECTIONS
        if name != "Resources"
    },
)


arguments = st.recursive(
    st.sampled_from(["A", "B", "P", "L", "M", "IsOn", "k", "x", "AWS::Region", "${A}${P}", ",", ""])
    | st.sampled_from([0, 1, 9, True, "{{resolve:ssm:/a}}", "10.0.0.0/16", "AWS::NoValue"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.sampled_from(["A", "P", "L"]).map(lambda name: {"Ref": name})
        | st.dictionaries(st.sampled_from(FUNCTIONS), inner, min_size=1, max_size=1)
        | st.dictionaries(st.sampled_from(["x", "Condition"]), inner, max_size=2)
    ),
    max_leaves=12,
)
nearly = st.builds(
    lambda first, second, third, fourth: {
        "Parameters": {"P": {"Type": "String"}, "L": {"Type": "CommaDelimitedList"}},
        "Mappings": {"M": {"k": {"x": ["1", "2"]}}},
        "Conditions": {"IsOn": {"Fn::Equals": [{"Ref": "P"}, "1"]}, "Other": fourth},
        "Rules": {"R": {"Assertions": [{"Assert": third}]}},
        "Resources": {
            "A": {"Type": "AWS::SNS::Topic", "Condition": "IsOn"},
            "B": {"Type": "AWS::SNS::Topic", "Properties": {"X": first}, "Metadata": {"X": second}},
        },
        "Outputs": {"O": {"Value": second, "Export": {"Name": third}}},
    },
    arguments,
    arguments,
    arguments | st.just({"Fn::Equals": ["a", "a"]}),
    arguments | st.just({"Fn::Equals": ["a", "b"]}),
)


@settings(max_examples=400, suppress_health_check=[HealthCheck.too_slow])
@given(nearly, st.sets(st.sampled_from(["Rules", "Conditions", "Outputs", "Mappings"])))
def test_documents_that_are_templates_but_for_their_functions(document, without):
    for section in without:
        del document[section]
    outcome(json.dumps(document))


@settings(max_examples=300)
@given(st.binary(max_size=300), st.sampled_from(["utf-8", "latin-1", "utf-16"]))
def test_random_bytes(content, encoding):
    outcome(content.decode(encoding, errors="replace"))
    outcome(content.decode("utf-8", errors="surrogateescape"))


@settings(max_examples=400, suppress_health_check=[HealthCheck.too_slow])
@given(documents)
def test_random_documents_in_json(document):
    outcome(json.dumps(document))


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(documents)
def test_random_documents_in_yaml(document):
    """Aliases, where PyYAML makes some, are refused."""
    outcome(yaml.dump(document, allow_unicode=True))


PIECES = [
    "&a ", "*a", "<<: ", "!Sub ", "!Ref", "!!python/object:os.system ", "!!binary ", "%YAML 9.9\n",
    "---\n", "...\n", "? ", ": ", "- ", "{", "}", "[", "]", "|\n", ">\n", '"', "'", "\t", "\x00",
    "\x85", "\u2028", "\ufeff", "\ud800", "#", "@", "`", "Fn::ForEach::X", "null", "~", "0x", "1:1",
    "9" * 400, "\\ud800", "\\", ",", "\r",
]  # fmt: skip


@st.composite
def damaged(draw):
    """A real template with a few cuts, copies and insertions."""
    text = draw(st.sampled_from(TEMPLATES))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(text)))
        end = min(len(text), at + draw(st.sampled_from([0, 0, 1, 2, 5, 40, 400])))
        piece = draw(st.sampled_from(PIECES) | st.text(max_size=3) | st.just(text[at:end] * 2))
        text = text[:at] + piece + text[end:]
    return text


@settings(max_examples=400, suppress_health_check=[HealthCheck.too_slow])
@given(damaged())
@example(TEMPLATES[0])
def test_damaged_templates(text):
    outcome(text)


def laughs(levels=9, each=9):
    lines = ["a0: &a0 [x]"]
    for level in range(1, levels):
        lines.append(f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * each)}]")
    return "\n".join(lines)


LONG = LONGEST_OBJECT_BYTES
BEGIN = "Resources: {A: {Type: 'AWS::S3::Bucket', Properties: {BucketName: "
HURTFUL = {
    "billion laughs": laughs(),
    "merge keys": "a: &a {b: c}\nResources: {<<: *a}",
    "an anchor of itself": "Resources: &a {A: *a}",
    "lists in lists": "[" * LONG,
    "maps in maps": "{a: " * (LONG // 4),
    "JSON lists in lists": '{"a":' + "[" * LONG,
    "JSON maps in maps": '{"a":' * (LONG // 5),
    "JSON lists, closed": '{"a":' + "[" * 400_000 + "]" * 400_000 + "}",
    "block lists in lists": "- " * (LONG // 2),
    "complex keys": "? " * (LONG // 2),
    "complex flow keys": "{? " * (LONG // 3),
    "colons": ": " * (LONG // 2),
    "tags": "!" * LONG,
    "one tag": "!" + "a" * LONG + " b",
    "one anchor": "&" + "a" * LONG + " b",
    "percents": "%" * LONG,
    "a directive": "%TAG ! " + "a" * LONG,
    "quotes": '"' * LONG,
    "an open quote": '"' + "a" * LONG,
    "escapes": '"' + "\\n" * (LONG // 2),
    "half characters": '{"a": "' + "\\ud800" * (LONG // 6) + '"}',
    "a half character itself": '{"Resources": {"\ud800": {}}}',
    "a half character in YAML": "Resources: {\ud800: {}}",
    "NUL": '{"Resources": {"\x00": {"Type": "AWS::S3::Bucket"}}}',
    "NUL in YAML": "Resources: \x00",
    "an escaped NUL": 'Resources: {"\\0": {Type: "AWS::S3::Bucket"}}',
    "digits": BEGIN + "9" * LONG + "}}}",
    "JSON digits": '{"a": ' + "9" * LONG + "}",
    "an exponent": '{"a": 1e' + "9" * LONG + "}",
    "sixties": BEGIN + "1" + ":1" * (LONG // 2) + "}}}",
    "underscores": BEGIN + "1" + "_" * LONG + "}}}",
    "spaces": " " * LONG,
    "lines": "\n" * LONG,
    "tabs": "\t" * LONG,
    "comments": "#\n" * (LONG // 2),
    "documents": "---\n" * (LONG // 4),
    "equal keys": "Resources: {" + "A: 1, " * (LONG // 6) + "}",
    "variables": BEGIN + "!Sub '" + "${AWS::Region}" * (LONG // 16) + "'}}}",
    "open variables": BEGIN + "!Sub '" + "${" * (LONG // 2) + "'}}}",
    "resources": "Resources:\n" + "".join(f" A{n}: {{Type: T}}\n" for n in range(50_000)),
    "unknown members": "Resources: {A: {Type: T}}\n" + "".join(f"B{n}: 1\n" for n in range(80_000)),
    "long names": "Resources: {" + "A" * LONG + ": {Type: T}}",
    "nothing": "",
    "a byte order mark": "\ufeff",
    "a scalar": "a",
    "JSON without end": "{",
    "JSON and more": '{"Resources": {}} {}',
    "JSON that is none": '{"a": NaN, "b": Infinity}',
}


HARMLESS = {"digits", "sixties", "underscores", "variables", "open variables"}
"""Those that are a template: the value is a long text."""


@pytest.mark.parametrize("name", HURTFUL)
def test_texts_that_hurt(name):
    found = outcome(HURTFUL[name], most_seconds=6.0)
    assert isinstance(found, Template if name in HARMLESS else ServiceError)


def test_the_largest_template_is_loaded_in_time():
    """500 resources and a megabyte, which AWS takes."""
    filler = "x" * 1_900
    document = {
        "Resources": {
            f"R{n}": {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": filler}}
            for n in range(500)
        }
    }
    text = json.dumps(document)
    assert len(text) < LONG
    assert isinstance(outcome(text), Template)
    assert isinstance(outcome(yaml.dump(document)), Template)
