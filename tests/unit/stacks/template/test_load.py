"""What AWS refuses of a template's text, each with its message."""

# ruff: noqa: E501 - messages stay whole, so that they can be searched for

import json

import pytest

from penstock.aws.errors import ServiceError
from penstock.stacks.template.load import load_template

TOPIC = "Resources: {T: {Type: 'AWS::SNS::Topic'}}\n"


def refused(text: str) -> str:
    with pytest.raises(ServiceError) as raised:
        load_template(text)
    assert (raised.value.code, raised.value.status) == ("ValidationError", 400)
    return raised.value.message


def resource(members: str) -> str:
    return (
        f"Resources: {{T: {{Type: 'AWS::SNS::Topic'}}, A: {{Type: 'AWS::S3::Bucket', {members}}}}}"
    )


def test_a_whole_template():
    template = load_template("""
AWSTemplateFormatVersion: 2010-09-09
Description: One of each
Metadata: {Any: [thing]}
Parameters:
  Size: {Type: Number, Default: 3, MinValue: 1, MaxValue: "9", Description: How many}
  Secret: {Type: String, NoEcho: true, MinLength: 8, MaxLength: 41, AllowedPattern: "[a-z]+",
           ConstraintDescription: letters}
  Stage: {Type: String, AllowedValues: [dev, 1, true]}
Mappings:
  M: {a: {x: 1, y: [1, 2]}}
Conditions:
  Big: !Equals [!Ref Size, 9]
Resources:
  Topic:
    Type: AWS::SNS::Topic
    Condition: Big
    DependsOn: Bucket
    Properties: {TopicName: !Sub "${AWS::StackName}-t"}
  Bucket:
    Type: AWS::S3::Bucket
    DeletionPolicy: Retain
    UpdateReplacePolicy: Snapshot
    Metadata: {Note: x}
    CreationPolicy: {ResourceSignal: {Count: 1}}
    UpdatePolicy: {UseOnlineResharding: true}
Outputs:
  Name: {Value: !Ref Bucket, Description: d, Condition: Big, Export: {Name: n}}
""")
    assert template.format_version == "2010-09-09"
    assert (template.description, template.metadata) == ("One of each", {"Any": ["thing"]})
    size, secret, stage = template.parameters.values()
    assert (size.default, size.min_value, size.max_value, size.description) == (
        "3", 1.0, 9.0, "How many",
    )  # fmt: skip
    assert (secret.no_echo, secret.min_length, secret.max_length) == (True, 8, 41)
    assert (secret.allowed_pattern, secret.constraint_description) == ("[a-z]+", "letters")
    assert stage.allowed_values == ["dev", "1", "true"]
    assert template.mappings == {"M": {"a": {"x": 1, "y": [1, 2]}}}
    assert template.conditions == {"Big": {"Fn::Equals": [{"Ref": "Size"}, 9]}}
    topic, bucket = template.resources.values()
    assert (topic.condition, topic.depends_on) == ("Big", ["Bucket"])
    assert topic.properties == {"TopicName": {"Fn::Sub": "${AWS::StackName}-t"}}
    assert (bucket.deletion_policy, bucket.update_replace_policy) == ("Retain", "Snapshot")
    assert bucket.creation_policy == {"ResourceSignal": {"Count": 1}}
    assert bucket.update_policy == {"UseOnlineResharding": True}
    assert bucket.metadata == {"Note": "x"}
    output = template.outputs["Name"]
    assert (output.value, output.export_name) == ({"Ref": "Bucket"}, "n")
    assert (output.description, output.condition) == ("d", "Big")


