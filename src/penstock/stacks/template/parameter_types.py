"""The types that a template's parameters may have.

A value of a type of AWS (`AWS::EC2::VPC::Id`) names something in the account, which AWS looks for.
There are no networks, machines or zones of names here to look for: what is checked is that the
value could name one at all. Docs: ADR 0035 and
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-supplied-parameter-types.html
"""

import functools
import re
from collections.abc import Mapping

_PLAIN = frozenset({"String", "Number", "List<Number>", "List<String>", "CommaDelimitedList"})
SSM_NAME = "AWS::SSM::Parameter::Name"
_ANY = re.compile(r".+", re.DOTALL)
_OF_AWS: Mapping[str, re.Pattern[str]] = {
    "AWS::EC2::AvailabilityZone::Name": re.compile(r"[a-z]{2}(-[a-z]+)+-[0-9]+[a-z0-9-]*"),
    "AWS::EC2::Image::Id": re.compile(r"ami-[0-9a-z]+"),
    "AWS::EC2::Instance::Id": re.compile(r"i-[0-9a-z]+"),
    "AWS::EC2::KeyPair::KeyName": _ANY,
    "AWS::EC2::SecurityGroup::GroupName": _ANY,
    "AWS::EC2::SecurityGroup::Id": re.compile(r"sg-[0-9a-z]+"),
    "AWS::EC2::Subnet::Id": re.compile(r"subnet-[0-9a-z]+"),
    "AWS::EC2::VPC::Id": re.compile(r"vpc-[0-9a-z]+"),
    "AWS::EC2::Volume::Id": re.compile(r"vol-[0-9a-z]+"),
    "AWS::Route53::HostedZone::Id": re.compile(r"[0-9A-Z]+"),
}
"""What the names of things look like; ids of any length, so that invented ones do."""

_NOT_IN_LISTS = frozenset({"AWS::EC2::KeyPair::KeyName"})
_SSM_VALUES = frozenset({"String", "List<String>", "CommaDelimitedList"})
_LIST = re.compile(r"List<(.+)>")
_OF_SSM = re.compile(r"AWS::SSM::Parameter::Value<(.+)>")
_NUMBER = re.compile(
    r"[-+]?(?:[0-9]{1,100}(?:\.[0-9]{0,100})?|\.[0-9]{1,100})(?:[eE][-+]?[0-9]{1,2})?"
)


def is_known(type: str) -> bool:
    """Tell whether AWS knows the type."""
    inner = _OF_SSM.fullmatch(type)
    if inner is not None:
        return inner[1] in _SSM_VALUES or _is_of_aws(inner[1])
    return type in _PLAIN or type == SSM_NAME or _is_of_aws(type)


def can_name(type: str, item: str) -> bool:
    """Tell whether a value, or an item of it, could name what the type is of."""
    listed = _LIST.fullmatch(type)
    pattern = _OF_AWS.get(listed[1] if listed else type)
    return pattern is None or pattern.fullmatch(item) is not None


def is_of_ssm(type: str) -> bool:
    """Tell whether the value names a parameter of Systems Manager, whose value counts."""
    return _OF_SSM.fullmatch(type) is not None


def names_ssm(type: str) -> bool:
    """Tell whether the value names a parameter of Systems Manager, which must exist."""
    return type == SSM_NAME or is_of_ssm(type)


def _is_of_aws(type: str) -> bool:
    listed = _LIST.fullmatch(type)
    if listed is None:
        return type in _OF_AWS
    return listed[1] in _OF_AWS and listed[1] not in _NOT_IN_LISTS


@functools.lru_cache(maxsize=256)
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
