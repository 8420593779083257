"""A person's tasks in the console, from the login link to the end of what they began."""

import re

import pytest
from playwright.sync_api import Browser, Locator, Page, expect
from tests.browser.conftest import LINES, MESSAGE, login_link, open_page, set_flag
from tests.delivery import executions, wait_for_execution
from tests.server_process import ServerProcess

STACK = """\
Parameters:
  Password: {Type: String, NoEcho: true}
Resources:
  Group: {Type: AWS::Logs::LogGroup}
  Alarm:
    Type: AWS::CloudWatch::Alarm
    Properties: {ComparisonOperator: GreaterThanThreshold, EvaluationPeriods: 1, Threshold: 1,
                 MetricName: x, Namespace: y, Period: 60, Statistic: Sum}
Outputs:
  PublicURL: {Value: !Sub 'http://127.0.0.1:8080/${AWS::StackName}'}
"""

pytestmark = pytest.mark.timeout(400)


def stage(page: Page, name: str) -> Locator:
    """One stage's section of a pipeline's page."""
    return page.get_by_role("region", name=name, exact=True)


def release(page: Page) -> None:
    """Release a change as a person does."""
    page.get_by_role("button", name="Release change").click()
    with page.expect_navigation():
        dialog(page).get_by_role("button", name="Release", exact=True).click()


def dialog(page: Page) -> Locator:
    """The form that is open over the page."""
    return page.locator(".dialog:popover-open")


def in_history(page: Page, server: ServerProcess, pipeline: str) -> Locator:
    """The newest execution's row."""
    newest = executions(server, pipeline)[0]["pipelineExecutionId"]
    return page.get_by_role("row").filter(has=page.get_by_role("link", name=newest[:8]))


def test_from_the_login_link_to_the_end_of_a_builds_log(
    visitor: Page, server: ServerProcess, chromium: Browser
) -> None:
    page, link = visitor, login_link(server)
    page.goto(link)
    expect(page.get_by_role("heading", name="Log in to Penstock")).to_be_visible()
    page.get_by_role("button", name="Log in as root").click()
    expect(page.get_by_role("heading", name="Pipelines")).to_be_visible()
    other = open_page(chromium, server)
    other.goto(link)
    expect(other.get_by_role("heading")).to_have_text("This link opens nothing any more")
    other.goto("/console/pipelines")
    expect(other.get_by_role("heading")).to_have_text("Log in with a one-time link")
    other.context.close()

    row = page.get_by_role("row").filter(has_text="talkative")
    expect(row).to_contain_text(MESSAGE.splitlines()[0])
    row.get_by_role("link", name="talkative").click()
    expect(stage(page, "Build")).to_contain_text("Succeeded")
    before = len(executions(server, "talkative"))
    release(page)
    expect(stage(page, "Build").get_by_text("In progress").first).to_be_visible()
    assert len(executions(server, "talkative")) == before + 1
    newest = executions(server, "talkative")[0]
    assert newest["trigger"]["triggerType"] == "StartPipelineExecution"
    expect(in_history(page, server, "talkative")).to_contain_text("Released by root")

    stage(page, "Build").get_by_role("link", name="Build and its log").click()
    log = page.get_by_role("log")
    expect(log).to_contain_text(f"line 3 of {LINES}")
    expect(page.locator(".heading").first).to_contain_text("In progress")
    expect(page.get_by_text("End of the log")).to_have_count(0)
    expect(log).to_contain_text("End of the log")
    shown = [line.strip() for line in log.locator(".line").all_text_contents()]
    counted = [line for line in shown if re.fullmatch(rf"line \d+ of {LINES}", line)]
    assert counted == [f"line {n} of {LINES}" for n in range(1, LINES + 1)], "each line once"
    expect(log.locator(".ansi-green")).to_have_text("green text")
    assert "<script>document.title='broken'</script>" in shown
    at_end = "(log) => log.scrollHeight - log.scrollTop - log.clientHeight < 40"
    assert log.evaluate(at_end), "the log follows its end"
    expect(page.locator(".heading").first).to_contain_text("Succeeded")
    expect(page.get_by_role("row", name=re.compile("^BUILD "))).to_contain_text("Succeeded")
    expect(page.get_by_text("arn:aws:s3:::artifacts/talkative/")).to_be_visible()

    page.get_by_role("link", name="talkative").first.click()
    expect(stage(page, "Build")).to_contain_text("Succeeded")
    expect(page).to_have_title("talkative · Penstock")
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_role("heading")).to_have_text("Log in with a one-time link")


