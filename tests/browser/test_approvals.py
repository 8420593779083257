"""A release is reviewed and decided in the browser, from the pipeline's page to what followed."""

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, expect
from tests.browser.conftest import login_link
from tests.delivery import (
    BUCKET,
    commit_files,
    create_foundations,
    create_role,
    executions,
    push,
    role_arn,
    source_action,
    wait_for_execution,
)
from tests.production import Waiting, wait_for_approval
from tests.server_process import ServerProcess

NAME = "todobackend"
STACK = "todobackend-prod"
TEMPLATE = """\
Parameters:
  Version: {Type: String}
Resources:
  Logs: {Type: AWS::Logs::LogGroup}
  Task:
    Type: AWS::ECS::TaskDefinition
    Properties:
      Family: todobackend
      ContainerDefinitions:
        - Name: web
          Image: !Sub 'registry.example/todobackend:${Version}'
          Memory: 128
          Environment: [{Name: VERSION, Value: !Ref Version}]
  Current:
    Type: AWS::SSM::Parameter
    Properties: {Type: String, Name: /todobackend/task, Value: !Ref Task}
"""
HOSTILE = "<script>document.title='broken'</script>"

pytestmark = pytest.mark.timeout(400)


def deploy(name: str, mode: str, order: int, **configuration: str) -> dict[str, Any]:
    given = {"ActionMode": mode, "StackName": STACK, "ChangeSetName": "release"}
    return {
        "name": name,
        "actionTypeId": {
            "category": "Deploy", "owner": "AWS", "provider": "CloudFormation", "version": "1",
        },
        "configuration": {**given, **configuration},
        "inputArtifacts": [{"name": "App"}] if mode == "CHANGE_SET_REPLACE" else [],
        "runOrder": order,
    }  # fmt: skip


PRODUCTION = {
    "name": "Production",
    "actions": [
        deploy(
            "Prepare", "CHANGE_SET_REPLACE", 1,
            RoleArn=role_arn("deployment"),
            TemplatePath="App::stack.yml",
            TemplateConfiguration="App::prod.json",
        ),
        {
            "name": "Approve",
            "actionTypeId": {
                "category": "Approval", "owner": "AWS", "provider": "Manual", "version": "1",
            },
            "configuration": {
                "CustomData": f"Look at development first. {HOSTILE}",
                "ExternalEntityLink": "https://wiki.example.com/releases",
            },
            "runOrder": 2,
        },
        deploy("Execute", "CHANGE_SET_EXECUTE", 3),
    ],
}  # fmt: skip


@dataclass
class Releases:
    """A pipeline from a repository to production, with an approval in between."""

    server: ServerProcess
    tree: Path

    def push(self, version: str, message: str) -> str:
        """Push a version; return the commit."""
        configuration = json.dumps({"Parameters": {"Version": version}})
        commit = commit_files(
            self.tree, {"stack.yml": TEMPLATE, "prod.json": configuration}, message
        )
        push(self.server, self.tree, NAME)
        return commit

    def asked(self, after: Waiting | None = None) -> Waiting:
        """Wait for the next approval."""
        return wait_for_approval(self.server, name=NAME, after=after.id if after else None)

    def version(self) -> str:
        """What production has."""
        client = self.server.client("cloudformation")
        (stack,) = client.describe_stacks(StackName=STACK)["Stacks"]
        return str(stack["Parameters"][0]["ParameterValue"])


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server of this module's own: nothing here needs a container."""
    server = ServerProcess(tmp_path_factory.mktemp("server") / "data")
    server.start()
    yield server
    server.stop()
    server.remove_engine_objects()


@pytest.fixture(scope="module")
def releases(server: ServerProcess, tmp_path_factory: pytest.TempPathFactory) -> Releases:
    create_foundations(server)
    create_role(
        server, "releases", "codepipeline.amazonaws.com",
        "codecommit:*", "s3:*", "cloudformation:*", "iam:PassRole",
    )  # fmt: skip
    create_role(server, "deployment", "cloudformation.amazonaws.com", "logs:*", "ecs:*", "ssm:*")
    server.client("codecommit").create_repository(repositoryName=NAME)
    found = Releases(server, tmp_path_factory.mktemp("trees") / NAME)
    found.push("0.1.0", f"Begin {HOSTILE}")
    server.client("codepipeline").create_pipeline(
        pipeline={
            "name": NAME,
            "roleArn": role_arn("releases"),
            "artifactStore": {"type": "S3", "location": BUCKET},
            "stages": [{"name": "Source", "actions": [source_action(NAME, "App")]}, PRODUCTION],
        }
    )
    return found


