"""AWS::IAM::Policy: one inline policy in roles and users.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-iam-policy.html
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from penstock.aws.errors import ServiceError
from penstock.stacks.handlers.handler import Properties, ResourceRequest, Succeeded
from penstock.stacks.handlers.physical_name import physical_name
from penstock.stacks.resource_types.compared_resource import ComparedResource, document
from penstock.stacks.resource_types.kept_resource import changed, text_of

_LONGEST = 128
Holder = tuple[str, str]
"""Role or User, and its name."""


class IamPolicy(ComparedResource):
    """An inline policy; Ref gives a name of CloudFormation's own, not PolicyName."""

    service = "iam"
    properties = frozenset({"PolicyDocument", "PolicyName", "Roles", "Users"})
    gone = frozenset({"NoSuchEntityException"})
    tags_property = None

    def identity(self, request: ResourceRequest) -> str:
        """Return the id that CloudFormation makes up."""
        return physical_name(request, _LONGEST)

    async def make(self, request: ResourceRequest, identity: str) -> Succeeded:
        """Check that somebody gets the policy; `settle` puts it."""
        if not _holders(request.properties):
            raise ServiceError(
                "ValidationError", "At least one of [Groups,Roles,Users] must be non-empty."
            )
        return _described(identity)

    async def settle(self, request: ResourceRequest, physical_id: str) -> Mapping[str, Any]:
        """Put the policy where it belongs, remove it from where it no longer does."""
        before, after = _holders(request.previous_properties), _holders(request.properties)
        text = text_of(request.properties["PolicyDocument"])
        name = request.properties["PolicyName"]
        everywhere = changed(request, "PolicyName", "PolicyDocument")
        for kind, holder in after:
            if everywhere or (kind, holder) not in before:
                parameters = _parameters(kind, holder, name) | {"PolicyDocument": text}
                await self.call(request, f"Put{kind}Policy", parameters)
        renamed = changed(request, "PolicyName")
        left = [holder for holder in before if renamed or holder not in after]
        await self._delete(request, request.previous_properties.get("PolicyName", ""), left)
        return {}

    async def remove(self, request: ResourceRequest, physical_id: str) -> None:
        """Delete the policy from every role and user."""
        holders = _holders(request.properties)
        await self._delete(request, request.properties["PolicyName"], holders)

    async def look(self, request: ResourceRequest, identity: str) -> Succeeded:
        """Get the policy from each that holds it."""
        for kind, holder in _holders(request.properties):
            parameters = _parameters(kind, holder, request.properties["PolicyName"])
            await self.call(request, f"Get{kind}Policy", parameters)
        return _described(identity)

    async def actual(self, request: ResourceRequest, physical_id: str) -> dict[str, Any]:
        """Return who of the template's roles and users holds the policy, and its document: one that
        somebody's differs in, where it does. It is gone once nobody holds it."""
        given = request.properties
        found: dict[Holder, Any] = {}
        for kind, holder in _holders(given):
            parameters = _parameters(kind, holder, given["PolicyName"])
            try:
                answer = await self.call(request, f"Get{kind}Policy", parameters)
            except ServiceError as error:
                if error.code not in self.gone:
                    raise
                continue
            text = unquote(answer["PolicyDocument"])
            found[kind, holder] = document(given["PolicyDocument"], text)
        if not found:
            raise ServiceError("NoSuchEntityException", f"Nobody has {given['PolicyName']}.")
        documents = list(found.values())
        changed_one = next((one for one in documents if one != given["PolicyDocument"]), None)
        holders = {
            f"{kind}s": [name for name in given.get(f"{kind}s") or () if (kind, str(name)) in found]
            for kind in ("Role", "User")
        }
        return {
            "PolicyName": given["PolicyName"],
            "PolicyDocument": documents[0] if changed_one is None else changed_one,
            **holders,
        }

    async def _delete(self, request: ResourceRequest, name: str, holders: list[Holder]) -> None:
        for kind, holder in holders:
            parameters = _parameters(kind, holder, name)
            await self.call_if_there(request, f"Delete{kind}Policy", parameters)


def _described(physical_id: str) -> Succeeded:
    return Succeeded(physical_id, {"Id": physical_id})


def _parameters(kind: str, holder: str, policy: str) -> dict[str, str]:
    return {f"{kind}Name": holder, "PolicyName": policy}


def _holders(properties: Properties) -> list[Holder]:
    return [
        (kind, str(name)) for kind in ("Role", "User") for name in properties.get(f"{kind}s") or ()
    ]
