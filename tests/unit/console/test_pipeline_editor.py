"""Editing a pipeline as its pages are used: every step carries the draft on, Save sends it."""

import json
from typing import Any

import pytest
from tests.console_world import World
from tests.unit.console.editing import PATH, Editor, declaration, serve, source

from penstock.aws.errors import ServiceError

HOSTILE = "<script>alert('x')</script>\"><img src=x onerror=alert(1)>"
TYPE = "Deploy/AWS/CloudFormation/1"
CHANGE_SET = {
    "name": "CreateChangeSet",
    "type": TYPE,
    "run-order": "1",
    "configuration:ActionMode": "CHANGE_SET_REPLACE",
    "configuration:StackName": "todobackend-prod",
    "configuration:ChangeSetName": "release",
    "configuration:TemplatePath": "App::stack.yml",
    "configuration:TemplateConfiguration": "App::prod.json",
    "configuration:ParameterOverrides": '{\r\n  "Tag": "1"\r\n}',
    "configuration:RoleArn": "arn:aws:iam::123456789012:role/stack",
    "configuration:OutputFileName": "",
    "capability:CAPABILITY_IAM": "on",
    "capability:CAPABILITY_NAMED_IAM": "on",
    "input:App": "on",
    "outputs": "",
    "namespace": "",
    "role": "",
}


async def test_the_page_shows_the_pipeline_and_has_nothing_to_lose(world: World) -> None:
    found = serve(world)
    editor = await Editor.open(world)
    assert editor.answer.status == 200
    assert editor.draft == found
    assert editor.hidden["base"] == "3"
    assert 'data-unsaved="no"' in editor.text
    assert "Nothing is changed yet" in editor.text
    for words in ("Editing: app", "AWS CodeCommit · app · main", "AWS CodeBuild · app"):
        assert words in editor.text


async def test_a_stage_with_an_action_is_added_and_saved(world: World) -> None:
    found = serve(world)
    editor = await Editor.open(world)
    await editor.press("stage-form:2")
    await editor.press("add-stage:2", **{"stage-name": "Production"})
    assert "This stage has no actions yet" in editor.text
    await editor.press("new-action:2:1:0")
    assert "Choose a provider" in editor.text
    await editor.send("action-fields", {"type": TYPE, "name": "x", "run-order": "1"})
    assert "Create or replace a change set" in editor.text
    await editor.press("action-done", **CHANGE_SET)
    await editor.press("save:3")
    assert editor.answer.status == 303
    assert editor.answer.headers["location"] == "/console/pipelines/app"
    production = {
        "name": "Production",
        "actions": [
            {
                "name": "CreateChangeSet",
                "actionTypeId": {
                    "category": "Deploy", "owner": "AWS", "provider": "CloudFormation",
                    "version": "1",
                },
                "runOrder": 1,
                "configuration": {
                    "ActionMode": "CHANGE_SET_REPLACE",
                    "StackName": "todobackend-prod",
                    "ChangeSetName": "release",
                    "TemplatePath": "App::stack.yml",
                    "TemplateConfiguration": "App::prod.json",
                    "Capabilities": "CAPABILITY_IAM,CAPABILITY_NAMED_IAM",
                    "RoleArn": "arn:aws:iam::123456789012:role/stack",
                    "ParameterOverrides": '{\n  "Tag": "1"\n}',
                },
                "inputArtifacts": [{"name": "App"}],
            }
        ],
    }  # fmt: skip
    assert editor.saved == [{**found, "stages": [*found["stages"], production]}]


async def test_awss_refusal_stands_on_the_form_and_nothing_is_lost(world: World) -> None:
    serve(world)
    editor = await Editor.open(world)
    await editor.press("remove-stage:1")
    before = editor.draft
    text = "Pipeline has only 1 stage(s). There should be a minimum of 2 stages in a pipeline"
    world.answers["codepipeline", "UpdatePipeline"] = ServiceError(
        "InvalidStructureException", text
    )
    await editor.press("save:3")
    assert editor.answer.status == 400
    assert text in editor.text
    assert "InvalidStructureException" in editor.text
    assert editor.draft == before
    world.answers["codepipeline", "UpdatePipeline"] = {"pipeline": {**before, "version": 4}}
    await editor.press("save:3")
    assert editor.answer.status == 303


async def test_whoever_may_not_update_is_told_so_with_the_draft(world: World) -> None:
    serve(world)
    reading = {"Effect": "Allow", "Action": ["codepipeline:Get*", "codepipeline:List*"],
               "Resource": "*"}  # fmt: skip
    browser = await world.log_in(await world.user("ann", reading))
    editor = Editor(world, await browser.get(PATH))
    await editor.press("remove-stage:1")
    before = editor.draft
    await editor.press("save:3")
    assert editor.answer.status in {400, 403}
    assert "not authorized to perform: codepipeline:UpdatePipeline" in editor.text
    assert editor.draft == before
    assert editor.saved == []


