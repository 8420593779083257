"""Executions through boto3, from a push to the end; each effect is read back another way."""

import io
import zipfile
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.identities import statement
from tests.pipeline_world import build, source

from penstock.builds.build import BuildStatus


def refused(call: Any, **request: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**request)
    return str(caught.value.response["Error"]["Code"])


def test_a_push_runs_the_pipeline_with_the_pushed_commit(delivery: Any) -> None:
    first = delivery.create()
    delivery.end_build(delivery.building())
    assert delivery.until_ended(first) == "Succeeded"
    pushed = delivery.commit("second")
    delivery.until(lambda: len(delivery.executions()) == 2)
    newest = delivery.executions()[0]
    assert newest["trigger"]["triggerType"] == "CloudWatchEvent"
    delivery.end_build(delivery.building())
    assert delivery.until_ended(newest["pipelineExecutionId"]) == "Succeeded"
    [revision] = delivery.executions()[0]["sourceRevisions"]
    assert (revision["actionName"], revision["revisionId"]) == ("App", pushed)
    assert revision["revisionSummary"] == "put second"
    shown = delivery.pipelines.get_pipeline_execution(
        pipelineName="pipe", pipelineExecutionId=newest["pipelineExecutionId"]
    )["pipelineExecution"]
    [artifact] = shown["artifactRevisions"]
    assert (artifact["name"], artifact["revisionId"]) == ("AppSource", pushed)


def test_the_source_artifact_is_the_commits_tree(delivery: Any) -> None:
    execution_id = delivery.create()
    delivery.building()
    details = delivery.pipelines.list_action_executions(
        pipelineName="pipe", filter={"pipelineExecutionId": execution_id}
    )["actionExecutionDetails"]
    fetched = next(one for one in details if one["actionName"] == "App")
    [artifact] = fetched["output"]["outputArtifacts"]
    place = artifact["s3location"]
    assert place["key"].startswith("pipe/AppSource/")
    stored = delivery.objects.get_object(Bucket=place["bucket"], Key=place["key"])["Body"].read()
    with zipfile.ZipFile(io.BytesIO(stored)) as archive:
        assert archive.read("file.txt") == b"first"
    variables = fetched["output"]["outputVariables"]
    assert variables["CommitId"] == delivery.commit_id
    assert (variables["BranchName"], variables["RepositoryName"]) == ("main", "app")
    assert set(variables) == {
        "AuthorDate", "BranchName", "CommitId", "CommitMessage", "CommitterDate", "RepositoryName",
    }  # fmt: skip
    building = next(one for one in details if one["actionName"] == "Build")
    assert building["input"]["inputArtifacts"] == [artifact]


def test_variables_pass_from_action_to_action(delivery: Any) -> None:
    text = '[{"name":"C","value":"#{Src.CommitId}/#{Built.Version}"}]'
    execution_id = delivery.create(
        delivery.document(
            {"name": "Source", "actions": [source(namespace="Src")]},
            {
                "name": "Build",
                "actions": [
                    build(namespace="Built"),
                    build(
                        "Use", runOrder=2,
                        configuration={"ProjectName": "project", "EnvironmentVariables": text},
                    ),
                ],
            },
        )
    )  # fmt: skip
    delivery.end_build(delivery.building("Build"))
    delivery.end_build(delivery.building("Use"))
    assert delivery.until_ended(execution_id) == "Succeeded"
    details = delivery.pipelines.list_action_executions(pipelineName="pipe")
    use = next(one for one in details["actionExecutionDetails"] if one["actionName"] == "Use")
    assert use["input"]["configuration"]["EnvironmentVariables"] == text
    assert use["input"]["resolvedConfiguration"]["EnvironmentVariables"] == (
        f'[{{"name":"C","value":"{delivery.commit_id}/7"}}]'
    )


def test_a_failed_build_fails_the_execution_and_can_be_retried(delivery: Any) -> None:
    execution_id = delivery.create()
    delivery.end_build(delivery.building(), BuildStatus.FAILED)
    assert delivery.until_ended(execution_id) == "Failed"
    stage = delivery.stage("Build")
    assert stage["latestExecution"]["status"] == "Failed"
    error = stage["actionStates"][0]["latestExecution"]["errorDetails"]
    assert error["code"] == "JobFailed"
    assert "make: exit status 2" in error["message"]
    retried = delivery.pipelines.retry_stage_execution(
        pipelineName="pipe", stageName="Build", pipelineExecutionId=execution_id,
        retryMode="FAILED_ACTIONS",
    )  # fmt: skip
    assert retried["pipelineExecutionId"] == execution_id
    delivery.end_build(delivery.building())
    assert delivery.until_ended(execution_id) == "Succeeded"
    assert delivery.stage("Build")["retryStageMetadata"] == {
        "manualStageRetryAttempt": 1, "latestRetryTrigger": "ManualStageRetry",
    }  # fmt: skip
    every = delivery.pipelines.list_action_executions(
        pipelineName="pipe",
        filter={"latestInPipelineExecution": {
            "pipelineExecutionId": execution_id, "startTimeRange": "All"}},
    )["actionExecutionDetails"]  # fmt: skip
    assert [one["status"] for one in every] == ["Succeeded", "Failed", "Succeeded"]
    latest = delivery.pipelines.list_action_executions(
        pipelineName="pipe",
        filter={"latestInPipelineExecution": {
            "pipelineExecutionId": execution_id, "startTimeRange": "Latest"}},
    )["actionExecutionDetails"]  # fmt: skip
    assert [one["status"] for one in latest] == ["Succeeded", "Succeeded"]
    assert refused(
        delivery.pipelines.retry_stage_execution,
        pipelineName="pipe", stageName="Build", pipelineExecutionId=execution_id,
        retryMode="ALL_ACTIONS",
    ) == "StageNotRetryableException"  # fmt: skip


