"""No template makes a transform crash, hang or grow: it gives a Template, or AWS's refusal.

Random documents under AWS::LanguageExtensions, AWS::Include (snippets of an S3 of the test's own),
AWS::Serverless and a macro, alone and after each other; what comes out is evaluated as well.
"""

import asyncio
import json
import time

import pytest
import yaml
from hypothesis import HealthCheck, event, example, given, settings
from hypothesis import strategies as st
from tests.property.stacks.test_template_fuzz import arguments, documents, evaluate_all

from penstock.aws.errors import ServiceError
from penstock.aws.in_process import InProcess
from penstock.aws.principals import root
from penstock.aws.service import Service
from penstock.clock import utc_now
from penstock.stacks.requests.attributes import check_attributes
from penstock.stacks.template import evaluate, graph
from penstock.stacks.template.document import parse_document
from penstock.stacks.template.evaluate import Scope
from penstock.stacks.template.template import ParameterValue, Template
from penstock.stacks.template.unexpanded import read_document
from penstock.stacks.transforms.expansion import Expansion
from penstock.stacks.transforms.macro_registry import Macro
from penstock.stacks.transforms.resolver import Known

ACCOUNT = "123456789012"
MOST_SECONDS = 4.0
"""Of this process, for a text of a few kilobytes; AWS's library of SAM is the slowest."""
EXTENSIONS, INCLUDE, SAM = "AWS::LanguageExtensions", "AWS::Include", "AWS::Serverless-2016-10-31"
BLANKS = settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))


class Registry:
    """One macro; every other name is none."""

    async def find(self, name):
        return Macro(name, "f", "stack M") if name == "Echo" else None


def outcome(document, snippet="{}", answer=None):
    """The template, or the error; neither anything else, nor late."""
    began = time.process_time()
    try:
        found = asyncio.run(expanded(json.dumps(document), snippet, answer))
    except ServiceError as error:
        found = error
    if isinstance(found, ServiceError):
        assert (found.code, found.status) == ("ValidationError", 400)
        found.message.encode()
    assert time.process_time() - began < MOST_SECONDS
    return found


async def expanded(text, snippet, answer):
    """What a request does with a text: its transforms, then its functions."""

    async def get_object(call, request):
        async def body():
            yield snippet.encode("utf-8", "surrogatepass")

        return {"Body": body()}

    async def invoke(call, request):
        event = json.loads(request["Payload"])
        fragment = event["fragment"] if answer is None else answer
        told = {"requestId": event["requestId"], "status": "success", "fragment": fragment}
        return {"StatusCode": 200, "Payload": json.dumps(told).encode()}

    async def allow(*_, **__): ...

    services = [Service("s3", {"GetObject": get_object}), Service("lambda", {"Invoke": invoke})]
    in_process = InProcess(
        lambda: services, allow, ACCOUNT, "us-east-1", utc_now, "http://127.0.0.1"
    )
    document = parse_document(text)
    declared = read_document(document, text).parameters
    values = {
        name: ParameterValue(one.default or "1", one.no_echo) for name, one in declared.items()
    }
    known = Known("us-east-1", ACCOUNT, "app", "", declared, values)
    expansion = Expansion(in_process, root(ACCOUNT), Registry(), known)
    template = await expansion.template(document, text)
    assert isinstance(template, Template)
    given_later = {
        name: ParameterValue(one.default or "1", one.no_echo)
        for name, one in template.parameters.items()
    }
    scope = Scope(template, given_later, "us-east-1", ACCOUNT, "arn", "app")
    conditions = evaluate.conditions(scope)
    check_attributes(template, conditions, graph.live_references(template, conditions))
    evaluate_all(template)
    return template


NO_VALUE = {"Ref": "AWS::NoValue"}


def one(name, *arguments):
    """A function call of some arguments; of one, that itself."""
    return st.tuples(*arguments).map(
        lambda given: {name: list(given) if len(given) > 1 else given[0]}
    )


def chosen(inner):
    """Functions that give anything."""
    return st.one_of(
        one("Fn::If", st.sampled_from(["IsOn", "IsOff"]), inner, inner | st.just(NO_VALUE)),
        one(
            "Fn::FindInMap",
            st.sampled_from(["M", "M", "None"]),
            st.sampled_from(["k", {"Ref": "P"}, {"Fn::Sub": "${P}"}, {"Ref": "S"}]),
            st.sampled_from(["x", "no"]),
            st.builds(lambda value: {"DefaultValue": value}, inner | st.just(NO_VALUE)),
        ),
    )


