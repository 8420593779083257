"""Approvals' pages: what an approver reads, who gets the form, what an answer does."""

import re
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from tests import review_samples as samples
from tests.console_world import ACCOUNT, REGION, Browser, World

from penstock.aws.errors import ServiceError
from penstock.pipelines import review
from penstock.pipelines.review import Review
from penstock.storage import action_executions, approvals, pipeline_executions, pipelines
from penstock.storage.approvals import ApprovalRow
from penstock.storage.pipeline_executions import ExecutionRow
from penstock.storage.pipelines import PipelineRow

EXECUTION = "11111111-2222-3333-4444-555555555555"
ASKED = "aaaaaaaa-2222-3333-4444-555555555555"
TOKEN = "bbbbbbbb-2222-3333-4444-555555555555"
PAGE = f"/console/approvals/{ASKED}"
PIPELINE_ARN = f"arn:aws:codepipeline:{REGION}:{ACCOUNT}:todobackend"
ANN = f"arn:aws:iam::{ACCOUNT}:user/ann"
FORM = {"decision": "Approved", "summary": "Fine.\r\nGo.", "token": TOKEN}

Ask = Callable[..., Awaitable[None]]


def allow(action: str, resource: str = "*") -> dict[str, str]:
    return {"Effect": "Allow", "Action": action, "Resource": resource}


READER = [allow("codepipeline:Get*", PIPELINE_ARN), allow("codepipeline:ListActionExecutions")]
REVIEWER = [*READER, allow("cloudformation:DescribeChangeSet", samples.STACK_ID)]
APPROVER = [*REVIEWER, allow("codepipeline:PutApprovalResult", f"{PIPELINE_ARN}/*")]


@pytest.fixture
def ask(world: World) -> Ask:
    """Let a pipeline's execution ask for approval."""
    now = world.clock()

    async def ask(
        shown: Review = samples.RELEASE,
        status: str = "InProgress",
        error: str | None = None,
        configuration: dict[str, str] | None = None,
        **more: Any,
    ) -> None:
        declared = {"name": "todobackend", "version": 1, "stages": []}
        pipeline = PipelineRow("todobackend", "p", PIPELINE_ARN, 1, declared, {}, 1, now, now)
        execution = ExecutionRow(
            EXECUTION, "p", 1, 1, "SUPERSEDED", "InProgress", "", "Webhook", "", {}, {}, [], [],
            None, False, None, now, now,
        )  # fmt: skip
        row = ApprovalRow(
            ASKED, "p", "todobackend", EXECUTION, "Production", "Approve", TOKEN,
            review.encode(shown), now, now + timedelta(days=7), shown.digest,
        )  # fmt: skip

        def store(connection: Any) -> None:
            pipelines.insert(connection, pipeline, [])
            pipeline_executions.insert(connection, execution)
            action_executions.insert(
                connection, id=ASKED, pipeline_id="p", pipeline_name="todobackend",
                execution_id=EXECUTION, pipeline_version=1, stage_name="Production",
                action_name="Approve", attempt=1, started_at=now, updated_at=now,
                input={"resolvedConfiguration": configuration or {}, "namespace": ""},
            )  # fmt: skip
            if status != "InProgress":
                action_executions.finish(connection, ASKED, status, now, error_message=error)
            columns = {name: getattr(row, name) for name in ApprovalRow.__slots__}
            arns = [each.arn for each in shown.change_sets]
            approvals.insert(connection, ApprovalRow(**{**columns, **more}), arns)

        await world.database.write(store)

    trigger = {"triggerType": "StartPipelineExecution", "triggerDetail": ANN}
    world.answers |= {
        ("codepipeline", "GetPipelineExecution"): {
            "pipelineExecution": {"status": "InProgress", "trigger": trigger}
        },
        ("codepipeline", "ListActionExecutions"): {"actionExecutionDetails": []},
        ("codepipeline", "PutApprovalResult"): {"approvedAt": now},
        ("cloudformation", "DescribeChangeSet"): {"ExecutionStatus": "AVAILABLE"},
    }
    return ask


async def approver(world: World, *statements: Any) -> Browser:
    return await world.log_in(await world.user("ann", *(statements or APPROVER)))


