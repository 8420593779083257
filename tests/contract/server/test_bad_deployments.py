"""What a user does wrong on the way to a stack, through `aws` and through a pipeline: each is told
where it is wrong and what was expected, and nothing is changed by it."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError, WaiterError
from tests.delivery import (
    BUCKET,
    action_states,
    commit_files,
    create_role,
    push,
    role_arn,
    source_action,
    wait_for_execution,
)
from tests.deployment import events, outputs, resources, stack, wait_for_stack
from tests.server_process import ServerProcess

TEMPLATE = """\
AWSTemplateFormatVersion: "2010-09-09"
Description: The example, without what needs a container engine

Parameters:
  Version: {Type: String, MinLength: 1}
  LogRetentionDays: {Type: Number, Default: 7}

Resources:
  Logs:
    Type: AWS::Logs::LogGroup
    Properties:
      LogGroupName: !Sub /${AWS::StackName}
      RetentionInDays: !Ref LogRetentionDays
  ExecutionRole:
    Type: AWS::IAM::Role
    Properties:
      RoleName: !Sub ${AWS::StackName}-execution
      AssumeRolePolicyDocument:
        Version: "2012-10-17"
        Statement:
          - {Effect: Allow, Principal: {Service: ecs-tasks.amazonaws.com}, Action: sts:AssumeRole}
  Released:
    Type: AWS::SSM::Parameter
    Properties: {Name: !Sub "/${AWS::StackName}/version", Type: String, Value: !Ref Version}

Outputs:
  Version: {Value: !Ref Version}