def test_a_disabled_transition_holds_a_release_until_it_is_enabled(
    page: Page, server: ServerProcess
) -> None:
    page.goto("/console/pipelines/talkative")
    page.get_by_role("button", name="Disable the transition into Build").click()
    dialog(page).get_by_label("Reason").fill("Freeze until Monday!")
    dialog(page).get_by_role("button", name="Disable", exact=True).click()
    expect(page.locator(".transition")).to_contain_text("Transition disabled: Freeze until Monday!")
    state = server.client("codepipeline").get_pipeline_state(name="talkative")
    found = state["stageStates"][1]["inboundTransitionState"]
    assert (found["enabled"], found["disabledReason"]) == (False, "Freeze until Monday!")

    release(page)
    expect(page.locator(".transition")).to_contain_text("1 waiting")
    page.get_by_role("button", name="Enable the transition into Build").click()
    expect(page.locator(".transition")).to_contain_text("Transition enabled")
    expect(page.locator(".transition")).not_to_contain_text("waiting")
    expect(in_history(page, server, "talkative")).to_contain_text("Succeeded")
    assert wait_for_execution(server, "talkative")["status"] == "Succeeded"


def test_a_failed_stage_is_retried(page: Page, server: ServerProcess) -> None:
    set_flag(server, "bad")
    page.goto("/console/pipelines/flagged")
    release(page)
    expect(stage(page, "Build").locator(".failure")).to_contain_text(
        'Error while executing command: test "$FLAG" = good. Reason: exit status 1'
    )
    failed = executions(server, "flagged")[0]
    assert failed["status"] == "Failed"
    set_flag(server, "good")
    page.get_by_role("button", name="Retry failed actions").click()
    expect(stage(page, "Build").get_by_text("Succeeded").first).to_be_visible()
    expect(page.get_by_role("button", name="Retry failed actions")).to_have_count(0)
    again = wait_for_execution(server, "flagged")
    assert again["pipelineExecutionId"] == failed["pipelineExecutionId"]
    assert again["status"] == "Succeeded"


def test_an_execution_is_stopped_and_then_its_build(page: Page, server: ServerProcess) -> None:
    slow = {"name": "SLOW", "value": "yes", "type": "PLAINTEXT"}
    project = server.client("codebuild").batch_get_projects(names=["flagged"])["projects"][0]
    change = {**project["environment"], "environmentVariables": [slow]}
    server.client("codebuild").update_project(name="flagged", environment=change)
    page.goto("/console/pipelines/flagged")
    release(page)
    link = stage(page, "Build").get_by_role("link", name="Build and its log")
    expect(stage(page, "Build").get_by_text("In progress").first).to_be_visible()
    build_path = link.get_attribute("href")
    page.get_by_role("button", name="Stop execution").first.click()
    dialog(page).get_by_label("Stop and abandon").check()
    dialog(page).get_by_label("Reason").fill("not this one")
    dialog(page).get_by_role("button", name="Stop execution").click()
    expect(in_history(page, server, "flagged")).to_contain_text("Stopped")
    expect(in_history(page, server, "flagged")).to_contain_text("not this one")
    stopped = executions(server, "flagged")[0]
    assert (stopped["status"], stopped["stopTrigger"]) == ("Stopped", {"reason": "not this one"})

    assert build_path is not None
    page.goto(build_path)
    expect(page.get_by_role("log")).to_contain_text("Entering phase BUILD")
    page.get_by_role("button", name="Stop build").click()
    expect(page.locator(".heading").first).to_contain_text("Stopped")
    expect(page.get_by_role("button", name="Stop build")).to_have_count(0)
    expect(page.get_by_role("log")).to_contain_text("End of the log")


def test_what_somebody_types_outlives_live_changes(page: Page, server: ServerProcess) -> None:
    page.goto("/console/pipelines/talkative")
    expect(page.locator("#connection")).to_have_text("live")
    page.get_by_role("button", name="Disable the transition into Build").click()
    dialog(page).get_by_label("Reason").fill("half a sent")
    server.client("codepipeline").start_pipeline_execution(name="talkative")
    expect(in_history(page, server, "talkative")).to_contain_text("In progress")
    expect(in_history(page, server, "talkative")).to_contain_text("Succeeded")
    reason = dialog(page).get_by_label("Reason")
    expect(reason).to_be_visible()
    expect(reason).to_have_value("half a sent")
    expect(reason).to_be_focused()
    page.keyboard.type("ence")
    expect(reason).to_have_value("half a sentence")
    page.keyboard.press("Escape")
    expect(reason).not_to_be_visible()