async def test_a_change_of_somebody_else_is_not_overwritten_unasked(world: World) -> None:
    found = serve(world)
    editor = await Editor.open(world)
    await editor.press("remove-stage:1")
    mine = editor.draft
    theirs = {**found, "version": 4, "executionMode": "QUEUED"}
    world.answers["codepipeline", "GetPipeline"] = {"pipeline": theirs, "metadata": {}}
    world.answers["codepipeline", "UpdatePipeline"] = {"pipeline": {**mine, "version": 5}}
    await editor.press("save:3")
    assert editor.answer.status == 409
    assert "version 4 was saved meanwhile" in editor.text
    assert 'value="save:3"' not in editor.text
    assert editor.draft == mine
    assert editor.saved == []
    await editor.press("save:4")
    assert editor.answer.status == 303
    assert editor.saved == [mine]


async def test_a_change_in_the_very_moment_is_told(world: World) -> None:
    serve(world)
    editor = await Editor.open(world)
    await editor.press("remove-stage:1")
    world.answers["codepipeline", "UpdatePipeline"] = {"pipeline": {**editor.draft, "version": 5}}
    await editor.press("save:3")
    assert "somebody else saved version 4, which yours replaces" in editor.text


async def test_an_unchanged_draft_cancels_nothing(world: World) -> None:
    serve(world)
    editor = await Editor.open(world)
    await editor.press("save:3")
    assert "Nothing was saved: the draft and the pipeline are the same" in editor.text
    assert editor.saved == []


async def test_what_saving_ends_is_said_before(world: World) -> None:
    waiting = {
        "name": "Approve",
        "actionTypeId": {"category": "Approval", "owner": "AWS", "provider": "Manual",
                         "version": "1"},
    }  # fmt: skip
    found = declaration()
    found["stages"].append({"name": "Production", "actions": [waiting]})
    serve(world, found)
    id_ = "11111111-2222-3333-4444-555555555555"
    world.answers["codepipeline", "ListPipelineExecutions"] = {
        "pipelineExecutionSummaries": [
            {"pipelineExecutionId": id_, "status": "InProgress"},
            {"pipelineExecutionId": "old", "status": "Succeeded"},
        ]
    }
    world.answers["codepipeline", "GetPipelineState"] = {
        "stageStates": [
            {
                "stageName": "Production",
                "actionStates": [
                    {"actionName": "Approve", "latestExecution": {"status": "InProgress"}}
                ],
            }
        ]
    }
    editor = await Editor.open(world)
    assert "Saving cancels 1 unfinished execution<" in editor.text
    assert "voids the approval that waits" in editor.text
    assert "Production › Approve" in editor.text


async def test_secrets_shown_as_stars_are_sent_back_as_stars(world: World) -> None:
    secret = source("Hub")
    secret["actionTypeId"] |= {"owner": "ThirdParty", "provider": "GitHub"}
    secret["configuration"] = {"Owner": "o", "Repo": "r", "Branch": "b", "OAuthToken": "****"}
    found = declaration()
    found["stages"][0]["actions"].append(secret)
    serve(world, found)
    editor = await Editor.open(world)
    await editor.press("edit-action:0:1")
    token = editor.text.partition('name="configuration:OAuthToken"')[2].partition(">")[0]
    assert 'value="****"' in token
    assert 'type="password"' in token
    form = {
        "name": "Hub", "type": "Source/ThirdParty/GitHub/1", "run-order": "1", "outputs": "Hub",
        "configuration:Owner": "other", "configuration:Repo": "r", "configuration:Branch": "b",
        "configuration:OAuthToken": "****", "configuration:PollForSourceChanges": "",
        "namespace": "", "role": "",
    }  # fmt: skip
    await editor.press("action-done", **form)
    await editor.press("save:3")
    expected = {**secret["configuration"], "Owner": "other"}
    assert editor.saved[0]["stages"][0]["actions"][1]["configuration"] == expected


async def test_a_renamed_actions_secret_is_asked_for_again(world: World) -> None:
    """Locks: `****` under a new name would have been stored as the token itself."""
    secret = source("Hub")
    secret["actionTypeId"] |= {"owner": "ThirdParty", "provider": "GitHub"}
    secret["configuration"] = {"Owner": "o", "Repo": "r", "Branch": "b", "OAuthToken": "****"}
    found = declaration()
    found["stages"][0]["actions"].append(secret)
    serve(world, found)
    editor = await Editor.open(world)
    await editor.press("rename-form:0")
    await editor.press("rename-stage:0", **{"stage-name": "Sources"})
    await editor.press("save:3")
    assert "Enter it again in action Hub of stage Sources" in editor.text
    assert editor.saved == []


async def test_a_form_with_a_mistake_comes_back_as_it_was_typed(world: World) -> None:
    serve(world)
    editor = await Editor.open(world)
    await editor.press("edit-action:1:0")
    form = {**CHANGE_SET, "run-order": "0", "configuration:StackName": HOSTILE}
    await editor.press("action-done", **form)
    assert editor.answer.status == 400
    assert "Run order: expected a whole number from 1 to 999" in editor.text
    assert "<script>alert" not in editor.text
    assert "<img src=x" not in editor.text
    assert "&lt;script&gt;" in editor.text
    assert "App::prod.json" in editor.text


