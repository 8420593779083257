"""A person puts a stage Production behind a running pipeline, in the console alone: edits it,
saves it, releases a change, reviews what it would do, approves it, and rejects the next.
"""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Dialog, Page, Route, expect
from tests.browser.conftest import login_link, open_page
from tests.browser.test_console import release, stage
from tests.delivery import (
    BUCKET,
    commit_files,
    create_role,
    executions,
    push,
    role_arn,
    source_action,
    wait_for_execution,
)
from tests.server_process import ServerProcess

TEMPLATE = """\
Parameters:
  Environment: {Type: String}
  Greeting: {Type: String, Default: hello}
Resources:
  Setting:
    Type: AWS::SSM::Parameter
    Properties: {Name: !Sub '/${Environment}/greeting', Type: String, Value: !Ref Greeting}
"""
CLOUDFORMATION = {
    "category": "Deploy", "owner": "AWS", "provider": "CloudFormation", "version": "1",
}  # fmt: skip
DEV = {
    "name": "DeployDev",
    "namespace": "Dev",
    "actionTypeId": CLOUDFORMATION,
    "configuration": {
        "ActionMode": "CREATE_UPDATE",
        "StackName": "todobackend-dev",
        "TemplatePath": "DeploymentSource::stack.yml",
        "TemplateConfiguration": "DeploymentSource::dev.json",
        "RoleArn": role_arn("stack"),
    },
    "inputArtifacts": [{"name": "DeploymentSource"}],
    "runOrder": 1,
}
OVERRIDES = '{\n  "Greeting": "good day"\n}'
TOPIC = "arn:aws:sns:us-east-1:123456789012:approvals"
COMMENT = "Development looks right. <script>document.title='broken'</script>"

pytestmark = pytest.mark.timeout(400)


def files(greeting: str) -> dict[str, str]:
    """The deployment repository, whose production has this greeting unless it is overridden."""
    return {
        "stack.yml": TEMPLATE.replace("Default: hello", f"Default: {greeting}"),
        "dev.json": json.dumps({"Parameters": {"Environment": "dev"}}),
        "prod.json": json.dumps({"Parameters": {"Environment": "prod"}}),
    }


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The working tree that is pushed."""
    return tmp_path_factory.mktemp("trees") / "deployment"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, tree: Path) -> Iterator[ServerProcess]:
    """A server with one pipeline, `todobackend`, that has released once to development."""
    server = ServerProcess(tmp_path_factory.mktemp("server") / "data")
    server.start()
    create_role(server, "pipeline", "codepipeline.amazonaws.com", "*")
    create_role(server, "stack", "cloudformation.amazonaws.com", "*")
    server.client("s3").create_bucket(Bucket=BUCKET)
    server.client("sns").create_topic(Name="approvals")
    server.client("codecommit").create_repository(repositoryName="deployment")
    commit_files(tree, files("hello"), "Say hello")
    push(server, tree, "deployment")
    server.client("codepipeline").create_pipeline(pipeline=declaration("todobackend"))
    assert wait_for_execution(server, "todobackend")["status"] == "Succeeded", server.log()[-3000:]
    yield server
    if server.running:
        server.stop()
    server.remove_engine_objects()


def declaration(name: str) -> dict[str, Any]:
    """A pipeline of two stages, Source and Dev."""
    return {
        "name": name,
        "roleArn": role_arn("pipeline"),
        "artifactStore": {"type": "S3", "location": BUCKET},
        "stages": [
            {"name": "Source", "actions": [source_action("deployment", "DeploymentSource")]},
            {"name": "Dev", "actions": [DEV]},
        ],
    }


def declared(server: ServerProcess, name: str) -> dict[str, Any]:
    """The pipeline as `get-pipeline` gives it."""
    found: dict[str, Any] = server.client("codepipeline").get_pipeline(name=name)["pipeline"]
    return found


def edit(page: Page, name: str) -> None:
    """Open the pipeline and choose Edit."""
    page.goto(f"/console/pipelines/{name}")
    page.get_by_role("link", name="Edit", exact=True).click()
    expect(page.get_by_role("heading", name=f"Editing: {name}")).to_be_visible()


def press(page: Page, name: str) -> None:
    """Press a button of that very name, and wait for the next page."""
    with page.expect_navigation():
        page.get_by_role("button", name=name, exact=True).last.click()


def begin_action(page: Page, button: str, name: str, provider: str) -> None:
    """Choose to add an action, and name it and its provider."""
    press(page, button)
    page.get_by_label("Action name").fill(name)
    page.get_by_label("Action provider").select_option(label=provider)


def change_set_action(page: Page, button: str, name: str, mode: str) -> None:
    """Begin a CloudFormation action on production's change set."""
    begin_action(page, button, name, "AWS CloudFormation")
    page.get_by_label("Action mode").select_option(label=mode)
    page.get_by_label("Change set name").fill("release")
    page.get_by_label("Stack name").fill("todobackend-prod")


