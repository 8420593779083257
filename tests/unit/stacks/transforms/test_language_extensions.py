"""AWS::LanguageExtensions: what it adds to the language, and AWS's words where it is wrong.

Expected values: examples of AWS's pages on Fn::ForEach, Fn::Length, Fn::ToJsonString and
Fn::FindInMap.
"""

import json
from typing import Any

import pytest

from penstock.aws.errors import ServiceError
from penstock.stacks.template.document import parse_document
from penstock.stacks.template.load import load_document
from penstock.stacks.template.parameter_section import read_parameters
from penstock.stacks.template.template import ParameterValue
from penstock.stacks.transforms.language_extensions import extended
from penstock.stacks.transforms.resolver import Known

PREFIX = "Transform AWS::LanguageExtensions failed with: "


def known(document: dict[str, Any], **given: str) -> Known:
    declared = read_parameters(document)
    values = {
        name: ParameterValue(given.get(name, one.default or ""), one.no_echo)
        for name, one in declared.items()
    }
    return Known("us-east-1", "123456789012", "shop", "", declared, values)


def expand(text: str, **given: str) -> dict[str, Any]:
    document = parse_document(text)
    made = extended(document, known(document, **given))
    load_document(made, json.dumps(made))
    return made


def resources(text: str, **given: str) -> dict[str, Any]:
    found: dict[str, Any] = expand(text, **given)["Resources"]
    return found


def refused(text: str, **given: str) -> str:
    with pytest.raises(ServiceError) as raised:
        expand(text, **given)
    assert raised.value.code == "ValidationError"
    assert raised.value.message.startswith(PREFIX)
    return raised.value.message.removeprefix(PREFIX)


