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


def check(template: Template, acknowledged: Collection[str]) -> None:
    """Raise InsufficientCapabilitiesException naming what the request has to acknowledge."""
    needed = {_needed(each) for each in template.resources.values()} - {None}
    missing = []
    if _NAMED in needed and _NAMED not in acknowledged:
        missing.append(_NAMED)
    elif _IAM in needed and not {_IAM, _NAMED} & set(acknowledged):
        missing.append(_IAM)
    if template.transforms and _EXPAND not in acknowledged:
        missing.append(_EXPAND)
    if missing:
        raise ServiceError(
            "InsufficientCapabilitiesException",
            f"Requires capabilities : [{', '.join(missing)}]",
        )


def _needed(resource: ResourceDeclaration) -> str | None:
    if resource.type not in _NAME_PROPERTIES:
        return None
    return _NAMED if _NAME_PROPERTIES[resource.type] in resource.properties else _IAM