def answers(world: World) -> list[Any]:
    return [call for call in world.calls if call[1] == "PutApprovalResult"]


def words_of(html: str) -> str:
    """The page's text, on one line."""
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


async def test_what_an_approver_reads(world: World, ask: Ask) -> None:
    await ask(
        custom_data="Look at the\ndevelopment stack", external_entity_link="https://wiki.test/7"
    )
    browser = await approver(world)
    page = await browser.get(PAGE)
    assert page.status == 200
    assert "<title>Waiting: Production › Approve · todobackend · Penstock</title>" in page.text
    text = words_of(page.text)
    assert "3 resources change in todobackend-prod: 1 is replaced" in text
    assert "Released by ann" in text
    assert "Look at the development stack" in text
    assert "d4b81f35 Answer with the release&#39;s version Ann Example" in text
    assert "The same revision as in the last release." in text
    assert "Version 0.1.0-7c1e2a90 0.2.0-d4b81f35" in text
    assert "Environment prod prod" not in text
    assert "Replace TaskDefinition AWS::ECS::TaskDefinition" in text
    assert "Is replaced: a new one is made, the old one deleted – parameter Version changed" in text
    assert "ContainerDefinitions[0].Environment.VERSION 0.1.0-7c1e2a90 0.2.0-d4b81f35" in text
    assert "Modify Service AWS::ECS::Service Changes in place" in text
    assert "(known after the change is applied)" in text
    assert "RetentionInDays 7 30" in text
    assert samples.DIGEST in text
    assert "todobackend:<mark>0.2.0-d4b81f35</mark>" in page.text
    assert '<a href="https://wiki.test/7" rel="noreferrer noopener"' in page.text
    for path in (
        "/console/pipelines/todobackend",
        f"/console/pipelines/todobackend/executions/{EXECUTION}",
        f"/console/pipelines/todobackend/executions/{samples.RELEASE.previous_execution_id}",
        "/console/changesets?arn=arn%3Aaws%3Acloudformation",
        f"/console/stacks/todobackend-prod/{samples.UUID}",
    ):
        assert f'href="{path}' in page.text
    assert page.text.index("TaskDefinition</h3>") < page.text.index("Service</h3>"), "grave first"


async def test_the_form_carries_the_token_of_what_is_shown(world: World, ask: Ask) -> None:
    await ask()
    browser = await approver(world)
    text = (await browser.get(PAGE)).text
    (form,) = re.findall(r'<form class="decision".*?</form>', text, re.DOTALL)
    assert f'action="{PAGE}/decide"' in form
    assert f'name="csrf" value="{world.csrf()}"' in form
    assert f'name="token" value="{TOKEN}"' in form
    assert 'maxlength="512"' in form
    assert "data-once" in form
    assert "hx-preserve" in form
    assert form.index(">Approve<") < form.index(">Reject<")


@pytest.mark.parametrize("decision", ["Approved", "Rejected"])
async def test_an_answer_is_given_as_the_visitor(world: World, ask: Ask, decision: str) -> None:
    await ask()
    browser = await approver(world)
    answer = await browser.post(
        f"{PAGE}/decide", {**FORM, "csrf": world.csrf()} | {"decision": decision}
    )
    assert (answer.status, answer.headers["location"]) == (303, PAGE)
    expected = {
        "pipelineName": "todobackend",
        "stageName": "Production",
        "actionName": "Approve",
        "token": TOKEN,
        "result": {"status": decision, "summary": "Fine.\nGo."},
    }
    assert answers(world) == [("codepipeline", "PutApprovalResult", expected, ANN)]


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({"decision": "", "token": TOKEN}, "failed to satisfy"),
        ({"decision": "Approved", "token": ""}, "failed to satisfy"),
        ({"decision": "Approved", "token": TOKEN, "summary": "x" * 513}, "failed to satisfy"),
    ],
)
async def test_a_form_that_breaks_the_model_is_refused(
    world: World, ask: Ask, form: dict[str, str], words: str
) -> None:
    await ask()
    browser = await approver(world)
    answer = await browser.post(f"{PAGE}/decide", {**form, "csrf": world.csrf()})
    assert answer.status == 400
    assert words in answer.text
    assert answers(world) == []


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.test", "sec_fetch_site": "cross-site"},
        {"origin": "http://127.0.0.1:8080", "sec_fetch_site": "same-site"},
        {"origin": "null", "sec_fetch_site": "cross-site"},
    ],
)
async def test_another_sites_form_approves_nothing(
    world: World, ask: Ask, headers: dict[str, str]
) -> None:
    await ask()
    browser = await approver(world)
    answer = await browser.post(f"{PAGE}/decide", {**FORM, "csrf": world.csrf()}, **headers)
    assert answer.status == 403
    assert "Nothing was changed" in answer.text
    assert answers(world) == []


