"""AWS::CodePipeline::Pipeline.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-codepipeline-pipeline.html
"""

from collections.abc import Mapping, Sequence
from typing import Any

from penstock.arns import arn
from penstock.stacks.display import MASK
from penstock.stacks.handlers.api_shapes import to_request
from penstock.stacks.handlers.handler import Properties, ResourceRequest, Succeeded, Support
from penstock.stacks.handlers.physical_name import physical_name, suffix
from penstock.stacks.resource_types.compared_resource import ComparedResource
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


class CodePipelinePipeline(TaggedByArn, ComparedResource):
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

    async def actual(self, request: ResourceRequest, physical_id: str) -> dict[str, Any]:
        """Return the pipeline's declaration, and the transitions that are disabled where the
        template disables some. A secret of an action's configuration cannot be read."""
        given = request.properties
        answer = await self.call(request, "GetPipeline", {"name": physical_id})
        told = self.described("GetPipeline", answer, {"Pipeline": given})["Pipeline"]
        found = {name: told.get(name) for name in ("Name", *_MEMBERS)}
        found["Stages"] = _with_secrets(told["Stages"], given["Stages"])
        if told.get("ArtifactStores"):
            found["ArtifactStores"] = _stores(told["ArtifactStores"], given)
        if "DisableInboundStageTransitions" in given:
            found["DisableInboundStageTransitions"] = await self._disabled_now(request, physical_id)
        return found

    async def _disabled_now(self, request: ResourceRequest, name: str) -> list[dict[str, str]]:
        """Return the disabled transitions, those of the template first and in its order."""
        state = await self.call(request, "GetPipelineState", {"name": name})
        there = {
            stage["stageName"]: stage["inboundTransitionState"].get("disabledReason", "")
            for stage in state["stageStates"]
            if not stage["inboundTransitionState"]["enabled"]
        }
        wanted = [stage for stage in _disabled(request.properties) if stage in there]
        names = [*wanted, *(stage for stage in there if stage not in wanted)]
        return [{"StageName": stage, "Reason": there[stage]} for stage in names]

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


def _stores(told: Mapping[str, Any], given: Properties) -> list[dict[str, Any]]:
    """Return the artifact stores as a list, those of the template first and in its order."""
    wanted = [str(one["Region"]) for one in given.get("ArtifactStores") or ()]
    regions = [*(each for each in wanted if each in told), *(told.keys() - set(wanted))]
    return [{"Region": each, "ArtifactStore": told[each]} for each in regions]


def _with_secrets(told: Sequence[Any], given: Sequence[Any]) -> list[Any]:
    """Return the stages that are told, with the template's values where `****` is told."""
    values = {
        (stage["Name"], action["Name"]): action.get("Configuration") or {}
        for stage in given
        for action in stage.get("Actions") or ()
    }
    stages = []
    for stage in told:
        actions = []
        for action in stage["Actions"]:
            known = values.get((stage["Name"], action["Name"]), {})
            configuration = {
                key: known.get(key, value) if value == MASK else value
                for key, value in (action.get("Configuration") or {}).items()
            }
            actions.append({**action, "Configuration": configuration})
        stages.append({**stage, "Actions": actions})
    return stages
