"""What CreatePipeline and UpdatePipeline check beyond the wire's constraints.

Each rule raises the first violation that it finds. What AWS has and Penstock does not run is
refused here, never accepted to fail later.
"""

import json
from collections import Counter
from collections.abc import Mapping
from typing import Any

from penstock.pipelines import action_types, cloudformation_rules, variables
from penstock.pipelines import structure_messages as messages
from penstock.pipelines.action_types import ActionType
from penstock.pipelines.structure import (
    ActionDeclaration,
    ExecutionMode,
    PipelineStructure,
    PipelineType,
)

_MOST_STAGES = 50
_CONDITIONS = ("beforeEntry", "onSuccess", "onFailure")
_MOST_ACTIONS_IN_STAGE = 50
_MOST_ACTIONS = 500
_ENVIRONMENT_VARIABLE_TYPES = ("PLAINTEXT", "PARAMETER_STORE", "SECRETS_MANAGER")


def check(structure: PipelineStructure, document: Mapping[str, Any], region: str) -> None:
    """Raise ServiceError when AWS would refuse the structure, or Penstock cannot run it.

    `document` is the declaration that `structure` was parsed from, for what is not parsed.
    """
    _stages(structure)
    _artifact_stores(structure, document, region)
    for _, action in structure.actions():
        _action_type(action, region)
        _artifact_counts(action)
        _configuration(action)
        _codebuild_configuration(action)
        cloudformation_rules.check(action)
        _unsupported_action(action, region)
    _sources(structure)
    _artifacts(structure)
    _namespaces(structure)
    _references(structure)
    _pipeline_type(structure, document)
    _unsupported(structure, document)


def _duplicate(names: list[str]) -> str | None:
    return next((name for name, count in Counter(names).items() if count > 1), None)


def _stages(structure: PipelineStructure) -> None:
    if len(structure.stages) < 2:
        raise messages.TOO_FEW_STAGES.error(count=len(structure.stages))
    if len(structure.stages) > _MOST_STAGES:
        raise messages.TOO_MANY_STAGES.error()
    if stage_name := _duplicate([stage.name for stage in structure.stages]):
        raise messages.DUPLICATE_STAGE.error(stage=stage_name)
    for stage in structure.stages:
        if not stage.actions:
            raise messages.EMPTY_STAGE.error(stage=stage.name)
        if len(stage.actions) > _MOST_ACTIONS_IN_STAGE:
            raise messages.TOO_MANY_ACTIONS.error(stage=stage.name, count=len(stage.actions))
        if action_name := _duplicate([action.name for action in stage.actions]):
            raise messages.DUPLICATE_ACTION.error(action=action_name, stage=stage.name)
    total = sum(len(stage.actions) for stage in structure.stages)
    if total > _MOST_ACTIONS:
        raise messages.TOO_MANY_ACTIONS_IN_PIPELINE.error(count=total)


def _sources(structure: PipelineStructure) -> None:
    first, *later = structure.stages
    if any(action.action_type_id.category != "Source" for action in first.actions):
        raise messages.FIRST_STAGE.error()
    if all(action.action_type_id.category == "Source" for _, action in structure.actions()):
        raise messages.ONLY_SOURCES.error()
    for stage in later:
        for action in stage.actions:
            if action.action_type_id.category == "Source":
                raise messages.LATE_SOURCE.error()


def _artifact_stores(
    structure: PipelineStructure, document: Mapping[str, Any], region: str
) -> None:
    single, several = document.get("artifactStore"), document.get("artifactStores")
    if bool(single) == bool(several):
        raise messages.ARTIFACT_STORES.error()
    if several:
        for _, action in structure.actions():
            if (used := action.region or region) not in several:
                raise messages.STORE_FOR_REGION.error(region=used)
        if region not in several:
            raise messages.STORE_FOR_REGION.error(region=region)
    elif any((action.region or region) != region for _, action in structure.actions()):
        raise messages.STORE_FOR_EACH_REGION.error()


def _action_type(action: ActionDeclaration, region: str) -> None:
    type_id = action.action_type_id
    if action_types.find(type_id):
        return
    named = {
        "category": type_id.category,
        "provider": type_id.provider,
        "owner": type_id.owner,
        "version": type_id.version,
        "action": action.name,
    }
    if type_id in action_types.NOT_RUN_YET:
        running = ", ".join(f"{known.category} {known.provider}" for known in action_types.RUNNING)
        raise messages.NOT_RUN_YET.error(running=running, **named)
    shown = (action.region or region).upper().replace("-", "_")
    raise messages.UNKNOWN_ACTION_TYPE.error(region=shown, **named)


def _type_of(action: ActionDeclaration) -> ActionType:
    return action_types.RUNNING[action.action_type_id]