def test_a_stack_comes_up_and_goes_while_somebody_watches(
    page: Page, server: ServerProcess
) -> None:
    page.goto("/console/stacks")
    expect(page.get_by_role("heading", name="There are no stacks yet")).to_be_visible()
    client = server.client("cloudformation")
    password = {"ParameterKey": "Password", "ParameterValue": "hunter2hunter2"}
    client.create_stack(StackName="watched", TemplateBody=STACK, Parameters=[password])
    page.get_by_role("link", name="watched").click()
    heading = page.locator(".heading").first
    expect(heading).to_contain_text("CREATE_COMPLETE")
    for name, support in (("Group", "kept"), ("Alarm", "recorded")):
        row = page.get_by_role("row").filter(
            has=page.get_by_role("rowheader", name=name, exact=True)
        )
        expect(row.first).to_contain_text("CREATE_COMPLETE")
        expect(row.first).to_contain_text(support)
    address = page.get_by_role("link", name="http://127.0.0.1:8080/watched")
    expect(address).to_have_attribute("href", "http://127.0.0.1:8080/watched")
    expect(page.get_by_text("hunter2")).to_have_count(0)
    page.get_by_text("Template", exact=True).click()
    expect(page.locator(".template")).to_contain_text("AWS::CloudWatch::Alarm")

    client.update_stack(
        StackName="watched",
        TemplateBody=STACK.replace("Group:", "Other:"),
        Parameters=[{"ParameterKey": "Password", "UsePreviousValue": True}],
    )
    expect(heading).to_contain_text("UPDATE_COMPLETE")
    expect(page.get_by_role("rowheader", name="Other", exact=True).first).to_be_visible()
    expect(page.locator(".template")).to_be_visible()
    page.goto("/console/stacks")
    client.delete_stack(StackName="watched")
    expect(page.get_by_text("Deleted stacks (1)")).to_be_visible()
    expect(page.get_by_role("heading", name="There are no stacks yet")).to_be_visible()
    page.get_by_text("Deleted stacks (1)").click()
    page.get_by_role("link", name="watched").click()
    expect(page.locator(".heading").first).to_contain_text("DELETE_COMPLETE")


def test_a_page_goes_on_after_the_server_was_away(page: Page, server: ServerProcess) -> None:
    page.goto("/console/pipelines")
    expect(page.locator("#connection")).to_have_text("live")
    server.stop()
    expect(page.locator("#connection")).to_have_text("not live: reconnecting…")
    server.start()
    expect(page.locator("#connection")).to_have_text("live")
    server.client("codepipeline").disable_stage_transition(
        pipelineName="flagged", stageName="Build", transitionType="Inbound", reason="check"
    )
    server.client("codepipeline").start_pipeline_execution(name="flagged")
    row = page.get_by_role("row").filter(has_text="flagged")
    expect(row).to_contain_text("In progress")
    server.client("codepipeline").enable_stage_transition(
        pipelineName="flagged", stageName="Build", transitionType="Inbound"
    )
    newest = executions(server, "flagged")[0]["pipelineExecutionId"]
    server.client("codepipeline").stop_pipeline_execution(
        pipelineName="flagged", pipelineExecutionId=newest, abandon=True
    )
    expect(row).to_contain_text("Stopped")


@pytest.mark.parametrize("width", [1280, 400])
def test_no_page_is_wider_than_the_screen(page: Page, server: ServerProcess, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    newest = executions(server, "talkative")[0]["pipelineExecutionId"]
    build = server.client("codebuild").list_builds_for_project(projectName="talkative")["ids"][0]
    for path in (
        "pipelines",
        "pipelines/talkative",
        "pipelines/flagged",
        f"pipelines/talkative/executions/{newest}",
        "builds",
        f"builds/{build}",
        "pipelines/unknown",
    ):
        page.goto(f"/console/{path}")
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path


def test_the_keyboard_alone_releases_a_change(page: Page, server: ServerProcess) -> None:
    page.goto("/console/pipelines/talkative")
    before = len(executions(server, "talkative"))
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    button = page.get_by_role("button", name="Release change")
    for _ in range(10):
        page.keyboard.press("Tab")
        if button.evaluate("(it) => it === document.activeElement"):
            break
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    expect(in_history(page, server, "talkative")).to_contain_text("In progress")
    assert len(executions(server, "talkative")) == before + 1
    assert wait_for_execution(server, "talkative")["status"] == "Succeeded"
