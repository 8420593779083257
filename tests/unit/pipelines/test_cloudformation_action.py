"""The CloudFormation action's conversations, with a scripted CloudFormation behind the real call:
validation, authorization, artifacts and roles are the server's own."""

import io
import json
import zipfile
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from tests.identities import make_role, statement
from tests.pipeline_world import NOW

from penstock.aws.errors import ServiceError
from penstock.aws.in_process import InProcess
from penstock.aws.service import Call, Service, bind
from penstock.pipelines.actions.cloudformation import CloudFormation
from penstock.pipelines.actions.provider import (
    ActionJob,
    ActionResult,
    ArtifactLocation,
    Failed,
    InProgress,
    Succeeded,
)
from penstock.pipelines.approved_change_sets import ApprovedChangeSets
from penstock.pipelines.artifact_files import ArtifactFiles
from penstock.pipelines.roles import Roles
from penstock.services.iam import Iam
from penstock.services.s3 import Objects
from penstock.services.sts import Sts
from penstock.storage.blobs import Blobs
from penstock.storage.database import Database
from penstock.storage.encryption import Cipher

ACCOUNT, REGION = "123456789012", "us-east-1"
STACK_ID = f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/web/1"
TRUST = {"Service": "codepipeline.amazonaws.com"}
TOKEN = "22222222-2222-2222-2222-222222222222"
MAY_DEPLOY = statement(["cloudformation:*", "iam:PassRole", "s3:*"])
FILES = {
    "stack.yml": "Resources: {}\n",
    "dev.json": '{"Parameters": {"Size": "1", "Version": "file"}, "Tags": {"team": "a"}}',
    "version.json": '{"Version": "1.2"}',
    "protected.json": '{"StackPolicy": {"Statement": []}}',
}


@dataclass
class Script:
    """One stack and one change set; every call is kept."""

    status: str | None = None
    change_set: dict[str, Any] | None = None
    tokens: list[str] = field(default_factory=list)
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    no_updates: bool = False
    refusal: str | None = None
    """Answered to whoever gives a template."""
    events: list[dict[str, Any]] = field(default_factory=list)
    findings: list[dict[str, Any]] | None = None
    """What DescribeEvents tells; None: nobody may ask."""

    def look_at_template(self) -> None:
        if self.refusal is not None:
            raise ServiceError("ValidationError", self.refusal, status=400)

    def begin(self, operation: str, request: Any, status: str) -> None:
        self.calls.append((operation, dict(request)))
        self.status = status
        self.tokens.append(request.get("ClientRequestToken"))


def gone(name: str) -> ServiceError:
    return ServiceError("ValidationError", f"Stack with id {name} does not exist", status=400)


async def describe_stacks(script: Script, call: Call, request: Any) -> Any:
    if script.status is None:
        raise gone(request["StackName"])
    outputs = [{"OutputKey": "URL", "OutputValue": "http://web/"}]
    return {
        "Stacks": [
            {"StackName": "web", "StackId": STACK_ID, "StackStatus": script.status,
             "CreationTime": NOW, "Outputs": outputs}
        ]
    }  # fmt: skip


async def describe_events(script: Script, call: Call, request: Any) -> Any:
    events = [
        {"LogicalResourceId": "web", "ResourceStatus": "CREATE_IN_PROGRESS",
         "ClientRequestToken": token}
        for token in script.tokens
    ]  # fmt: skip
    return {"StackEvents": [*script.events, *events]}


async def describe_operation_events(script: Script, call: Call, request: Any) -> Any:
    if script.findings is None:
        raise ServiceError("AccessDenied", "not authorized to perform: DescribeEvents", status=403)
    return {"OperationEvents": script.findings}


async def create_stack(script: Script, call: Call, request: Any) -> Any:
    script.look_at_template()
    script.begin("CreateStack", request, "CREATE_IN_PROGRESS")
    return {"StackId": STACK_ID}


async def update_stack(script: Script, call: Call, request: Any) -> Any:
    script.look_at_template()
    if script.no_updates:
        raise ServiceError("ValidationError", "No updates are to be performed.", status=400)
    script.begin("UpdateStack", request, "UPDATE_IN_PROGRESS")
    return {"StackId": STACK_ID}


async def set_stack_policy(script: Script, call: Call, request: Any) -> Any:
    script.calls.append(("SetStackPolicy", dict(request)))
    return {}