class TestForEach:
    def test_resources(self) -> None:
        found = resources("""
Resources:
  Fn::ForEach::Topics:
    - TopicName
    - [Success, Failure]
    - SnsTopic${TopicName}:
        Type: AWS::SNS::Topic
        Properties:
          TopicName: !Ref TopicName
          DisplayName: !Sub "${TopicName} in ${AWS::Region}"
""")
        assert found == {
            "SnsTopicSuccess": {
                "Type": "AWS::SNS::Topic",
                "Properties": {
                    "TopicName": "Success",
                    "DisplayName": {"Fn::Sub": "Success in ${AWS::Region}"},
                },
            },
            "SnsTopicFailure": {
                "Type": "AWS::SNS::Topic",
                "Properties": {
                    "TopicName": "Failure",
                    "DisplayName": {"Fn::Sub": "Failure in ${AWS::Region}"},
                },
            },
        }

    def test_letters_and_digits_alone(self) -> None:
        found = resources("""
Resources:
  Fn::ForEach::Hosts:
    - Ip
    - ["10.0.2.1", "10-0"]
    - 'Topic&{Ip}': {Type: AWS::SNS::Topic, Properties: {DisplayName: "at ${Ip}"}}
""")
        assert {name: one["Properties"]["DisplayName"] for name, one in found.items()} == {
            "Topic10021": "at 10.0.2.1",
            "Topic100": "at 10-0",
        }

    def test_properties_conditions_and_outputs(self) -> None:
        found = expand("""
Parameters: {Stage: {Type: String, Default: prod}}
Conditions:
  Fn::ForEach::Stages: [S, [dev, prod], {'Is${S}': !Equals [!Ref Stage, !Ref S]}]
Resources:
  Topic:
    Type: AWS::SNS::Topic
    Properties:
      Fn::ForEach::Names: [N, [TopicName, DisplayName], {'${N}': 'x-${N}'}]
Outputs:
  Fn::ForEach::Out: [A, [TopicName, TopicArn], {'Out${A}': {Value: !GetAtt 'Topic.${A}'}}]
""")
        assert found["Conditions"] == {
            "Isdev": {"Fn::Equals": [{"Ref": "Stage"}, "dev"]},
            "Isprod": {"Fn::Equals": [{"Ref": "Stage"}, "prod"]},
        }
        assert found["Resources"]["Topic"]["Properties"] == {
            "TopicName": "x-TopicName",
            "DisplayName": "x-DisplayName",
        }
        assert found["Outputs"]["OutTopicArn"] == {"Value": {"Fn::GetAtt": ["Topic", "TopicArn"]}}

    def test_nested_loops_over_parameters_and_maps(self) -> None:
        text = """
Parameters: {Teams: {Type: CommaDelimitedList, Default: "a, b"}}
Mappings: {Names: {a: {Topics: [one]}, b: {Topics: [two, three]}}}
Resources:
  Fn::ForEach::OfTeams:
    - Team
    - !Ref Teams
    - Fn::ForEach::Topics:
        - Topic
        - !FindInMap [Names, !Ref Team, Topics]
        - '${Team}${Topic}': {Type: AWS::SNS::Topic, DependsOn: 'Base'}
  Base: {Type: AWS::SNS::Topic}
"""
        assert list(resources(text)) == ["aone", "btwo", "bthree", "Base"]
        assert list(resources(text, Teams="b")) == ["btwo", "bthree", "Base"]

    def test_several_identifiers(self) -> None:
        found = resources("""
Resources:
  Fn::ForEach::T:
    - [Id, Name]
    - [[A, first], [B, second]]
    - 'T${Id}': {Type: AWS::SNS::Topic, Properties: {TopicName: !Ref Name}}
""")
        assert found["TB"]["Properties"]["TopicName"] == "second"

    def test_a_reference_to_what_a_loop_made(self) -> None:
        found = resources("""
Resources:
  Fn::ForEach::T:
    - N
    - [A, B]
    - 'Topic${N}': {Type: AWS::SNS::Topic}
      'Name${N}':
        Type: AWS::SSM::Parameter
        Properties:
          Type: String
          Value: {Ref: !Sub 'Topic${N}'}
          Name: {Fn::GetAtt: [!Sub 'Topic${N}', TopicName]}
""")
        assert found["NameB"]["Properties"]["Value"] == {"Ref": "TopicB"}
        assert found["NameB"]["Properties"]["Name"] == {"Fn::GetAtt": ["TopicB", "TopicName"]}

    @pytest.mark.parametrize(
        ("loop", "message"),
        [
            ("'Fn::ForEach::T': [N, [a]]", "Fn::ForEach::T layout is incorrect"),
            ("'Fn::ForEach::T': {N: [a]}", "Fn::ForEach::T layout is incorrect"),
            ("'Fn::ForEach::T': [1, [a], {}]", "Fn::ForEach::T layout is incorrect"),
            ("'Fn::ForEach::T': [N, a, {}]", "Fn::ForEach::T layout is incorrect"),
            ("'Fn::ForEach::T': [N, [[a]], {}]", "Fn::ForEach::T layout is incorrect"),
            ("'Fn::ForEach::T': [[N, M], [[a]], {}]", "Fn::ForEach::T layout is incorrect"),
            ("'Fn::ForEach::T': [N, [a], []]", "Fn::ForEach::T layout is incorrect"),
            ("'Fn::ForEach::T': [N, !GetAtt A.B, {}]", "Fn::ForEach::T layout is incorrect"),
            ("'Fn::ForEach::T': [N, !Ref Secrets, {}]", "Fn::ForEach::T layout is incorrect"),
            (
                "'Fn::ForEach::T': [P, [a], {}]",
                "Fn::ForEach::T: identifier 'P' conflicts with parameter name",
            ),
            (
                "'Fn::ForEach::P': [N, [a], {}]",
                "Fn::ForEach::P: loop name 'P' conflicts with parameter name",
            ),
            (
                "'Fn::ForEach::T': [N, [a], {'Fn::ForEach::U': [N, [b], {}]}]",
                "Fn::ForEach::U: identifier 'N' conflicts with another loop identifier",
            ),
            (
                "'Fn::ForEach::T': [N, [a, a], {'T${N}': {Type: 'AWS::SNS::Topic'}}]",
                "Duplicate key 'Ta' when merging keys to parent object in Fn::ForEach",
            ),
            (
                "Ta: {Type: 'AWS::SNS::Topic'}, 'Fn::ForEach::T': [N, [a], {'T${N}': {}}]",
                "Duplicate key 'Ta' when merging keys to parent object in Fn::ForEach",
            ),
        ],
    )
    def test_what_is_no_loop(self, loop: str, message: str) -> None:
        text = f"{PARAMETERS}Resources: {{{loop}}}"
        assert refused(text) == message

    def test_five_levels_and_no_more(self) -> None:
        def nested(levels: int) -> str:
            body: Any = {"T" + "".join(f"${{L{n}}}" for n in range(levels)): TOPIC}
            for level in reversed(range(levels)):
                body = {f"Fn::ForEach::L{level}": [f"L{level}", ["a"], body]}
            return json.dumps({"Resources": body})

        assert list(resources(nested(5))) == ["Taaaaa"]
        assert refused(nested(6)) == (
            "Fn::ForEach::L5 is nested deeper than the 5 levels that Fn::ForEach supports"
        )


NO_VALUE = {"Ref": "AWS::NoValue"}
TOPIC = {"Type": "AWS::SNS::Topic"}
PARAMETERS = """
Parameters:
  P: {Type: String, Default: p}
  Secrets: {Type: CommaDelimitedList, Default: s, NoEcho: true}
"""
LISTS = """
Parameters:
  P: {Type: String, Default: x}
  Names: {Type: CommaDelimitedList, Default: "a,b,c"}
  Plain: {Type: String, Default: "x|y"}
  Secret: {Type: String, Default: hidden, NoEcho: true}
Mappings:
  Sizes: {prod: {Type: m5.large, Zones: [a, b]}, x: {Type: t3.nano}}
Conditions:
  Many: !Equals [{Fn::Length: !Ref Names}, 3]
"""