@pytest.mark.parametrize("csrf", ["", "0" * 64])
async def test_without_this_sessions_form_token_nothing_is_approved(
    world: World, ask: Ask, csrf: str
) -> None:
    await ask()
    browser = await approver(world)
    answer = await browser.post(f"{PAGE}/decide", {**FORM, "csrf": csrf})
    assert answer.status == 403
    assert "This form is not of your session" in answer.text
    assert answers(world) == []


async def test_nobody_approves_without_a_login(world: World, ask: Ask) -> None:
    await ask()
    assert (await world.browser.get(PAGE)).status == 401
    assert (await world.browser.post(f"{PAGE}/decide", FORM)).status == 401
    assert answers(world) == []


async def test_who_may_not_approve_reads_and_is_told(world: World, ask: Ask) -> None:
    await ask()
    browser = await approver(world, *REVIEWER)
    page = await browser.get(PAGE)
    assert "3 resources change" in page.text
    assert 'class="decision"' not in page.text
    assert "not authorized to perform: codepipeline:PutApprovalResult" in page.text
    answer = await browser.post(f"{PAGE}/decide", {**FORM, "csrf": world.csrf()})
    assert answer.status == 403
    assert "not authorized to perform: codepipeline:PutApprovalResult" in answer.text
    assert answers(world) == []


async def test_nobody_approves_what_he_may_not_see(world: World, ask: Ask) -> None:
    await ask()
    approve = allow("codepipeline:PutApprovalResult")
    browser = await approver(world, *READER, approve)
    page = await browser.get(PAGE)
    assert page.status == 200
    assert "nobody approves unseen" in page.text
    action = "cloudformation:DescribeChangeSet"
    missing = f"not authorized to perform: {action} on resource: {samples.STACK_ID}"
    assert missing in page.text
    for hidden in ('class="decision"', "TaskDefinition", "Ann Example", "3 resources", TOKEN):
        assert hidden not in page.text
    answer = await browser.post(f"{PAGE}/decide", {**FORM, "csrf": world.csrf()})
    assert answer.status == 403
    assert missing in answer.text
    assert answers(world) == []


async def test_who_may_not_read_the_pipeline_sees_nothing(world: World, ask: Ask) -> None:
    await ask()
    browser = await approver(world, allow("codepipeline:List*"), allow("cloudformation:*"))
    page = await browser.get(PAGE)
    assert page.status == 403
    assert "not authorized to perform: codepipeline:GetPipelineState" in page.text
    assert "Approve" not in (await browser.get("/console/approvals")).text.replace("Approvals", "")


async def test_an_unknown_approval_is_not_found(world: World, ask: Ask) -> None:
    await ask()
    browser = await approver(world)
    for answer in (
        await browser.get("/console/approvals/unknown"),
        await browser.post("/console/approvals/unknown/decide", {**FORM, "csrf": world.csrf()}),
    ):
        assert answer.status == 404
        assert "Approval unknown does not exist" in answer.text


@pytest.mark.parametrize(
    "code", ["ApprovalAlreadyCompletedException", "InvalidApprovalTokenException"]
)
async def test_an_answer_that_comes_too_late_is_told(world: World, ask: Ask, code: str) -> None:
    await ask()
    world.answers["codepipeline", "PutApprovalResult"] = ServiceError(code, "It is over.")
    browser = await approver(world)
    answer = await browser.post(f"{PAGE}/decide", {**FORM, "csrf": world.csrf()})
    assert answer.status == 409
    assert "Your answer changed nothing" in answer.text
    assert "It is over." in answer.text
    assert f'href="{PAGE}"' in answer.text