async def delete_stack(script: Script, call: Call, request: Any) -> Any:
    script.begin("DeleteStack", request, "DELETE_IN_PROGRESS")
    return {}


async def describe_change_set(script: Script, call: Call, request: Any) -> Any:
    if script.change_set is None:
        raise ServiceError("ChangeSetNotFoundException", "ChangeSet [release] does not exist")
    described = {"StackId": STACK_ID, "ChangeSetId": "arn:change-set", "Changes": []}
    if "NextToken" in request:
        return {**described, "Status": "CREATE_COMPLETE", "Changes": [{"Type": "Resource"}]}
    return {**described, **script.change_set}


async def create_change_set(script: Script, call: Call, request: Any) -> Any:
    script.look_at_template()
    script.calls.append(("CreateChangeSet", dict(request)))
    script.change_set = {"Status": "CREATE_IN_PROGRESS"}
    script.status = script.status or "REVIEW_IN_PROGRESS"
    return {"Id": "arn:change-set", "StackId": STACK_ID}


async def delete_change_set(script: Script, call: Call, request: Any) -> Any:
    script.calls.append(("DeleteChangeSet", dict(request)))
    script.change_set = None
    return {}


async def execute_change_set(script: Script, call: Call, request: Any) -> Any:
    script.begin("ExecuteChangeSet", request, "UPDATE_IN_PROGRESS")
    script.change_set = {"Status": "CREATE_COMPLETE", "ExecutionStatus": "EXECUTE_IN_PROGRESS"}
    return {}


OPERATIONS = {
    "DescribeStacks": describe_stacks,
    "DescribeEvents": describe_operation_events,
    "DescribeStackEvents": describe_events,
    "CreateStack": create_stack,
    "UpdateStack": update_stack,
    "SetStackPolicy": set_stack_policy,
    "DeleteStack": delete_stack,
    "DescribeChangeSet": describe_change_set,
    "CreateChangeSet": create_change_set,
    "DeleteChangeSet": delete_change_set,
    "ExecuteChangeSet": execute_change_set,
}


async def once(content: bytes) -> AsyncIterator[bytes]:
    yield content


