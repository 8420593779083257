"""What holds of every template: JSON and YAML say the same, orders respect needs, and no text,
however broken, gives anything but an answer of AWS's kind."""

import json

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.aws.errors import ServiceError
from penstock.stacks.template.document import parse_document
from penstock.stacks.template.evaluate import Scope, conditions, outputs, properties
from penstock.stacks.template.graph import check_acyclic, dependencies, in_order
from penstock.stacks.template.load import load_template
from penstock.stacks.template.template import ParameterValue
from penstock.stacks.template.yaml_text import SHORT_FORMS

texts = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20)
scalars = (
    texts
    | st.booleans()
    | st.integers(-(10**17), 10**17)
    | st.floats(allow_nan=False, allow_infinity=False, width=32)
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=20,
)
documents = st.dictionaries(texts, values, min_size=1, max_size=5)

names = st.sampled_from(["A", "B", "C", "Env", "Nothing", "AWS::Region", "AWS::NoValue", ""])
arguments = st.recursive(
    scalars | names | st.sampled_from(["${A}-${Env}", "${A.Arn}", "${!x}", "A.Arn", "IsProd"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["x", "Ref", "Condition"]), inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(sorted(SHORT_FORMS.values())), inner, min_size=1, max_size=1
        )
    ),
    max_leaves=8,
)  # fmt: skip
fragments = st.lists(
    st.sampled_from(
        ["Resources", ":", " ", "\n", "- ", "!Sub ", "!Sub:", "!GetAtt ", "{", "}", "[", "]", ",",
         "'", '"', "&a ", "*a", "<<", "|", ">", "Type", "AWS::S3::Bucket", "#", "?", "!!", "\t"]
    ) | texts,
    max_size=30,
).map("".join)  # fmt: skip


@given(documents)
def test_json_and_yaml_of_one_document_are_equal(document):
    as_json = parse_document(json.dumps(document))
    assert as_json == document
    assert parse_document(yaml.dump(document, allow_unicode=True, Dumper=NoAliases)) == document


class NoAliases(yaml.SafeDumper):
    """Writes equal parts in full: templates have no aliases."""

    def ignore_aliases(self, data):
        return True


@given(fragments | st.text(max_size=60) | documents.map(json.dumps))
def test_no_text_does_more_than_be_refused(text):
    error = refusal(lambda: load_template(text))
    assert error is None or (error.code, error.status) == ("ValidationError", 400)


@settings(max_examples=300)
@given(arguments, arguments, st.sampled_from(["dev", "prod"]))
def test_no_function_does_more_than_be_refused(first, second, env):
    document = {
        "Parameters": {"Env": {"Type": "String"}},
        "Conditions": {"IsProd": {"Fn::Equals": [{"Ref": "Env"}, "prod"]}},
        "Mappings": {"M": {"A": {"B": "x"}}},
        "Resources": {
            "A": {"Type": "AWS::S3::Bucket", "Condition": "IsProd"},
            "B": {"Type": "AWS::S3::Bucket", "Properties": {"P": first}},
        },
        "Outputs": {"C": {"Value": second}},
    }
    error = refusal(lambda: evaluate_all(document, env))
    assert error is None or (error.code, error.status) == ("ValidationError", 400)


def evaluate_all(document, env):
    template = load_template(json.dumps(document))
    scope = Scope(template, {"Env": ParameterValue(env)}, "us-east-1", "1", "arn", "todo")
    check_acyclic(dependencies(template, conditions(scope)))
    json.dumps(properties(scope, "B"), default=repr)
    outputs(scope)


def refusal(work):
    try:
        work()
    except ServiceError as error:
        return error
    return None


@given(st.lists(st.lists(st.integers(0, 30), max_size=4), min_size=1, max_size=31))
def test_an_order_respects_every_need_of_a_graph_without_cycles(needs):
    graph = {
        f"N{number}": {f"N{other}" for other in needed if other < number}
        for number, needed in enumerate(needs)
    }
    order = in_order(graph)
    assert sorted(order) == sorted(graph)
    assert all(order.index(one) < order.index(name) for name in graph for one in graph[name])


@given(st.lists(st.lists(st.integers(0, 9), max_size=3), min_size=10, max_size=10))
def test_cycles_are_found_exactly_where_there_are_some(needs):
    graph = {str(number): {str(one) for one in needed} for number, needed in enumerate(needs)}
    on_cycles = [name for name in graph if name in reachable(graph, name)]
    error = refusal(lambda: check_acyclic(graph))
    assert (error is not None) == bool(on_cycles)
    if error is not None:
        named = error.message.removeprefix("Circular dependency between resources: [")
        assert set(on_cycles) <= set(named.removesuffix("]").split(", "))


def reachable(graph, start):
    found, ahead = set(), list(graph[start])
    while ahead:
        name = ahead.pop()
        if name not in found:
            found.add(name)
            ahead += graph[name]
    return found