def _artifact_counts(action: ActionDeclaration) -> None:
    known = _type_of(action)
    checks = (
        (action.input_artifacts, known.inputs, messages.TOO_FEW_INPUTS, messages.TOO_MANY_INPUTS),
        (
            action.output_artifacts, known.outputs,
            messages.TOO_FEW_OUTPUTS, messages.TOO_MANY_OUTPUTS,
        ),
    )  # fmt: skip
    for names, (least, most), too_few, too_many in checks:
        if len(names) < least:
            raise too_few.error(action=action.name, count=len(names), limit=least)
        if len(names) > most:
            raise too_many.error(action=action.name, count=len(names), limit=most)


def _configuration(action: ActionDeclaration) -> None:
    known = _type_of(action)
    for wanted in known.properties:
        if wanted.required and wanted.name not in action.configuration:
            raise messages.MISSING_CONFIGURATION.error(action=action.name, key=wanted.name)
    for key, value in action.configuration.items():
        prop = known.property(key)
        if prop is None:
            raise messages.UNKNOWN_CONFIGURATION.error(action=action.name, key=key)
        if prop.values and "#{" not in value and value not in prop.values:
            raise messages.CONFIGURATION_VALUE.error(
                action=action.name, key=key, value=value, values=", ".join(prop.values)
            )


def _codebuild_configuration(action: ActionDeclaration) -> None:
    if action.action_type_id.provider != "CodeBuild":
        return
    primary = action.configuration.get("PrimarySource")
    if primary is None:
        if len(action.input_artifacts) > 1:
            raise messages.MISSING_CONFIGURATION.error(action=action.name, key="PrimarySource")
    elif "#{" not in primary and primary not in action.input_artifacts:
        raise messages.PRIMARY_SOURCE.error(
            action=action.name, value=primary, inputs=", ".join(action.input_artifacts)
        )
    if text := action.configuration.get("EnvironmentVariables"):
        if "#{" in text:
            return  # checked again when the references are resolved
        if reason := environment_variables_problem(text):
            raise messages.ENVIRONMENT_VARIABLES.error(action=action.name, reason=reason)


def environment_variables_problem(text: str) -> str | None:
    """Say what is wrong with a CodeBuild action's EnvironmentVariables, None when nothing is."""
    try:
        entries = json.loads(text)
    except json.JSONDecodeError as error:
        return f"expected a JSON array of objects, found text that is not JSON ({error})"
    if not isinstance(entries, list):
        return f"expected a JSON array of objects, found {type(entries).__name__}"
    for position, entry in enumerate(entries):
        if not isinstance(entry, dict) or not all(isinstance(v, str) for v in entry.values()):
            return f"expected an object of strings at position {position}, found {entry!r}"
        if unknown := set(entry) - {"name", "value", "type"}:
            return f"expected name, value and type at position {position}, found {min(unknown)!r}"
        if not entry.get("name") or "value" not in entry:
            return f"expected name and value at position {position}, found {entry!r}"
        if entry.get("type", "PLAINTEXT") not in _ENVIRONMENT_VARIABLE_TYPES:
            known = ", ".join(_ENVIRONMENT_VARIABLE_TYPES)
            return f"expected type {known} at position {position}, found {entry['type']!r}"
    return None


def _artifacts(structure: PipelineStructure) -> None:
    produced: dict[str, tuple[int, int]] = {}
    for index, stage in enumerate(structure.stages):
        for action in stage.actions:
            for artifact in action.output_artifacts:
                if artifact in produced:
                    raise messages.DUPLICATE_OUTPUT.error(artifact=artifact)
                produced[artifact] = (index, action.run_order)
    for index, stage in enumerate(structure.stages):
        for action in stage.actions:
            for artifact in action.input_artifacts:
                if artifact not in produced or produced[artifact] >= (index, action.run_order):
                    raise messages.UNKNOWN_INPUT.error(artifact=artifact, action=action.name)
            if repeated := _duplicate(list(action.input_artifacts)):
                raise messages.DUPLICATE_INPUT.error(artifact=repeated, action=action.name)


def _namespaces(structure: PipelineStructure) -> None:
    declared = [(s, a, a.namespace) for s, a in structure.actions() if a.namespace]
    counts = Counter(namespace for _, _, namespace in declared)
    repeated = [place for place in declared if counts[place[2]] > 1]
    if repeated:
        places = "; ".join(
            f"StageName=[{stage.name}], ActionName=[{action.name}], Namespace=[{namespace}]"
            for stage, action, namespace in repeated
        )
        raise messages.DUPLICATE_NAMESPACES.error(places=places)
    artifacts = {name for _, action in structure.actions() for name in action.output_artifacts}
    for _, action, namespace in declared:
        if namespace in variables.RESERVED_NAMESPACES:
            raise messages.RESERVED_NAMESPACE.error(namespace=namespace, action=action.name)
        if namespace in artifacts:
            raise messages.NAMESPACE_IS_ARTIFACT.error(namespace=namespace, action=action.name)


