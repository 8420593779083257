"""The types that a template's parameters may have.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-supplied-parameter-types.html
"""

import re

_PLAIN = frozenset({"String", "Number", "List<Number>", "List<String>", "CommaDelimitedList"})
_OF_AWS = frozenset(
    {
        "AWS::EC2::AvailabilityZone::Name",
        "AWS::EC2::Image::Id",
        "AWS::EC2::Instance::Id",
        "AWS::EC2::KeyPair::KeyName",
        "AWS::EC2::SecurityGroup::GroupName",
        "AWS::EC2::SecurityGroup::Id",
        "AWS::EC2::Subnet::Id",
        "AWS::EC2::VPC::Id",
        "AWS::EC2::Volume::Id",
        "AWS::Route53::HostedZone::Id",
        "AWS::SSM::Parameter::Name",
    }
)
_LIST = re.compile(r"List<(.+)>")
_OF_SSM = re.compile(r"AWS::SSM::Parameter::Value<(.+)>")
_NUMBER = re.compile(
    r"[-+]?(?:[0-9]{1,100}(?:\.[0-9]{0,100})?|\.[0-9]{1,100})(?:[eE][-+]?[0-9]{1,2})?"
)


def is_known(type: str) -> bool:
    """Tell whether AWS knows the type."""
    inner = _OF_SSM.fullmatch(type)
    if inner is not None:
        return inner[1] != "Number" and is_known(inner[1]) and not is_of_ssm(inner[1])
    if type in _PLAIN or type in _OF_AWS:
        return True
    listed = _LIST.fullmatch(type)
    return listed is not None and listed[1] in _OF_AWS


def is_of_ssm(type: str) -> bool:
    """Tell whether the value names a parameter of Systems Manager, whose value counts."""
    return _OF_SSM.fullmatch(type) is not None


def is_list(type: str) -> bool:
    """Tell whether Ref gives a list."""
    inner = _OF_SSM.fullmatch(type)
    named = inner[1] if inner else type
    return named == "CommaDelimitedList" or _LIST.fullmatch(named) is not None


def is_number(type: str) -> bool:
    """Tell whether the value, or each item, must be a number."""
    return type in ("Number", "List<Number>")


def items(value: str) -> list[str]:
    """Return the items of a list parameter's text, without the spaces around them."""
    return [item.strip() for item in value.split(",")]


def number(text: str) -> float | None:
    """Return the number that a text is, None when it is none (`inf` is none)."""
    return float(text) if _NUMBER.fullmatch(text.strip()) else None
