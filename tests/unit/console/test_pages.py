"""What pages show: everything escaped, statuses in words, forms that carry the session's token."""

import re
from datetime import UTC, datetime

import pytest
from tests.console_world import Browser

from penstock.aws.errors import ServiceError

NOW = datetime(2026, 1, 2, 3, 4, 0, tzinfo=UTC)
HOSTILE = "<script>alert('x')</script><img src=x onerror=alert(1)>"
EXECUTION = "11111111-2222-3333-4444-555555555555"
BUILD = "project:0b1c2d3e-0000-4000-8000-000000000000"
STACK = f"arn:aws:cloudformation:us-east-1:123456789012:stack/todo/{EXECUTION}"


def action(name, category, provider, **configuration):
    type_id = {"category": category, "owner": "AWS", "provider": provider, "version": "1"}
    return {"name": name, "actionTypeId": type_id, "configuration": configuration, "runOrder": 1}


DECLARATION = {
    "name": "app",
    "version": 3,
    "roleArn": "arn:aws:iam::123456789012:role/pipeline",
    "pipelineType": "V2",
    "executionMode": "SUPERSEDED",
    "variables": [{"name": "Colour", "defaultValue": HOSTILE, "description": HOSTILE}],
    "stages": [
        {"name": "Source", "actions": [action("App", "Source", "CodeCommit")]},
        {"name": "Build", "actions": [action("Build", "Build", "CodeBuild")]},
        {"name": "Dev", "actions": [action("D", "Deploy", "CloudFormation", StackName="todo")]},
    ],
}
STATE = {
    "pipelineName": "app",
    "stageStates": [
        {
            "stageName": "Source",
            "inboundTransitionState": {"enabled": True},
            "latestExecution": {"pipelineExecutionId": EXECUTION, "status": "Succeeded"},
            "actionStates": [
                {
                    "actionName": "App",
                    "latestExecution": {"status": "Succeeded", "lastStatusChange": NOW},
                }
            ],
        },
        {
            "stageName": "Build",
            "inboundTransitionState": {"enabled": True},
            "latestExecution": {"pipelineExecutionId": EXECUTION, "status": "Failed"},
            "actionStates": [
                {
                    "actionName": "Build",
                    "latestExecution": {
                        "status": "Failed",
                        "lastStatusChange": NOW,
                        "summary": HOSTILE,
                        "externalExecutionId": BUILD,
                        "errorDetails": {"code": "JobFailed", "message": HOSTILE + " in full"},
                    },
                }
            ],
        },
        {
            "stageName": "Dev",
            "inboundTransitionState": {
                "enabled": False,
                "disabledReason": HOSTILE,
                "lastChangedBy": "arn:aws:iam::123456789012:user/ann",
                "lastChangedAt": NOW,
            },
            "inboundExecutions": [{"pipelineExecutionId": EXECUTION, "status": "InProgress"}],
            "actionStates": [{"actionName": "D"}],
        },
    ],
}
SUMMARY = {
    "pipelineExecutionId": EXECUTION,
    "status": "InProgress",
    "startTime": NOW,
    "lastUpdateTime": NOW,
    "sourceRevisions": [
        {"actionName": "App", "revisionId": "a" * 40, "revisionSummary": HOSTILE + "\nmore"}
    ],
    "trigger": {
        "triggerType": "StartPipelineExecution",
        "triggerDetail": "arn:aws:iam::123456789012:user/ann",
    },
}
PIPELINE = {
    ("codepipeline", "ListPipelines"): {"pipelines": [{"name": "app"}]},
    ("codepipeline", "GetPipeline"): {"pipeline": DECLARATION, "metadata": {}},
    ("codepipeline", "GetPipelineState"): STATE,
    ("codepipeline", "ListActionExecutions"): {"actionExecutionDetails": []},
    ("codepipeline", "ListPipelineExecutions"): {"pipelineExecutionSummaries": [SUMMARY]},
    ("codepipeline", "StartPipelineExecution"): {"pipelineExecutionId": "1"},
    ("codepipeline", "StopPipelineExecution"): {},
    ("codepipeline", "RetryStageExecution"): {},
    ("codepipeline", "EnableStageTransition"): {},
    ("codepipeline", "DisableStageTransition"): {},
}


