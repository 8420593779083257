"""Policies decide as the IAM User Guide's "Policy evaluation logic" says."""

import json

import pytest

from penstock.aws.policy import Decision, evaluate, evaluate_trust, lower_keys
from penstock.aws.policy_document import MalformedPolicy, PolicyKind, parse_policy

LEGACY = "The policy failed legacy parsing"
ROLE = "arn:aws:iam::123456789012:role/build"


def policy(*statements, kind=PolicyKind.INLINE):
    return parse_policy(json.dumps({"Version": "2012-10-17", "Statement": list(statements)}), kind)


def allow(action, resource="*", **more):
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def deny(action, resource="*", **more):
    return {"Effect": "Deny", "Action": action, "Resource": resource, **more}


def decide(statements, action="s3:GetObject", resource="arn:aws:s3:::b/k", **context):
    named = lower_keys({key.replace("__", ":"): value for key, value in context.items()})
    return evaluate([policy(*statements)], action, resource, named)


def test_nothing_is_denied_implicitly():
    assert evaluate([], "s3:GetObject", "*", {}) is Decision.IMPLICITLY_DENIED


@pytest.mark.parametrize(
    ("pattern", "allowed"),
    [
        ("s3:GetObject", True),
        ("S3:getobject", True),
        ("s3:Get*", True),
        ("s3:?etObject", True),
        ("*", True),
        ("s3:GetObjectVersion", False),
        ("s3:PutObject", False),
        ("ecr:*", False),
        (["ecr:*", "s3:Get*"], True),
    ],
)
def test_actions_match_without_regard_to_case(pattern, allowed):
    expected = Decision.ALLOWED if allowed else Decision.IMPLICITLY_DENIED
    assert decide([allow(pattern)]) is expected


@pytest.mark.parametrize(
    ("pattern", "allowed"),
    [
        ("arn:aws:s3:::b/*", True),
        ("arn:aws:s3:::B/*", False),
        ("arn:aws:s3:::b", False),
        ("arn:aws:s3:::*", True),
        (["arn:aws:s3:::a/*", "arn:aws:s3:::b/k"], True),
    ],
)
def test_resources_match_with_regard_to_case(pattern, allowed):
    expected = Decision.ALLOWED if allowed else Decision.IMPLICITLY_DENIED
    assert decide([allow("s3:*", pattern)]) is expected


def test_an_explicit_deny_wins_wherever_it_stands():
    assert decide([deny("s3:Get*"), allow("*")]) is Decision.EXPLICITLY_DENIED
    assert decide([allow("*"), deny("s3:Get*")]) is Decision.EXPLICITLY_DENIED


def test_not_action_and_not_resource_name_the_exceptions():
    all_but_iam = {"Effect": "Allow", "NotAction": ["iam:*"], "Resource": "*"}
    assert decide([all_but_iam]) is Decision.ALLOWED
    assert decide([all_but_iam], "iam:CreateUser") is Decision.IMPLICITLY_DENIED
    elsewhere = {"Effect": "Allow", "Action": "s3:*", "NotResource": "arn:aws:s3:::b/*"}
    assert decide([elsewhere]) is Decision.IMPLICITLY_DENIED
    assert decide([elsewhere], resource="arn:aws:s3:::c/k") is Decision.ALLOWED


