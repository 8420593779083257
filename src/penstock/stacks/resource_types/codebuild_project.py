"""AWS::CodeBuild::Project.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-codebuild-project.html
"""

from collections.abc import Mapping, Sequence
from typing import Any

from penstock.aws.errors import ServiceError
from penstock.stacks.handlers.handler import ResourceRequest, Succeeded, Support
from penstock.stacks.handlers.physical_name import physical_name
from penstock.stacks.resource_types.compared_resource import ComparedResource
from penstock.stacks.resource_types.kept_resource import changed

_LONGEST = 255
_UNSET: Mapping[str, Any] = {
    "AutoRetryLimit": 0,
    "BadgeEnabled": False,
    "Cache": {"type": "NO_CACHE"},
    "ConcurrentBuildLimit": -1,
    "Description": "",
    "EncryptionKey": "alias/aws/s3",
    "FileSystemLocations": [],
    "LogsConfig": {"cloudWatchLogs": {"status": "ENABLED"}},
    "QueuedTimeoutInMinutes": 480,
    "SecondaryArtifacts": [],
    "SecondarySourceVersions": [],
    "SecondarySources": [],
    "SourceVersion": "",
    "TimeoutInMinutes": 60,
    "VpcConfig": {},
}
"""What an update sends for a property that the template no longer has."""
_MEMBERS = ("Artifacts", "BuildBatchConfig", "Environment", "ServiceRole", "Source", *_UNSET)


class CodeBuildProject(ComparedResource):
    """A build project; Ref gives its name."""

    support = Support.RUNNING
    service = "codebuild"
    properties = frozenset({"Name", "Tags", *_MEMBERS})
    taken = frozenset({"ResourceAlreadyExistsException"})
    gone = frozenset({"ResourceNotFoundException"})
    tag_keys = ("key", "value")

    def identity(self, request: ResourceRequest) -> str:
        """Return the project's name."""
        return request.properties.get("Name") or physical_name(request, _LONGEST)

    async def make(self, request: ResourceRequest, identity: str) -> Succeeded:
        """Create the project with its tags."""
        parameters = self.wanted(request, "CreateProject", _MEMBERS)
        parameters |= {"name": identity, "tags": self.tag_list(request)}
        answer = await self.call(request, "CreateProject", parameters)
        return _described(answer["project"])

    async def settle(self, request: ResourceRequest, physical_id: str) -> Mapping[str, Any]:
        """Update what changed; what is gone from the template gets its default again."""
        before = request.previous_properties
        if not before:
            return {}
        differing = [name for name in _MEMBERS if changed(request, name)]
        parameters = self.wanted(request, "UpdateProject", differing)
        for name in differing:
            if name not in request.properties and name in _UNSET:
                parameters[name[0].lower() + name[1:]] = _UNSET[name]
        if parameters:
            await self.call(request, "UpdateProject", {**parameters, "name": physical_id})
        return {}

    async def remove(self, request: ResourceRequest, physical_id: str) -> None:
        """Delete the project; its builds stay."""
        await self.call(request, "DeleteProject", {"name": physical_id})

    async def look(self, request: ResourceRequest, identity: str) -> Succeeded:
        """Get the project."""
        return _described(await self._project(request, identity))

    async def actual(self, request: ResourceRequest, physical_id: str) -> dict[str, Any]:
        """Return the project's settings."""
        answer = {"projects": [await self._project(request, physical_id)]}
        given = {"Projects": [request.properties]}
        [told] = self.described("BatchGetProjects", answer, given)["Projects"]
        found = {name: told.get(name) for name in ("Name", *_MEMBERS)}
        return {**found, "BadgeEnabled": told["Badge"]["BadgeEnabled"]}

    async def tags(self, request: ResourceRequest, found: Succeeded) -> Mapping[str, str]:
        """Return the project's tags."""
        project = await self._project(request, found.physical_resource_id)
        return self.from_list(project["tags"])

    async def retag(
        self,
        request: ResourceRequest,
        physical_id: str,
        added: Mapping[str, str],
        removed: Sequence[str],
    ) -> None:
        """Change the project's tags, which CodeBuild replaces as a whole."""
        parameters = {"name": physical_id, "tags": self.tag_list(request)}
        await self.call(request, "UpdateProject", parameters)

    async def _project(self, request: ResourceRequest, name: str) -> Mapping[str, Any]:
        answer = await self.call(request, "BatchGetProjects", {"names": [name]})
        if not answer["projects"]:
            raise ServiceError("ResourceNotFoundException", f"Project cannot be found: {name}")
        project: Mapping[str, Any] = answer["projects"][0]
        return project


def _described(project: Mapping[str, Any]) -> Succeeded:
    return Succeeded(project["name"], {"Arn": project["arn"], "Id": project["name"]})