def test_the_first_release_is_reviewed_and_approved(page: Page, releases: Releases) -> None:
    asked = releases.asked()
    page.goto(f"/console/pipelines/{NAME}")
    production = page.get_by_role("region", name="Production", exact=True)
    expect(production.get_by_role("link", name="Details")).to_be_visible()
    production.get_by_role("link", name="Review").click()
    expect(page).to_have_title(f"Waiting: Production › Approve · {NAME} · Penstock")
    expect(
        page.get_by_role("heading", name=f"{STACK} is created, with 3 resources")
    ).to_be_visible()
    expect(page.locator(".kind")).to_have_text(["+ Add"] * 3)
    expect(page.get_by_text("registry.example/todobackend:0.1.0")).to_be_visible()
    expect(page.get_by_text(f"Begin {HOSTILE}")).to_be_visible()
    expect(page.get_by_text(f"Look at development first. {HOSTILE}")).to_be_visible()
    expect(page.get_by_role("link", name="https://wiki.example.com/releases")).to_be_visible()
    assert asked.digest is not None
    expect(page.get_by_text(asked.digest)).to_be_visible()

    page.get_by_label("Comment").fill("Looks right.\nGo.")
    page.get_by_role("button", name="Approve").click()
    expect(page.locator(".verdict")).to_contain_text("Approved by root")
    expect(page.locator(".verdict")).to_contain_text("Looks right.\nGo.")
    expect(page.get_by_role("button", name="Approve")).to_have_count(0)
    followed = page.get_by_role("region", name="What followed")
    expect(followed.get_by_role("listitem")).to_contain_text("Succeeded")
    expect(followed).to_contain_text(asked.digest)
    expect(page).to_have_title(f"Approved: Production › Approve · {NAME} · Penstock")
    assert wait_for_execution(releases.server, NAME)["status"] == "Succeeded"
    assert releases.version() == "0.1.0"


def test_a_page_follows_what_somebody_else_decides(page: Page, releases: Releases) -> None:
    releases.push("0.2.0", "Answer faster")
    asked = releases.asked()
    page.goto("/console/approvals")
    expect(page).to_have_title("(1) Approvals · Penstock")
    page.get_by_role("link", name="Review").click()
    lead = f"2 resources change in {STACK}: 1 is replaced"
    expect(page.get_by_role("heading", name=lead)).to_be_visible()
    expect(page.get_by_role("region", name="Commits since")).to_contain_text("Answer faster")
    expect(page.get_by_role("region", name="Commits since")).not_to_contain_text("Begin")
    image = page.get_by_role("row", name="ContainerDefinitions[0].Image")
    expect(image.locator("mark")).to_have_text(["0.1.0", "0.2.0"])
    expect(page.get_by_text("Is replaced: a new one is made")).to_be_visible()
    expect(page.locator("#connection")).to_have_text("live")
    page.get_by_label("Comment").fill("half a sent")

    releases.server.client("codepipeline").put_approval_result(
        pipelineName=NAME,
        stageName="Production",
        actionName="Approve",
        token=asked.token,
        result={"status": "Rejected", "summary": f"Not today {HOSTILE}"},
    )
    expect(page.locator(".verdict")).to_contain_text(f"Not today {HOSTILE}")
    expect(page.get_by_label("Comment")).to_have_count(0)
    expect(page.get_by_role("heading", name=lead)).to_be_visible()
    expect(page).to_have_title(f"Rejected: Production › Approve · {NAME} · Penstock")
    assert wait_for_execution(releases.server, NAME)["status"] == "Failed"
    assert releases.version() == "0.1.0"
    page.get_by_role("navigation", name="Where").get_by_role("link", name="Execution").click()
    page.get_by_role("link", name="Review").click()
    expect(page.locator(".verdict")).to_contain_text("Rejected by root")


