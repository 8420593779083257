"""What starts an execution: a push, CreatePipeline, StartPipelineExecution.

`start` and `on_reference_updated` run inside a unit of work; the execution's row is what the
engine goes on from. docs/adr/0014-every-push-triggers.md says why every push triggers.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import groupby

import sqlalchemy as sa

from penstock.ids import derived_uuid
from penstock.pipelines.states import ExecutionStatus
from penstock.storage import outbox, pipeline_executions, pipelines
from penstock.storage.outbox import Event
from penstock.storage.pipeline_executions import ExecutionRow
from penstock.storage.pipelines import PipelineRow, SourceRow

REFERENCE_UPDATED = "repository.ReferenceUpdated"
EXECUTION_STARTED = "pipeline.ExecutionStarted"

_UNFINISHED = {ExecutionStatus.IN_PROGRESS.value, ExecutionStatus.STOPPING.value}
_BRANCH_PREFIX = "refs/heads/"
_CLOCK_STEP = timedelta(minutes=1)
"""A pipeline that is older than an event by more is not asked whether it is younger: should a clock
have been set back by that much, the push starts it."""


class TriggerType(StrEnum):
    """CodePipeline's TriggerType, as far as it occurs here."""

    CREATE_PIPELINE = "CreatePipeline"
    START_PIPELINE_EXECUTION = "StartPipelineExecution"
    POLL_FOR_SOURCE_CHANGES = "PollForSourceChanges"
    CLOUD_WATCH_EVENT = "CloudWatchEvent"
    WEBHOOK_V2 = "WebhookV2"


def start(
    connection: sa.Connection,
    pipeline: PipelineRow,
    execution_id: str,
    trigger: TriggerType,
    now: datetime,
    *,
    detail: str = "",
    variables: Mapping[str, str] | None = None,
    source_overrides: Mapping[str, str] | None = None,
    request_token: str | None = None,
) -> ExecutionRow:
    """Store a new execution of the pipeline's current version and say so in the outbox."""
    defaults = {
        variable["name"]: variable["defaultValue"]
        for variable in pipeline.document.get("variables") or ()
        if "defaultValue" in variable
    }
    execution = ExecutionRow(
        id=execution_id,
        pipeline_id=pipeline.id,
        number=pipeline_executions.next_number(connection, pipeline.id),
        pipeline_version=pipeline.version,
        execution_mode=pipeline.document["executionMode"],
        status=ExecutionStatus.IN_PROGRESS.value,
        status_summary="",
        trigger_type=trigger.value,
        trigger_detail=detail[:1024],
        variables={**defaults, **(variables or {})},
        source_overrides=dict(source_overrides or {}),
        source_revisions=[],
        artifact_revisions=[],
        stop_reason=None,
        abandon=False,
        request_token=request_token,
        started_at=now,
        updated_at=now,
    )
    pipeline_executions.insert(connection, execution)
    outbox.publish(
        connection,
        EXECUTION_STARTED,
        pipeline.name,
        {
            "pipeline": pipeline.name,
            "pipeline-id": pipeline.id,
            "execution-id": execution_id,
            "state": execution.status,
            "trigger": trigger.value,
            "cause": detail or trigger.value,
        },
        now,
    )
    return execution


def on_reference_updated(connection: sa.Connection, event: Event, now: datetime) -> list[str]:
    """Start every pipeline with a source on the branch that moved; return their ids.

    One execution per pipeline and event, whose source actions on that branch take the event's
    commit. The execution's id is derived from the event, so that nothing starts twice. A
    deleted branch and a tag start nothing, nor does a push start a pipeline that was created after
    it: the execution that CreatePipeline starts takes that commit, or a later one.
    """
    reference, commit_id = event.detail["reference"], event.detail["new"]
    if commit_id is None or not reference.startswith(_BRANCH_PREFIX):
        return []
    repository, branch = event.detail["repository"], reference.removeprefix(_BRANCH_PREFIX)
    sources = pipelines.watching(connection, "CodeCommit", repository, branch)
    started: list[str] = []
    for pipeline_id, group in groupby(sources, key=lambda source: source.pipeline_id):
        actions = list(group)
        pipeline = pipelines.get_by_id(connection, pipeline_id)
        if pipeline is None or _needs_variables(pipeline):
            continue
        if _created_after(connection, pipeline, event):
            continue
        polls = all(action.polls for action in actions)
        trigger = TriggerType.POLL_FOR_SOURCE_CHANGES if polls else TriggerType.CLOUD_WATCH_EVENT
        start(
            connection,
            pipeline,
            derived_uuid("push", pipeline_id, str(event.position)),
            trigger,
            now,
            detail=f"push of {commit_id} to branch {branch} of repository {repository}",
            source_overrides={action.action_name: commit_id for action in actions},
        )
        started.append(pipeline_id)
    return started


def on_revision_seen(
    connection: sa.Connection, source: SourceRow, revision: str, now: datetime
) -> bool:
    """Start the source's pipeline when its place holds another revision than at the last look.

    `revision` is empty where the place holds none. At the first look the pipeline's newest
    execution says what is known already; while its source action is still to take a revision, it
    is waited for. The execution's id is derived from both revisions.
    """
    pipeline = pipelines.get_by_id(connection, source.pipeline_id)
    if pipeline is None or source.seen == revision:
        return False
    newest = pipeline_executions.newest(connection, pipeline.id)
    taken = _taken(newest, source.action_name)
    if newest is not None and taken is None and newest.status in _UNFINISHED:
        return False
    pipelines.set_seen(connection, source, revision)
    first_look_after_failure = source.seen is None and taken is None
    if not revision or taken == revision or first_look_after_failure or _needs_variables(pipeline):
        return False
    execution_id = derived_uuid(
        "seen", pipeline.id, source.action_name, newest.id if newest else "", revision
    )
    through_connection = source.provider == "CodeStarSourceConnection"
    start(
        connection,
        pipeline,
        execution_id,
        TriggerType.WEBHOOK_V2 if through_connection else TriggerType.POLL_FOR_SOURCE_CHANGES,
        now,
        detail=f"revision {revision} of {source.branch} in {source.repository}",
        source_overrides={source.action_name: revision},
    )
    return True


def _taken(execution: ExecutionRow | None, action_name: str) -> str | None:
    """Return the revision that the execution's source action took, None while there is none."""
    for revision in execution.source_revisions if execution else ():
        if revision["actionName"] == action_name:
            return str(revision["revisionId"])
    return None


def _created_after(connection: sa.Connection, pipeline: PipelineRow, event: Event) -> bool:
    """Tell whether a pipeline was created after an event, by the events' order: clocks are set."""
    if pipeline.created_at < event.occurred_at - _CLOCK_STEP:
        return False
    position = event.position
    while found := outbox.read_after(connection, position, kinds={EXECUTION_STARTED}):
        for each in found:
            created = each.detail["trigger"] == TriggerType.CREATE_PIPELINE
            if created and each.detail["pipeline-id"] == pipeline.id:
                return True
        position = found[-1].position
    return False


def _needs_variables(pipeline: PipelineRow) -> bool:
    """Say whether a start must give values: then only StartPipelineExecution can."""
    return any(
        "defaultValue" not in variable for variable in pipeline.document.get("variables") or ()
    )
