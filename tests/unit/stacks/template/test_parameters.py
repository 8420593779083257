import pytest

from penstock.aws.errors import ServiceError
from penstock.stacks.template.load import load_template
from penstock.stacks.template.parameters import GivenParameter, SsmParameter, resolve_parameters
from penstock.stacks.template.template import ParameterValue

MISSING = "Parameter validation failed: parameter value {} for parameter name P does not exist"


def declared(members: str):
    return load_template(
        f"Parameters: {{P: {{{members}}}}}\nResources: {{T: {{Type: 'AWS::SNS::Topic'}}}}"
    )


async def no_ssm(names):
    return {}


async def resolved(template, given=(), previous=None, resolve_ssm=no_ssm):
    parameters = [GivenParameter(key, value) for key, value in given]
    return await resolve_parameters(template, parameters, previous or {}, resolve_ssm)


async def refused(template, given=(), previous=None) -> str:
    with pytest.raises(ServiceError) as raised:
        await resolved(template, given, previous)
    assert (raised.value.code, raised.value.status) == ("ValidationError", 400)
    return raised.value.message


async def test_a_given_value_goes_before_the_default():
    template = declared("Type: String, Default: a")
    assert await resolved(template) == {"P": ParameterValue("a")}
    assert await resolved(template, [("P", "b")]) == {"P": ParameterValue("b")}
    assert await resolved(template, [("P", "")]) == {"P": ParameterValue("")}


async def test_what_was_before_counts_only_when_asked_for():
    template = declared("Type: String, Default: a")
    before = {"P": ParameterValue("old")}
    assert await resolved(template, previous=before) == {"P": ParameterValue("a")}
    given = [GivenParameter("P", use_previous=True)]
    found = await resolve_parameters(template, given, before, no_ssm)
    assert found == {"P": ParameterValue("old")}


async def test_no_echo_is_remembered():
    template = declared("Type: String, NoEcho: true")
    assert await resolved(template, [("P", "x")]) == {"P": ParameterValue("x", no_echo=True)}


async def test_a_secret_that_is_taken_over_stays_one():
    template = declared("Type: String")
    before = {"P": ParameterValue("x", no_echo=True)}
    given = [GivenParameter("P", use_previous=True)]
    assert await resolve_parameters(template, given, before, no_ssm) == before
    assert await resolved(template, [("P", "x")], before) == {"P": ParameterValue("x")}


async def test_a_secret_that_names_nothing_is_not_quoted():
    template = declared("Type: 'AWS::EC2::VPC::Id', NoEcho: true")
    assert await refused(template, [("P", "abc")]) == MISSING.format("****")


async def test_parameters_without_a_value_are_named():
    template = load_template(
        "Parameters: {A: {Type: String}, B: {Type: Number}, C: {Type: String, Default: x}}\n"
        "Resources: {T: {Type: 'AWS::SNS::Topic'}}"
    )
    assert await refused(template) == "Parameters: [A, B] must have values"


async def test_parameters_that_the_template_lacks_are_named():
    template = declared("Type: String, Default: a")
    assert await refused(template, [("P", "a"), ("X", "1"), ("Y", "2")]) == (
        "Parameters: [X, Y] do not exist in the template"
    )


async def test_a_parameter_given_without_a_value_needs_a_default():
    assert await refused(declared("Type: String"), [("P", None)]) == (
        "Parameter P should either have input value or default value"
    )


async def test_use_previous_value_needs_one_and_excludes_another():
    template = declared("Type: String, Default: a")
    for given, end in (
        (GivenParameter("P", None, True), "for a parameter key not in the previous template"),
        (GivenParameter("P", "x", True), "and non empty value for a parameter"),
    ):
        with pytest.raises(ServiceError) as raised:
            await resolve_parameters(template, [given], {}, no_ssm)
        assert raised.value.message == (
            f"Invalid input for parameter key P. Cannot specify usePreviousValue as true {end}"
        )


