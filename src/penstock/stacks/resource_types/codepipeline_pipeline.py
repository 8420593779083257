"""AWS::CodePipeline::Pipeline.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-codepipeline-pipeline.html
"""

from collections.abc import Mapping
from typing import Any

from penstock.arns import arn
from penstock.stacks.handlers.api_shapes import to_request
from penstock.stacks.handlers.handler import Properties, ResourceRequest, Succeeded, Support
from penstock.stacks.handlers.physical_name import physical_name, suffix
from penstock.stacks.resource_types.kept_resource import changed
from penstock.stacks.resource_types.tagged_by_arn import TaggedByArn

_LONGEST = 100
_MEMBERS = (
    "ArtifactStore",
    "ArtifactStores",
    "ExecutionMode",
    "PipelineType",
    "RoleArn",
    "Stages",
    "Triggers",
    "Variables",
)


class CodePipelinePipeline(TaggedByArn):
    """A pipeline; Ref gives its name. Making it starts its first execution."""

    support = Support.RUNNING
    service = "codepipeline"
    properties = frozenset(
        {"DisableInboundStageTransitions", "Name", "RestartExecutionOnUpdate", "Tags", *_MEMBERS}
    )
    taken = frozenset({"PipelineNameInUseException"})
    gone = frozenset({"PipelineNotFoundException"})
    tag_keys = ("key", "value")

    def identity(self, request: ResourceRequest) -> str:
        """Return the pipeline's name."""
        return request.properties.get("Name") or physical_name(request, _LONGEST)

    async def make(self, request: ResourceRequest, identity: str) -> Succeeded:
        """Create the pipeline with its tags."""
        parameters = _declaration(request, "CreatePipeline", identity)
        parameters["tags"] = self.tag_list(request)
        answer = await self.call(request, "CreatePipeline", parameters)
        return _described(request, answer["pipeline"])

    async def settle(self, request: ResourceRequest, physical_id: str) -> Mapping[str, Any]:
        """Replace the declaration where it changed; disable and enable transitions."""
        attributes: Mapping[str, Any] = {}
        updated = bool(request.previous_properties) and changed(request, *_MEMBERS)
        if updated:
            parameters = _declaration(request, "UpdatePipeline", physical_id)
            answer = await self.call(request, "UpdatePipeline", parameters)
            attributes = _described(request, answer["pipeline"]).attributes
        await self._settle_transitions(request, physical_id)
        if updated and _is_true(request.properties.get("RestartExecutionOnUpdate")):
            token = suffix(request.client_request_token, 32)
            parameters = {"name": physical_id, "clientRequestToken": token}
            await self.call(request, "StartPipelineExecution", parameters)
        return attributes

    async def remove(self, request: ResourceRequest, physical_id: str) -> None:
        """Delete the pipeline with its executions."""
        await self.call(request, "DeletePipeline", {"name": physical_id})

    async def look(self, request: ResourceRequest, identity: str) -> Succeeded:
        """Get the pipeline's declaration."""
        answer = await self.call(request, "GetPipeline", {"name": identity})
        return _described(request, answer["pipeline"])

    async def _settle_transitions(self, request: ResourceRequest, name: str) -> None:
        before, after = _disabled(request.previous_properties), _disabled(request.properties)
        for stage, reason in after.items():
            if before.get(stage) != reason:
                parameters = _transition(name, stage) | {"reason": reason}
                await self.call(request, "DisableStageTransition", parameters)
        stages = {stage["Name"] for stage in request.properties["Stages"]}
        for stage in before.keys() - after.keys():
            if stage in stages:
                await self.call(request, "EnableStageTransition", _transition(name, stage))


def _declaration(request: ResourceRequest, operation: str, name: str) -> dict[str, Any]:
    """Return the request with the template's pipeline: CloudFormation lists artifact stores where
    the API has them by region."""
    pipeline = {key: value for key, value in request.properties.items() if key in _MEMBERS}
    if "ArtifactStores" in pipeline:
        stores = pipeline["ArtifactStores"] or ()
        pipeline["ArtifactStores"] = {one["Region"]: one["ArtifactStore"] for one in stores}
    return to_request("codepipeline", operation, {"Pipeline": {**pipeline, "Name": name}})


def _described(request: ResourceRequest, pipeline: Mapping[str, Any]) -> Succeeded:
    name = str(pipeline["name"])
    attributes = {"Arn": _arn(request, name), "Version": str(pipeline["version"])}
    return Succeeded(name, attributes)


def _arn(request: ResourceRequest, name: str) -> str:
    return arn("codepipeline", request.region, request.account_id, name)


def _disabled(properties: Properties) -> dict[str, str]:
    stages = properties.get("DisableInboundStageTransitions") or ()
    return {str(one["StageName"]): str(one["Reason"]) for one in stages}


def _transition(pipeline: str, stage: str) -> dict[str, str]:
    return {"pipelineName": pipeline, "stageName": stage, "transitionType": "Inbound"}


def _is_true(value: Any) -> bool:
    return str(value).lower() == "true"