def assert_harmless(text):
    assert "<script>" not in text
    assert "<img src=x" not in text
    assert "&lt;script&gt;" in text


@pytest.mark.parametrize("path", ["/console/pipelines", "/console/pipelines/app"])
async def test_hostile_texts_are_shown_as_text(world, path):
    world.answers |= PIPELINE
    browser = await world.log_in()
    assert_harmless((await browser.get(path)).text)
    assert_harmless((await browser.get(path, hx_request="true")).text)


async def test_a_refusal_with_a_hostile_text_is_shown_as_text(world):
    world.answers |= PIPELINE
    world.answers["codepipeline", "GetPipeline"] = ServiceError(
        "PipelineNotFoundException", f"no pipeline {HOSTILE}"
    )
    browser = await world.log_in()
    answer = await browser.get("/console/pipelines/app")
    assert answer.status == 404
    assert_harmless(answer.text)


async def test_a_pipelines_page_says_all_that_is_to_know(world):
    world.answers |= PIPELINE
    browser = await world.log_in()
    text = (await browser.get("/console/pipelines/app")).text
    assert "in full" in text
    assert "Transition disabled" in text
    assert "by ann" in text
    assert "Released by ann" in text
    assert "Not started" in text
    assert "Retry failed actions" in text
    assert f'href="/console/builds/{BUILD.replace(":", "%3A")}"' in text
    assert f'id="stop-{EXECUTION}"' in text
    assert 'aria-label="Enable the transition into Dev"' in text
    assert "aaaaaaaa</code>" in text
    assert f"alert(1)&gt;{chr(10)}more" not in text, "the message's first line only"


async def test_what_an_action_did_in_an_earlier_execution_is_told_as_that(world):
    """Locks: below an approval that waited, the execution after it read Succeeded."""
    latest = {"actionExecutionId": "a1", "status": "Succeeded", "lastStatusChange": NOW}
    build = {
        "stageName": "Build",
        "latestExecution": {"pipelineExecutionId": EXECUTION, "status": "InProgress"},
        "actionStates": [{"actionName": "Build", "latestExecution": {**latest, "summary": "told"}}],
    }
    world.answers |= PIPELINE
    world.answers["codepipeline", "GetPipelineState"] = {**STATE, "stageStates": [build]}
    browser = await world.log_in()
    text = (await browser.get("/console/pipelines/app")).text
    assert "last succeeded" in text
    assert "before this" in text
    assert "told" not in text
    world.answers["codepipeline", "ListActionExecutions"] = {
        "actionExecutionDetails": [
            {
                "actionExecutionId": "a1",
                "stageName": "Build",
                "actionName": "Build",
                "startTime": NOW,
            }
        ]
    }
    text = (await browser.get("/console/pipelines/app")).text
    assert "before this" not in text
    assert "told" in text


async def test_every_form_carries_the_sessions_token(world):
    world.answers |= PIPELINE
    browser = await world.log_in()
    text = (await browser.get("/console/pipelines/app")).text
    forms = re.findall(r"<form.*?</form>", text, re.DOTALL)
    assert len(forms) >= 6
    for form in forms:
        assert 'method="post"' in form
        assert f'name="csrf" value="{world.csrf()}"' in form


async def test_without_authentication_the_pages_forms_work(world):
    world.answers |= PIPELINE
    browser = Browser(world.make_console(authenticate=False))
    text = (await browser.get("/console/pipelines/app")).text
    (csrf,) = set(re.findall(r'name="csrf" value="([^"]+)"', text))
    answer = await browser.post("/console/pipelines/app/release", {"csrf": csrf})
    assert answer.status == 303
    assert world.calls[-1][1:3] == ("StartPipelineExecution", {"name": "app"})
    assert "Log out" not in text


async def test_a_fragment_is_the_live_part_of_the_page(world):
    world.answers |= PIPELINE
    browser = await world.log_in()
    page = (await browser.get("/console/pipelines/app")).text
    fragment = (await browser.get("/console/pipelines/app", hx_request="true")).text
    assert "<html" not in fragment
    assert fragment.strip() in page