def test_json_and_yaml_are_the_same_template():
    text = "Resources: {A: {Type: 'AWS::SNS::Topic', Properties: {TopicName: !Sub 'a'}}}"
    same = '{"Resources": {"A": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": {"Fn::Sub": "a"}}}}}'
    assert load_template(text).resources == load_template(same).resources


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Resourcez: {}\n" + TOPIC, "Invalid template property or properties [Resourcez]"),
        ("A: 1\nB: 2\n" + TOPIC, "Invalid template property or properties [A, B]"),
        ("Description: x", "Template format error: At least one Resources member must be defined."),
        ("Resources: {}", "Template format error: At least one Resources member must be defined."),
        ("Resources: {A: text}", "Template format error: Any Resources member must be an object."),
        ("Resources: {A: {}}", "Template format error: [/Resources/A] Every Resources object must contain a Type member."),
        (resource("Invalid: 1"), "Invalid template resource property 'Invalid'"),
        ("Resources: {my-id: {Type: 'AWS::SNS::Topic'}}", "Template format error: Resource name my-id is non alphanumeric."),
        ("Parameters: {a-b: {Type: String}}\n" + TOPIC, "Template format error: Parameter name a-b is non alphanumeric."),
        (resource("DependsOn: Nothing"), "Template format error: Unresolved resource dependencies [Nothing] in the Resources block of the template"),
        (resource("DependsOn: [1]"), "Template format error: Every DependsOn value must be a string."),
        (resource("Condition: C"), "Template format error: Unresolved condition dependency C in the Resources block of the template"),
        (resource("Properties: {N: !Ref X}"), "Template format error: Unresolved resource dependencies [X] in the Resources block of the template"),
        (resource("Properties: {N: [!Ref X, !Sub '${Y}-${T}', !Ref X]}"), "Template format error: Unresolved resource dependencies [X, Y] in the Resources block of the template"),
        (resource("Properties: {N: !Ref 'AWS::Nothing'}"), "Template format error: Unresolved resource dependencies [AWS::Nothing] in the Resources block of the template"),
        (resource("Metadata: {N: !Ref X}"), "Template format error: Unresolved resource dependencies [X] in the Resources block of the template"),
        (resource("Properties: {N: !GetAtt X.Arn}"), "Template error: instance of Fn::GetAtt references undefined resource X"),
        (resource("Properties: {N: !Sub '${X.Arn}'}"), "Template error: instance of Fn::Sub references invalid resource attribute X.Arn"),
        (resource("Properties: {N: !If [C, 1, 2]}"), "Template error: unresolved condition dependency C in Fn::If"),
        (resource("Properties: {N: !FindInMap [M, a, b]}"), "Template error: Mapping named 'M' is not present in the 'Mappings' section of template."),
        (TOPIC + "Outputs: {O: {Value: !Ref X}}", "Unresolved resource dependencies [X] in the Outputs block of the template"),
        (TOPIC + "Outputs: {O: {Value: 1, Export: {Name: !Ref X}}}", "Unresolved resource dependencies [X] in the Outputs block of the template"),
        (TOPIC + "Outputs: {O: {Value: 1, Condition: C}}", "Template format error: Unresolved condition dependency C in the Outputs block of the template"),
        (TOPIC + "Outputs: {O: {Description: x}}", "Template format error: Every Outputs member must contain a Value object"),
        (TOPIC + "Outputs: {O: x}", "Template format error: Every Outputs member must contain a Value object"),
        (TOPIC + "Outputs: {O: {Value: }}", "[/Outputs/O/Value] 'null' values are not allowed in templates"),
        (resource("Properties: {Lambda: {Pre: }}"), "[/Resources/A/Type/Lambda/Pre] 'null' values are not allowed in templates"),
        (resource("DependsOn: [~]"), "[/Resources/A/DependsOn/0] 'null' values are not allowed in templates"),
        ("Resources:", "[/Resources] 'null' values are not allowed in templates"),
        ("Mappings: {A: x}\n" + TOPIC, "Template format error: Every Mappings member A must be a map"),
        ("Mappings: {A: {b: {c: {d: 1}}}}\n" + TOPIC, "Template format error: Every Mappings attribute must be a String or a List."),
        ("Mappings: {A: {b: {c: [[1]]}}}\n" + TOPIC, "Template format error: Every Mappings attribute must be a String or a List."),
        ("Conditions: {C: !Equals [!Ref T, 1]}\n" + TOPIC, "Template format error: Unresolved dependencies [T]. Cannot reference resources in the Conditions block of the template"),
        ("Conditions: {C: !Equals [!GetAtt T.Arn, 1]}\n" + TOPIC, "Template format error: Unresolved dependencies [T]. Cannot reference resources in the Conditions block of the template"),
        ("Conditions: {C: !Equals [!Sub '${T}', 1]}\n" + TOPIC, "Template format error: Unresolved dependencies [T]. Cannot reference resources in the Conditions block of the template"),
        ("Conditions: {C: true}\n" + TOPIC, "Template format error: Conditions can only be boolean operations on parameters and other conditions"),
        ("Conditions: {C: !Equals [!If [C, 1, 2], 1]}\n" + TOPIC, "Template format error: Conditions can only be boolean operations on parameters and other conditions"),
        ("Conditions: {C: !Not [!Condition D]}\n" + TOPIC, "Template error: unresolved condition dependency D in Condition"),
        ("Conditions: {C: !Not [!Condition C]}\n" + TOPIC, "Template format error: Circular dependency between conditions: [C]"),
        ("Conditions: {A: !Not [!Condition B], B: !Not [!Condition A]}\n" + TOPIC, "Template format error: Circular dependency between conditions: [A]"),
        ("Parameters: {P: {}}\n" + TOPIC, "Template format error: Every Parameters object must contain a Type member."),
        ("Parameters: {P: {Type: Strin}}\n" + TOPIC, "Template format error: Unrecognized parameter type: Strin"),
        ("Parameters: {P: {Type: String, default: x}}\n" + TOPIC, "Invalid template parameter property 'default'"),
        ("Parameters: {P: {Type: String, Default: [x]}}\n" + TOPIC, "Template format error: Every Default member must be a string."),
        ("Transform: [{Name: 1}]\n" + TOPIC, "Key Name of transform definition must be a string."),
        ("Description: [x]\n" + TOPIC, "Template format error: Every Description member must be a string."),
    ],
)  # fmt: skip
def test_what_aws_refuses(text, message):
    assert refused(text) == message


