"""AWS::ECR::Repository.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-ecr-repository.html
"""

from collections.abc import Mapping
from typing import Any

from penstock.stacks.handlers.handler import ResourceRequest, Succeeded
from penstock.stacks.handlers.physical_name import physical_name
from penstock.stacks.resource_types.compared_resource import ComparedResource
from penstock.stacks.resource_types.kept_resource import changed
from penstock.stacks.resource_types.tagged_by_arn import TaggedByArn

_LONGEST = 256


class EcrRepository(ComparedResource, TaggedByArn):
    """A repository of images; Ref gives its name."""

    service = "ecr"
    properties = frozenset(
        {
            "EmptyOnDelete",
            "EncryptionConfiguration",
            "ImageScanningConfiguration",
            "ImageTagMutability",
            "RepositoryName",
            "Tags",
        }
    )
    taken = frozenset({"RepositoryAlreadyExistsException"})
    gone = frozenset({"RepositoryNotFoundException"})

    def identity(self, request: ResourceRequest) -> str:
        """Return the repository's name."""
        name = request.properties.get("RepositoryName")
        return name or physical_name(request, _LONGEST, lower=True)

    async def make(self, request: ResourceRequest, identity: str) -> Succeeded:
        """Create the repository with its tags."""
        names = ["EncryptionConfiguration", "ImageScanningConfiguration", "ImageTagMutability"]
        parameters = self.wanted(request, "CreateRepository", names)
        parameters |= {"repositoryName": identity, "tags": self.tag_list(request)}
        answer = await self.call(request, "CreateRepository", parameters)
        return _described(answer["repository"])

    async def settle(self, request: ResourceRequest, physical_id: str) -> Mapping[str, Any]:
        """Change the settings of a repository that is there."""
        repository = {"repositoryName": physical_id}
        if request.previous_properties and changed(request, "ImageTagMutability"):
            mutability = request.properties.get("ImageTagMutability", "MUTABLE")
            parameters = {**repository, "imageTagMutability": mutability}
            await self.call(request, "PutImageTagMutability", parameters)
        if request.previous_properties and changed(request, "ImageScanningConfiguration"):
            operation = "PutImageScanningConfiguration"
            parameters = self.wanted(request, operation, ["ImageScanningConfiguration"])
            parameters.setdefault("imageScanningConfiguration", {"scanOnPush": False})
            await self.call(request, operation, repository | parameters)
        return {}

    async def remove(self, request: ResourceRequest, physical_id: str) -> None:
        """Delete the repository; its images only with EmptyOnDelete."""
        force = str(request.properties.get("EmptyOnDelete", False)).lower() == "true"
        parameters = {"repositoryName": physical_id, "force": force}
        await self.call(request, "DeleteRepository", parameters)

    async def look(self, request: ResourceRequest, identity: str) -> Succeeded:
        """Describe the repository."""
        parameters = {"repositoryNames": [identity]}
        answer = await self.call(request, "DescribeRepositories", parameters)
        return _described(answer["repositories"][0])

    async def actual(self, request: ResourceRequest, physical_id: str) -> dict[str, Any]:
        """Return the repository's settings."""
        parameters = {"repositoryNames": [physical_id]}
        answer = await self.call(request, "DescribeRepositories", parameters)
        found = self.described("DescribeRepositories", answer)["Repositories"][0]
        names = self.properties - {"EmptyOnDelete", "Tags"}
        return {name: found.get(name) for name in names}


def _described(repository: Mapping[str, Any]) -> Succeeded:
    attributes = {"Arn": repository["repositoryArn"], "RepositoryUri": repository["repositoryUri"]}
    return Succeeded(repository["repositoryName"], attributes)