async def test_a_page_follows_events_from_before_it_was_read(world):
    world.answers |= PIPELINE
    browser = await world.log_in()
    text = (await browser.get("/console/pipelines/app")).text
    assert 'sse-connect="/console/events?topic=pipeline%3Aapp&amp;after=0"' in text
    assert 'hx-get="/console/pipelines/app" hx-trigger="sse:changed"' in text


@pytest.mark.parametrize(
    ("path", "form", "operation", "request_"),
    [
        (
            "release",
            {"variable:Colour": "red", "variable:Empty": ""},
            "StartPipelineExecution",
            {"name": "app", "variables": [{"name": "Colour", "value": "red"}]},
        ),
        (
            "stop",
            {"execution": EXECUTION, "how": "abandon", "reason": " wrong one "},
            "StopPipelineExecution",
            {
                "pipelineName": "app",
                "pipelineExecutionId": EXECUTION,
                "abandon": True,
                "reason": "wrong one",
            },
        ),
        (
            "stop",
            {"execution": EXECUTION, "how": "wait", "reason": ""},
            "StopPipelineExecution",
            {"pipelineName": "app", "pipelineExecutionId": EXECUTION, "abandon": False},
        ),
        (
            "retry",
            {"execution": EXECUTION, "stage": "Build", "mode": "ALL_ACTIONS"},
            "RetryStageExecution",
            {
                "pipelineName": "app",
                "stageName": "Build",
                "pipelineExecutionId": EXECUTION,
                "retryMode": "ALL_ACTIONS",
            },
        ),
        (
            "transition",
            {"stage": "Dev", "to": "disabled", "reason": "freeze"},
            "DisableStageTransition",
            {
                "pipelineName": "app",
                "stageName": "Dev",
                "transitionType": "Inbound",
                "reason": "freeze",
            },
        ),
        (
            "transition",
            {"stage": "Dev", "to": "enabled"},
            "EnableStageTransition",
            {"pipelineName": "app", "stageName": "Dev", "transitionType": "Inbound"},
        ),
    ],
)
async def test_what_a_button_does(world, path, form, operation, request_):
    world.answers |= PIPELINE
    browser = await world.log_in()
    answer = await browser.post(f"/console/pipelines/app/{path}", {"csrf": world.csrf(), **form})
    assert (answer.status, answer.headers["location"]) == (303, "/console/pipelines/app")
    assert world.calls[-1][1:3] == (operation, request_)


async def test_a_form_that_breaks_the_model_is_refused_with_awss_text(world):
    world.answers |= PIPELINE
    browser = await world.log_in()
    form = {"csrf": world.csrf(), "stage": "Dev", "to": "disabled", "reason": ""}
    answer = await browser.post("/console/pipelines/app/transition", form)
    assert answer.status == 400
    assert "failed to satisfy constraint" in answer.text
    assert world.calls == []


async def test_a_pipeline_that_the_visitor_may_not_look_into_is_still_listed(world):
    world.answers |= PIPELINE
    lister = {"Effect": "Allow", "Action": "codepipeline:ListPipelines", "Resource": "*"}
    browser = await world.log_in(await world.user("ann", lister))
    page = await browser.get("/console/pipelines")
    assert page.status == 200
    assert "not authorized to perform: codepipeline:GetPipelineState" in page.text


async def test_empty_lists_say_what_to_do_next(world):
    world.answers |= {
        ("codepipeline", "ListPipelines"): {"pipelines": []},
        ("codebuild", "ListBuilds"): {"ids": []},
        ("codebuild", "ListProjects"): {"projects": []},
        ("cloudformation", "ListStacks"): {"StackSummaries": []},
    }
    browser = await world.log_in()
    for path, command in (
        ("pipelines", "aws codepipeline create-pipeline"),
        ("builds", "aws codebuild create-project"),
        ("stacks", "aws cloudformation deploy"),
    ):
        page = await browser.get(f"/console/{path}")
        assert page.status == 200
        assert command in page.text


async def test_what_the_server_lacks_is_said(world):
    browser = await world.log_in()
    page = await browser.get("/console/stacks")
    assert page.status == 501
    assert "Penstock does not offer ListStacks of cloudformation" in page.text