@pytest.mark.parametrize(
    ("function", "message"),
    [
        ("!Equals [a]", "Template error: every Fn::Equals object requires a list of 2 string parameters."),
        ("!GetAtt T", "Template error: every Fn::GetAtt object requires two non-empty parameters, the resource name and the resource attribute"),
        ("!GetAtt [T, '']", "Template error: every Fn::GetAtt object requires two non-empty parameters, the resource name and the resource attribute"),
        ("!GetAtt [T, Arn, x]", "Template error: every Fn::GetAtt object requires two non-empty parameters, the resource name and the resource attribute"),
        ("!Select [0]", "Template error: Fn::Select requires a list argument with two elements: an integer index and a list"),
        ("!Select [x, [a]]", "Template error: Fn::Select requires a list argument with two elements: an integer index and a list"),
        ("!Select [0, a]", "Template error: Fn::Select requires a list argument with two elements: an integer index and a list"),
        ("!Split [',']", "Template error: every Fn::Split object requires two parameters, (1) a string delimiter and (2) a string to be split or a function that returns a string to be split."),
        ("!Join [',', a]", "Template error: every Fn::Join object requires two parameters, (1) a string delimiter and (2) a list of strings to be joined or a function that returns a list of strings (such as Fn::GetAZs) to be joined."),
        ("!FindInMap [M, a]", "Template error: every Fn::FindInMap object requires three parameters, the map name, map key and the attribute for return value"),
        ("!Base64 [a]", "Template error: every Fn::Base64 object must have a String-typed value."),
        ("!And [!Equals [a, a]]", "Template error: every Fn::And object requires a list of at least 2 and at most 10 boolean parameters."),
        ("!Or [a, b]", "Template error: every Fn::Or object requires a list of at least 2 and at most 10 boolean parameters."),
        ("!Not [a]", "Template error: every Fn::Not object requires a list with exactly 1 boolean parameter."),
        ("!Sub ['${a}', x]", "Template error: One or more Fn::Sub intrinsic functions don't specify expected arguments. Specify a string as first argument, and an optional second argument to specify a mapping of values to replace in the string"),
        ("!Sub ['${a}', {a: [1]}]", "Template error: every value of the context object of every Fn::Sub object must be a string or a function that returns a string"),
        ("!Sub '${a-b}'", "Template error: variable names in Fn::Sub syntax must contain only alphanumeric characters, underscores, periods, and colons"),
        ("!Ref [a]", "Template error: every Ref object must have a single String value."),
    ],
)  # fmt: skip
def test_functions_that_are_wrongly_given(function, message):
    assert refused(resource(f"Properties: {{N: {function}}}")) == message