@pytest.mark.parametrize(
    ("condition", "met"),
    [
        ({"StringEquals": {"aws:PrincipalTag/team": "blue"}}, True),
        ({"StringEquals": {"aws:PrincipalTag/team": ["red", "blue"]}}, True),
        ({"StringNotEquals": {"aws:PrincipalTag/team": "red"}}, True),
        ({"StringNotEquals": {"aws:PrincipalTag/team": ["red", "blue"]}}, False),
        ({"StringLike": {"aws:PrincipalTag/team": "b*"}}, True),
        ({"StringEqualsIgnoreCase": {"AWS:principaltag/team": "BLUE"}}, True),
        ({"StringEquals": {"aws:PrincipalTag/other": "x"}}, False),
        ({"StringEqualsIfExists": {"aws:PrincipalTag/other": "x"}}, True),
        ({"StringNotEquals": {"aws:PrincipalTag/other": "x"}}, True),
        ({"Null": {"aws:PrincipalTag/other": "true"}}, True),
        ({"Null": {"aws:PrincipalTag/team": "true"}}, False),
        ({"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/b*"}}, True),
        ({"ArnLike": {"aws:PrincipalArn": "arn:aws:*:role/build"}}, False),
        ({"DateLessThan": {"aws:CurrentTime": "2030-01-01T00:00:00Z"}}, True),
        ({"DateGreaterThan": {"aws:CurrentTime": "2030-01-01T00:00:00Z"}}, False),
        ({"NumericGreaterThan": {"aws:EpochTime": 5}}, True),
        ({"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}, True),
        ({"NotIpAddress": {"aws:SourceIp": "10.0.0.0/8"}}, False),
        ({"ForAnyValue:StringEquals": {"aws:PrincipalTag/team": ["blue"]}}, True),
        ({"ForAllValues:StringEquals": {"aws:PrincipalTag/other": ["blue"]}}, True),
        ({"Bool": {"aws:MultiFactorAuthPresent": "true"}}, False),
    ],
)
def test_conditions_compare_as_documented(condition, met):
    context = {
        "aws:PrincipalTag/team": "blue",
        "aws:PrincipalArn": ROLE,
        "aws:CurrentTime": "2026-01-01T00:00:00Z",
        "aws:EpochTime": "1000",
        "aws:SourceIp": "10.1.2.3",
    }
    found = evaluate(
        [policy(allow("*", Condition=condition))], "s3:GetObject", "*", lower_keys(context)
    )
    assert found is (Decision.ALLOWED if met else Decision.IMPLICITLY_DENIED)


def test_a_condition_that_cannot_be_evaluated_never_allows_and_always_denies():
    unknown = {"StringNotEquals": {"ec2:Vpc": "vpc-1"}}
    assert decide([allow("*", Condition=unknown)]) is Decision.IMPLICITLY_DENIED
    assert decide([allow("*"), deny("*", Condition=unknown)]) is Decision.EXPLICITLY_DENIED


def test_a_variable_stands_for_the_callers_value_and_for_nothing_without_one():
    home = [allow("s3:*", "arn:aws:s3:::b/${aws:username}/*")]
    at = "arn:aws:s3:::b/ann/x"
    assert decide(home, resource=at, aws__username="ann") is Decision.ALLOWED
    assert decide(home, resource=at, aws__username="*") is Decision.IMPLICITLY_DENIED
    assert decide(home, resource=at) is Decision.IMPLICITLY_DENIED


def test_a_trust_policy_names_services_and_principals():
    trust = policy(
        {
            "Effect": "Allow",
            "Principal": {"Service": ["codebuild.amazonaws.com"], "AWS": ROLE},
            "Action": "sts:AssumeRole",
        },
        kind=PolicyKind.TRUST,
    )

    def ask(kind, name):
        return evaluate_trust(trust, kind, [name], "sts:AssumeRole", {})

    assert ask("Service", "codebuild.amazonaws.com") is Decision.ALLOWED
    assert ask("Service", "codepipeline.amazonaws.com") is Decision.IMPLICITLY_DENIED
    assert ask("AWS", ROLE) is Decision.ALLOWED
    assert ask("AWS", "codebuild.amazonaws.com") is Decision.IMPLICITLY_DENIED


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ({"Effect": "Allow", "Action": "s3:GetObject"}, "Policy statement must contain resources."),
        ({"Effect": "Allow", "Resource": "*"}, "Policy statement must contain actions."),
        (allow("s3"), "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."),
        (allow("s3:a:b"), "Actions/Condition can contain only one colon."),
        (allow("s 3:a"), "Vendor s 3 is not valid"),
        (allow("s3:*", "bucket"), 'Resource bucket must be in ARN format or "*".'),
        (
            allow("s3:*", "arn:moon:s3:::b"),
            'Partition "moon" is not valid for resource "arn:moon:s3:::b".',
        ),
        (allow("s3:*", Principal="*"), "Policy document should not specify a principal."),
        (allow("s3:*", Condition={"Sounds": {"a": "b"}}), "Syntax errors in policy."),
        (allow("s3:*", Condition=[]), "Syntax errors in policy."),
        ({**allow("s3:*"), "Effect": "perhaps"}, "Syntax errors in policy."),
        ({**allow("s3:*"), "Effect": "allow"}, LEGACY),
        (allow("s3:*", Condition={"DateLessThan": {"a": "tomorrow"}}), LEGACY),
        (allow("s3:*", "arn:aws:s3::b"), LEGACY),
        (allow("s3:*", "arn:aws::::b"), LEGACY),
        (allow("s3:*", "aws:s3:::b"), 'Partition "s3" is not valid for resource "arn:s3:::b:*".'),
        (
            allow("s3:*", "arn:aws"),
            "Resource vendor must be fully qualified and cannot contain regexes.",
        ),
        (
            allow("s3:*", "arn:aws:s3:us-east-1::b"),
            "Resource arn:aws:s3:us-east-1::b can not contain region information.",
        ),
        (
            allow("s3:*", "arn:aws:iam:us-east-1::role/b"),
            "IAM resource arn:aws:iam:us-east-1::role/b cannot contain region information.",
        ),
        (
            allow("s3:*", "arn:aws:iam:::b"),
            (
                'IAM resource path must either be "*", root, or start with user/, federated-user/, '
                "role/, group/, instance-profile/, mfa/, server-certificate/, policy/, sms-mfa/, "
                "saml-provider/, oidc-provider/, report/, access-report/."
            ),
        ),
        ({"Effect": "Allow"}, "Policy statement must contain actions."),
        ({"Effect": "Allow", "Action": "invalid"}, "Policy statement must contain resources."),
        (allow("s3:a:b", "bucket"), 'Resource bucket must be in ARN format or "*".'),
        ({**allow("s3:*"), "Colour": "red"}, "Syntax errors in policy."),
        ({**allow("s3:*"), "NotAction": "x:y"}, "Syntax errors in policy."),
        (allow(3), "Syntax errors in policy."),
    ],
)
def test_malformed_statements_are_refused(statement, message):
    """As recorded from AWS, in github.com/localstack/localstack
    tests/aws/services/iam/test_iam_policies.snapshot.json; that of Principal is unverified."""
    with pytest.raises(MalformedPolicy) as refused:
        policy(statement)
    assert str(refused.value) == message