def add_production(page: Page) -> None:
    """Add the stage Production with its three actions, as a person fills in the forms."""
    press(page, "Add stage at the end")
    page.get_by_label("Stage name").fill("Production")
    press(page, "Add stage")

    change_set_action(
        page, "Add action to Production", "CreateChangeSet", "Create or replace a change set"
    )
    page.get_by_label("DeploymentSource", exact=True).check()
    page.get_by_label("Template", exact=True).fill("DeploymentSource::stack.yml")
    page.get_by_label("Template configuration").fill("DeploymentSource::prod.json")
    page.get_by_label("Parameter overrides").fill(OVERRIDES)
    page.get_by_label("CAPABILITY_IAM").check()
    page.get_by_label("CAPABILITY_NAMED_IAM").check()
    page.get_by_label("Role name").fill(role_arn("stack"))
    press(page, "Done")

    begin_action(page, "Add action to Production, after run order 1", "Approve", "Manual approval")
    page.get_by_label("SNS topic ARN").fill(TOPIC)
    page.get_by_label("URL for review").fill("http://127.0.0.1:8080/")
    page.get_by_label("Comments").fill("Look at development first.")
    page.get_by_label("Timeout").fill("60")
    press(page, "Done")

    change_set_action(
        page, "Add action to Production, after run order 2", "ExecuteChangeSet",
        "Execute a change set",
    )  # fmt: skip
    press(page, "Done")


def production() -> dict[str, Any]:
    """What `add_production` filled in, as `get-pipeline` gives it."""
    return {
        "name": "Production",
        "actions": [
            {
                "name": "CreateChangeSet",
                "actionTypeId": CLOUDFORMATION,
                "runOrder": 1,
                "configuration": {
                    "ActionMode": "CHANGE_SET_REPLACE",
                    "StackName": "todobackend-prod",
                    "ChangeSetName": "release",
                    "TemplatePath": "DeploymentSource::stack.yml",
                    "TemplateConfiguration": "DeploymentSource::prod.json",
                    "ParameterOverrides": OVERRIDES,
                    "Capabilities": "CAPABILITY_IAM,CAPABILITY_NAMED_IAM",
                    "RoleArn": role_arn("stack"),
                },
                "inputArtifacts": [{"name": "DeploymentSource"}],
                "outputArtifacts": [],
            },
            {
                "name": "Approve",
                "actionTypeId": {
                    "category": "Approval", "owner": "AWS", "provider": "Manual", "version": "1",
                },
                "runOrder": 2,
                "configuration": {
                    "NotificationArn": TOPIC,
                    "ExternalEntityLink": "http://127.0.0.1:8080/",
                    "CustomData": "Look at development first.",
                },
                "timeoutInMinutes": 60,
                "inputArtifacts": [],
                "outputArtifacts": [],
            },
            {
                "name": "ExecuteChangeSet",
                "actionTypeId": CLOUDFORMATION,
                "runOrder": 3,
                "configuration": {
                    "ActionMode": "CHANGE_SET_EXECUTE",
                    "StackName": "todobackend-prod",
                    "ChangeSetName": "release",
                },
                "inputArtifacts": [],
                "outputArtifacts": [],
            },
        ],
    }  # fmt: skip


def review(page: Page) -> None:
    """Follow the pipeline's page to the review that waits."""
    waiting = stage(page, "Production").locator(".call").get_by_role("link", name="Review")
    expect(waiting).to_be_visible()
    waiting.click()
    expect(page.get_by_role("form", name="Decision")).to_be_visible()


def in_production(server: ServerProcess) -> str | None:
    """Production's greeting, None before there is one."""
    client = server.client("ssm")
    found = client.get_parameters(Names=["/prod/greeting"])["Parameters"]
    return str(found[0]["Value"]) if found else None


