"""AWS::IAM::Role.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-iam-role.html
"""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import unquote

from penstock.stacks.handlers.handler import Properties, ResourceRequest, Succeeded
from penstock.stacks.handlers.physical_name import physical_name
from penstock.stacks.resource_types.compared_resource import ComparedResource, document
from penstock.stacks.resource_types.kept_resource import changed, text_of

_LONGEST = 64
_DEFAULT_SESSION_SECONDS = 3600


class IamRole(ComparedResource):
    """A role with its inline policies and attachments; Ref gives its name."""

    service = "iam"
    properties = frozenset(
        {
            "AssumeRolePolicyDocument",
            "Description",
            "ManagedPolicyArns",
            "MaxSessionDuration",
            "Path",
            "PermissionsBoundary",
            "Policies",
            "RoleName",
            "Tags",
        }
    )
    taken = frozenset({"EntityAlreadyExistsException"})
    gone = frozenset({"NoSuchEntityException"})

    def identity(self, request: ResourceRequest) -> str:
        """Return the role's name."""
        return request.properties.get("RoleName") or physical_name(request, _LONGEST)

    async def make(self, request: ResourceRequest, identity: str) -> Succeeded:
        """Create the role without policies."""
        names = ["Description", "MaxSessionDuration", "Path", "PermissionsBoundary"]
        trust = text_of(request.properties["AssumeRolePolicyDocument"])
        parameters = self.wanted(request, "CreateRole", names)
        parameters |= {"RoleName": identity, "AssumeRolePolicyDocument": trust}
        parameters["Tags"] = self.tag_list(request)
        return _described((await self.call(request, "CreateRole", parameters))["Role"])

    async def settle(self, request: ResourceRequest, physical_id: str) -> Mapping[str, Any]:
        """Bring trust, boundary, inline policies and attachments to what is asked."""
        if request.previous_properties:
            await self._settle_role(request, physical_id)
        role = {"RoleName": physical_id}
        before, after = _inline(request.previous_properties), _inline(request.properties)
        for name, text in after.items():
            if before.get(name) != text:
                parameters = {**role, "PolicyName": name, "PolicyDocument": text}
                await self.call(request, "PutRolePolicy", parameters)
        await self._delete_inline(
            request, physical_id, [name for name in before if name not in after]
        )
        attached, wanted = _attached(request.previous_properties), _attached(request.properties)
        for policy in wanted:
            if policy not in attached:
                await self.call(request, "AttachRolePolicy", {**role, "PolicyArn": policy})
        await self._detach(request, physical_id, [one for one in attached if one not in wanted])
        return {}

    async def remove(self, request: ResourceRequest, physical_id: str) -> None:
        """Delete the role with the policies that the stack gave it."""
        await self._delete_inline(request, physical_id, list(_inline(request.properties)))
        await self._detach(request, physical_id, _attached(request.properties))
        await self.call(request, "DeleteRole", {"RoleName": physical_id})

    async def look(self, request: ResourceRequest, identity: str) -> Succeeded:
        """Get the role."""
        return _described((await self.call(request, "GetRole", {"RoleName": identity}))["Role"])

    async def actual(self, request: ResourceRequest, physical_id: str) -> dict[str, Any]:
        """Return the role, its attachments, and those of the template's inline policies that it
        has: others come from resources of their own."""
        name, given = {"RoleName": physical_id}, request.properties
        role = (await self.call(request, "GetRole", name))["Role"]
        trust = unquote(role["AssumeRolePolicyDocument"])
        attached = await self._pages(request, "ListAttachedRolePolicies", name, "AttachedPolicies")
        found = {key: role.get(key) for key in ("Description", "MaxSessionDuration", "Path")}
        found["RoleName"] = physical_id
        found["AssumeRolePolicyDocument"] = document(given["AssumeRolePolicyDocument"], trust)
        boundary = role.get("PermissionsBoundary") or {}
        found["PermissionsBoundary"] = boundary.get("PermissionsBoundaryArn")
        found["ManagedPolicyArns"] = [one["PolicyArn"] for one in attached]
        there = set(await self._pages(request, "ListRolePolicies", name, "PolicyNames"))
        found["Policies"] = [
            await self._inline_policy(request, name, one)
            for one in given.get("Policies") or ()
            if one["PolicyName"] in there
        ]
        return found

    async def _inline_policy(
        self, request: ResourceRequest, role: Mapping[str, str], given: Mapping[str, Any]
    ) -> dict[str, Any]:
        wanted = {**role, "PolicyName": given["PolicyName"]}
        answer = await self.call(request, "GetRolePolicy", wanted)
        text = unquote(answer["PolicyDocument"])
        found = document(given["PolicyDocument"], text)
        return {"PolicyName": given["PolicyName"], "PolicyDocument": found}

    async def _pages(
        self, request: ResourceRequest, operation: str, role: Mapping[str, str], member: str
    ) -> list[Any]:
        found: list[Any] = []
        page: dict[str, str] = {}
        while True:
            answer = await self.call(request, operation, {**role, **page})
            found += answer[member]
            if not answer.get("IsTruncated"):
                return found
            page = {"Marker": answer["Marker"]}

    async def tags(self, request: ResourceRequest, found: Succeeded) -> Mapping[str, str]:
        """Return the role's tags."""
        parameters = {"RoleName": found.physical_resource_id}
        role = (await self.call(request, "GetRole", parameters))["Role"]
        return self.from_list(role.get("Tags") or ())

    async def retag(
        self,
        request: ResourceRequest,
        physical_id: str,
        added: Mapping[str, str],
        removed: Sequence[str],
    ) -> None:
        """Change the role's tags."""
        role = {"RoleName": physical_id}
        if added:
            await self.call(request, "TagRole", {**role, "Tags": self.as_list(added)})
        if removed:
            await self.call(request, "UntagRole", {**role, "TagKeys": list(removed)})

    async def _settle_role(self, request: ResourceRequest, name: str) -> None:
        role, properties = {"RoleName": name}, request.properties
        if changed(request, "AssumeRolePolicyDocument"):
            trust = text_of(properties["AssumeRolePolicyDocument"])
            await self.call(request, "UpdateAssumeRolePolicy", {**role, "PolicyDocument": trust})
        if changed(request, "Description", "MaxSessionDuration"):
            names = ["Description", "MaxSessionDuration"]
            defaults = {"Description": "", "MaxSessionDuration": _DEFAULT_SESSION_SECONDS}
            parameters = {**defaults, **self.wanted(request, "UpdateRole", names), **role}
            await self.call(request, "UpdateRole", parameters)
        if changed(request, "PermissionsBoundary"):
            boundary = self.wanted(request, "PutRolePermissionsBoundary", ["PermissionsBoundary"])
            operation = "Put" if boundary else "Delete"
            await self.call(request, f"{operation}RolePermissionsBoundary", {**role, **boundary})

    async def _delete_inline(
        self, request: ResourceRequest, role: str, names: Sequence[str]
    ) -> None:
        for name in names:
            parameters = {"RoleName": role, "PolicyName": name}
            await self.call_if_there(request, "DeleteRolePolicy", parameters)

    async def _detach(self, request: ResourceRequest, role: str, arns: Sequence[str]) -> None:
        for policy in arns:
            parameters = {"RoleName": role, "PolicyArn": policy}
            await self.call_if_there(request, "DetachRolePolicy", parameters)


def _described(role: Mapping[str, Any]) -> Succeeded:
    return Succeeded(role["RoleName"], {"Arn": role["Arn"], "RoleId": role["RoleId"]})


def _inline(properties: Properties) -> dict[str, str]:
    policies = properties.get("Policies") or ()
    return {one["PolicyName"]: text_of(one["PolicyDocument"]) for one in policies}


def _attached(properties: Properties) -> list[str]:
    return list(properties.get("ManagedPolicyArns") or ())