@pytest.mark.parametrize(
    ("status", "more", "title", "words"),
    [
        (
            "Succeeded",
            {"decision": "Approved", "decided_by": ANN, "comment": "Fine.\nGo."},
            "Approved",
            "Approved by ann , just now Fine. Go.",
        ),
        (
            "Failed",
            {"decision": "Rejected", "decided_by": ANN, "comment": ""},
            "Rejected",
            "Rejected by ann , just now",
        ),
        ("Abandoned", {}, "Voided", "Void: the pipeline was changed"),
        ("Failed", {"error": "The topic is gone."}, "Voided", "The topic is gone."),
        (
            "InProgress",
            {"notification_arn": "arn:aws:sns:us-east-1:123456789012:releases"},
            "Waiting",
            "Not announced yet",
        ),
    ],
)
async def test_an_approval_that_nobody_can_decide_any_more(
    world: World, ask: Ask, status: str, more: dict[str, Any], title: str, words: str
) -> None:
    decided = {"decided_at": world.clock()} if "decision" in more else {}
    await ask(status=status, **more, **decided)
    browser = await approver(world)
    for text in ((await browser.get(PAGE)).text, (await browser.get(PAGE, hx_request="true")).text):
        assert f'data-title="{title}: Production › Approve · todobackend' in text
        assert words in words_of(text)
        assert "3 resources change" in text, "what was asked can be read for ever"
        assert 'class="decision"' not in text
        assert TOKEN not in text


async def test_an_approval_whose_time_is_over(world: World, ask: Ask) -> None:
    await ask()
    browser = await world.log_in()
    assert 'class="decision"' in (await browser.get(PAGE)).text
    world.clock.advance(days=7)
    text = (await (await world.log_in()).get(PAGE)).text
    assert "Timed out" in text
    assert 'class="decision"' not in text


async def test_an_edited_pipelines_approval_is_void(world: World, ask: Ask) -> None:
    await ask()

    def edit(connection: Any) -> None:
        stored = pipelines.get(connection, "todobackend")
        assert stored is not None
        pipelines.update(connection, stored, {**stored.document, "version": 2}, [], world.clock())

    await world.database.write(edit)
    browser = await approver(world)
    text = (await browser.get(PAGE)).text
    assert "<strong>Void:</strong>" in text
    assert 'class="decision"' not in text


async def test_a_deleted_pipelines_approval_is_still_read(world: World, ask: Ask) -> None:
    await ask(decision="Approved", decided_by=ANN, decided_at=world.clock(), comment="Fine.")
    await world.database.write(lambda c: pipelines.delete(c, "p"))
    gone = ServiceError("PipelineNotFoundException", "It does not exist")
    world.answers["codepipeline", "GetPipelineExecution"] = gone
    world.answers["codepipeline", "ListActionExecutions"] = gone
    browser = await approver(world)
    page = await browser.get(PAGE)
    assert page.status == 200
    assert "Approved</strong> by" in page.text
    assert "What followed cannot be shown any more" in page.text
    assert "3 resources change" in page.text


async def test_what_followed_a_decision(world: World, ask: Ask) -> None:
    now = world.clock()
    await ask(status="Succeeded", decision="Approved", decided_by=ANN, decided_at=now)

    def action(name: str, seconds: float, summary: str) -> dict[str, Any]:
        type_id = {"category": "Deploy", "owner": "AWS", "provider": "CloudFormation"}
        return {
            "actionExecutionId": name,
            "stageName": "Production",
            "actionName": name,
            "startTime": now + timedelta(seconds=seconds),
            "lastUpdateTime": now,
            "status": "Succeeded",
            "input": {"actionTypeId": type_id, "configuration": {}},
            "output": {"executionResult": {"externalExecutionSummary": summary}},
        }

    done = f"Change set todobackend-release was executed, {samples.DIGEST}"
    world.answers["codepipeline", "ListActionExecutions"] = {
        "actionExecutionDetails": [action("Execute", 1, done), action("Prepare", -60, "before")]
    }
    browser = await approver(world)
    text = words_of((await browser.get(PAGE)).text)
    assert "What followed" in text
    assert f"Production › Execute ✓ Succeeded CloudFormation · just now {done}" in text
    assert "before" not in text