def zipped(files: dict[str, str]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


class World:
    """Real IAM, STS and S3; the script in CloudFormation's place."""

    def __init__(self, database: Database, path: Path) -> None:
        self.script = Script()
        self.iam = Iam(database, Cipher.open(path / "key"), ACCOUNT, lambda: NOW)
        (path / "blobs").mkdir()
        self.objects = Objects(database, Blobs(path / "blobs"), lambda: NOW, REGION)
        services = [Service("cloudformation", bind(self.script, OPERATIONS))]
        in_process = InProcess(
            lambda: services, self.iam.authorize, ACCOUNT, REGION, lambda: NOW, "http://here"
        )
        roles = Roles(self.iam, Sts(self.iam))
        approved = ApprovedChangeSets(database)
        self.action = CloudFormation(in_process, ArtifactFiles(self.objects), roles, approved)
        self.role = ""

    async def furnish(self) -> None:
        await self.objects.create_bucket("artifacts")
        source = zipped({name: FILES[name] for name in ("stack.yml", "dev.json", "protected.json")})
        await self.objects.put("artifacts", "source", once(source))
        built = zipped({"version.json": FILES["version.json"]})
        await self.objects.put("artifacts", "built", once(built))
        self.role = await make_role(self.iam, lambda: NOW, "pipeline", TRUST, MAY_DEPLOY)

    def job(self, mode: str = "CREATE_UPDATE", **changes: str) -> ActionJob:
        configuration = {
            "ActionMode": mode,
            "StackName": "web",
            "ChangeSetName": "release",
            "TemplatePath": "Source::stack.yml",
            "TemplateConfiguration": "Source::dev.json",
            "ParameterOverrides": '{"Version": {"Fn::GetParam": '
            '["Built", "version.json", "Version"]}}',
            "Capabilities": "CAPABILITY_IAM, CAPABILITY_NAMED_IAM",
            "RoleArn": f"arn:aws:iam::{ACCOUNT}:role/deploy",
            **changes,
        }
        return ActionJob(
            "pipe", "11111111-1111-1111-1111-111111111111", "Dev", "Deploy", TOKEN,
            {key: value for key, value in configuration.items() if value},
            [ArtifactLocation("Source", "artifacts", "source"),
             ArtifactLocation("Built", "artifacts", "built")],
            [], self.role, self.role, REGION, ACCOUNT,
        )  # fmt: skip

    async def poll(self, job: ActionJob, last: ActionResult) -> ActionResult:
        assert isinstance(last, InProgress), last
        return await self.action.poll(job, last.continuation_token)


@pytest.fixture
async def world(database: Database, tmp_path: Path) -> World:
    world = World(database, tmp_path)
    await world.furnish()
    return world


async def test_create_hands_over_template_parameters_tags_and_role(world: World) -> None:
    started = await world.action.start(world.job())
    ((operation, request),) = world.script.calls
    assert operation == "CreateStack"
    assert request == {
        "StackName": "web",
        "ClientRequestToken": TOKEN,
        "TemplateBody": FILES["stack.yml"],
        "RoleARN": f"arn:aws:iam::{ACCOUNT}:role/deploy",
        "Capabilities": ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"],
        "Parameters": [
            {"ParameterKey": "Size", "ParameterValue": "1"},
            {"ParameterKey": "Version", "ParameterValue": "1.2"},
        ],
        "Tags": [{"Key": "team", "Value": "a"}],
    }
    assert isinstance(await world.poll(world.job(), started), InProgress)
    world.script.status = "CREATE_COMPLETE"
    ended = await world.poll(world.job(), started)
    assert isinstance(ended, Succeeded)
    assert ended.output_variables == {"URL": "http://web/"}
    assert ended.external_execution_id == STACK_ID


async def test_a_repeated_start_finds_the_first(world: World) -> None:
    first = await world.action.start(world.job())
    assert await world.action.start(world.job()) == first
    assert [operation for operation, _ in world.script.calls] == ["CreateStack"]


async def test_an_existing_stack_is_updated(world: World) -> None:
    world.script.status = "UPDATE_ROLLBACK_COMPLETE"
    started = await world.action.start(world.job())
    assert [operation for operation, _ in world.script.calls] == ["UpdateStack"]
    world.script.status = "UPDATE_COMPLETE"
    assert isinstance(await world.poll(world.job(), started), Succeeded)


async def test_no_change_is_a_success_with_outputs(world: World) -> None:
    world.script.status, world.script.no_updates = "CREATE_COMPLETE", True
    ended = await world.action.start(world.job())
    assert isinstance(ended, Succeeded)
    assert ended.summary == "No updates are to be performed."
    assert ended.output_variables == {"URL": "http://web/"}


async def test_the_stack_policy_of_the_configuration_file_is_set(world: World) -> None:
    job = world.job(TemplateConfiguration="Source::protected.json")
    await world.action.start(job)
    ((operation, request),) = world.script.calls
    assert (operation, request["StackPolicyBody"]) == ("CreateStack", '{"Statement": []}')
    world.script.calls.clear()
    world.script.tokens.clear()
    world.script.status, world.script.no_updates = "CREATE_COMPLETE", True
    assert isinstance(await world.action.start(job), Succeeded)
    assert world.script.calls == [
        ("SetStackPolicy", {"StackName": "web", "StackPolicyBody": '{"Statement": []}'})
    ]


async def test_no_change_set_sets_a_stack_policy(world: World) -> None:
    job = world.job("CHANGE_SET_REPLACE", TemplateConfiguration="Source::protected.json")
    ended = await world.action.start(job)
    assert isinstance(ended, Failed)
    assert "set it with SetStackPolicy" in ended.message
    assert world.script.calls == []


async def test_a_rolled_back_stack_fails_with_the_first_resource_that_did(world: World) -> None:
    world.script.status = "CREATE_COMPLETE"
    started = await world.action.start(world.job())
    failed = {"ResourceStatus": "UPDATE_FAILED", "ClientRequestToken": TOKEN}
    world.script.events = [
        {**failed, "LogicalResourceId": "Second", "ResourceStatusReason": "later"},
        {**failed, "LogicalResourceId": "First", "ResourceStatusReason": "no such image"},
    ]
    world.script.status = "UPDATE_ROLLBACK_COMPLETE"
    ended = await world.poll(world.job(), started)
    assert isinstance(ended, Failed)
    assert ended.message == (
        "Failed to deploy the stack. Current stack status: UPDATE_ROLLBACK_COMPLETE. "
        "Reason: First: no such image"
    )


async def test_outputs_are_written_where_a_file_name_asks(world: World) -> None:
    job = replace(
        world.job(OutputFileName="outputs.json"),
        output_artifacts=[ArtifactLocation("Outputs", "artifacts", "outputs")],
    )
    started = await world.action.start(job)
    world.script.status = "CREATE_COMPLETE"
    await world.poll(job, started)
    with zipfile.ZipFile(await world.objects.path("artifacts", "outputs")) as archive:
        assert json.loads(archive.read("outputs.json")) == {"URL": "http://web/"}
    await world.poll(replace(job, configuration=world.job().configuration), started)
    with zipfile.ZipFile(await world.objects.path("artifacts", "outputs")) as archive:
        assert archive.namelist() == [], "an output artifact without a file name is empty"


async def test_only_a_failed_stack_is_replaced(world: World) -> None:
    world.script.status = "ROLLBACK_COMPLETE"
    job = world.job("REPLACE_ON_FAILURE")
    started = await world.action.start(job)
    assert [operation for operation, _ in world.script.calls] == ["DeleteStack"]
    assert await world.action.start(job) == started
    world.script.status = None
    created = await world.poll(job, started)
    assert [operation for operation, _ in world.script.calls] == ["DeleteStack", "CreateStack"]
    world.script.status = "CREATE_COMPLETE"
    assert isinstance(await world.poll(job, created), Succeeded)
    world.script.calls.clear()
    world.script.tokens.clear()
    await world.action.start(job)
    assert [operation for operation, _ in world.script.calls] == ["UpdateStack"]


async def test_bad_input_deletes_no_failed_stack(world: World) -> None:
    world.script.status = "ROLLBACK_COMPLETE"
    job = world.job("REPLACE_ON_FAILURE", TemplatePath="Source::missing.yml")
    assert isinstance(await world.action.start(job), Failed)
    assert world.script.calls == []


async def test_deleting_what_is_not_there_succeeds(world: World) -> None:
    job = world.job("DELETE_ONLY", TemplatePath="", TemplateConfiguration="")
    assert isinstance(await world.action.start(job), Succeeded)
    world.script.status = "CREATE_COMPLETE"
    started = await world.action.start(job)
    world.script.status = None
    assert isinstance(await world.poll(job, started), Succeeded)
    assert [operation for operation, _ in world.script.calls] == ["DeleteStack"]


async def test_a_change_set_is_replaced_then_executed(world: World) -> None:
    world.script.status, world.script.change_set = "CREATE_COMPLETE", {"Status": "CREATE_COMPLETE"}
    job = world.job("CHANGE_SET_REPLACE")
    started = await world.action.start(job)
    names = [operation for operation, _ in world.script.calls]
    assert names == ["DeleteChangeSet", "CreateChangeSet"]
    created = world.script.calls[1][1]
    assert created["ChangeSetType"] == "UPDATE"
    assert created["ClientToken"] == TOKEN
    world.script.change_set = {"Status": "CREATE_COMPLETE"}
    assert isinstance(await world.poll(job, started), Succeeded)

    execute = world.job("CHANGE_SET_EXECUTE")
    running = await world.action.start(execute)
    assert world.script.calls[-1][0] == "ExecuteChangeSet"
    again = await world.action.start(execute)
    assert isinstance(again, InProgress)
    assert again.external_execution_id == STACK_ID
    assert [operation for operation, _ in world.script.calls].count("ExecuteChangeSet") == 1
    world.script.status = "UPDATE_ROLLBACK_COMPLETE"
    world.script.change_set = {"Status": "CREATE_COMPLETE", "ExecutionStatus": "EXECUTE_FAILED"}
    ended = await world.poll(execute, running)
    assert isinstance(ended, Failed)
    assert ended.message.startswith("Failed to execute change set. Current stack status: UPDATE_RO")


async def test_an_executed_change_set_is_judged_by_itself(world: World) -> None:
    world.script.status = "UPDATE_COMPLETE"
    execute = world.job("CHANGE_SET_EXECUTE")
    world.script.change_set = {"Status": "CREATE_COMPLETE", "ExecutionStatus": "AVAILABLE"}
    running = await world.action.start(execute)
    assert isinstance(await world.poll(execute, running), InProgress)
    world.script.status = "UPDATE_COMPLETE"  # of an update that somebody began afterwards
    world.script.change_set["ExecutionStatus"] = "EXECUTE_FAILED"
    assert isinstance(await world.poll(execute, running), Failed)
    world.script.change_set["ExecutionStatus"] = "EXECUTE_COMPLETE"
    ended = await world.poll(execute, running)
    assert isinstance(ended, Succeeded)
    assert ended.summary == "Change set release was executed."


async def test_a_change_set_that_no_retry_makes_anew_is_to_be_released_again(world: World) -> None:
    world.script.status = "CREATE_COMPLETE"
    ended = await world.action.start(world.job("CHANGE_SET_EXECUTE"))
    assert ended == Failed(
        "JobFailed",
        "ChangeSet [release] does not exist. Found: no change set release. Nothing was executed. "
        "No action of stage Dev made change set release of web: compare its actions' StackName and "
        "ChangeSetName, or release the change again.",
    )


async def test_the_first_change_set_creates_the_stack(world: World) -> None:
    await world.action.start(world.job("CHANGE_SET_REPLACE"))
    ((operation, request),) = world.script.calls
    assert (operation, request["ChangeSetType"]) == ("CreateChangeSet", "CREATE")


@pytest.mark.parametrize(
    "status",
    [
        "DELETE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "ROLLBACK_COMPLETE", "UPDATE_ROLLBACK_FAILED",
    ],
)  # fmt: skip
async def test_a_stack_that_takes_no_change_set_says_so(world: World, status: str) -> None:
    world.script.status = status
    said = f"Stack:{STACK_ID} is in {status} state and can not be updated."
    world.script.refusal = said
    ended = await world.action.start(world.job("CHANGE_SET_REPLACE"))
    assert ended == Failed("ConfigurationError", said)
    assert world.script.status == status


async def test_a_stack_in_review_keeps_being_created(world: World) -> None:
    world.script.status, world.script.change_set = "REVIEW_IN_PROGRESS", {"Status": "FAILED"}
    await world.action.start(world.job("CHANGE_SET_REPLACE"))
    names = [operation for operation, _ in world.script.calls]
    assert names == ["DeleteChangeSet", "CreateChangeSet"]
    assert world.script.calls[-1][1]["ChangeSetType"] == "CREATE"


async def test_a_change_set_is_counted_over_its_pages(world: World) -> None:
    started = await world.action.start(world.job("CHANGE_SET_REPLACE"))
    change = {"Type": "Resource"}
    world.script.change_set = {
        "Status": "CREATE_COMPLETE", "Changes": [change, change], "NextToken": "more",
    }  # fmt: skip
    ended = await world.poll(world.job("CHANGE_SET_REPLACE"), started)
    assert isinstance(ended, Succeeded)
    assert ended.summary == "Change set release was created: 3 changes"
    shown = "#/changeset/detail?stackId=arn:aws:cloudformation:us-east-1:123456789012:stack/web/1"
    assert shown in ended.external_execution_url
    assert ended.external_execution_url.endswith("&changeSetId=arn:change-set")


async def test_an_empty_change_set_is_a_success_twice(world: World) -> None:
    world.script.status = "CREATE_COMPLETE"
    job = world.job("CHANGE_SET_REPLACE")
    started = await world.action.start(job)
    reason = (
        "The submitted information didn't contain changes. Submit different information to create "
        "a change set."
    )
    world.script.change_set = {"Status": "FAILED", "StatusReason": reason}
    ended = await world.poll(job, started)
    assert isinstance(ended, Succeeded)
    assert ended.summary == reason
    executed = await world.action.start(world.job("CHANGE_SET_EXECUTE"))
    assert isinstance(executed, Succeeded)
    assert "ExecuteChangeSet" not in [operation for operation, _ in world.script.calls]


async def test_a_change_set_that_fails_for_another_reason_fails(world: World) -> None:
    job = world.job("CHANGE_SET_REPLACE")
    started = await world.action.start(job)
    world.script.change_set = {"Status": "FAILED", "StatusReason": "No export named X found."}
    ended = await world.poll(job, started)
    assert ended == Failed(
        "JobFailed",
        "Failed to create change set release. Reason: No export named X found.",
        STACK_ID,
        ended.external_execution_url,
    )


async def test_what_validation_found_is_told_where_the_reason_only_points_to_it(
    world: World,
) -> None:
    job = world.job("CHANGE_SET_REPLACE")
    started = await world.action.start(job)
    reason = "Validation failed: use the DescribeEvents API for detailed failure information."
    world.script.change_set = {"Status": "FAILED", "StatusReason": reason}
    told = f"Failed to create change set release. Reason: {reason}"
    ended = await world.poll(job, started)
    assert isinstance(ended, Failed)
    assert ended.message == told
    finding = {"EventType": "VALIDATION_ERROR", "OperationId": "new", "LogicalResourceId": "Web"}
    earlier = {**finding, "OperationId": "old", "ValidationStatusReason": "of an earlier one"}
    world.script.findings = [
        {"EventType": "STACK_EVENT", "OperationId": "new"},
        {**finding, "ValidationStatusReason": "#: second"},
        {**finding, "ValidationStatusReason": "#: first"},
        earlier,
    ]
    ended = await world.poll(job, started)
    assert isinstance(ended, Failed)
    assert ended.message == f"{told}\nWeb: #: first\nWeb: #: second"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"TemplatePath": "Source::no.yml"}, "artifact Source has no file no.yml"),
        ({"TemplatePath": "Other::stack.yml"}, "artifact Other is not an input artifact of this"),
        ({"TemplateConfiguration": "Source::stack.yml"}, "stack.yml in artifact Source: Template"),
        (
            {"ParameterOverrides": '{"V": {"Fn::GetParam": ["Built", "x.json", "V"]}}'},
            "ParameterOverrides: artifact Built has no file x.json",
        ),
        (
            {"ParameterOverrides": '{"V": {"Fn::GetParam": ["Built", "version.json", "V"]}}'},
            "has no key 'V' (its keys: Version)",
        ),
        (
            {"ParameterOverrides": '{"V": {"Fn::GetParam": ["Other", "version.json", "V"]}}'},
            "ParameterOverrides: artifact Other is not an input artifact of this action",
        ),
    ],
)
async def test_bad_input_is_said_and_nothing_is_called(
    world: World, changes: dict[str, str], said: str
) -> None:
    ended = await world.action.start(world.job(**changes))
    assert isinstance(ended, Failed)
    assert ended.code == "ConfigurationError"
    assert said in ended.message
    assert world.script.calls == []