def test_production_is_added_released_reviewed_approved_and_then_rejected(
    page: Page, server: ServerProcess, tree: Path
) -> None:
    before = declared(server, "todobackend")
    edit(page, "todobackend")
    add_production(page)
    assert declared(server, "todobackend") == before, "nothing is stored before Save"
    press(page, "Save")
    expect(page).to_have_url(f"{server.url}/console/pipelines/todobackend")
    after = declared(server, "todobackend")
    assert after == {**before, "version": 2, "stages": [*before["stages"], production()]}
    expect(stage(page, "Production")).to_contain_text("Not started")

    release(page)
    review(page)
    expect(page.get_by_text("Look at development first.")).to_be_visible()
    expect(page.get_by_text("Setting", exact=True).first).to_be_visible()
    assert in_production(server) is None
    page.get_by_label("Comment").last.fill(COMMENT)
    page.get_by_role("button", name="Approve", exact=True).click()
    expect(page.get_by_text("Approved").first).to_be_visible()
    expect(page.get_by_text(COMMENT).first).to_be_visible()
    assert wait_for_execution(server, "todobackend")["status"] == "Succeeded"
    assert in_production(server) == "good day"

    described = TEMPLATE.replace("Value: ", "Description: Shown first, Value: ")
    commit_files(tree, {"stack.yml": described}, "Describe the greeting")
    push(server, tree, "deployment")
    page.goto("/console/pipelines/todobackend")
    expect(stage(page, "Production").locator(".call")).to_be_visible()
    edit(page, "todobackend")
    expect(page.get_by_text("Saving cancels 1 unfinished execution")).to_be_visible()
    expect(page.get_by_text("and voids the approval that waits")).to_be_visible()
    page.get_by_role("link", name="Cancel").click()
    review(page)
    page.get_by_label("Comment").last.fill("Not on a Friday")
    page.get_by_role("button", name="Reject", exact=True).click()
    expect(page.get_by_text("Rejected").first).to_be_visible()
    assert wait_for_execution(server, "todobackend")["status"] == "Failed"
    assert in_production(server) == "good day"


def test_a_refusal_is_shown_and_what_was_typed_stays(page: Page, server: ServerProcess) -> None:
    server.client("codepipeline").create_pipeline(pipeline=declaration("refused"))
    wait_for_execution(server, "refused")
    before = declared(server, "refused")
    edit(page, "refused")
    press(page, "Rename stage Dev")
    page.get_by_label("Stage name").fill("Source")
    press(page, "Done")
    press(page, "Save")
    expect(page.get_by_role("alert")).to_contain_text("Stage name 'Source' is used more than once")
    assert declared(server, "refused") == before
    press(page, "Delete action DeployDev of Source")
    press(page, "Add action to Source")
    page.get_by_label("Action name").fill("DeployDev")
    page.get_by_label("Action provider").select_option(label="AWS CloudFormation")
    page.get_by_label("Action mode").select_option(label="Create or update a stack")
    page.get_by_label("Stack name").fill("other")
    expect(page.get_by_label("Change set name")).to_have_count(0)
    page.get_by_label("Template", exact=True).fill("DeploymentSource::stack.yml")
    page.get_by_label("Role name").fill(role_arn("stack"))
    press(page, "Done")
    page.get_by_role("button", name="Rename stage Source").last.click()
    page.get_by_label("Stage name").fill("Dev")
    press(page, "Done")
    press(page, "Save")
    expect(page.get_by_role("alert")).to_contain_text("DeploymentSource::stack.yml")
    press(page, "Edit action DeployDev of Dev")
    expect(page.get_by_label("Template", exact=True)).to_have_value("DeploymentSource::stack.yml")
    page.get_by_label("DeploymentSource", exact=True).check()
    press(page, "Done")
    press(page, "Save")
    expect(page).to_have_url(f"{server.url}/console/pipelines/refused")
    assert declared(server, "refused")["stages"][1]["actions"][0]["configuration"] == {
        "ActionMode": "CREATE_UPDATE",
        "StackName": "other",
        "TemplatePath": "DeploymentSource::stack.yml",
        "RoleArn": role_arn("stack"),
    }


def test_somebody_elses_change_is_not_overwritten_unasked(
    page: Page, server: ServerProcess
) -> None:
    server.client("codepipeline").create_pipeline(pipeline=declaration("shared"))
    wait_for_execution(server, "shared")
    edit(page, "shared")
    press(page, "Rename stage Dev")
    page.get_by_label("Stage name").fill("Mine")
    press(page, "Done")
    theirs = declared(server, "shared")
    theirs["stages"][1]["name"] = "Theirs"
    server.client("codepipeline").update_pipeline(pipeline=theirs)
    press(page, "Save")
    expect(page.get_by_role("alert").first).to_contain_text("version 2 was saved meanwhile")
    expect(page.get_by_text('+      "name": "Theirs",')).to_be_visible()
    assert declared(server, "shared")["stages"][1]["name"] == "Theirs"
    press(page, "Save over version 2")
    expect(page).to_have_url(f"{server.url}/console/pipelines/shared")
    assert declared(server, "shared")["stages"][1]["name"] == "Mine"