@pytest.mark.parametrize(
    ("members", "value", "message"),
    [
        ("Type: Number", "x", "Parameter 'P' must be a number."),
        ("Type: Number", "", "Parameter 'P' must be a number."),
        ("Type: Number", "inf", "Parameter 'P' must be a number."),
        ("Type: List<Number>", "1, x", "Parameter 'P' must be a number."),
        ("Type: String, AllowedValues: [a, b]", "c", "Parameter 'P' must be one of AllowedValues"),
        ("Type: CommaDelimitedList, AllowedValues: [a, b]", "a,c",
         "Parameter 'P' must be one of AllowedValues"),
        ("Type: String, AllowedPattern: '[a-z]+'", "aB", "Parameter 'P' must match pattern [a-z]+"),
        ("Type: String, MinLength: 3", "ab", "Parameter 'P' must contain at least 3 characters"),
        ("Type: String, MaxLength: '3'", "abcd", "Parameter 'P' must contain at most 3 characters"),
        ("Type: Number, MinValue: 1", "0", "Parameter 'P' must be a number not less than 1"),
        ("Type: AWS::EC2::VPC::Id", "10.0.0.0/16", MISSING.format("10.0.0.0/16")),
        ("Type: AWS::EC2::KeyPair::KeyName", "", MISSING.format("")),
        ("Type: 'List<AWS::EC2::Subnet::Id>'", "subnet-1, sg-2", MISSING.format("sg-2")),
        ("Type: AWS::EC2::AvailabilityZone::Name", "Virginia", MISSING.format("Virginia")),
        ("Type: String", "x" * 4097, "Parameter 'P' must contain at most 4096 bytes, found 4097"),
        ("Type: Number, MaxValue: 9", "10", "Parameter 'P' must be a number not greater than 9"),
        ("Type: String, MinLength: 3, ConstraintDescription: be long", "a",
         "Parameter P failed to satisfy constraint: be long"),
    ],
)  # fmt: skip
async def test_constraints(members, value, message):
    assert await refused(declared(members), [("P", value)]) == message


@pytest.mark.parametrize(
    ("members", "value"),
    [
        ("Type: Number", "-1.5"),
        ("Type: Number, MinValue: 1, MaxValue: 3", "3"),
        ("Type: List<Number>", "1, 2"),
        ("Type: String, AllowedPattern: '^[a-z]*$', MinLength: 1", "abc"),
        ("Type: CommaDelimitedList, AllowedPattern: '[a-z]+'", "a, b"),
        ("Type: AWS::EC2::VPC::Id", "vpc-1"),
        ("Type: 'List<AWS::EC2::Subnet::Id>'", "subnet-1,subnet-2"),
        ("Type: 'List<AWS::EC2::AvailabilityZone::Name>'", "us-east-1a, us-west-2-lax-1a"),
        ("Type: AWS::EC2::Image::Id", "ami-0ff8a91507f77f867"),
        ("Type: AWS::Route53::HostedZone::Id", "Z23YXV4OVPL04A"),
        ("Type: String", "x" * 4096),
    ],
)
async def test_values_within_the_constraints(members, value):
    assert await resolved(declared(members), [("P", value)]) == {"P": ParameterValue(value)}


async def test_defaults_are_checked_too():
    template = declared("Type: String, Default: x, AllowedValues: [a]")
    assert await refused(template) == "Parameter 'P' must be one of AllowedValues"


async def test_an_allowed_pattern_that_is_none_is_named():
    template = declared("Type: String, AllowedPattern: '['")
    assert "no regular expression: [" in await refused(template, [("P", "x")])


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("(a+)+", "Parameter 'P' must match pattern (a+)+"),
        (
            "(a|aa)+",
            (
                "Parameter 'P' has an AllowedPattern that takes too long to match with its value; "
                "write it without repetitions within repetitions: (a|aa)+"
            ),
        ),
    ],
)
async def test_an_allowed_pattern_does_not_freeze_the_server(pattern, message):
    template = declared(f"Type: String, AllowedPattern: '{pattern}'")
    assert await refused(template, [("P", "a" * 80 + "!")]) == message


