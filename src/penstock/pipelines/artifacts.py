"""Where artifacts lie in the artifact store.

AWS's keys look like `my-pipeline/SourceArti/aB3xY7k`: the last part is random there, and here
derived from the execution, so that an action repeated after a restart writes the same object.
"""

import uuid

from penstock.ids import derived_uuid
from penstock.pipelines.actions.provider import ArtifactLocation
from penstock.pipelines.structure import ActionDeclaration, PipelineStructure

_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
_LAST_PART_LENGTH = 7


def location(
    structure: PipelineStructure, pipeline_id: str, execution_id: str, artifact: str, region: str
) -> ArtifactLocation:
    """Return the artifact's place; a retry overwrites it, another execution never does."""
    number = uuid.UUID(derived_uuid("artifact", pipeline_id, execution_id, artifact)).int
    last = ""
    for _ in range(_LAST_PART_LENGTH):
        number, index = divmod(number, len(_ALPHABET))
        last += _ALPHABET[index]
    key = f"{structure.name[:20]}/{artifact[:10]}/{last}"
    return ArtifactLocation(artifact, structure.bucket(region), key)


def locations(
    structure: PipelineStructure,
    pipeline_id: str,
    execution_id: str,
    action: ActionDeclaration,
    region: str,
) -> tuple[list[ArtifactLocation], list[ArtifactLocation]]:
    """Return the places of the action's inputs and outputs."""
    inputs, outputs = (
        [location(structure, pipeline_id, execution_id, name, region) for name in names]
        for names in (action.input_artifacts, action.output_artifacts)
    )
    return inputs, outputs
