"""A template before its transforms are carried out, and what only a transform brings into one."""

import pytest

from penstock.aws.errors import ServiceError
from penstock.stacks.template.load import load_template
from penstock.stacks.template.unexpanded import read_template

SERVERLESS = """
Transform: [AWS::Serverless-2016-10-31, {Name: Mine}]
Description: what it says
Globals: {Function: {Timeout: 1}}
Metadata: {Owner: me}
Parameters: {Stage: {Type: String, Default: dev}}
Resources:
  Fn::Transform: {Name: AWS::Include, Parameters: {Location: s3://a/b}}
  F: {Type: AWS::Serverless::Function, Properties: {Fn::Transform: Mine}}
"""


def test_what_a_template_says_before() -> None:
    found = read_template(SERVERLESS)
    assert found.transforms == ["AWS::Serverless-2016-10-31", "Mine", "AWS::Include"]
    assert (found.description, found.metadata) == ("what it says", {"Owner": "me"})
    assert list(found.parameters) == ["Stage"]
    assert [one.type for one in found.resources.values()] == ["AWS::Serverless::Function"]


def test_a_template_without_transforms_is_checked_whole() -> None:
    with pytest.raises(ServiceError, match="At least one Resources member"):
        read_template("Resources: {}")


JSON = "Resources: {T: {Type: AWS::SNS::Topic, Properties: {N: {Fn::ToJsonString: [!Ref T]}}}}"


def test_a_function_of_a_transform_stays_in_what_was_processed() -> None:
    assert load_template(JSON).resources["T"].properties["N"] == {
        "Fn::ToJsonString": [{"Ref": "T"}]
    }
    with pytest.raises(ServiceError, match=r"Fn::ToJsonString needs the AWS::LanguageExtensions"):
        read_template(JSON)


@pytest.mark.parametrize("part", ["!Sub x", "!Select [0, [a]]", "!GetAtt T.A"])
def test_a_fuller_find_in_map_needs_the_transform(part: str) -> None:
    properties = f"{{N: !FindInMap [M, {part}, B]}}"
    text = f"Resources: {{T: {{Type: AWS::SNS::Topic, Properties: {properties}}}}}"
    with pytest.raises(ServiceError, match="every Fn::FindInMap object requires three parameters"):
        read_template(f"Mappings: {{M: {{x: {{B: 1}}}}}}\n{text}")
