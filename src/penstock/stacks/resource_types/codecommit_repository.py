"""AWS::CodeCommit::Repository.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-codecommit-repository.html
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from penstock.stacks.handlers.api_shapes import merged_tags
from penstock.stacks.handlers.handler import Properties, ResourceRequest, Succeeded
from penstock.stacks.resource_types.compared_resource import ComparedResource
from penstock.stacks.resource_types.kept_resource import changed


class CodeCommitRepository(ComparedResource):
    """A git repository; Ref gives its id."""

    service = "codecommit"
    properties = frozenset({"RepositoryDescription", "RepositoryName", "Tags"})
    taken = frozenset({"RepositoryNameExistsException"})
    gone = frozenset({"RepositoryDoesNotExistException"})

    def identity(self, request: ResourceRequest) -> str:
        """Return the repository's name."""
        return str(request.properties["RepositoryName"])

    async def make(self, request: ResourceRequest, identity: str) -> Succeeded:
        """Create the repository, empty, with its tags."""
        names = ["RepositoryDescription", "RepositoryName"]
        parameters = self.wanted(request, "CreateRepository", names)
        parameters["tags"] = merged_tags(request, request.properties.get("Tags"))
        answer = await self.call(request, "CreateRepository", parameters)
        return _described(answer["repositoryMetadata"])

    async def settle(self, request: ResourceRequest, physical_id: str) -> Mapping[str, Any]:
        """Rename the repository and change its description."""
        if not request.previous_properties:
            return {}
        attributes: Mapping[str, Any] = {}
        name = self.identity(request)
        if changed(request, "RepositoryName"):
            names = {"oldName": request.previous_properties["RepositoryName"], "newName": name}
            renamed = await self.find(request, name)
            if renamed is None or renamed.physical_resource_id != physical_id:
                await self.call(request, "UpdateRepositoryName", names)
            attributes = (await self.look(request, name)).attributes
        if changed(request, "RepositoryDescription"):
            operation = "UpdateRepositoryDescription"
            parameters = self.wanted(request, operation, ["RepositoryDescription"])
            await self.call(request, operation, {"repositoryName": name, **parameters})
        return attributes

    async def remove(self, request: ResourceRequest, physical_id: str) -> None:
        """Delete the repository with its history."""
        await self.call(request, "DeleteRepository", {"repositoryName": self.identity(request)})

    async def look(self, request: ResourceRequest, identity: str) -> Succeeded:
        """Get the repository by its name."""
        parameters = {"repositoryName": self.identity(request)}
        answer = await self.call(request, "GetRepository", parameters)
        return _described(answer["repositoryMetadata"])

    async def actual_properties(self, request: ResourceRequest) -> Properties | None:
        """Return the properties of the repository of this id, which may be called otherwise now."""
        name = await self._name_now(request)
        if name is None:
            return None
        answer = await self.call(request, "GetRepository", {"repositoryName": name})
        found = _described(answer["repositoryMetadata"])
        return await super().actual_properties(
            msgspec.structs.replace(request, attributes=found.attributes)
        )

    async def actual(self, request: ResourceRequest, physical_id: str) -> dict[str, Any]:
        """Return the repository's name and description."""
        name = request.attributes["Name"]
        answer = await self.call(request, "GetRepository", {"repositoryName": name})
        found = self.described("GetRepository", answer)["RepositoryMetadata"]
        return {each: found.get(each) for each in ("RepositoryName", "RepositoryDescription")}

    async def _name_now(self, request: ResourceRequest) -> str | None:
        page: dict[str, str] = {}
        while True:
            answer = await self.call(request, "ListRepositories", page)
            for each in answer["repositories"]:
                if each["repositoryId"] == request.physical_resource_id:
                    return str(each["repositoryName"])
            if not answer.get("nextToken"):
                return None
            page = {"nextToken": answer["nextToken"]}

    async def tags(self, request: ResourceRequest, found: Succeeded) -> Mapping[str, str]:
        """Return the repository's tags."""
        parameters = {"resourceArn": found.attributes["Arn"]}
        answer = await self.call(request, "ListTagsForResource", parameters)
        tags: Mapping[str, str] = answer["tags"]
        return tags

    async def retag(
        self,
        request: ResourceRequest,
        physical_id: str,
        added: Mapping[str, str],
        removed: Sequence[str],
    ) -> None:
        """Change the repository's tags."""
        found = await self.look(request, physical_id)  # its ARN changes with its name
        resource = {"resourceArn": found.attributes["Arn"]}
        if added:
            await self.call(request, "TagResource", {**resource, "tags": dict(added)})
        if removed:
            await self.call(request, "UntagResource", {**resource, "tagKeys": list(removed)})


def _described(repository: Mapping[str, Any]) -> Succeeded:
    """Return the repository; it has no CloneUrlSsh, for there is no SSH here."""
    attributes = {
        "Arn": repository["Arn"],
        "CloneUrlHttp": repository["cloneUrlHttp"],
        "Name": repository["repositoryName"],
        "RepositoryId": repository["repositoryId"],
    }
    return Succeeded(repository["repositoryId"], attributes)