@pytest.mark.parametrize(
    "statement",
    [
        allow("iam: asdf safdsf af "),
        allow("s3:*", "arn:aws:fdsasf"),
        allow("s3:*", "arn:aws:s3:*"),
        allow("s3:*", "arn:aws:iam::*:user/${aws:username}"),
        allow("s3:*", "arn:aws:iam::123456789012:root"),
        allow("s3:*", "arn:aws:ec2:us-east-1::b"),
        allow("s3:*", Condition={"a": {}}),
        allow("s3:*", Condition={"DateGreaterThan": {"a": []}}),
        allow("s3:*", Condition={"DateGreaterThan": {"aws:CurrentTime": "2017-07-01T00:00:00Z"}}),
        allow("s3:*", Condition={"DateGreaterThan": {"aws:CurrentTime": "1498867200"}}),
    ],
)
def test_what_looks_odd_and_aws_takes_is_taken(statement):
    """Source: as above; wildcards and `root` by AWS's grammar."""
    assert len(policy(statement).statements) == 1


def test_what_iam_finds_first_is_told_first():
    """Source: as above."""
    twice = {"Sid": "A", "Effect": "Allow"}
    with pytest.raises(MalformedPolicy, match="legacy parsing"):
        policy(allow("s3:*", Sid="A", Effect="aLLow"), twice)
    with pytest.raises(MalformedPolicy, match="must be unique"):
        policy(allow("s3:*", Sid="A"), twice)


@pytest.mark.parametrize("text", ["", "{", "[]", "3", '{"Version":"2012-10-17"}', '{"a":1,"a":2}'])
def test_what_is_no_policy_is_a_syntax_error(text):
    with pytest.raises(MalformedPolicy, match="Syntax errors in policy"):
        parse_policy(text)


def test_sids_are_unique():
    with pytest.raises(MalformedPolicy, match="must be unique"):
        policy(allow("s3:*", Sid="A"), allow("ecr:*", Sid="A"))


def test_a_managed_policy_is_of_the_current_version():
    text = json.dumps({"Version": "2008-10-17", "Statement": allow("s3:*")})
    parse_policy(text, PolicyKind.INLINE)
    with pytest.raises(MalformedPolicy, match="must be version 2012-10-17 or greater"):
        parse_policy(text, PolicyKind.MANAGED)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"Resource": "*"}, "Has prohibited field Resource"),
        ({"Action": "s3:GetObject"}, "AssumeRole policy may only specify STS AssumeRole actions."),
        ({"Principal": {"Service": "x"}}, 'Invalid principal in policy: "SERVICE":"x"'),
        ({"Principal": {"AWS": "ann"}}, 'Invalid principal in policy: "AWS":"ann"'),
    ],
)
def test_malformed_trust_policies_are_refused(change, message):
    whole = {"Effect": "Allow", "Principal": {"AWS": ROLE}, "Action": "sts:AssumeRole"}
    with pytest.raises(MalformedPolicy) as refused:
        policy({**whole, **change}, kind=PolicyKind.TRUST)
    assert str(refused.value) == message


def test_a_trust_policy_needs_a_principal():
    with pytest.raises(MalformedPolicy, match="Missing required field Principal"):
        policy({"Effect": "Allow", "Action": "sts:AssumeRole"}, kind=PolicyKind.TRUST)