texts = st.recursive(
    st.sampled_from(
        ["t", "a,b", "${I}", {"Ref": "P"}, {"Ref": "S"}, {"Ref": "A"}, {"Ref": "AWS::Region"},
         {"Fn::GetAtt": ["A", "TopicName"]}, {"Fn::GetAtt": ["A", {"Fn::Sub": "Topic${Name}"}]},
         {"Fn::Sub": "<${P}|${S}|${A.TopicName}>"}, {"Ref": {"Fn::Sub": "P"}}]
    ),
    lambda inner: st.one_of(
        chosen(inner),
        one("Fn::Join", st.just("-"), st.lists(inner, max_size=3)),
        one("Fn::Base64", inner),
        one("Fn::ToJsonString", st.lists(inner | st.just(NO_VALUE), max_size=3)),
        one("Fn::ToJsonString", chosen(st.lists(inner, max_size=2))),
        one("Fn::Select", st.just(0), st.lists(inner, min_size=1, max_size=2)),
    ),
    max_leaves=5,
)  # fmt: skip
lists = st.recursive(
    st.lists(texts | st.just(NO_VALUE), max_size=3) | st.just({"Ref": "L"}),
    lambda inner: chosen(inner) | one("Fn::Split", st.just(","), texts),
    max_leaves=3,
)
calls = texts | lists | one("Fn::Length", lists)
loops = st.builds(
    lambda name, items, body: {"Fn::ForEach::K": [name, items, body]},
    st.sampled_from(["I", "I", "I", "I", "P", ["I", "J"]]),
    st.sampled_from([["a"], ["a", "b"], {"Ref": "L"}, []]) | lists,
    st.builds(
        lambda key, value, inner: {
            key: {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": value}}, **inner
        },
        st.sampled_from(["T${I}", "T&{I}", "T${I}x", "T"]),
        calls,
        st.sampled_from([
            {},
            {"Fn::ForEach::J": ["J", ["y", {"Ref": "I"}],
                                {"U${I}${J}": {"Type": "AWS::SNS::Topic"}}]},
        ]),
    ),
)  # fmt: skip
uses = st.sampled_from(
    [
        EXTENSIONS,
        SAM,
        *["Echo"] * 4,
        "Nobody",
        {"Name": INCLUDE, "Parameters": {"Location": "s3://bucket/key"}},
        {"Name": INCLUDE, "Parameters": {"Location": {"Ref": "P"}}},
        {"Name": "Echo", "Parameters": {"A": {"Fn::Join": ["", [{"Ref": "P"}]]}}},
        {"Name": "Echo", "Parameters": {"A": {"Ref": "S"}}},
    ]
)
WRONG = {
    "Conditions": {"Other": {"Fn::Length": "x"}},
    "Outputs": {"O": {"Value": ["x"]}},
    "Resources": {"Fn::ForEach::K": "x"},
}


@st.composite
def sound(draw, wrong=True):
    """A template that AWS's transforms take, most of the time, with something odd now and then."""
    few = st.sampled_from([True, False, False, False])
    properties = {"DisplayName": draw(calls), "Tags": [draw(texts), draw(calls)]}
    if draw(few):
        properties["Fn::Transform"] = draw(uses)
    document = {
        "Parameters": {
            "P": {"Type": "String", "Default": "k"},
            "L": {"Type": "CommaDelimitedList", "Default": "a,b"},
            "S": {"Type": "String", "NoEcho": True, "Default": "hidden"},
        },
        "Mappings": {"M": {"k": {"x": ["1", "2"]}}},
        "Conditions": {
            "IsOn": {"Fn::Equals": [{"Ref": "P"}, "k"]},
            "IsOff": {"Fn::Not": [{"Condition": "IsOn"}]},
            "Some": {"Fn::Equals": [{"Fn::Length": draw(lists)} if draw(few) else 1, 1]},
        },
        "Resources": {
            "A": {"Type": "AWS::SNS::Topic"},
            "B": {"Type": "AWS::SNS::Topic", "Properties": properties},
            **(draw(loops) if draw(few) else {}),
        },
        "Outputs": {"O": {"Value": draw(texts), "Condition": "Some"}},
    }
    if wrong and draw(few):
        properties["Odd"] = draw(arguments)
        section = draw(st.sampled_from([*WRONG, None]))
        if section is not None:
            document[section] |= WRONG[section]
    return document


@BLANKS
@given(sound())
def test_language_extensions(document):
    found = outcome({**document, "Transform": EXTENSIONS})
    event("a template" if isinstance(found, Template) else "refused")


snippets = (
    documents.map(json.dumps)
    | documents.map(lambda one: yaml.dump(one, allow_unicode=True))
    | sound().map(lambda one: json.dumps(one["Resources"]["B"]))
    | sound().map(json.dumps)
    | st.text(max_size=30)
    | st.sampled_from(["{", "a: &a [*a]", "!Ref A", "- " * 5000, '{"a":' * 5000, "\x00", ""])
)


@BLANKS
@given(documents | sound(), snippets, st.sampled_from(["Transform", "Fn::Transform"]))
def test_snippets(document, snippet, where):
    outcome({**document, where: {"Name": INCLUDE, "Parameters": {"Location": "s3://b/k"}}}, snippet)


@BLANKS
@given(documents | sound(), documents | sound() | arguments, st.lists(uses, max_size=3))
def test_macros(document, answer, some):
    outcome({**document, "Transform": ["Echo", *some], "Metadata": {"Fn::Transform": ["Echo"]}})
    outcome({**document, "Transform": ["Echo", *some]}, answer=answer)


sam_types = st.sampled_from(
    [f"AWS::Serverless::{name}" for name in
     ("Api", "Application", "Connector", "Function", "GraphQLApi", "HttpApi", "LayerVersion",
      "SimpleTable", "StateMachine", "No")]
)  # fmt: skip
properties = st.dictionaries(
    st.sampled_from(
        ["AutoPublishAlias", "CodeUri", "Connectors", "DefinitionBody", "Events", "Handler",
         "InlineCode", "Location", "Policies", "Properties", "Runtime", "StageName", "Type", "X"]
    ),
    st.recursive(
        calls | st.sampled_from(["live", "python3.12", "s3://a/b", "Api", "Schedule"]),
        lambda inner: st.dictionaries(
            st.sampled_from(["E", "Type", "Properties", "Path", "Method", "Destination"]), inner,
            max_size=3,
        ),
        max_leaves=4,
    ),
    max_size=4,
)  # fmt: skip
function = {"Type": "AWS::Serverless::Function", "Properties": {"InlineCode": "x", "Handler": "a"}}


@BLANKS
@given(sound(wrong=False), sam_types, properties, st.booleans(), st.dictionaries(st.sampled_from(
    ["Function", "Api", "HttpApi", "X"]), properties, max_size=2))  # fmt: skip
@example({"Resources": {"A": function}}, "AWS::Serverless::Function", {}, True, {})
def test_serverless(document, type_name, given_properties, extended, global_properties):
    resource = {"Type": type_name, "Properties": given_properties}
    names = [EXTENSIONS, SAM] if extended else [SAM]
    whole = {**document, "Transform": names, "Globals": global_properties}
    outcome({**whole, "Resources": {**document["Resources"], "F": resource}})
    outcome({**whole, "Resources": {"F": resource}, "Outputs": {}, "Conditions": {}})


@BLANKS
@given(documents | sound(), st.lists(uses, min_size=1, max_size=4), snippets)
def test_random_documents(document, some, snippet):
    outcome({**document, "Transform": some}, snippet)


def nested(levels, each, name="Fn::ToJsonString"):
    node = {"a": ["x"]}
    for _ in range(levels):
        node = {name: {"a": [node] * each}}
    return node


HURTFUL = {
    "texts of texts": nested(12, 2),
    "escapes of escapes": {"Fn::ToJsonString": nested(60, 1)},
    "defaults in defaults": ["M", "no", "no"],
    "many uses": [{"Fn::Transform": "Echo"}] * 20_000,
    "deep uses": nested(40, 1, "Fn::Transform"),
}
node = "x"
for _ in range(45):
    node = {"Fn::FindInMap": ["M", "no", node, {"DefaultValue": node}]}
    if len(json.dumps(node)) > 400_000:
        break
HURTFUL["defaults in defaults"] = node


@pytest.mark.parametrize("name", HURTFUL)
def test_documents_that_hurt(name):
    resource = {"Type": "AWS::SNS::Topic", "Properties": {"X": HURTFUL[name]}}
    outcome(
        {"Transform": [EXTENSIONS, "Echo"], "Resources": {"A": resource}, "Mappings": {"M": {}}}
    )