def with_name(node: str) -> str:
    return (
        f"{LISTS}Resources: {{T: {{Type: AWS::SNS::Topic, Properties: {{DisplayName: {node}}}}}}}"
    )


def value(node: str, **given: str) -> Any:
    return resources(with_name(node), **given)["T"]["Properties"]["DisplayName"]


class TestFunctions:
    @pytest.mark.parametrize(
        ("node", "expected"),
        [
            ("{Fn::Length: [1, 2]}", 2),
            ("{Fn::Length: !Ref Names}", 3),
            ("!Length [a, !Ref Plain]", 2),
            ("!ToJsonString {a: !Length [b]}", '{"a":1}'),
            ("{Fn::Length: !Split ['|', !Ref Plain]}", 2),
            ("{Fn::Length: !FindInMap [Sizes, prod, Zones]}", 2),
            ("{Fn::ToJsonString: {key1: v, key2: !Ref Plain}}", '{"key1":"v","key2":"x|y"}'),
            ("{Fn::ToJsonString: [{a: 1}, {b: [true]}]}", '[{"a":1},{"b":[true]}]'),
            ("{Fn::ToJsonString: {a: !If [Many, ü, no], b: !Ref AWS::NoValue}}", '{"a":"ü"}'),
            ("{Fn::ToJsonString: [!Ref AWS::Region, {Fn::Length: !Ref Names}]}", '["us-east-1",3]'),
            ("!FindInMap [Sizes, test, Type, {DefaultValue: t3.micro}]", "t3.micro"),
            ("!FindInMap [Sizes, prod, Type, {DefaultValue: t3.micro}]", "m5.large"),
            ("!FindInMap [Absent, prod, Type, {DefaultValue: !Ref Plain}]", "x|y"),
            ("!FindInMap [Sizes, !Select [0, !Split ['|', !Ref Plain]], Type]", "t3.nano"),
            ("!Select [0, !FindInMap [Sizes, !Sub prod, Zones]]", {"Fn::Select": [0, ["a", "b"]]}),
            ("!FindInMap [Sizes, x, No, {DefaultValue: !Ref AWS::NoValue}]", NO_VALUE),
            ("!FindInMap [Sizes, !Sub no, No, {DefaultValue: !If [Many, !Ref AWS::NoValue, a]}]",
             {"Fn::If": ["Many", NO_VALUE, "a"]}),
            ("!FindInMap [Sizes, x, No, {DefaultValue: !GetAtt T.TopicName}]",
             {"Fn::GetAtt": ["T", "TopicName"]}),
            ("!FindInMap [Sizes, x, No, {DefaultValue: {a: !Ref Secret}}]",
             {"a": {"Ref": "Secret"}}),
            ("{Fn::Length: [1, !FindInMap [Sizes, x, No, {DefaultValue: !Ref AWS::NoValue}]]}", 1),
            ("!Ref Plain", {"Ref": "Plain"}),
            ("!FindInMap [Sizes, !Ref P, A]", {"Fn::FindInMap": ["Sizes", {"Ref": "P"}, "A"]}),
        ],
    )  # fmt: skip
    def test_values(self, node: str, expected: Any) -> None:
        assert value(node) == expected

    @pytest.mark.parametrize("inner", ["!GetAtt T.TopicName", "!Ref Secret", "!ImportValue x"])
    def test_what_only_the_execution_knows_stays(self, inner: str) -> None:
        found = value(f"{{Fn::ToJsonString: {{a: {inner}, b: {{Fn::Length: [1]}}}}}}")
        assert found["Fn::ToJsonString"]["b"] == 1
        assert "hidden" not in json.dumps(found)

    @pytest.mark.parametrize(
        ("node", "message"),
        [
            ("{Fn::Length: abc}", "Fn::Length layout is incorrect"),
            ("{Fn::Length: !GetAtt T.Names}", "Fn::Length layout is incorrect"),
            ("{Fn::ToJsonString: abc}", "Fn::ToJsonString layout is incorrect"),
            (
                "{Fn::ToJsonString: {a: !Equals [a, b]}}",
                "Fn::ToJsonString does not support Fn::Equals intrinsic function",
            ),
            (
                "{Fn::ToJsonString: [!Ref AWS::NotificationARNs]}",
                "Fn::ToJsonString does not support AWS::NotificationARNs pseudo parameter",
            ),
            ("!FindInMap [Sizes, a, b, c]", "Fn::FindInMap layout is incorrect"),
            ("!FindInMap [Sizes, !GetAtt T.A, Type]", "Fn::FindInMap layout is incorrect"),
            (
                "!FindInMap [Sizes, !GetAtt T.A, Type, {DefaultValue: a}]",
                "Fn::FindInMap layout is incorrect",
            ),
            (
                "{Fn::ToJsonString: !FindInMap [Sizes, x, No, {DefaultValue: !Ref AWS::NoValue}]}",
                "Fn::ToJsonString layout is incorrect",
            ),
            ("!FindInMap [Sizes, !Sub no, Type]", "Unable to get mapping for Sizes::no::Type"),
            ("{Ref: !GetAtt T.A}", "Ref layout is incorrect"),
        ],
    )
    def test_mistakes(self, node: str, message: str) -> None:
        assert refused(with_name(node)) == message

    def test_policies_by_parameter(self) -> None:
        text = """
Parameters: {Policy: {Type: String, Default: Retain}}
Conditions: {Keep: !Equals [!Ref Policy, Retain]}
Resources:
  T:
    Type: AWS::SNS::Topic
    DeletionPolicy: !Ref Policy
    UpdateReplacePolicy: !If [Keep, Retain, Delete]
"""
        found = resources(text)["T"]
        assert (found["DeletionPolicy"], found["UpdateReplacePolicy"]) == ("Retain", "Retain")
        found = resources(text, Policy="Delete")["T"]
        assert (found["DeletionPolicy"], found["UpdateReplacePolicy"]) == ("Delete", "Delete")

    @pytest.mark.parametrize(
        ("policy", "message"),
        [
            ("[Retain]", "Every DeletionPolicy member must be a string"),
            (
                "!Ref AWS::NoValue",
                "AWS::NoValue is not supported for DeletionPolicy or UpdateReplacePolicy",
            ),
            ("!GetAtt T.A", "Unsupported expression for DeletionPolicy in resource T"),
        ],
    )
    def test_policies_that_are_none(self, policy: str, message: str) -> None:
        text = f"Resources: {{T: {{Type: AWS::SNS::Topic, DeletionPolicy: {policy}}}}}"
        assert refused(text) == message

    @pytest.mark.timeout(20)
    @pytest.mark.parametrize(("last", "value"), [("a", "yes"), ("b", "no")])
    def test_conditions_are_evaluated_once_however_often_they_are_named(
        self, last: str, value: str
    ) -> None:
        # Each named by two others: forty of them took 2^40 evaluations.
        chain = "\n".join(
            f"  C{n}: !Or [Condition: C{n + 1}, Condition: C{n + 1}]" for n in range(40)
        )
        text = f"""
Conditions:
{chain}
  C40: !Equals [a, {last}]
Resources:
  T:
    Type: AWS::SNS::Topic
    Properties: {{DisplayName: {{Fn::ToJsonString: {{X: !If [C0, 'yes', 'no']}}}}}}
"""
        named = resources(text)["T"]["Properties"]["DisplayName"]
        assert json.loads(named) == {"X": value}

    def test_conditions_in_a_circle(self) -> None:
        text = """
Conditions: {A: !Not [Condition: B], B: !Not [Condition: A]}
Resources:
  T: {Type: AWS::SNS::Topic, Properties: {DisplayName: {Fn::ToJsonString: [!If [A, x, y]]}}}
"""
        assert refused(text) == "Circular dependency between conditions"

    @pytest.mark.timeout(20)
    def test_a_list_is_split_once_however_often_parameters_are_named(self) -> None:
        # Each Ref split every list of the template: a thousand took minutes.
        document = {
            "Parameters": {
                f"P{n}": {"Type": "CommaDelimitedList", "Default": "," * 4095} for n in range(199)
            }
            | {"Q": {"Type": "String", "Default": "q"}},
            "Resources": with_json([{"Ref": "Q"}] * 1000 + [{"Fn::Length": {"Ref": "P7"}}]),
        }
        named = resources(json.dumps(document))["T"]["Properties"]["DisplayName"]
        assert json.loads(named) == ["q"] * 1000 + [4096]

    @pytest.mark.timeout(20)
    def test_what_functions_give_is_counted(self) -> None:
        # Little text, and 4096 items for each Ref in it.
        document = {
            "Parameters": {"P": {"Type": "CommaDelimitedList", "Default": "," * 4095}},
            "Resources": with_json([{"Fn::Length": {"Ref": "P"}}] * 2000),
        }
        assert refused(json.dumps(document)) == "Template may not exceed 1000000 bytes in size."


def with_json(value: Any) -> dict[str, Any]:
    return {
        "T": {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": {"Fn::ToJsonString": value}}}
    }
