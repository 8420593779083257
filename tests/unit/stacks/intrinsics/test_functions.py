"""Every function's values; what is refused of their shape stands in test_load."""

import inspect
from pathlib import Path

import pytest

import penstock.stacks.intrinsics as package
from penstock.aws.errors import ServiceError
from penstock.stacks.intrinsics import table
from penstock.stacks.intrinsics.function import text_of
from penstock.stacks.template.evaluate import ResourceValues, Scope, Unknown, evaluated
from penstock.stacks.template.load import load_template
from penstock.stacks.template.template import ParameterValue

HEAD = """
Parameters:
  Env: {Type: String}
  List: {Type: CommaDelimitedList}
  Empty: {Type: CommaDelimitedList}
  Attribute: {Type: String}
  Image: {Type: "AWS::SSM::Parameter::Value<String>"}
Mappings:
  M: {us-east-1: {Ami: ami-1, Zones: [a, b], Number: 3}}
Conditions:
  IsDev: !Equals [!Ref Env, dev]
  IsNot: !Not [!Condition IsDev]
  Both: !And [!Condition IsDev, !Condition IsNot]
  Either: !Or [!Condition IsDev, !Condition IsNot]
  SameList: !Equals [!Ref List, [a, b]]
  Texts: !Equals [true, "true"]
Resources:
  Bucket: {Type: AWS::S3::Bucket}
  New: {Type: AWS::S3::Bucket}
  Here: {Type: AWS::SNS::Topic, Properties: {P: """
PARAMETERS = {
    "Env": ParameterValue("dev"),
    "List": ParameterValue("a, b"),
    "Empty": ParameterValue(""),
    "Attribute": ParameterValue("Arn"),
    "Image": ParameterValue("/image", resolved="ami-9"),
}
BUCKET = ResourceValues("b-1", {"Arn": "arn:b", "Blocks": ["10.0.0.0/16"], "Count": 3})


def value_of(function: str):
    template = load_template(f"{HEAD}{function}}}}}")
    scope = Scope(
        template,
        PARAMETERS,
        "us-east-1",
        "123456789012",
        "arn:stack",
        "todo",
        exports={"shared-vpc": "vpc-1"},
        resources={"Bucket": BUCKET},
    )
    return evaluated(scope, template.resources["Here"].properties["P"])


def refused(function: str) -> str:
    with pytest.raises(ServiceError) as raised:
        value_of(function)
    assert (raised.value.code, raised.value.status) == ("ValidationError", 400)
    return raised.value.message


@pytest.mark.parametrize(
    ("function", "value"),
    [
        ("!Ref Env", "dev"),
        ("!Ref List", ["a", "b"]),
        ("!Ref Empty", [""]),
        ("!Ref Image", "ami-9"),
        ("!Ref Bucket", "b-1"),
        ("!Ref New", Unknown("New")),
        ("!Sub 'x'", "x"),
        ("!Sub '${Env}-${AWS::Region}-${!Env}-${Bucket}-${Bucket.Arn}-${Bucket.Count}'",
         "dev-us-east-1-${Env}-b-1-arn:b-3"),
        ("!Sub ['${Env}-${A}-${B.C}', {A: !Ref List, Env: own, B.C: 1}]", None),
        ("!Sub ['${Env}-${A}-${B.C}', {A: 7, Env: own, B.C: !Ref Env}]", "own-7-dev"),
        ("!Sub ['${A}', {A: '${Env}'}]", "${Env}"),
        ("!Sub '${Env}-${New.Arn}'", Unknown("New", "Arn")),
        ("!Sub '$Env $${Env} ${'", "$Env $dev ${"),
        ("!GetAtt Bucket.Arn", "arn:b"),
        ("!GetAtt [Bucket, !Ref Attribute]", "arn:b"),
        ("{'Fn::GetAtt': Bucket.Arn}", "arn:b"),
        ("!GetAtt New.Some.Thing", Unknown("New", "Some.Thing")),
        ("!Join ['-', [a, 1, true, 1.5, !Ref Env]]", "a-1-true-1.5-dev"),
        ("!Join ['', !Ref List]", "ab"),
        ("!Join [',', []]", ""),
        ("!Join ['', [a, !Ref 'AWS::NoValue']]", "a"),
        ("!Join ['', [a, !GetAtt New.Arn]]", Unknown("New", "Arn")),
        ("!Join ['', !GetAtt New.List]", Unknown("New", "List")),
        ("!Select [1, [a, b]]", "b"),
        ("!Select ['0', !Ref List]", "a"),
        ("!Select [0, !GetAtt Bucket.Blocks]", "10.0.0.0/16"),
        ("!Select [0, [a, !Ref New]]", "a"),
        ("!Select [1, [a, !Ref New]]", Unknown("New")),
        ("!Select [1, !Split ['/', !GetAtt New.Arn]]", Unknown("New", "Arn")),
        ("!Split [',', 'a,b,,c']", ["a", "b", "", "c"]),
        ("!Join ['+', !Split [':', !GetAtt Bucket.Arn]]", "arn+b"),
        ("!If [IsDev, 1, !GetAtt Bucket.Nothing]", 1),
        ("!If [IsNot, 1, {A: !Ref Env}]", {"A": "dev"}),
        ("[!If [Both, 1, 2], !If [Either, 1, 2], !If [SameList, 1, 2], !If [Texts, 1, 2]]",
         [2, 1, 1, 1]),
        ("!FindInMap [M, !Ref 'AWS::Region', Ami]", "ami-1"),
        ("!FindInMap [M, us-east-1, Zones]", ["a", "b"]),
        ("!FindInMap [M, us-east-1, Number]", 3),
        ("!FindInMap [M, eu-west-1, Ami, {DefaultValue: !Sub 'ami-${Env}'}]", "ami-dev"),
        ("!FindInMap [M, us-east-1, X, {DefaultValue: {A: [!Ref Env]}}]", {"A": ["dev"]}),
        ("!FindInMap [M, us-east-1, Ami, {DefaultValue: !GetAtt Bucket.Nothing}]", "ami-1"),
        ("!FindInMap [Absent, a, b, {DefaultValue: !FindInMap [M, us-east-1, Ami]}]", "ami-1"),
        ("[1, !FindInMap [M, eu-west-1, Ami, {DefaultValue: !Ref 'AWS::NoValue'}]]", [1]),
        ("!ImportValue shared-vpc", "vpc-1"),
        ("!ImportValue {'Fn::Sub': 'shared-${V}'}", None),
        ("!ImportValue {'Fn::Join': ['-', [shared, vpc]]}", "vpc-1"),
        ("!Base64 'hello world'", "aGVsbG8gd29ybGQ="),
        ("!Base64 {Ref: New}", Unknown("New")),
        ("!GetAZs ''", ["us-east-1a", "us-east-1b", "us-east-1c"]),
        ("!GetAZs {Ref: 'AWS::Region'}", ["us-east-1a", "us-east-1b", "us-east-1c"]),
        ("!GetAZs eu-west-1", ["eu-west-1a", "eu-west-1b", "eu-west-1c"]),
        ("!Cidr [10.0.0.0/16, 2, 8]", ["10.0.0.0/24", "10.0.1.0/24"]),
        ("!Cidr [10.0.7.9/16, '1', '5']", ["10.0.0.0/27"]),
        ("!Cidr [10.0.0.0/16, 1]", ["10.0.0.0/24"]),
        ("!Cidr ['2600:1f18:abc:de00::/56', 2, 64]",
         ["2600:1f18:abc:de00::/64", "2600:1f18:abc:de01::/64"]),
        ("!Cidr [!GetAtt New.Block, 2, 8]", Unknown("New", "Block")),
    ],
)  # fmt: skip
def test_values(function, value):
    if value is None:
        with pytest.raises(ServiceError):
            value_of(function)
    else:
        assert value_of(function) == value


