"""A pipeline's structure as values, read from the shape that CreatePipeline takes.

The document itself (the API's `PipelineDeclaration`) is what is stored and given back;
these values are what rules, decisions and actions work on.
Source: https://docs.aws.amazon.com/codepipeline/latest/userguide/reference-pipeline-structure.html
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class ExecutionMode(StrEnum):
    """How executions of one pipeline share its stages."""

    SUPERSEDED = "SUPERSEDED"
    QUEUED = "QUEUED"
    PARALLEL = "PARALLEL"


class PipelineType(StrEnum):
    """V2 adds triggers, pipeline variables and further execution modes."""

    V1 = "V1"
    V2 = "V2"


@dataclass(frozen=True, slots=True)
class ActionTypeId:
    """Which provider runs an action."""

    category: str
    owner: str
    provider: str
    version: str


@dataclass(frozen=True, slots=True)
class ActionDeclaration:
    """One action of a stage; artifacts are names."""

    name: str
    action_type_id: ActionTypeId
    run_order: int = 1
    configuration: Mapping[str, str] = field(default_factory=dict)
    input_artifacts: tuple[str, ...] = ()
    output_artifacts: tuple[str, ...] = ()
    role_arn: str | None = None
    region: str | None = None
    namespace: str | None = None
    timeout_minutes: int | None = None
    """Of an approval: how long it waits."""


@dataclass(frozen=True, slots=True)
class StageDeclaration:
    """A named group of actions, run in order of their `run_order`."""

    name: str
    actions: tuple[ActionDeclaration, ...]

    def run_orders(self) -> list[int]:
        """Return the distinct run orders, ascending; gaps are allowed."""
        return sorted({action.run_order for action in self.actions})


@dataclass(frozen=True, slots=True)
class VariableDeclaration:
    """A pipeline-level variable; without a default, each start must give a value."""

    name: str
    default_value: str | None = None


@dataclass(frozen=True, slots=True)
class ArtifactStore:
    """The bucket that holds a pipeline's artifacts in one region."""

    location: str
    encryption_key: str | None = None


@dataclass(frozen=True, slots=True)
class PipelineStructure:
    """A whole pipeline. `artifact_stores` maps a region to its store; the key "" is the
    single `artifactStore`."""

    name: str
    role_arn: str
    stages: tuple[StageDeclaration, ...]
    artifact_stores: Mapping[str, ArtifactStore]
    version: int = 1
    execution_mode: ExecutionMode = ExecutionMode.SUPERSEDED
    pipeline_type: PipelineType = PipelineType.V1
    variables: tuple[VariableDeclaration, ...] = ()

    def actions(self) -> Iterator[tuple[StageDeclaration, ActionDeclaration]]:
        """Yield every action with its stage, in the order written."""
        for stage in self.stages:
            for action in stage.actions:
                yield stage, action

    def stage(self, name: str) -> StageDeclaration | None:
        """Return the stage of that name, or None."""
        return next((stage for stage in self.stages if stage.name == name), None)

    def bucket(self, region: str) -> str:
        """Return the artifact bucket for `region`."""
        store = self.artifact_stores.get(region) or self.artifact_stores.get("")
        if store is None:
            raise KeyError(f"expected an artifact store for region {region}, found none")
        return store.location


def parse(document: Mapping[str, Any]) -> PipelineStructure:
    """Read a `PipelineDeclaration`; it must have passed the wire's constraints."""
    stores = {
        region: _artifact_store(store)
        for region, store in (document.get("artifactStores") or {}).items()
    }
    if document.get("artifactStore"):
        stores[""] = _artifact_store(document["artifactStore"])
    return PipelineStructure(
        name=document["name"],
        role_arn=document["roleArn"],
        stages=tuple(_stage(stage) for stage in document["stages"]),
        artifact_stores=stores,
        version=document.get("version", 1),
        execution_mode=ExecutionMode(document.get("executionMode", "SUPERSEDED")),
        pipeline_type=PipelineType(document.get("pipelineType", "V1")),
        variables=tuple(
            VariableDeclaration(variable["name"], variable.get("defaultValue"))
            for variable in document.get("variables") or ()
        ),
    )


def normalise(document: Mapping[str, Any], version: int) -> dict[str, Any]:
    """Return the document as AWS gives it back: defaults written out, `version` set.

    A document that uses what only V2 has becomes V2 unless it says otherwise.
    """
    result = dict(document)
    result["version"] = version
    result.setdefault("executionMode", ExecutionMode.SUPERSEDED.value)
    uses_v2 = bool(
        document.get("variables")
        or document.get("triggers")
        or result["executionMode"] != ExecutionMode.SUPERSEDED
    )
    result.setdefault("pipelineType", PipelineType.V2.value if uses_v2 else PipelineType.V1.value)
    result["stages"] = [
        {**stage, "actions": [_normalised_action(action) for action in stage["actions"]]}
        for stage in document["stages"]
    ]
    return result


def _normalised_action(action: Mapping[str, Any]) -> dict[str, Any]:
    result = dict(action)
    result.setdefault("runOrder", 1)
    result.setdefault("configuration", {})
    result.setdefault("outputArtifacts", [])
    result.setdefault("inputArtifacts", [])
    return result


def _artifact_store(store: Mapping[str, Any]) -> ArtifactStore:
    key = store.get("encryptionKey")
    return ArtifactStore(store["location"], key["id"] if key else None)


def _stage(stage: Mapping[str, Any]) -> StageDeclaration:
    return StageDeclaration(stage["name"], tuple(_action(action) for action in stage["actions"]))


def _action(action: Mapping[str, Any]) -> ActionDeclaration:
    type_id = action["actionTypeId"]
    return ActionDeclaration(
        name=action["name"],
        action_type_id=ActionTypeId(
            type_id["category"], type_id["owner"], type_id["provider"], type_id["version"]
        ),
        run_order=action.get("runOrder") or 1,
        configuration=dict(action.get("configuration") or {}),
        input_artifacts=tuple(item["name"] for item in action.get("inputArtifacts") or ()),
        output_artifacts=tuple(item["name"] for item in action.get("outputArtifacts") or ()),
        role_arn=action.get("roleArn"),
        region=action.get("region"),
        namespace=action.get("namespace"),
        timeout_minutes=action.get("timeoutInMinutes"),
    )
