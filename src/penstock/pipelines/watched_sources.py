"""Which place each source action watches for changes, read from its configuration: pure.

A source of CodeCommit is told of pushes; the others are looked at (`source_watch.py`).
"""

from penstock.pipelines.structure import ActionDeclaration, PipelineStructure
from penstock.storage.pipelines import SourceRow


def sources(structure: PipelineStructure, pipeline_id: str) -> list[SourceRow]:
    """Return the source actions whose changes start the pipeline."""
    found = []
    for action in structure.stages[0].actions:
        place = _place(action)
        if place is None or action.configuration.get("DetectChanges") == "false":
            continue
        repository, branch = place
        found.append(
            SourceRow(
                pipeline_id=pipeline_id,
                action_name=action.name,
                provider=action.action_type_id.provider,
                repository=repository,
                branch=branch,
                polls=action.configuration.get("PollForSourceChanges") == "true",
            )
        )
    return found


def _place(action: ActionDeclaration) -> tuple[str, str] | None:
    given = action.configuration
    match action.action_type_id.provider:
        case "CodeCommit":
            return given["RepositoryName"], given["BranchName"]
        case "CodeStarSourceConnection":
            return f"{given['ConnectionArn']} {given['FullRepositoryId']}", given["BranchName"]
        case "GitHub":
            return f"{given['Owner']}/{given['Repo']}", given["Branch"]
        case "S3":
            return given["S3Bucket"], given["S3ObjectKey"]
    return None