async def test_a_bug_is_a_page_that_tells_nothing_of_it(world, caplog):
    world.answers |= PIPELINE
    world.answers["codepipeline", "ListPipelines"] = RuntimeError("a secret detail")
    browser = await world.log_in()
    page = await browser.get("/console/pipelines")
    assert page.status == 500
    assert "a secret detail" not in page.text
    assert "a secret detail" in caplog.text


BUILT = {
    "id": BUILD,
    "projectName": "project",
    "buildNumber": 7,
    "buildStatus": "FAILED",
    "buildComplete": True,
    "startTime": NOW,
    "endTime": NOW,
    "initiator": "codepipeline/app",
    "source": {"type": "CODEPIPELINE"},
    "environment": {
        "image": "aws/codebuild/standard:7.0",
        "computeType": "BUILD_GENERAL1_SMALL",
        "privilegedMode": True,
        "environmentVariables": [{"name": "A", "value": HOSTILE, "type": "PLAINTEXT"}],
    },
    "serviceRole": "arn:aws:iam::123456789012:role/build",
    "timeoutInMinutes": 60,
    "artifacts": {"location": HOSTILE},
    "phases": [
        {
            "phaseType": "BUILD",
            "phaseStatus": "FAILED",
            "startTime": NOW,
            "endTime": NOW,
            "contexts": [{"statusCode": "COMMAND_EXECUTION_ERROR", "message": HOSTILE}],
        }
    ],
    "logs": {
        "cloudWatchLogs": {"status": "ENABLED"},
        "groupName": "/aws/codebuild/project",
        "streamName": "stream",
    },
}


def page_of_log(*messages, forward="f/2", backward="b/0"):
    return {
        "events": [{"timestamp": 0, "message": message} for message in messages],
        "nextForwardToken": forward,
        "nextBackwardToken": backward,
    }


async def test_a_builds_page_shows_phases_and_log_as_text(world):
    world.answers |= {
        ("codebuild", "BatchGetBuilds"): {"builds": [BUILT]},
        ("logs", "GetLogEvents"): page_of_log(f"\x1b[32m{HOSTILE}\x1b[0m plain\n"),
    }
    browser = await world.log_in()
    text = (await browser.get(f"/console/builds/{BUILD}")).text
    assert_harmless(text)
    assert '<span class="ansi-green">&lt;script&gt;' in text
    assert "COMMAND_EXECUTION_ERROR" in text
    assert "privileged" in text
    assert 'href="/console/pipelines/app"' in text
    assert "End of the log" in text
    assert "PROVISIONING" in text, "phases that were not reached keep their place"
    assert "Stop build" not in text


async def test_a_running_builds_log_is_fetched_on_from_where_it_ended(world):
    running = {**BUILT, "buildStatus": "IN_PROGRESS", "buildComplete": False}
    world.answers |= {
        ("codebuild", "BatchGetBuilds"): {"builds": [running]},
        ("logs", "GetLogEvents"): page_of_log("one", forward="f/1"),
    }
    browser = await world.log_in()
    text = (await browser.get(f"/console/builds/{BUILD}")).text
    more = f"/console/builds/{BUILD.replace(':', '%3A')}/log?from=f/1"
    assert f'hx-get="{more}" hx-trigger="every 600ms"' in text
    assert "Stop build" in text

    world.answers["logs", "GetLogEvents"] = page_of_log("two", forward="f/2")
    text = (await browser.get(more, hx_request="true")).text
    assert world.calls[-1][2]["nextToken"] == "f/1"
    assert "two" in text
    assert "from=f/2" in text

    world.answers["logs", "GetLogEvents"] = page_of_log(forward="f/2")
    assert (await browser.get(more, hx_request="true")).status == 204

    world.answers["codebuild", "BatchGetBuilds"] = {"builds": [BUILT]}
    text = (await browser.get(more, hx_request="true")).text
    assert "End of the log" in text
    assert "hx-trigger" not in text


async def test_an_unknown_build_is_not_found(world):
    world.answers["codebuild", "BatchGetBuilds"] = {"builds": [], "buildsNotFound": [BUILD]}
    browser = await world.log_in()
    page = await browser.get(f"/console/builds/{BUILD}")
    assert page.status == 404
    assert f"Build {BUILD} does not exist" in page.text