def test_a_misspelt_function_is_placed_and_named():
    message = refused(
        "Resources:\n  A:\n    Type: AWS::SNS::Topic\n    Properties:\n      N: {Fn::Subb: x}"
    )
    assert message.startswith(
        "Template error: Encountered unsupported function: Fn::Subb Supported"
    )
    assert message.endswith("(line 5, column 11); did you mean 'Fn::Sub'?")


def test_a_misspelt_function_in_json_is_placed_and_named():
    message = refused(
        '{"Resources": {"A": {"Type": "AWS::SNS::Topic",\n"Properties": {"N": {"Fn::GetAttr": ["A"]}}}}}'
    )
    assert message.endswith("(line 2, column 22); did you mean 'Fn::GetAtt'?")


def test_a_function_beside_other_members_is_refused():
    assert refused(resource("Properties: {N: {Fn::Sub: a, B: c}}")).startswith(
        "Template error: an object with Fn::Sub may have no other members (line 1, column "
    )


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        ("Transform: AWS::Serverless-2016-10-31\n" + TOPIC, "a template that declares transforms is loaded after they were carried out"),
        ("Hooks: {H: {}}\n" + TOPIC, "the section Hooks is not supported here"),
        ("Resources: {A: {Type: 'My::Own::Thing::MODULE'}}", "My::Own::Thing::MODULE is a module, and modules are not supported here"),
    ],
)  # fmt: skip
def test_what_is_missing_here_is_named(text, missing):
    assert missing in refused(text)


FOR_EACH = "Fn::ForEach needs the AWS::LanguageExtensions transform: declare it in the template's section Transform; it works in Resources, Conditions and Outputs."
TRANSFORM = "Fn::Transform cannot be used here: parameters cannot come from a transform."


@pytest.mark.parametrize(
    ("text", "first", "then"),
    [
        ("Resources: {'Fn::ForEach::Topics': [N, [a, b], {}]}", "Template format error: Resource name Fn::ForEach::Topics is non alphanumeric.", FOR_EACH),
        ("Resources: {'Fn::Transform': {Name: 'AWS::Include'}}", "Template format error: Resource name Fn::Transform is non alphanumeric.", TRANSFORM),
        (TOPIC + "Outputs: {'Fn::ForEach::O': []}", "Template format error: Output name Fn::ForEach::O is non alphanumeric.", FOR_EACH),
        (TOPIC + "Conditions: {'Fn::ForEach::C': []}", "Template format error: Condition name Fn::ForEach::C is non alphanumeric.", FOR_EACH),
        (TOPIC + "Fn::Transform: {Name: 'AWS::Include'}", "Invalid template property or properties [Fn::Transform]", TRANSFORM),
        (resource("Fn::Transform: {Name: 'AWS::Include'}"), "Invalid template resource property 'Fn::Transform'", TRANSFORM),
        (resource("Properties: {'Fn::ForEach::P': []}"), "Template error: Encountered unsupported function: Fn::ForEach::P Supported", FOR_EACH),
        (resource("Properties: {N: {'Fn::Length': [a]}}"), "Template error: Encountered unsupported function: Fn::Length Supported", FOR_EACH.replace("ForEach", "Length")),
        (resource("Properties: {N: !Transform {Name: 'AWS::Include'}, M: 1}"), "Template error: Encountered unsupported function: Fn::Transform Supported", TRANSFORM),
    ],
)  # fmt: skip
def test_functions_of_transforms_name_what_is_missing(text, first, then):
    message = refused(text)
    assert message.startswith(first)
    assert message.endswith(f" {then}")