def test_stop_waits_and_abandon_does_not(delivery: Any) -> None:
    execution_id = delivery.create()
    build_id = delivery.building()
    stop = delivery.pipelines.stop_pipeline_execution
    request = {"pipelineName": "pipe", "pipelineExecutionId": execution_id}
    stop(**request, reason="not now")
    delivery.until(lambda: delivery.stage("Build")["latestExecution"]["status"] == "Stopping")
    assert refused(stop, **request) == "DuplicatedStopRequestException"
    assert refused(
        delivery.pipelines.retry_stage_execution, **request, stageName="Build",
        retryMode="FAILED_ACTIONS",
    ) == "ConflictException"  # fmt: skip
    stop(**request, abandon=True)
    assert delivery.until_ended(execution_id) == "Stopped"
    assert delivery.stage("Build")["actionStates"][0]["latestExecution"]["status"] == "Abandoned"
    assert refused(stop, **request) == "PipelineExecutionNotStoppableException"
    [summary] = delivery.executions()
    assert summary["status"] == "Stopped"
    assert "stopTrigger" in summary
    delivery.end_build(build_id)  # the build goes on, and its end changes nothing
    assert delivery.until_ended(execution_id) == "Stopped"


def test_a_disabled_transition_keeps_executions_out(delivery: Any) -> None:
    first = delivery.create()
    delivery.end_build(delivery.building())
    delivery.until_ended(first)
    place = {"pipelineName": "pipe", "stageName": "Build", "transitionType": "Inbound"}
    delivery.pipelines.disable_stage_transition(**place, reason="freeze")
    shown = delivery.stage("Build")["inboundTransitionState"]
    assert (shown["enabled"], shown["disabledReason"]) == (False, "freeze")
    assert shown["lastChangedBy"] == "arn:aws:iam::123456789012:root"
    second = delivery.pipelines.start_pipeline_execution(name="pipe")["pipelineExecutionId"]
    waiting = delivery.until(lambda: delivery.stage("Build").get("inboundExecution"))
    assert waiting["pipelineExecutionId"] == second
    assert waiting["status"] == "InProgress"
    third = delivery.pipelines.start_pipeline_execution(name="pipe")["pipelineExecutionId"]
    assert delivery.until_ended(second) == "Superseded"
    delivery.pipelines.enable_stage_transition(**place)
    delivery.end_build(delivery.building())
    assert delivery.until_ended(third) == "Succeeded"
    assert refused(
        delivery.pipelines.disable_stage_transition, **{**place, "stageName": "No"}, reason="x"
    ) == "StageNotFoundException"  # fmt: skip


def test_a_start_names_revisions_variables_and_a_token(delivery: Any) -> None:
    first = delivery.create(
        delivery.document(pipelineType="V2", variables=[{"name": "WHERE", "defaultValue": "here"}])
    )
    delivery.end_build(delivery.building())
    delivery.until_ended(first)
    delivery.commit("second")
    pushed = delivery.until(lambda: delivery.executions()[1:] and delivery.executions()[0])
    delivery.end_build(delivery.building())
    delivery.until_ended(pushed["pipelineExecutionId"])
    request = {
        "name": "pipe",
        "clientRequestToken": "once",
        "variables": [{"name": "WHERE", "value": "there"}],
        "sourceRevisions": [
            {
                "actionName": "App", "revisionType": "COMMIT_ID",
                "revisionValue": delivery.commit_id,
            }
        ],
    }  # fmt: skip
    started = delivery.pipelines.start_pipeline_execution(**request)["pipelineExecutionId"]
    again = delivery.pipelines.start_pipeline_execution(**request)["pipelineExecutionId"]
    assert again == started
    delivery.end_build(delivery.building())
    delivery.until_ended(started)
    shown = delivery.pipelines.get_pipeline_execution(
        pipelineName="pipe", pipelineExecutionId=started
    )["pipelineExecution"]
    assert shown["variables"] == [{"name": "WHERE", "resolvedValue": "there"}]
    assert shown["artifactRevisions"][0]["revisionId"] == delivery.commit_id
    assert shown["trigger"] == {
        "triggerType": "StartPipelineExecution",
        "triggerDetail": "arn:aws:iam::123456789012:root",
    }


