"""Which capabilities a template needs acknowledged before anything is made. Pure.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateStack.html
(Capabilities). A template's conditions make no difference.
"""

from collections.abc import Collection

from penstock.aws.errors import ServiceError
from penstock.stacks.template.template import ResourceDeclaration, Template

_IAM, _NAMED, _EXPAND = "CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"

_NAME_PROPERTIES = {
    "AWS::IAM::AccessKey": None,
    "AWS::IAM::Group": "GroupName",
    "AWS::IAM::InstanceProfile": "InstanceProfileName",
    "AWS::IAM::ManagedPolicy": "ManagedPolicyName",
    "AWS::IAM::Policy": None,
    "AWS::IAM::Role": "RoleName",
    "AWS::IAM::User": "UserName",
    "AWS::IAM::UserToGroupAddition": None,
}
"""The types that need CAPABILITY_IAM; with this property, CAPABILITY_NAMED_IAM."""


def check(template: Template, acknowledged: Collection[str], *, reviewed: bool = False) -> None:
    """Raise InsufficientCapabilitiesException naming what the request has to acknowledge.

    What transforms make is `reviewed` in a change set, which needs no CAPABILITY_AUTO_EXPAND.
    """
    sufficient = {_IAM: {_IAM, _NAMED}}
    given = {*acknowledged, _EXPAND} if reviewed else set(acknowledged)
    missing = [one for one in required(template) if not sufficient.get(one, {one}) & given]
    if missing:
        raise ServiceError(
            "InsufficientCapabilitiesException",
            f"Requires capabilities : [{', '.join(missing)}]",
        )


def required(template: Template) -> list[str]:
    """Return the capabilities that the template needs; a named one includes CAPABILITY_IAM."""
    found = {needed(each) for each in template.resources.values()}
    of_iam = [_NAMED] if _NAMED in found else [_IAM] if _IAM in found else []
    return [*of_iam, _EXPAND] if template.transforms else of_iam


def needed(resource: ResourceDeclaration) -> str | None:
    """Return the capability that one resource needs, None when it needs none."""
    if resource.type not in _NAME_PROPERTIES:
        return None
    return _NAMED if _NAME_PROPERTIES[resource.type] in resource.properties else _IAM