def _references(structure: PipelineStructure) -> None:
    producers: dict[str, tuple[int, int, ActionDeclaration]] = {}
    for index, stage in enumerate(structure.stages):
        for action in stage.actions:
            if action.namespace:
                producers[action.namespace] = (index, action.run_order, action)
    for index, stage in enumerate(structure.stages):
        for action in stage.actions:
            for key, value in action.configuration.items():
                for reference in variables.references(value):
                    _reference(
                        structure, producers, reference,
                        (index, action.run_order),
                        {"stage": stage.name, "action": action.name, "key": key},
                    )  # fmt: skip


def _reference(
    structure: PipelineStructure,
    producers: Mapping[str, tuple[int, int, ActionDeclaration]],
    reference: variables.Reference,
    position: tuple[int, int],
    place: Mapping[str, str],
) -> None:
    namespace, key = reference.namespace, reference.key
    known: tuple[str, ...] | None
    if namespace == variables.PIPELINE_NAMESPACE:
        known = ("PipelineExecutionId",)
    elif namespace == variables.VARIABLES_NAMESPACE:
        known = tuple(variable.name for variable in structure.variables)
    elif namespace in producers:
        stage_index, run_order, producer = producers[namespace]
        if (stage_index, run_order) >= position:
            raise messages.REFERENCE_TOO_EARLY.error(
                namespace=namespace, reference=reference.text, **place
            )
        known = _type_of(producer).output_variables
    else:
        raise messages.REFERENCE_FORMAT.error(reference=reference.text, **place)
    if known is not None and key not in known:
        raise messages.REFERENCE_KEY.error(
            namespace=namespace, variable=key, reference=reference.text, **place
        )


def _pipeline_type(structure: PipelineStructure, document: Mapping[str, Any]) -> None:
    if name := _duplicate([variable.name for variable in structure.variables]):
        raise messages.DUPLICATE_VARIABLE.error(variable=name)
    if structure.pipeline_type is PipelineType.V2:
        return
    if structure.variables:
        raise messages.VARIABLES_NEED_V2.error()
    if document.get("triggers"):
        raise messages.TRIGGERS_NEED_V2.error()
    if structure.execution_mode is not ExecutionMode.SUPERSEDED:
        raise messages.MODE_NEEDS_V2.error()
    if any(stage.get(hook) for stage in document["stages"] for hook in _CONDITIONS):
        raise messages.CONDITIONS_NEED_V2.error()


def _unsupported(structure: PipelineStructure, document: Mapping[str, Any]) -> None:
    if structure.execution_mode is ExecutionMode.PARALLEL:
        raise messages.NOT_SUPPORTED.error(
            feature="Execution mode PARALLEL", advice="Use SUPERSEDED or QUEUED."
        )
    if document.get("triggers"):
        raise messages.NOT_SUPPORTED.error(
            feature="A trigger with filters",
            advice="Every push to a CodeCommit source's branch starts the pipeline.",
        )
    for store in structure.artifact_stores.values():
        if store.encryption_key:
            raise messages.NOT_SUPPORTED.error(
                feature="An artifact store's encryptionKey", advice="Remove encryptionKey."
            )
    _unsupported_members(document)


def _unsupported_members(document: Mapping[str, Any]) -> None:
    for stage in document["stages"]:
        if stage.get("blockers"):
            raise messages.BLOCKERS.error(stage=stage["name"])
        for hook in _CONDITIONS:
            if stage.get(hook):
                raise messages.NOT_SUPPORTED.error(
                    feature=f"{hook} of stage {stage['name']}", advice=f"Remove {hook}."
                )
        for action in stage["actions"]:
            for member in ("commands", "environmentVariables", "outputVariables"):
                if action.get(member):
                    raise messages.ACTION_NOT_SUPPORTED.error(
                        action=action["name"], feature=member, advice=f"Remove {member}."
                    )
            approval = action["actionTypeId"]["category"] == "Approval"
            if action.get("timeoutInMinutes") is not None and not approval:
                raise messages.ACTION_NOT_SUPPORTED.error(
                    action=action["name"],
                    feature="timeoutInMinutes",
                    advice="Set the build project's timeout instead.",
                )


def _unsupported_action(action: ActionDeclaration, region: str) -> None:
    """Refuse what a running action type has in AWS and lacks here."""
    configuration = action.configuration
    refused = (
        (
            configuration.get("OutputArtifactFormat") == "CODEBUILD_CLONE_REF",
            "OutputArtifactFormat CODEBUILD_CLONE_REF",
            "Use CODE_ZIP.",
        ),
        (
            configuration.get("BatchEnabled") == "true",
            "BatchEnabled true",
            "Use one action for each build.",
        ),
        (
            action.region not in (None, region),
            f"an action in region {action.region}",
            f"This server's region is {region}.",
        ),
    )
    for applies, feature, advice in refused:
        if applies:
            raise messages.ACTION_NOT_SUPPORTED.error(
                action=action.name, feature=feature, advice=advice
            )