"""
CAPABILITY = "CAPABILITY_NAMED_IAM"
OVERRIDES = {"Version": {"Fn::GetParam": ["Release", "version.json", "Version"]}}


@dataclass(frozen=True)
class Bad:
    """A deployment with one mistake, and what is said of it."""

    said: str
    template: str = TEMPLATE
    parameters: dict[str, str] = field(default_factory=lambda: {"Version": "1"})
    capability: str = CAPABILITY
    role: str = "deployment"
    code: str = "ValidationError"
    format: bool = False
    """Whether the template alone is wrong, so that ValidateTemplate tells."""


def edited(before: str, after: str) -> str:
    assert before in TEMPLATE
    return TEMPLATE.replace(before, after, 1)


def with_resource(text: str) -> str:
    return edited("\nOutputs:", f"  Odd:\n{text}\n\nOutputs:")


CYCLE = edited("Type: AWS::Logs::LogGroup", "Type: AWS::Logs::LogGroup\n    DependsOn: Released")
CYCLE = CYCLE.replace(
    "Type: AWS::SSM::Parameter", "Type: AWS::SSM::Parameter\n    DependsOn: ExecutionRole"
).replace("Type: AWS::IAM::Role", "Type: AWS::IAM::Role\n    DependsOn: Logs")
BAD = {
    "missing-parameter": Bad("Parameters: [Version] must have values", parameters={}),
    "unknown-parameter": Bad(
        "Parameters: [Verison] do not exist in the template",
        parameters={"Version": "1", "Verison": "1"},
    ),
    "wrong-type": Bad(
        "Parameter 'LogRetentionDays' must be a number.",
        parameters={"Version": "1", "LogRetentionDays": "a week"},
    ),
    "too-short": Bad(
        "Parameter 'Version' must contain at least 1 characters", parameters={"Version": ""}
    ),
    "no-capability": Bad(
        f"Requires capabilities : [{CAPABILITY}]",
        capability="",
        code="InsufficientCapabilitiesException",
    ),
    "smaller-capability": Bad(
        f"Requires capabilities : [{CAPABILITY}]",
        capability="CAPABILITY_IAM",
        code="InsufficientCapabilitiesException",
    ),
    "untrusting-role": Bad(
        f"Role {role_arn('untrusting')} is invalid or cannot be assumed", role="untrusting"
    ),
    "no-role": Bad(f"Role {role_arn('nobody')} is invalid or cannot be assumed", role="nobody"),
    "cycle": Bad(
        "Circular dependency between resources: [Logs, ExecutionRole, Released]",
        CYCLE,
        format=True,
    ),
    "unresolved-ref": Bad(
        "Template format error: Unresolved resource dependencies [LogRetention] in the Resources "
        "block of the template",
        edited("!Ref LogRetentionDays", "!Ref LogRetention"),
        format=True,
    ),
    "unresolved-sub": Bad(
        "Unresolved resource dependencies [Stack] in the Resources block of the template",
        edited("${AWS::StackName}-execution", "${Stack}-execution"),
        format=True,
    ),
    "unresolved-output": Bad(
        "Unresolved resource dependencies [Verison] in the Outputs block of the template",
        edited("{Value: !Ref Version}", "{Value: !Ref Verison}"),
        format=True,
    ),
    "unknown-type": Bad(
        "Template format error: Unrecognized resource types: [AWS::Logs::LogGruop]",
        edited("AWS::Logs::LogGroup", "AWS::Logs::LogGruop"),
        format=True,
    ),
    "tag-with-colon": Bad(
        "(line 12, column 21): unknown tag '!Sub:'; did you mean '!Sub'?",
        edited("!Sub /$", "!Sub: /$"),
        format=True,
    ),
    "misspelt-tag": Bad(
        "(line 13, column 24): unknown tag '!Reff'; did you mean '!Ref'?",
        edited("!Ref LogRetentionDays", "!Reff LogRetentionDays"),
        format=True,
    ),
    "misspelt-function": Bad(
        "(line 13, column 25); did you mean 'Fn::Select'?",
        edited("!Ref LogRetentionDays", '{"Fn::Slect": [0, [1]]}'),
        format=True,
    ),
    "not-yaml": Bad("Template format error: YAML not well-formed. (line 1", ": {\n}}", format=True),
    "stack-set": Bad(
        "Resource Odd: Penstock does not support AWS::CloudFormation::StackSet: deploy its template"
        " as a stack of its own",
        with_resource(
            "    Type: AWS::CloudFormation::StackSet\n"
            "    Properties: {StackSetName: s, PermissionModel: SELF_MANAGED}"
        ),
    ),
    "module": Bad(
        "Template format error: [/Resources/Odd] Own::Queue::Standard::MODULE is a module, and "
        "modules are not supported here: write the module's resources into the template",
        with_resource("    Type: Own::Queue::Standard::MODULE\n    Properties: {Name: q}"),
        format=True,
    ),
    "creation-policy": Bad(
        "Resource Odd: CreationPolicy is not supported for AWS::SQS::Queue",
        with_resource(
            "    Type: AWS::SQS::Queue\n    CreationPolicy: {ResourceSignal: {Count: 1}}"
        ),
    ),
    "bucket-policy": Bad(
        "Resource Odd: Penstock does not evaluate policies of resources",
        with_resource(
            "    Type: AWS::S3::BucketPolicy\n    Properties: {Bucket: b, PolicyDocument: {}}"
        ),
    ),
}
ALARM = "arn:aws:cloudwatch:us-east-1:123456789012:alarm:errors"
NOT_HONOURED = with_resource(
    "    Type: AWS::S3::Bucket\n    Properties: {LifecycleConfiguration: {Rules: []}}"
)
NOT_HONOURED_SAID = (
    "Resource Odd: Penstock cannot honour the property /LifecycleConfiguration of AWS::S3::Bucket; "
    "remove it from the template."
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    server = ServerProcess(tmp_path_factory.mktemp("server") / "data")
    server.start(DOCKER_HOST="unix:///nowhere/docker.sock")
    actions = ("s3:*", "codecommit:*", "cloudformation:*", "iam:PassRole")
    create_role(server, "pipeline", "codepipeline.amazonaws.com", *actions)
    looking = (*actions, "ssm:Get*", "ssm:Describe*")
    create_role(server, "looking-pipeline", "codepipeline.amazonaws.com", *looking)
    create_role(server, "deployment", "cloudformation.amazonaws.com", "*")
    create_role(server, "untrusting", "ecs-tasks.amazonaws.com", "*")
    server.client("s3").create_bucket(Bucket=BUCKET)
    server.aws("codecommit", "create-repository", "--repository-name", "deployment")
    yield server
    server.stop()


@pytest.fixture
def unchanged(server: ServerProcess) -> Iterator[None]:
    """Hold that nothing is made, changed or removed."""
    before = world(server)
    yield
    assert world(server) == before


def world(server: ServerProcess) -> dict[str, Any]:
    """Everything that a deployment of the template could change."""
    stacks = server.client("cloudformation").describe_stacks()["Stacks"]
    ssm = server.client("ssm").describe_parameters()["Parameters"]
    return {
        "stacks": {
            one["StackName"]: (one["StackStatus"], one.get("LastUpdatedTime"))
            for one in stacks
        },
        "events": {one["StackName"]: events(server, one["StackName"]) for one in stacks},
        "groups": server.client("logs").describe_log_groups()["logGroups"],
        "roles": [role["RoleName"] for role in server.client("iam").list_roles()["Roles"]],
        "parameters": [(one["Name"], one["Version"]) for one in ssm],
        "buckets": [one["Name"] for one in server.client("s3").list_buckets()["Buckets"]],
    }  # fmt: skip


def refused(done: Any, operation: str, code: str, said: str) -> None:
    """Hold what the `aws` CLI printed and how it ended."""
    assert done.returncode != 0, done.stdout
    assert f"({code}) when calling the {operation} operation" in done.stderr
    assert said in done.stderr


@pytest.mark.parametrize("name", BAD)
@pytest.mark.usefixtures("unchanged")
def test_the_cli_is_told(server: ServerProcess, tmp_path: Path, name: str) -> None:
    bad = BAD[name]
    template = tmp_path / "stack.yml"
    template.write_text(bad.template)
    body = f"--template-body=file://{template}"
    if bad.format:
        done = server.aws("cloudformation", "validate-template", body, check=False)
        refused(done, "ValidateTemplate", "ValidationError", bad.said)
    options = [f"--role-arn={role_arn(bad.role)}"]
    options += [f"--capabilities={bad.capability}"] if bad.capability else []
    given = [{"ParameterKey": k, "ParameterValue": v} for k, v in bad.parameters.items()]
    done = server.aws(
        "cloudformation", "create-stack", "--stack-name=bad", body, *options,
        "--parameters", json.dumps(given), check=False,
    )  # fmt: skip
    refused(done, "CreateStack", bad.code, bad.said)
    if name == "unknown-parameter":  # `deploy` sends the template's own parameters alone
        return
    pairs = [f"{key}={value}" for key, value in bad.parameters.items()]
    done = server.aws(
        "cloudformation", "deploy", f"--template-file={template}", "--stack-name=bad", *options,
        *(["--parameter-overrides", *pairs] if pairs else []), check=False,
    )  # fmt: skip
    if name == "not-yaml":  # which `deploy` reads itself
        assert done.returncode != 0
    else:
        refused(done, "CreateChangeSet", bad.code, bad.said)


def pipeline(
    server: ServerProcess,
    tree: Path,
    name: str,
    files: dict[str, str],
    role: str = "pipeline",
    **configuration: str,
) -> None:
    """Push the files to a branch of the pipeline's name; deploy them to a stack of that name."""
    commit_files(tree, files)
    push(server, tree, "deployment", name)
    action: dict[str, Any] = {
        "name": "Deploy",
        "actionTypeId": {
            "category": "Deploy", "owner": "AWS", "provider": "CloudFormation", "version": "1",
        },
        "configuration": {
            "ActionMode": "CREATE_UPDATE",
            "StackName": name,
            "TemplatePath": "Release::stack.yml",
            "TemplateConfiguration": "Release::dev.json",
            "RoleArn": role_arn("deployment"),
            "Capabilities": CAPABILITY,
            **configuration,
        },
        "inputArtifacts": [{"name": "Release"}],
    }  # fmt: skip
    if not action["configuration"]["Capabilities"]:
        del action["configuration"]["Capabilities"]
    server.client("codepipeline").create_pipeline(
        pipeline={
            "name": name,
            "roleArn": role_arn(role),
            "artifactStore": {"type": "S3", "location": BUCKET},
            "stages": [
                {"name": "Source", "actions": [source_action("deployment", "Release", name)]},
                {"name": "Dev", "actions": [action]},
            ],
        }
    )