@pytest.mark.parametrize(
    ("section", "member", "most", "message"),
    [
        ("Resources", {"Type": "AWS::SNS::Topic"}, 500,
         "Number of resources, 501, is greater than maximum allowed, 500"),
        ("Parameters", {"Type": "String"}, 200,
         "Parameter count 201 is greater than max allowed 200"),
        ("Outputs", {"Value": "x"}, 200, "Outputs count 201 is greater than max allowed 200"),
        ("Mappings", {"a": {"b": "c"}}, 200,
         "Mappings count 201 is greater than max allowed 200"),
    ],
)  # fmt: skip
def test_limits(section, member, most, message):
    def sized(count):
        document = {"Resources": {"A": {"Type": "AWS::SNS::Topic"}}}
        document[section] = {f"N{number}": member for number in range(count)}
        return json.dumps(document)

    load_template(sized(most))
    assert refused(sized(most + 1)) == f"Template format error: {message}"


def test_limits_of_mappings_and_descriptions():
    def mapping(tops, seconds):
        table = {f"k{top}": {f"s{n}": "x" for n in range(seconds)} for top in range(tops)}
        return json.dumps(
            {"Mappings": {"M": table}, "Resources": {"A": {"Type": "AWS::SNS::Topic"}}}
        )

    load_template(mapping(200, 200))
    assert "[/Mappings/M] Attributes count 201 is greater than" in refused(mapping(201, 1))
    assert "[/Mappings/M/k0] Attributes count 201 is greater than" in refused(mapping(1, 201))
    long = "'" + "x" * 1025 + "'"
    assert "[/Outputs/O] 'Description' length is greater than 1024." in refused(
        TOPIC + f"Outputs: {{O: {{Value: a, Description: {long}}}}}"
    )
    longer = "'" + "x" * 4001 + "'"
    assert "[/Parameters/P] 'Description' length is greater than 4000." in refused(
        TOPIC + f"Parameters: {{P: {{Type: String, Description: {longer}}}}}"
    )


@pytest.mark.parametrize(
    ("member", "message"),
    [
        ("Type: String, AllowedValues: a", "Every AllowedValues member must be a list."),
        ("Type: String, Default: !Ref 'AWS::NoValue'", "Every Default member must be a string."),
        ("Type: String, Default: [a]", "Every Default member must be a string."),
    ],
)
def test_members_of_parameters_that_aws_refuses(member, message):
    text = TOPIC + f"Parameters: {{P: {{{member}}}}}"
    assert refused(text) == f"Template format error: {message}"


def test_names_and_descriptions_have_a_length():
    load_template(f"Description: {'x' * 1024}\n" + TOPIC)
    assert "greater than 1024" in refused(f"Description: {'x' * 1025}\n" + TOPIC)
    assert "longer than 255" in refused(f"Resources: {{{'x' * 256}: {{Type: 'AWS::SNS::Topic'}}}}")


def test_a_condition_key_in_a_policy_is_no_function():
    text = resource("Properties: {P: {Condition: {Bool: {x: true}}}, Q: {Condition: IsProd}}")
    assert load_template(text).resources["A"].properties["Q"] == {"Condition": "IsProd"}