async def test_a_change_set_that_the_stack_has_overtaken_is_told(world: World, ask: Ask) -> None:
    await ask()
    world.answers["cloudformation", "DescribeChangeSet"] = {
        "ExecutionStatus": "OBSOLETE",
        "StatusReason": "The stack has changed.",
    }
    browser = await approver(world)
    text = (await browser.get(PAGE)).text
    assert "cannot be executed any more: OBSOLETE. The stack has changed." in text
    (asked,) = [call[2] for call in world.calls if call[1] == "DescribeChangeSet"]
    assert asked == {"ChangeSetName": samples.CHANGE_SET_ARN, "StackName": samples.STACK_ID}
    world.answers["cloudformation", "DescribeChangeSet"] = ServiceError(
        "ChangeSetNotFoundException", "ChangeSet does not exist"
    )
    assert "any more: ChangeSet does not exist" in (await browser.get(PAGE)).text


@pytest.mark.parametrize(
    ("shown", "words"),
    [
        (samples.FIRST_RELEASE, "todobackend-prod is created, with 10 resources"),
        (samples.NOTHING_CHANGES, "Nothing changes in todobackend-prod"),
        (Review(), "No change set waits for this approval"),
        (Review(notes=["The change set is gone."]), "The change set is gone."),
    ],
)
async def test_other_reviews(world: World, ask: Ask, shown: Review, words: str) -> None:
    await ask(shown)
    browser = await approver(world)
    text = (await browser.get(PAGE)).text
    assert words in words_of(text)
    assert 'class="decision"' in text


async def test_a_first_release_adds_everything(world: World, ask: Ask) -> None:
    await ask(samples.FIRST_RELEASE)
    browser = await approver(world)
    text = (await browser.get(PAGE)).text
    assert text.count("</span> Add</span>") == 10
    assert "<summary>9 properties</summary>" in text
    assert "Before</th>" not in text
    assert f"{samples.IMAGE}:{samples.AFTER_VERSION}" in text


async def test_a_required_comment(world: World, ask: Ask) -> None:
    await ask(configuration={"IsSummaryRequired": "true"})
    browser = await approver(world)
    text = (await browser.get(PAGE)).text
    assert re.search(r"<textarea name=\"summary\"[^>]* required>", text)
    assert "(required)" in text


async def test_hostile_texts_are_shown_as_text(world: World, ask: Ask) -> None:
    await ask(
        samples.HOSTILE_REVIEW,
        status="Succeeded",
        custom_data=samples.HOSTILE,
        external_entity_link="javascript:alert(1)",
        decision="Approved",
        decided_at=world.clock(),
        decided_by=ANN,
        comment=samples.HOSTILE,
    )
    browser = await approver(world)
    for path in (PAGE, "/console/approvals"):
        page = await browser.get(path)
        assert page.status == 200
        assert "<script>" not in page.text
        assert "<img src=x" not in page.text
        assert "&lt;script&gt;" in page.text
        assert 'href="javascript:' not in page.text


async def test_the_list_of_approvals(world: World, ask: Ask) -> None:
    browser = await approver(world)
    empty = await browser.get("/console/approvals")
    assert "Nothing waits for approval" in empty.text
    await ask()
    text = (await browser.get("/console/approvals")).text
    assert "<title>(1) Approvals · Penstock</title>" in text
    assert f'<a class="button primary" href="{PAGE}">Review</a>' in text
    assert "Nothing waits" not in text
    await world.database.write(
        lambda c: approvals.decide(
            c, ASKED, decision="Rejected", decided_by=ANN, comment="No.", now=world.clock()
        )
    )
    text = words_of((await browser.get("/console/approvals")).text)
    assert "Nothing waits for approval" in text
    assert "Production › Approve todobackend 11111111 ! Rejected by ann, just now No." in text