def test_without_scripts_and_too_late(page: Page, releases: Releases, chromium: Browser) -> None:
    releases.push("0.3.0", "Answer correctly")
    asked = releases.asked()
    size = ViewportSize(width=400, height=700)
    context = chromium.new_context(
        base_url=releases.server.url, viewport=size, java_script_enabled=False
    )
    plain = context.new_page()
    plain.goto(login_link(releases.server))
    plain.get_by_role("button", name="Log in as root").click()
    late = context.new_page()
    for each in (page, plain, late):
        each.goto(f"/console/approvals/{asked.id}")
        for name in ("Approve", "Reject"):
            expect(each.get_by_role("button", name=name)).to_be_in_viewport(ratio=1)
    plain.get_by_label("Comment").fill("By hand")
    plain.get_by_role("button", name="Reject").click()
    expect(plain.locator(".verdict")).to_contain_text("By hand")
    late.get_by_role("button", name="Approve").click()
    expect(late.get_by_role("heading", level=1)).to_have_text("Your answer changed nothing")
    expect(late.get_by_text("is already complete or has expired")).to_be_visible()
    late.get_by_role("link", name="Back to the page").click()
    expect(late).to_have_url(plain.url)
    expect(late.locator(".verdict")).to_contain_text("Rejected by root")
    context.close()
    assert releases.version() == "0.1.0"


def test_change_sets_are_read_for_ever(page: Page, releases: Releases) -> None:
    first = executions(releases.server, NAME)[-1]["pipelineExecutionId"]
    page.goto(f"/console/pipelines/{NAME}/executions/{first}")
    page.get_by_role("link", name="Details").click()
    expect(page.get_by_text(f"{STACK} is created, with 3 resources")).to_be_visible()
    expect(page.get_by_text("EXECUTE_COMPLETE")).to_be_visible()
    page.get_by_role("link", name="Production › Approve").click()
    expect(page.locator(".verdict")).to_contain_text("Approved by root")
    page.get_by_role("link", name=f"Stack {STACK}").first.click()
    row = page.get_by_role("region", name="Change sets").get_by_role("row").nth(1)
    expect(row).to_contain_text("AVAILABLE")
    row.get_by_role("link", name="release").click()
    expect(page.get_by_text(f"2 resources change in {STACK}: 1 is replaced")).to_be_visible()


def test_who_may_not_decide(chromium: Browser, releases: Releases) -> None:
    releases.push("0.4.0", "Answer politely")
    asked = releases.asked()
    iam = releases.server.client("iam")
    iam.create_user(UserName="reader")
    statement = {
        "Effect": "Allow",
        "Action": ["codepipeline:Get*", "codepipeline:List*", "cloudformation:Describe*"],
        "Resource": "*",
    }
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.put_user_policy(UserName="reader", PolicyName="read", PolicyDocument=document)
    key = iam.create_access_key(UserName="reader")["AccessKey"]
    page = chromium.new_context(base_url=releases.server.url).new_page()
    page.goto(link_of(releases.server, key))
    page.get_by_role("button", name="Log in as reader").click()
    page.goto(f"/console/approvals/{asked.id}")
    expect(page.get_by_text("You may read this review, but not decide.")).to_be_visible()
    expect(page.get_by_role("button", name="Approve")).to_have_count(0)
    page.context.close()


@pytest.mark.parametrize("width", [1280, 400])
def test_no_page_is_wider_than_the_screen(page: Page, releases: Releases, width: int) -> None:
    asked = releases.asked()
    (reviewed,) = asked.review.change_sets
    page.set_viewport_size({"width": width, "height": 800})
    for path in (
        "approvals",
        f"approvals/{asked.id}",
        f"changesets?arn={reviewed.arn}",
        f"stacks/{STACK}",
        f"pipelines/{NAME}",
        f"pipelines/{NAME}/executions/{asked.execution_id}",
    ):
        page.goto(f"/console/{path}")
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path


def link_of(server: ServerProcess, key: dict[str, str]) -> str:
    """What `penstock console` prints to the owner of an access key."""
    keys = {
        "AWS_ACCESS_KEY_ID": key["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"],
    }
    done = subprocess.run(
        [*server.command, "console"],
        env={**server.environment, **keys},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return done.stdout.strip()