@pytest.mark.parametrize(
    ("mode", "status"),
    [
        ("CREATE_UPDATE", None),
        ("CREATE_UPDATE", "CREATE_COMPLETE"),
        ("CHANGE_SET_REPLACE", None),
        ("REPLACE_ON_FAILURE", "CREATE_COMPLETE"),
    ],
)
@pytest.mark.parametrize(
    ("refusal", "file"),
    [
        ("Template format error: YAML not well-formed. (line 3, column 5)", True),
        ("Template error: every Ref object must have a single String value.", True),
        ("Template validation error: something", True),
        ("Invalid template resource property 'Foo'", True),
        ("[/Resources/A/Type/N] 'null' values are not allowed in templates", True),
        ("Parameters: [Size] must have values", False),
    ],
)
async def test_a_mistake_in_the_template_is_told_with_its_file(
    world: World, mode: str, status: str | None, refusal: str, file: bool
) -> None:
    world.script.status = status
    world.script.refusal = refusal
    ended = await world.action.start(world.job(mode))
    prefix = "Source::stack.yml: " if file else ""
    assert ended == Failed("ConfigurationError", f"{prefix}{refusal}")


@pytest.mark.parametrize("denied", ["cloudformation:CreateStack", "iam:PassRole", "s3:GetObject"])
async def test_a_role_without_a_permission_fails_with_awss_words(world: World, denied: str) -> None:
    deny = {"Effect": "Deny", "Action": denied, "Resource": "*"}
    role = await make_role(world.iam, lambda: NOW, "less", TRUST, MAY_DEPLOY, deny)
    ended = await world.action.start(replace(world.job(), role_arn=role, pipeline_role_arn=role))
    assert isinstance(ended, Failed)
    assert ended.code == "PermissionError"
    assert f"is not authorized to perform: {denied} on resource: " in ended.message
    assert world.script.calls == []


async def test_a_long_template_goes_by_url(world: World) -> None:
    text = "Resources: {}\n# " + "x" * 60_000
    await world.objects.put("artifacts", "source", once(zipped({"stack.yml": text})))
    await world.action.start(world.job(TemplateConfiguration=""))
    ((_, request),) = world.script.calls
    assert "TemplateBody" not in request
    key = request["TemplateURL"].removeprefix("https://s3.us-east-1.amazonaws.com/artifacts/")
    assert (await world.objects.path("artifacts", key)).read_text() == text
