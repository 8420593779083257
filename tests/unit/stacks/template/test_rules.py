import pytest

from penstock.aws.errors import ServiceError
from penstock.stacks.template.evaluate import Scope
from penstock.stacks.template.load import load_template
from penstock.stacks.template.rules import check_rules
from penstock.stacks.template.template import ParameterValue

HEAD = """
Parameters:
  Version: {Type: String}
  Env: {Type: String}
  Zones: {Type: CommaDelimitedList}
Resources: {T: {Type: AWS::SNS::Topic}}
"""
BOOTSTRAP = """
Rules:
  CheckBootstrapVersion:
    Assertions:
    - Assert: {Fn::Not: [{Fn::Contains: [["1", "2", "3", "4", "5"], {Ref: Version}]}]}
      AssertDescription: Version 6 is required
"""


def check(rules: str, version="6", env="dev", zones="a,b") -> str | None:
    values = {"Version": version, "Env": env, "Zones": zones}
    parameters = {name: ParameterValue(value) for name, value in values.items()}
    try:
        template = load_template(HEAD + rules)
        check_rules(Scope(template, parameters, "us-east-1", "1", "arn", "todo"))
    except ServiceError as error:
        return error.message
    return None


def test_the_rule_that_cdk_writes_into_every_template():
    assert check(BOOTSTRAP) is None
    assert check(BOOTSTRAP, version="5") == "Rule CheckBootstrapVersion: Version 6 is required"


def test_a_rule_counts_only_under_its_condition():
    rules = (
        "Rules: {R: {RuleCondition: !Equals [!Ref Env, prod], "
        "Assertions: [{Assert: !Equals [!Ref Version, '7']}]}}"
    )
    assert check(rules) is None
    assert check(rules, env="prod") == "Rule R: an assertion failed"


@pytest.mark.parametrize(
    ("function", "holds"),
    [
        ("{Fn::EachMemberIn: [!Ref Zones, [a, b, c]]}", True),
        ("{Fn::EachMemberIn: [!Ref Zones, [a]]}", False),
        ("{Fn::EachMemberEquals: [!Ref Zones, a]}", False),
        ("{Fn::Contains: [!Ref Zones, b]}", True),
        ("!And [!Equals [!Ref Env, dev], !Equals [!Ref 'AWS::Region', us-east-1]]", True),
        ("!Or [!Equals [!Ref Env, x], !Equals [1, '1']]", True),
    ],
)
def test_functions_of_rules(function, holds):
    found = check(f"Rules: {{R: {{Assertions: [{{Assert: {function}}}]}}}}")
    assert (found is None) == holds


@pytest.mark.parametrize(
    ("zones", "holds"), [("us-east-1a,us-east-1c", True), ("us-east-1a,eu-west-1a", False)]
)
def test_all_availability_zones(zones, holds):
    function = "{Fn::EachMemberIn: [!Ref Zones, {Fn::RefAll: 'AWS::EC2::AvailabilityZone::Name'}]}"
    found = check(f"Rules: {{R: {{Assertions: [{{Assert: {function}}}]}}}}", zones=zones)
    assert (found is None) == holds


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ("{Assertions: [{Assert: {Fn::If: [a, b, c]}}]}", "unsupported function: Fn::If"),
        ("{Assertions: [{Assert: {Condition: x}}]}", "unsupported function: Condition"),
        ("{Assertions: [{Assert: {Fn::RefAll: x}}]}", "Fn::RefAll asks for VPCs, subnets"),
        (
            "{Assertions: [{Assert: {Fn::Contains: [{Fn::RefAll: AWS::EC2::VPC::Id}, vpc]}}]}",
            "of Fn::RefAll, AWS::EC2::AvailabilityZone::Name is known",
        ),
        (
            "{Assertions: [{Assert: {Fn::EachMemberIn: [{Fn::ValueOf: [Zones, VpcId]}, [a]]}}]}",
            "Fn::ValueOf asks for VPCs, subnets",
        ),
        ("{Assertions: [{Assert: true}]}", "expected a function that gives true or false"),
        ("{Assertions: [{Assert: !Not [!Equals [a]]}]}", "Fn::Equals takes two values"),
        ("{Assertions: [{Assert: !And [!Equals [a, b]]}]}", "Fn::And takes 2 to 10 booleans"),
        ("{Assertions: [{Assert: !Equals [!Ref T, a]}]}", "Unresolved resource dependencies [T]"),
        ("{Assertions: [{Assert: !Equals [!Sub x, a]}]}", "unsupported function: Fn::Sub"),
        ("{Assertions: [x]}", "every assertion must have an Assert"),
        ("{Assertions: x}", "every rule must have a list of Assertions"),
        ("{Assertions: [], Other: 1}", "Invalid template rule property 'Other'"),
    ],
)
def test_rules_that_are_none(rule, message):
    assert message in (check(f"Rules: {{R: {rule}}}") or "")