@pytest.mark.parametrize("pattern", [r"\\p{L}" * 17, "a" * 4097])
async def test_an_allowed_pattern_that_is_too_large_is_refused(pattern):
    template = declared(f"Type: String, AllowedPattern: '{pattern}'")
    assert await refused(template, [("P", "x")]) == (
        f"Parameter 'P' has an AllowedPattern of {len(pattern)} characters; expected at most 4096, "
        "and 16 of \\p{…}"
    )


async def test_a_parameter_of_parameter_store_keeps_its_name_and_gets_its_value():
    async def ssm(names):
        assert names == ["/image"]
        return {"/image": SsmParameter("String", "ami-1")}

    template = declared("Type: 'AWS::SSM::Parameter::Value<AWS::EC2::Image::Id>', Default: /image")
    [value] = (await resolved(template, resolve_ssm=ssm)).values()
    assert (value.value, value.resolved, value.effective) == ("/image", "ami-1", "ami-1")


@pytest.mark.parametrize(
    "type", ["AWS::SSM::Parameter::Value<String>", "AWS::SSM::Parameter::Name"]
)
async def test_a_parameter_that_parameter_store_lacks(type):
    template = declared(f"Type: '{type}', Default: /none")
    assert await refused(template) == (
        "Unable to fetch parameters [/none] from parameter store for this account."
    )


async def test_all_that_parameter_store_lacks_is_named():
    template = load_template(
        "Parameters:\n"
        "  A: {Type: 'AWS::SSM::Parameter::Value<String>', Default: /a}\n"
        "  B: {Type: 'AWS::SSM::Parameter::Value<List<String>>', Default: '/b:2'}\n"
        "Resources: {T: {Type: 'AWS::SNS::Topic'}}"
    )
    assert await refused(template) == (
        "Unable to fetch parameters [/a,/b:2] from parameter store for this account."
    )


async def test_a_secure_string_is_no_value_but_may_be_named():
    async def ssm(names):
        return {"/s": SsmParameter("SecureString", "ciphertext")}

    value = declared("Type: 'AWS::SSM::Parameter::Value<String>', Default: /s")
    with pytest.raises(ServiceError) as raised:
        await resolved(value, resolve_ssm=ssm)
    assert raised.value.message == (
        "Parameters [/s] referenced by template have types not supported by CloudFormation."
    )
    name = declared("Type: AWS::SSM::Parameter::Name, Default: /s")
    assert await resolved(name, resolve_ssm=ssm) == {"P": ParameterValue("/s")}


async def test_constraints_of_ssm_types_are_of_the_name():
    type = "AWS::SSM::Parameter::Value<List<String>>"
    template = declared(f"Type: '{type}', AllowedValues: [/a], Default: /b")
    assert await refused(template) == "Parameter 'P' must be one of AllowedValues"


@pytest.mark.parametrize(
    "type",
    ["string", "List<Strin>", "AWS::SSM::Parameter::Value<Number>", "AWS::EC2::Nothing::Id",
     "AWS::SSM::Parameter::Value<AWS::SSM::Parameter::Value<String>>", "List<CommaDelimitedList>",
     "AWS::SSM::Parameter::Value<List<Number>>", "List<AWS::SSM::Parameter::Value<String>>",
     "List<AWS::EC2::KeyPair::KeyName>", "AWS::SSM::Parameter::Value<SecureString>"],
)  # fmt: skip
def test_types_that_aws_lacks(type):
    with pytest.raises(ServiceError) as raised:
        declared(f"Type: '{type}'")
    assert raised.value.message == f"Template format error: Unrecognized parameter type: {type}"