async def test_hostile_names_are_shown_as_text(world: World) -> None:
    found = declaration()
    found["stages"][1]["name"] = HOSTILE
    found["stages"][1]["actions"][0]["name"] = HOSTILE
    found["stages"][1]["actions"][0]["configuration"] = {"ProjectName": HOSTILE, HOSTILE: HOSTILE}
    serve(world, found)
    editor = await Editor.open(world)
    pages = [editor.text]
    for do in ("rename-form:1", "edit-action:1:0", "declaration"):
        editor = await Editor.open(world)
        await editor.press(do)
        assert editor.answer.status == 200
        assert editor.draft == found
        pages.append(editor.text)
    for page in pages:
        assert "<script>alert" not in page
        assert "<img src=x" not in page


async def test_the_declaration_is_edited_as_text(world: World) -> None:
    found = serve(world)
    editor = await Editor.open(world)
    await editor.press("declaration")
    changed = {**found, "executionMode": "QUEUED"}
    await editor.press("declaration-done", text=json.dumps({"pipeline": changed, "metadata": {}}))
    assert editor.draft == changed
    await editor.press("save:3")
    assert editor.saved == [changed]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "Expected a pipeline&#39;s declaration as JSON"),
        ('{"name": "app"}', "Missing required parameter in pipeline: &#34;roleArn&#34;"),
        (json.dumps({**declaration(), "colour": 1}), "Unknown parameter in pipeline"),
        (json.dumps(declaration(stages="x")), "Invalid type for parameter pipeline.stages"),
        (json.dumps(declaration(name="b")), "A pipeline keeps its name: expected app, found b"),
        ("[" * 100_000, "Expected a pipeline&#39;s declaration as JSON"),
        (json.dumps(declaration(roleArn="\ud800")), "Expected a pipeline&#39;s declaration"),
        (json.dumps(declaration(version=float("nan"))), "NaN is no JSON"),
    ],
)
async def test_a_declaration_with_a_mistake_stays_as_it_was_typed(
    world: World, text: str, words: str
) -> None:
    serve(world)
    editor = await Editor.open(world)
    await editor.press("declaration")
    await editor.press("declaration-done", text=text)
    assert editor.answer.status == 400
    assert words in editor.text
    assert text[:40].replace('"', "&#34;") in editor.text


@pytest.mark.parametrize(
    "do", ["", "nothing", "save", "remove-stage:9", "remove-stage:x", "move-stage:0:--1",
           "remove-action:0:9", "new-action:7:1:0", "edit-action:0:-1", "move-group:0:9:1"],
)  # fmt: skip
async def test_a_step_that_is_none_changes_nothing(world: World, do: str) -> None:
    found = serve(world)
    editor = await Editor.open(world)
    await editor.send(do, {})
    assert editor.answer.status == 400
    assert editor.draft == found
    assert "Expected" in editor.text


async def test_a_draft_that_was_tampered_with_is_refused(world: World) -> None:
    serve(world)
    editor = await Editor.open(world)
    for fields in ({"draft": "{}"}, {"base": "x"}, {"draft": json.dumps(declaration(name="b"))}):
        await editor.send("show", fields)
        assert editor.answer.status == 400
        assert "This draft cannot be read" in editor.text
        editor = await Editor.open(world)


async def test_a_long_declaration_has_room_and_a_longer_one_is_said_to_be(world: World) -> None:
    serve(world)
    editor = await Editor.open(world)
    found = declaration(variables=[{"name": "Long", "defaultValue": "é" * 300_000}])
    await editor.send("show", {"draft": json.dumps(found, ensure_ascii=False)})
    assert editor.answer.status == 200
    assert editor.draft == found
    await editor.send("show", {"draft": "x" * (9 * 1024 * 1024)})
    assert editor.answer.status == 413
    assert "This form is too long" in editor.text


async def test_a_pipeline_that_was_deleted_meanwhile_does_not_take_the_draft_away(
    world: World,
) -> None:
    serve(world)
    editor = await Editor.open(world)
    world.answers["codepipeline", "GetPipeline"] = ServiceError(
        "PipelineNotFoundException", "Account does not have a pipeline with name 'app'"
    )
    await editor.press("remove-stage:1")
    assert "does not have a pipeline" in editor.text
    assert len(editor.draft["stages"]) == 1


async def test_the_form_of_another_session_is_refused(world: World) -> None:
    serve(world)
    editor = await Editor.open(world)
    await editor.send("remove-stage:1", {"csrf": "0" * 64})
    assert editor.answer.status == 403


async def test_the_fields_alone_are_answered_to_htmx(world: World) -> None:
    serve(world)
    editor = await Editor.open(world)
    await editor.press("edit-action:1:0")
    sent: dict[str, Any] = {**editor.hidden, "do": "action-fields", "type": TYPE, "name": "B",
                            "run-order": "1"}  # fmt: skip
    answer = await world.browser.post(PATH, sent, hx_request="true")
    assert answer.status == 200
    assert "<html" not in answer.text
    assert "Change set name" in answer.text