def test_saving_says_which_executions_it_cancels(page: Page, server: ServerProcess) -> None:
    client = server.client("codepipeline")
    client.create_pipeline(pipeline=declaration("busy"))
    wait_for_execution(server, "busy")
    client.disable_stage_transition(
        pipelineName="busy", stageName="Dev", transitionType="Inbound", reason="hold"
    )
    started = client.start_pipeline_execution(name="busy")["pipelineExecutionId"]
    edit(page, "busy")
    notice = page.get_by_text("Saving cancels 1 unfinished execution")
    expect(notice).to_be_visible()
    expect(page.get_by_role("link", name=started[:8])).to_be_visible()
    press(page, "Move stage Dev up")
    press(page, "Move stage Source up")
    press(page, "Declaration (JSON)")
    text = page.get_by_label("The pipeline's declaration")
    text.fill(text.input_value().replace('"SUPERSEDED"', '"QUEUED"').replace('"V1"', '"V2"'))
    press(page, "Done")
    press(page, "Save")
    expect(page).to_have_url(f"{server.url}/console/pipelines/busy")
    assert declared(server, "busy")["executionMode"] == "QUEUED"
    deadline = time.monotonic() + 30
    while executions(server, "busy")[0]["status"] == "InProgress" and time.monotonic() < deadline:
        time.sleep(0.2)
    assert executions(server, "busy")[0]["status"] == "Cancelled"


def test_a_draft_asks_before_it_is_left_and_outlives_a_reload(
    chromium: Browser, server: ServerProcess
) -> None:
    server.client("codepipeline").create_pipeline(pipeline=declaration("kept"))
    page = open_page(chromium, server)
    asked: list[str] = []

    def answer(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.accept()

    page.on("dialog", answer)
    page.goto(login_link(server))
    press(page, "Log in as root")
    edit(page, "kept")
    press(page, "Rename stage Dev")
    page.get_by_label("Stage name").fill("Development")
    press(page, "Done")
    expect(page.get_by_text("Not saved yet")).to_be_visible()
    assert asked == []
    page.reload()
    assert asked == ["beforeunload"]
    expect(page.get_by_role("heading", name="Development")).to_be_visible()
    page.get_by_role("link", name="Cancel").click()
    expect(page).to_have_url(f"{server.url}/console/pipelines/kept")
    assert asked == ["beforeunload"]
    assert declared(server, "kept")["version"] == 1
    page.context.close()


def test_what_is_typed_while_fields_are_fetched_stays(page: Page, server: ServerProcess) -> None:
    edit(page, "todobackend")
    press(page, "Add action to Dev, after run order 1")
    page.get_by_label("Action provider").select_option(label="AWS CloudFormation")
    page.get_by_label("Action mode").select_option(label="Delete a stack")
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/edit", hold)
    page.get_by_label("Action mode").select_option(label="Execute a change set")
    page.get_by_label("Stack name").fill("typed-meanwhile")
    expect(page.locator(".htmx-request")).to_have_count(1)
    held[0].continue_()
    expect(page.get_by_label("Change set name")).to_be_visible()
    expect(page.get_by_label("Stack name")).to_have_value("typed-meanwhile")
    page.unroute("**/edit")
    press(page, "Cancel")


def test_without_scripts_plain_forms_do_the_same(chromium: Browser, server: ServerProcess) -> None:
    server.client("codepipeline").create_pipeline(pipeline=declaration("plain"))
    wait_for_execution(server, "plain")
    context = chromium.new_context(base_url=server.url, java_script_enabled=False)
    page = context.new_page()
    page.goto(login_link(server))
    press(page, "Log in as root")
    edit(page, "plain")
    press(page, "Add stage at the end")
    page.get_by_label("Stage name").fill("Gate")
    press(page, "Add stage")
    press(page, "Add action to Gate")
    page.get_by_label("Action name").fill("Ask")
    page.get_by_label("Action provider").select_option(label="Manual approval")
    press(page, "Show the provider's fields")
    page.get_by_label("Comments").fill("Two\nlines")
    page.get_by_label("Comments").press("Tab")
    page.get_by_label("Action name").press("Enter")
    expect(page.get_by_role("heading", name="Editing: plain")).to_be_visible()
    press(page, "Save")
    gate = declared(server, "plain")["stages"][2]
    assert gate["actions"][0]["configuration"] == {"CustomData": "Two\nlines"}
    context.close()


@pytest.mark.parametrize("width", [1280, 400])
def test_no_page_of_the_editor_is_wider_than_the_screen(
    chromium: Browser, server: ServerProcess, width: int
) -> None:
    page = open_page(chromium, server, width)
    page.goto(login_link(server))
    press(page, "Log in as root")

    def fits() -> None:
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= width

    edit(page, "todobackend")
    fits()
    press(page, "Edit action DeployDev of Dev")
    fits()
    press(page, "Cancel")
    press(page, "Rename stage Dev")
    fits()
    press(page, "Cancel")
    press(page, "Declaration (JSON)")
    fits()
    page.context.close()