def test_executions_are_listed_in_pages_and_by_stage(delivery: Any) -> None:
    first = delivery.create()
    delivery.end_build(delivery.building(), BuildStatus.FAILED)
    delivery.until_ended(first)
    ids = [first]
    for _ in range(4):
        ids.insert(
            0, delivery.pipelines.start_pipeline_execution(name="pipe")["pipelineExecutionId"]
        )
        delivery.end_build(delivery.building())
        delivery.until_ended(ids[0])
    pages = delivery.pipelines.get_paginator("list_pipeline_executions").paginate(
        pipelineName="pipe", PaginationConfig={"PageSize": 2}
    )
    shown = [
        [one["pipelineExecutionId"] for one in page["pipelineExecutionSummaries"]] for page in pages
    ]
    assert shown == [ids[:2], ids[2:4], ids[4:]]
    succeeded = delivery.pipelines.list_pipeline_executions(
        pipelineName="pipe", filter={"succeededInStage": {"stageName": "Build"}}
    )["pipelineExecutionSummaries"]
    assert [one["pipelineExecutionId"] for one in succeeded] == ids[:4]
    actions = delivery.pipelines.get_paginator("list_action_executions").paginate(
        pipelineName="pipe", PaginationConfig={"PageSize": 3}
    )
    assert [len(page["actionExecutionDetails"]) for page in actions] == [3, 3, 3, 1]


@pytest.mark.parametrize(
    ("configuration", "text"),
    [
        (
            {"RepositoryName": "app", "BranchName": "none"},
            # github.com/aws/aws-cdk/issues/27710
            (
                "The action failed because no branch named none was found in the selected AWS "
                "CodeCommit repository"
            ),
        ),
        ({"RepositoryName": "gone", "BranchName": "main"}, "no repository named gone was found"),
    ],
)
def test_a_source_that_is_not_there_fails(
    delivery: Any, configuration: dict[str, str], text: str
) -> None:
    execution_id = delivery.create(
        delivery.document(
            {"name": "Source", "actions": [source(configuration=configuration)]},
            {"name": "Build", "actions": [build()]},
        )
    )
    assert delivery.until_ended(execution_id) == "Failed"
    failed = delivery.stage("Source")["actionStates"][0]["latestExecution"]
    assert text in failed["errorDetails"]["message"]


def test_a_missing_artifact_bucket_fails_the_source(delivery: Any) -> None:
    store = {"type": "S3", "location": "nowhere"}
    execution_id = delivery.create(delivery.document(artifactStore=store))
    assert delivery.until_ended(execution_id) == "Failed"
    failed = delivery.stage("Source")["actionStates"][0]["latestExecution"]
    assert "The artifact bucket nowhere does not exist" in failed["errorDetails"]["message"]


@pytest.mark.parametrize(
    ("allowed", "stage", "denied"),
    [
        (["codebuild:*", "s3:*"], "Source", "codecommit:GetBranch"),
        (["codecommit:*", "codebuild:*"], "Source", "s3:PutObject"),
        (["codecommit:*", "s3:*"], "Build", "codebuild:StartBuild"),
    ],
)
def test_a_role_without_a_permission_fails_the_action(
    delivery: Any, allowed: list[str], stage: str, denied: str
) -> None:
    trust = {"Service": "codepipeline.amazonaws.com"}
    role = delivery.make_role("narrow", trust, statement(allowed))
    execution_id = delivery.create(delivery.document(roleArn=role))
    assert delivery.until_ended(execution_id) == "Failed"
    error = delivery.stage(stage)["actionStates"][0]["latestExecution"]["errorDetails"]
    assert error["code"] == "PermissionError"
    assert f"is not authorized to perform: {denied} on resource: " in error["message"]


def test_an_unknown_pipeline_or_execution_is_not_found(delivery: Any) -> None:
    client = delivery.pipelines
    unknown = "00000000-0000-0000-0000-000000000000"
    for call in (client.get_pipeline_state, client.start_pipeline_execution):
        assert refused(call, name="gone") == "PipelineNotFoundException"
    for call in (client.list_pipeline_executions, client.list_action_executions):
        assert refused(call, pipelineName="gone") == "PipelineNotFoundException"
    delivery.create()
    request = {"pipelineName": "pipe", "pipelineExecutionId": unknown}
    assert refused(client.get_pipeline_execution, **request) == "PipelineExecutionNotFoundException"
    assert refused(
        client.list_action_executions, pipelineName="pipe",
        filter={"pipelineExecutionId": unknown},
    ) == "PipelineExecutionNotFoundException"  # fmt: skip