def failure(server: ServerProcess, name: str) -> dict[str, str]:
    """Wait for the pipeline's failure; return the deployment's errorDetails."""
    execution = wait_for_execution(server, name, seconds=60)
    assert execution["status"] == "Failed", action_states(server, name)
    return dict(action_states(server, name)["Deploy"]["errorDetails"])


def dev_json(parameters: dict[str, str]) -> str:
    return json.dumps({"Parameters": parameters, "Tags": {"environment": "development"}})


@pytest.mark.parametrize("name", BAD)
@pytest.mark.usefixtures("unchanged")
def test_a_pipeline_is_told(server: ServerProcess, tmp_path: Path, name: str) -> None:
    bad = BAD[name]
    pipeline(
        server, tmp_path / "tree", name,
        {"stack.yml": bad.template, "dev.json": dev_json(bad.parameters)},
        RoleArn=role_arn(bad.role), Capabilities=bad.capability,
    )  # fmt: skip
    error = failure(server, name)
    assert error["code"] == "ConfigurationError"
    assert bad.said in error["message"]


@pytest.mark.parametrize(
    ("name", "files", "overrides", "said"),
    [
        (
            "no-file",
            {"dev.json": dev_json({})},
            OVERRIDES,
            "Action Deploy: ParameterOverrides: artifact Release has no file version.json",
        ),
        (
            "no-key",
            {"dev.json": dev_json({}), "version.json": '{"Image": "a"}'},
            OVERRIDES,
            "file version.json in artifact Release has no key 'Version' (its keys: Image)",
        ),
        (
            "no-json",
            {"dev.json": dev_json({}), "version.json": "1"},
            OVERRIDES,
            "parameter Version: file version.json in artifact Release is not a JSON object but int",
        ),
        (
            "no-configuration",
            {"version.json": '{"Version": "1"}'},
            OVERRIDES,
            "Action Deploy: artifact Release has no file dev.json",
        ),
        (
            "bad-configuration",
            {"dev.json": '{"Parameters": ["Version"]}'},
            {},
            "file dev.json in artifact Release: ",
        ),
        (
            "unknown-in-dev-json",
            {"dev.json": dev_json({"Verison": "1"}), "version.json": '{"Version": "1"}'},
            OVERRIDES,
            "Parameters: [Verison] do not exist in the template",
        ),
    ],
)
@pytest.mark.usefixtures("unchanged")
def test_what_the_action_reads_is_not_there(
    server: ServerProcess,
    tmp_path: Path,
    name: str,
    files: dict[str, str],
    overrides: dict[str, Any],
    said: str,
) -> None:
    pipeline(
        server, tmp_path / "tree", name, {"stack.yml": TEMPLATE, **files},
        ParameterOverrides=json.dumps(overrides),
    )  # fmt: skip
    error = failure(server, name)
    assert error["code"] == "ConfigurationError"
    assert said in error["message"]


