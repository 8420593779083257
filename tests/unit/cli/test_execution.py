from datetime import UTC, datetime, timedelta

from penstock.cli.execution import ActionView, StageView, view

START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def structure():
    def action(name, provider):
        return {"name": name, "actionTypeId": {"provider": provider}}

    return {
        "name": "road",
        "stages": [
            {"name": "Source", "actions": [action("App", "CodeCommit")]},
            {"name": "Build", "actions": [action("Test", "CodeBuild")]},
        ],
    }


def detail(stage, action, status, seconds=0, **result):
    return {
        "stageName": stage,
        "actionName": action,
        "status": status,
        "startTime": START + timedelta(seconds=seconds),
        "lastUpdateTime": START + timedelta(seconds=seconds + 1),
        "output": {"executionResult": result},
    }


SUMMARY = {
    "pipelineExecutionId": "e-1",
    "status": "Failed",
    "startTime": START,
    "lastUpdateTime": START + timedelta(seconds=9),
    "trigger": {"triggerType": "CreatePipeline", "triggerDetail": "arn:aws:iam::1:root"},
    "sourceRevisions": [
        {"actionName": "App", "revisionId": "abcdef0123", "revisionSummary": "Add order\n\nBody"}
    ],
}


def test_a_pipeline_that_never_ran_has_its_stages_and_nothing_else():
    seen = view(structure(), {}, [])
    assert (seen.status, seen.execution_id, seen.started, seen.trigger) == ("", "", None, "")
    assert [(s.name, s.status) for s in seen.stages] == [("Source", ""), ("Build", "")]
    assert not seen.ended


def test_an_action_says_its_revision_or_why_it_failed():
    seen = view(
        structure(),
        SUMMARY,
        [
            detail("Source", "App", "Succeeded"),
            detail(
                "Build",
                "Test",
                "Failed",
                2,
                externalExecutionId="p:1",
                externalExecutionSummary="ignored",
                errorDetails={"code": "JobFailed", "message": "Build terminated"},
            ),
        ],
    )
    source, build = seen.actions
    assert source.summary == "abcdef0 Add order"
    assert build.summary == "JobFailed: Build terminated"
    assert build.external_execution_id == "p:1"
    assert seen.trigger == "CreatePipeline arn:aws:iam::1:root"
    assert seen.ended
    assert [s.status for s in seen.stages] == ["Succeeded", "Failed"]


def test_a_retried_action_is_shown_by_its_newest_attempt():
    attempts = [
        detail("Build", "Test", "InProgress", 30),
        detail("Build", "Test", "Failed", 2),
    ]
    seen = view(structure(), SUMMARY, attempts)
    assert seen.stages[1].actions[0].status == "InProgress"


def test_artifacts_and_variables_of_an_action_can_be_found():
    found = detail("Build", "Test", "Succeeded", 2)
    found["output"]["outputArtifacts"] = [
        {"name": "Version", "s3location": {"bucket": "b", "key": "k"}}
    ]
    found["output"]["outputVariables"] = {"VERSION": "1.0"}
    action = view(structure(), SUMMARY, [found]).stages[1].actions[0]
    assert action.output_artifacts == {"Version": ("b", "k")}
    assert action.output_variables == {"VERSION": "1.0"}


def test_a_stage_between_two_run_orders_is_in_progress():
    def stage(*statuses):
        return StageView("S", [ActionView("S", str(n), "X", s) for n, s in enumerate(statuses)])

    assert stage("Succeeded", "").status == "InProgress"
    assert stage("Failed", "InProgress").status == "InProgress"
    assert stage("Failed", "Succeeded").status == "Failed"
    assert stage("Abandoned", "").status == "Abandoned"
    assert stage("Succeeded", "Succeeded").status == "Succeeded"
    assert stage("", "").status == ""


def waiting(execution_id="e-1", **transition):
    return {
        "stageName": "Build",
        "inboundExecutions": [{"pipelineExecutionId": execution_id}],
        "inboundTransitionState": {"enabled": True, **transition},
        "latestExecution": {"pipelineExecutionId": "e-0"},
    }


def waits_for(state):
    return view(structure(), SUMMARY, [], [state]).stages[1].waits_for


def test_an_execution_that_waits_says_for_what():
    closed = waiting(enabled=False, disabledReason="hold on")
    assert waits_for(closed) == "its transition to be enabled, disabled with: hold on"
    assert waits_for(waiting()) == "execution e-0 to leave the stage"
    assert waits_for(waiting("e-9")) == "", "another execution waits there, not this one"


def production(*runs):
    def action(name, provider, order):
        return {"name": name, "actionTypeId": {"provider": provider}, "runOrder": order}

    actions = [
        action("Create", "CloudFormation", 1),
        action("Approve", "Manual", 2),
        action("Execute", "CloudFormation", 3),
    ]
    seen = view(
        {"name": "road", "stages": [{"name": "Production", "actions": actions}]},
        SUMMARY,
        [detail("Production", *run) for run in runs],
    )
    return {one.name: one for one in seen.actions}


def test_what_an_attempt_that_was_retried_did_is_not_shown_as_of_now():
    """Locks: `Execute Failed … Retry stage Production` while that retry waited for approval."""
    seen = production(
        ("Create", "Succeeded", 0),
        ("Approve", "Succeeded", 1),
        ("Execute", "Failed", 2),
        ("Create", "Succeeded", 10),
        ("Approve", "InProgress", 11),
    )
    assert [one.status for one in seen.values()] == ["Succeeded", "InProgress", ""]
    assert seen["Approve"].summary == "is about to ask for approval"
    alone = production(
        ("Create", "Succeeded", 0), ("Approve", "Succeeded", 1), ("Execute", "Failed", 2)
    )
    assert [one.status for one in alone.values()] == ["Succeeded", "Succeeded", "Failed"]


def test_an_approval_says_who_decided():
    def decided(status, by, **result):
        ran = {**detail("Production", "Approve", status, **result), "updatedBy": by}
        actions = [{"name": "Approve", "actionTypeId": {"provider": "Manual"}}]
        structure = {"name": "road", "stages": [{"name": "Production", "actions": actions}]}
        return view(structure, SUMMARY, [ran]).actions[0].summary

    ann = "arn:aws:iam::1:user/ann"
    rejected = decided("Failed", ann, externalExecutionSummary="not on Fridays")
    assert rejected == "rejected by ann: not on Fridays"
    silent = decided("Succeeded", ann, externalExecutionSummary=f"Approved by {ann}")
    assert silent == "approved by ann"
    told = decided("Failed", "", errorDetails={"code": "PermissionError", "message": "no topic"})
    assert told == "PermissionError: no topic"