@pytest.mark.parametrize(
    ("function", "message"),
    [
        ("!Sub '${List}'",
         "Template error: variable List in Fn::Sub expression does not resolve to a string"),
        ("!Select [2, !Ref List]",
         "Template error: Fn::Select cannot select nonexistent value at index 2"),
        ("!Select ['-1', !Ref List]",
         "Template error: Fn::Select cannot select nonexistent value at index -1"),
        ("!FindInMap [M, eu-west-1, Ami]",
         "Template error: Unable to get mapping for M::eu-west-1::Ami"),
        ("!FindInMap [M, us-east-1, X]",
         "Template error: Unable to get mapping for M::us-east-1::X"),
        ("!ImportValue other", "No export named other found."),
        ("!ImportValue {Ref: New}",
         "Template error: the attribute in Fn::ImportValue must not depend on any resources, imported values, or Fn::GetAZs"),  # noqa: E501
        ("!GetAtt Bucket.Nothing",
         "Template error: resource Bucket does not support attribute type Nothing in Fn::GetAtt"),
    ],
)  # fmt: skip
def test_values_that_cannot_be(function, message):
    assert refused(function) == message


@pytest.mark.parametrize(
    "function",
    [
        "!Join ['', [[a]]]",
        "!Join ['', !Ref Env]",
        "!Select [0, !Ref Env]",
        "!Select [!Ref Env, [a]]",
        "!Split [',', !Ref List]",
        "!Base64 {Ref: List}",
        "!FindInMap [M, !Ref List, a]",
        "!FindInMap [M, us-east-1, !Ref New]",
        "!FindInMap [M, us-east-1, Ami, none]",
        "!FindInMap [M, us-east-1, Ami, {Default: none}]",
        "!FindInMap [M, us-east-1, !Sub Ami, {DefaultValue: none}]",
        "{Fn::ToJsonString: !FindInMap [M, a, b, {DefaultValue: !Ref 'AWS::NoValue'}]}",
        "!GetAZs {Ref: List}",
        "!Cidr [nothing, 1, 8]",
        "!Cidr [10.0.0.0/24, 9, 5]",
        "!Cidr [10.0.0.0/16, 0, 8]",
        "!Cidr [10.0.0.0/16, 257, 0]",
        "!Cidr [10.0.0.0/16, 1, 33]",
        "!Cidr [10.0.0.0/16, x, 8]",
    ],
)
def test_values_of_the_wrong_kind_are_refused(function):
    assert refused(function).startswith("Template error: ")


@pytest.mark.parametrize(
    ("value", "text"), [("a", "a"), (True, "true"), (3, "3"), (1.5, "1.5"), ([], None), ({}, None)]
)
def test_scalars_as_aws_writes_them(value, text):
    assert text_of(value) == text


def test_every_module_with_a_function_is_in_the_table():
    folder = Path(inspect.getfile(package)).parent
    files = {
        file.stem for file in folder.glob("*.py") if "Function(" in file.read_text()
    } - {"function"}  # fmt: skip
    assert len(files) == len(table.EXTENDED)
    assert table.EXTENDED.keys() - table.FUNCTIONS.keys() == {"Fn::Length"}