@pytest.mark.usefixtures("unchanged")
def test_an_artifact_that_is_no_input(server: ServerProcess, tmp_path: Path) -> None:
    """Known before anything runs: the pipeline itself is refused."""
    files = {"stack.yml": TEMPLATE, "dev.json": dev_json({})}
    overrides = {"Version": {"Fn::GetParam": ["Version", "version.json", "Version"]}}
    with pytest.raises(ClientError) as raised:
        pipeline(
            server, tmp_path / "tree", "no-input", files, ParameterOverrides=json.dumps(overrides)
        )
    error = raised.value.response["Error"]
    assert error["Code"] == "InvalidActionDeclarationException"
    assert error["Message"] == (
        "Action configuration for action 'Deploy' contains an invalid value for configuration "
        "'ParameterOverrides': parameter Version: artifact Version is not an input artifact of "
        "this action (its inputs: Release)"
    )


@pytest.mark.usefixtures("unchanged")
def test_a_property_that_would_have_no_effect(server: ServerProcess, tmp_path: Path) -> None:
    template = tmp_path / "stack.yml"
    template.write_text(NOT_HONOURED)
    done = server.aws(
        "cloudformation", "create-stack", "--stack-name=bad", f"--capabilities={CAPABILITY}",
        f"--template-body=file://{template}",
        "--parameters=ParameterKey=Version,ParameterValue=1", check=False,
    )  # fmt: skip
    refused(done, "CreateStack", "ValidationError", NOT_HONOURED_SAID)


