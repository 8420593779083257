"""AWS::IAM::ManagedPolicy.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-iam-managedpolicy.html
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from penstock.arns import arn
from penstock.stacks.handlers.handler import Properties, ResourceRequest, Succeeded
from penstock.stacks.handlers.physical_name import physical_name
from penstock.stacks.resource_types.compared_resource import ComparedResource, document
from penstock.stacks.resource_types.kept_resource import changed, text_of

_LONGEST = 128
_MOST_VERSIONS = 5
_ATTRIBUTES = (
    "AttachmentCount",
    "DefaultVersionId",
    "IsAttachable",
    "PermissionsBoundaryUsageCount",
    "PolicyId",
)
Holder = tuple[str, str]
"""Role or User, and its name."""


class IamManagedPolicy(ComparedResource):
    """A managed policy and whom it is attached to; Ref gives its ARN."""

    service = "iam"
    properties = frozenset(
        {"Description", "ManagedPolicyName", "Path", "PolicyDocument", "Roles", "Users"}
    )
    taken = frozenset({"EntityAlreadyExistsException"})
    gone = frozenset({"NoSuchEntityException"})
    tags_property = None

    def identity(self, request: ResourceRequest) -> str:
        """Return the policy's ARN."""
        path = request.properties.get("Path", "/")
        return arn("iam", "", request.account_id, f"policy{path}{_name(request)}")

    async def make(self, request: ResourceRequest, identity: str) -> Succeeded:
        """Create the policy, attached to nobody."""
        parameters = self.wanted(request, "CreatePolicy", ["Description", "Path"])
        parameters["PolicyName"] = _name(request)
        parameters["PolicyDocument"] = text_of(request.properties["PolicyDocument"])
        parameters["Tags"] = self.tag_list(request)
        return _described((await self.call(request, "CreatePolicy", parameters))["Policy"])

    async def settle(self, request: ResourceRequest, physical_id: str) -> Mapping[str, Any]:
        """Make a new default version where the document changed; attach and detach."""
        attributes = {}
        if request.previous_properties and changed(request, "PolicyDocument"):
            attributes["DefaultVersionId"] = await self._new_version(request, physical_id)
        before, after = _holders(request.previous_properties), _holders(request.properties)
        for kind, holder in after:
            if (kind, holder) not in before:
                parameters = {f"{kind}Name": holder, "PolicyArn": physical_id}
                await self.call(request, f"Attach{kind}Policy", parameters)
        left = [holder for holder in before if holder not in after]
        await self._detach(request, physical_id, left)
        return attributes

    async def remove(self, request: ResourceRequest, physical_id: str) -> None:
        """Delete the policy, detached from those whom the stack gave it and with its versions."""
        await self._detach(request, physical_id, _holders(request.properties))
        for version in await self._versions(request, physical_id):
            if not version["IsDefaultVersion"]:
                await self._delete_version(request, physical_id, version["VersionId"])
        await self.call(request, "DeletePolicy", {"PolicyArn": physical_id})

    async def look(self, request: ResourceRequest, identity: str) -> Succeeded:
        """Get the policy."""
        answer = await self.call(request, "GetPolicy", {"PolicyArn": identity})
        return _described(answer["Policy"])

    async def actual(self, request: ResourceRequest, physical_id: str) -> dict[str, Any]:
        """Return the policy, its default version, and those of the template's roles and users that
        it is attached to: others attach it by themselves."""
        policy, given = {"PolicyArn": physical_id}, request.properties
        told = (await self.call(request, "GetPolicy", policy))["Policy"]
        version = {**policy, "VersionId": told["DefaultVersionId"]}
        answer = await self.call(request, "GetPolicyVersion", version)
        text = unquote(answer["PolicyVersion"]["Document"])
        found = {
            "Description": told.get("Description"),
            "ManagedPolicyName": told["PolicyName"],
            "Path": told["Path"],
            "PolicyDocument": document(given["PolicyDocument"], text),
        }
        if _holders(given):
            held = await self._held(request, physical_id)
            for kind in ("Role", "User"):
                wanted = given.get(f"{kind}s") or ()
                found[f"{kind}s"] = [name for name in wanted if (kind, str(name)) in held]
        return found

    async def _held(self, request: ResourceRequest, policy: str) -> set[Holder]:
        """Return all whom the policy is attached to."""
        held: set[Holder] = set()
        page: dict[str, str] = {}
        while True:
            asked = {"PolicyArn": policy, **page}
            answer = await self.call(request, "ListEntitiesForPolicy", asked)
            for kind in ("Role", "User"):
                held |= {(kind, str(one[f"{kind}Name"])) for one in answer[f"Policy{kind}s"]}
            if not answer.get("IsTruncated"):
                return held
            page = {"Marker": answer["Marker"]}

    async def tags(self, request: ResourceRequest, found: Succeeded) -> Mapping[str, str]:
        """Return the policy's tags."""
        parameters = {"PolicyArn": found.physical_resource_id}
        policy = (await self.call(request, "GetPolicy", parameters))["Policy"]
        return self.from_list(policy["Tags"])

    async def _new_version(self, request: ResourceRequest, policy: str) -> str:
        """Make the wanted document the default; the oldest version makes room, as on AWS."""
        versions = await self._versions(request, policy)
        if request.resumed and (made := await self._made_version(request, policy, versions)):
            return made
        if len(versions) >= _MOST_VERSIONS:
            spare = [one for one in versions if not one["IsDefaultVersion"]]
            oldest = min(spare, key=lambda one: one["CreateDate"])
            await self._delete_version(request, policy, oldest["VersionId"])
        document = text_of(request.properties["PolicyDocument"])
        parameters = {"PolicyArn": policy, "PolicyDocument": document, "SetAsDefault": True}
        answer = await self.call(request, "CreatePolicyVersion", parameters)
        return str(answer["PolicyVersion"]["VersionId"])

    async def _made_version(
        self, request: ResourceRequest, policy: str, versions: list[Mapping[str, Any]]
    ) -> str | None:
        """Return the default version where it has the wanted document already."""
        default = next(str(one["VersionId"]) for one in versions if one["IsDefaultVersion"])
        parameters = {"PolicyArn": policy, "VersionId": default}
        answer = await self.call(request, "GetPolicyVersion", parameters)
        kept = unquote(answer["PolicyVersion"]["Document"])
        return default if kept == text_of(request.properties["PolicyDocument"]) else None

    async def _versions(self, request: ResourceRequest, policy: str) -> list[Mapping[str, Any]]:
        answer = await self.call(request, "ListPolicyVersions", {"PolicyArn": policy})
        return list(answer["Versions"])

    async def _delete_version(self, request: ResourceRequest, policy: str, version: str) -> None:
        parameters = {"PolicyArn": policy, "VersionId": version}
        await self.call(request, "DeletePolicyVersion", parameters)

    async def _detach(self, request: ResourceRequest, policy: str, holders: list[Holder]) -> None:
        for kind, holder in holders:
            parameters = {f"{kind}Name": holder, "PolicyArn": policy}
            await self.call_if_there(request, f"Detach{kind}Policy", parameters)


def _name(request: ResourceRequest) -> str:
    return request.properties.get("ManagedPolicyName") or physical_name(request, _LONGEST)


def _described(policy: Mapping[str, Any]) -> Succeeded:
    attributes = {name: policy[name] for name in _ATTRIBUTES}
    attributes["CreateDate"] = policy["CreateDate"].isoformat()
    attributes["UpdateDate"] = policy["UpdateDate"].isoformat()
    attributes["PolicyArn"] = policy["Arn"]
    return Succeeded(policy["Arn"], attributes)


def _holders(properties: Properties) -> list[Holder]:
    return [
        (kind, str(name)) for kind in ("Role", "User") for name in properties.get(f"{kind}s") or ()
    ]