@pytest.mark.usefixtures("unchanged")
def test_an_option_that_would_have_no_effect(server: ServerProcess, tmp_path: Path) -> None:
    said = f"Penstock has no CloudWatch, so the alarm {ALARM} could never trigger a rollback"
    triggers = f"RollbackTriggers=[{{Type=AWS::CloudWatch::Alarm,Arn={ALARM}}}]"
    template = tmp_path / "stack.yml"
    template.write_text(TEMPLATE)
    given = [
        "--stack-name=bad", f"--capabilities={CAPABILITY}", f"--template-body=file://{template}",
        "--parameters=ParameterKey=Version,ParameterValue=1",
        f"--rollback-configuration={triggers}",
    ]  # fmt: skip
    done = server.aws("cloudformation", "create-stack", *given, check=False)
    refused(done, "CreateStack", "ValidationError", said)
    given += ["--change-set-name=bad", "--change-set-type=CREATE"]
    done = server.aws("cloudformation", "create-change-set", *given, check=False)
    refused(done, "CreateChangeSet", "ValidationError", said)


def test_a_bad_change_leaves_the_stack_as_it_is(server: ServerProcess, tmp_path: Path) -> None:
    """Good, then bad, then good again: the bad commit's failure touches nothing."""
    tree = tmp_path / "tree"
    good = {
        "stack.yml": TEMPLATE,
        "dev.json": dev_json({}),
        "version.json": '{"Version": "1"}',
    }
    pipeline(server, tree, "live", good, ParameterOverrides=json.dumps(OVERRIDES))
    execution = wait_for_execution(server, "live", seconds=60)
    assert execution["status"] == "Succeeded", action_states(server, "live")
    assert outputs(server, "live") == {"Version": "1"}
    before = world(server)
    for file, content, said in (
        ("dev.json", dev_json({"Verison": "1"}), "Parameters: [Verison] do not exist"),
        ("version.json", "{}", "has no key 'Version' (its keys: none)"),
        ("stack.yml", edited("!Sub /$", "!Sub: /$"), "did you mean '!Sub'?"),
        ("stack.yml", NOT_HONOURED, NOT_HONOURED_SAID),
    ):
        commit = commit_files(tree, {**good, file: content})
        push(server, tree, "deployment", "live")
        assert wait_for_execution(server, "live", commit=commit)["status"] == "Failed"
        assert said in action_states(server, "live")["Deploy"]["errorDetails"]["message"]
        assert world(server) == before
    commit = commit_files(tree, {**good, "version.json": '{"Version": "2"}'})
    push(server, tree, "deployment", "live")
    assert wait_for_execution(server, "live", commit=commit)["status"] == "Succeeded"
    assert outputs(server, "live") == {"Version": "2"}


NAMED: dict[str, tuple[str, dict[str, Any]]] = {
    "log-group": ("AWS::Logs::LogGroup", {"LogGroupName": "NAME"}),
    "role": (
        "AWS::IAM::Role",
        {
            "RoleName": "NAME",
            "AssumeRolePolicyDocument": {
                "Statement": [
                    {
                        "Effect": "Allow",
                        "Principal": {"Service": "ecs-tasks.amazonaws.com"},
                        "Action": "sts:AssumeRole",
                    }
                ]
            },
        },
    ),
    "images": ("AWS::ECR::Repository", {"RepositoryName": "NAME"}),
    "bucket": ("AWS::S3::Bucket", {"BucketName": "NAME"}),
    "parameter": ("AWS::SSM::Parameter", {"Name": "NAME", "Type": "String", "Value": "v"}),
    "secret": ("AWS::SecretsManager::Secret", {"Name": "NAME", "SecretString": "v"}),
    "repository": ("AWS::CodeCommit::Repository", {"RepositoryName": "NAME"}),
}


INVALID = (
    "Validation failed with 1 error(s). Call DescribeEvents to retrieve the full list of issues "
    "with resource and property details, resolve each error, then retry the operation."
)
WENT_BACK = "Validation failure detected. See the operation's FAILED event for details."


@dataclass(frozen=True)
class Named:
    """A template of one resource with a hard-coded name, deployed to one stack after another."""

    server: ServerProcess
    kind: str

    @property
    def type(self) -> str:
        return NAMED[self.kind][0]

    def template(self, name: Any) -> str:
        properties = {
            key: name if value == "NAME" else value for key, value in NAMED[self.kind][1].items()
        }
        return json.dumps({"Resources": {"Named": {"Type": self.type, "Properties": properties}}})

    def create(
        self, stack_name: str, name: Any, status: str = "CREATE_COMPLETE", **request: Any
    ) -> str:
        """Create the stack; return its id once it has the status."""
        made = self.server.client("cloudformation").create_stack(
            StackName=stack_name,
            TemplateBody=self.template(name),
            Capabilities=[CAPABILITY],
            **request,
        )
        wait_for_stack(self.server, stack_name, status, seconds=30)
        return str(made["StackId"])

    def findings(self, **of: Any) -> list[tuple[str, str, str, str]]:
        """What DescribeEvents tells of the failure: where, and what was found."""
        told = self.server.client("cloudformation").describe_events(
            **of, Filters={"FailedEvents": True}
        )["OperationEvents"]
        return [
            (
                one["ValidationName"],
                one["LogicalResourceId"],
                one["ValidationPath"],
                one["ValidationStatusReason"],
            )
            for one in told
            if one["EventType"] == "VALIDATION_ERROR"
        ]

    def taken(self, first: str) -> tuple[str, str, str, str]:
        """The finding that the name is the first stack's resource's."""
        identifier = resources(self.server, first)["Named"]["PhysicalResourceId"]
        return (
            "NAME_CONFLICT_VALIDATION",
            "Named",
            "/Resources/Named",
            f"Resource of type '{self.type}' with identifier '{identifier}' already exists.",
        )


@pytest.mark.parametrize("kind", [kind for kind in NAMED if kind != "repository"])
def test_one_hard_coded_name_collides(server: ServerProcess, kind: str) -> None:
    """Nothing of the second stack is made, whether asked for directly or by a change set; what is
    told names the resource and what has its name. The first stack stays."""
    named = Named(server, kind)
    cloudformation = server.client("cloudformation")
    first, second, third = f"{kind}-first", f"{kind}-second", f"{kind}-third"
    named.create(first, f"shared-{kind}")
    before = events(server, first), resources(server, first)
    assert f"shared-{kind}" in str(named.taken(first))

    named.create(second, f"shared-{kind}", "ROLLBACK_COMPLETE")
    assert events(server, second).splitlines() == [
        f"{second} CREATE_IN_PROGRESS User Initiated",
        f"{second} CREATE_FAILED {INVALID}",
        f"{second} ROLLBACK_IN_PROGRESS {WENT_BACK}",
        f"{second} ROLLBACK_COMPLETE ",
    ]
    assert named.findings(StackName=second) == [named.taken(first)]

    made = cloudformation.create_change_set(
        StackName=third,
        ChangeSetName="new",
        ChangeSetType="CREATE",
        TemplateBody=named.template(f"shared-{kind}"),
        Capabilities=[CAPABILITY],
    )
    with pytest.raises(WaiterError):
        cloudformation.get_waiter("change_set_create_complete").wait(
            ChangeSetName=made["Id"], WaiterConfig={"Delay": 1}
        )
    described = cloudformation.describe_change_set(ChangeSetName=made["Id"])
    assert (described["Status"], described["ExecutionStatus"]) == ("FAILED", "UNAVAILABLE")
    assert "[AWS::EarlyValidation::ResourceExistenceCheck]" in described["StatusReason"]
    assert named.findings(ChangeSetName=made["Id"]) == [named.taken(first)]
    assert stack(server, third)["StackStatus"] == "REVIEW_IN_PROGRESS"

    assert stack(server, first)["StackStatus"] == "CREATE_COMPLETE"
    assert (events(server, first), resources(server, first)) == before
    for name in (f"{kind}-dev", f"{kind}-prod"):
        named.create(name, {"Fn::Sub": "${AWS::StackName}-own"})


@pytest.mark.parametrize("kind", NAMED)
def test_a_name_that_is_not_looked_for_first_collides_at_its_turn(
    server: ServerProcess, kind: str
) -> None:
    """Without validation, and for a repository always: its name is not its identifier. The stack
    rolls back, in AWS's words."""
    named = Named(server, kind)
    first, second = f"{kind}-1", f"{kind}-2"
    first_id = named.create(first, f"at-turn-{kind}")
    before = events(server, first), resources(server, first)
    disabled = {} if kind == "repository" else {"DisableValidation": True}
    named.create(second, f"at-turn-{kind}", "ROLLBACK_COMPLETE", **disabled)
    told = events(server, second)
    assert "Named CREATE_FAILED" in told
    assert f"at-turn-{kind} already exists in stack {first_id}" in told
    assert "The following resource(s) failed to create: [Named]. Rollback requested" in told
    assert (events(server, first), resources(server, first)) == before


@pytest.mark.parametrize(
    ("role", "said"),
    [
        (
            "looking-pipeline",
            "Released: Resource of type 'AWS::SSM::Parameter' with identifier '{}' already exists.",
        ),
        ("pipeline", 'Released: Resource handler returned message: "{} already exists"'),
    ],
)
def test_a_pipeline_is_told_which_name_is_taken(
    server: ServerProcess, tmp_path: Path, role: str, said: str
) -> None:
    """Before anything is made, where its role may look; else when it is made. Not only to ask
    DescribeEvents, in any case, and what has the name stays."""
    name = f"taken-{role}"
    taken = f"/{name}/version"
    server.client("ssm").put_parameter(Name=taken, Type="String", Value="kept")
    files = {"stack.yml": TEMPLATE, "dev.json": dev_json({"Version": "1"})}
    pipeline(server, tmp_path / "tree", name, files, role)
    error = failure(server, name)
    assert error["code"] == "JobFailed"
    assert said.format(taken) in error["message"]
    assert stack(server, name)["StackStatus"] == "ROLLBACK_COMPLETE"
    assert (INVALID in events(server, name)) == (role == "looking-pipeline")
    found = server.client("ssm").get_parameter(Name=taken)["Parameter"]
    assert (found["Value"], found["Version"]) == ("kept", 1)
