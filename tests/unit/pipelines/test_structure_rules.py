"""What CreatePipeline refuses, with AWS's code and text."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.pipeline_world import build, document, source

from penstock.aws.errors import ServiceError
from penstock.pipelines import structure_messages
from penstock.pipelines.action_types import NOT_RUN_YET, RUNNING
from penstock.pipelines.structure import parse
from penstock.pipelines.structure_rules import check

PAGE = Path(__file__).parents[3] / "docs" / "pipelines-messages.md"

Change = Callable[[dict[str, Any]], None]


def refusal(declaration: dict[str, Any]) -> tuple[str, str]:
    with pytest.raises(ServiceError) as caught:
        check(parse(declaration), declaration, "us-east-1")
    return caught.value.code, caught.value.message


def accepted(declaration: dict[str, Any]) -> None:
    check(parse(declaration), declaration, "us-east-1")


def stages(*actions: dict[str, Any]) -> dict[str, Any]:
    """A pipeline whose second stage has these actions."""
    return document(
        {"name": "Source", "actions": [source(namespace="Src")]},
        {"name": "Build", "actions": list(actions)},
    )


def configured(**configuration: str) -> dict[str, Any]:
    return stages(build(configuration={"ProjectName": "project", **configuration}))


def typed(category: str, provider: str, owner: str = "AWS") -> dict[str, Any]:
    action = build("Act")
    action["actionTypeId"] = {
        "category": category, "owner": owner, "provider": provider, "version": "1",
    }  # fmt: skip
    return action


def test_a_plain_pipeline_is_accepted() -> None:
    accepted(document())
    accepted(document(executionMode="QUEUED", pipelineType="V2"))


def test_variables_may_refer_to_actions_that_finished_and_to_reserved_namespaces() -> None:
    text = '[{"name":"A","value":"#{Src.CommitId} #{codepipeline.PipelineExecutionId}"}]'
    accepted(configured(EnvironmentVariables=text))
    accepted(
        stages(
            build(namespace="One"),
            build("Two", runOrder=2, configuration={"ProjectName": "#{One.Anything}"}),
        )
    )


def cloudformation(**changes: str | None) -> dict[str, Any]:
    """A CloudFormation action; None removes a key of its configuration."""
    configuration = {
        "ActionMode": "CREATE_UPDATE",
        "StackName": "web",
        "TemplatePath": "AppSource::stack.yml",
        "RoleArn": "arn:aws:iam::123456789012:role/deploy",
        **changes,
    }
    return build(
        "Deploy",
        actionTypeId={
            "category": "Deploy", "owner": "AWS", "provider": "CloudFormation", "version": "1",
        },
        configuration={key: value for key, value in configuration.items() if value is not None},
    )  # fmt: skip


def test_a_cloudformation_action_in_each_mode_is_accepted() -> None:
    accepted(stages(cloudformation()))
    accepted(stages(cloudformation(ActionMode="DELETE_ONLY", TemplatePath=None)))
    changes = {"ActionMode": "CHANGE_SET_REPLACE", "ChangeSetName": "release"}
    accepted(stages(cloudformation(**changes)))
    accepted(
        stages(
            cloudformation(
                ActionMode="CHANGE_SET_EXECUTE", ChangeSetName="release", RoleArn=None,
                TemplatePath=None,
            )
        )
    )  # fmt: skip


def approval(**more: Any) -> dict[str, Any]:
    """A manual approval action."""
    type_id = {"category": "Approval", "owner": "AWS", "provider": "Manual", "version": "1"}
    return {"name": "Approve", "actionTypeId": type_id, **more}


def test_an_approval_is_accepted_bare_and_with_all_it_takes() -> None:
    accepted(stages(approval()))
    configuration = {
        "NotificationArn": "arn:aws:sns:us-east-1:123456789012:releases",
        "ExternalEntityLink": "https://example.com/notes",
        "CustomData": "Release #{Src.CommitId}?",
        "IsSummaryRequired": "true",
    }
    accepted(stages(approval(configuration=configuration, timeoutInMinutes=5)))


REFUSED: dict[str, tuple[dict[str, Any], str, str]] = {
    "an approval's artifacts": (
        stages(approval(inputArtifacts=[{"name": "AppSource"}])),
        "InvalidActionDeclarationException",
        "Action Approve declares 1 input artifacts which is more than the maximum count (0)",
    ),
    "an approval's configuration": (
        stages(approval(configuration={"Approvers": "Ada"})),
        "InvalidActionDeclarationException",
        "Action configuration for action 'Approve' contains unknown configuration 'Approvers'",
    ),
    "an approval's variables": (
        stages(
            approval(namespace="Said"),
            build("Late", runOrder=2, configuration={"ProjectName": "#{Said.Comment}"}),
        ),
        "InvalidActionDeclarationException",
        "The action that produces namespace Said has no output variable Comment",
    ),
    "a time-out of another action": (
        stages(build(timeoutInMinutes=5)),
        "InvalidActionDeclarationException",
        "Action 'Build': timeoutInMinutes exists in AWS",
    ),
    "one stage": (
        document({"name": "Source", "actions": [source()]}),
        "InvalidStructureException",
        "Pipeline has only 1 stage(s). There should be a minimum of 2 stages in a pipeline",
    ),
    "stage names": (
        document({"name": "A", "actions": [source()]}, {"name": "A", "actions": [build()]}),
        "InvalidStageDeclarationException",
        "Stage name 'A' is used more than once",
    ),
    "empty stage": (
        document({"name": "A", "actions": [source()]}, {"name": "B", "actions": []}),
        "InvalidStageDeclarationException",
        "Stage B has no actions",
    ),
    "action names": (
        stages(build("Same"), build("Same")),
        "InvalidActionDeclarationException",
        "Same has been used more than once in stage Build",
    ),
    "first stage": (
        document(
            {"name": "A", "actions": [source(), build()]}, {"name": "B", "actions": [build()]}
        ),
        "InvalidStructureException",
        "Pipeline should start with a stage that only contains source actions",
    ),
    "late source": (
        stages(build(), source("Late", "Late")),
        "InvalidStructureException",
        "Source actions can only be included in the first stage of the pipeline",
    ),
    "only sources": (
        document({"name": "A", "actions": [source()]}, {"name": "B", "actions": [source("B")]}),
        "InvalidStructureException",
        "Pipeline should contain at least 1 action whose category is not Source",
    ),
    "one store for two regions": (
        document({"name": "S", "actions": [source()]},
                 {"name": "B", "actions": [build(region="eu-west-1")]}),
        "InvalidStructureException",
        "Your pipeline contains actions in more than one region. Use 'pipeline.artifactStores'",
    ),
    "a region without a store": (
        {**{key: value for key, value in document().items() if key != "artifactStore"},
         "artifactStores": {"eu-west-1": {"type": "S3", "location": "other"}}},
        "InvalidStructureException",
        "The following region is missing in 'pipeline.artifactStores': us-east-1.",
    ),
    "no artifact store": (
        {key: value for key, value in document().items() if key != "artifactStore"},
        "InvalidStructureException",
        "either an artifactStore or artifactStores, but not both",
    ),
    "both artifact stores": (
        document(artifactStores={"us-east-1": {"type": "S3", "location": "other"}}),
        "InvalidStructureException",
        "either an artifactStore or artifactStores, but not both",
    ),
    "unknown provider": (
        stages(typed("Build", "Jenkins", "Custom")),
        "InvalidActionDeclarationException",
        ("ActionType (Category: 'Build', Provider: 'Jenkins', Owner: 'Custom', Version: '1') in "
        "action 'Act' is not available in region 'US_EAST_1'"),
    ),
    "provider that does not run yet": (
        stages(typed("Deploy", "CodeDeploy")),
        "InvalidActionDeclarationException",
        ("exists in AWS, but Penstock does not run it yet. Action types that run here: Source "
        "CodeCommit, Source CodeStarSourceConnection, Source GitHub, Source S3, Build CodeBuild, "
        "Test CodeBuild, Deploy CloudFormation"),
    ),
    "CloudFormation: no mode": (
        stages(cloudformation(ActionMode=None)),
        "InvalidActionDeclarationException",
        "Action configuration for action 'Deploy' is missing required configuration 'ActionMode'",
    ),
    "CloudFormation: no role": (
        stages(cloudformation(RoleArn=None)),
        "InvalidActionDeclarationException",
        "Action configuration for action 'Deploy' is missing required configuration 'RoleArn'",
    ),
    "CloudFormation: no change set name": (
        stages(cloudformation(ActionMode="CHANGE_SET_EXECUTE")),
        "InvalidActionDeclarationException",
        "is missing required configuration 'ChangeSetName'",
    ),
    "CloudFormation: no path in the template's place": (
        stages(cloudformation(TemplatePath="stack.yml")),
        "InvalidActionDeclarationException",
        "expected Artifact::file with one of its input artifacts (AppSource), found 'stack.yml'",
    ),
    "CloudFormation: template of another artifact": (
        stages(cloudformation(TemplateConfiguration="Other::dev.json")),
        "InvalidActionDeclarationException",
        "expected Artifact::file with one of its input artifacts (AppSource), found 'Other::dev",
    ),
    "CloudFormation: overrides that are no JSON": (
        stages(cloudformation(ParameterOverrides="Version=1")),
        "InvalidActionDeclarationException",
        "'ParameterOverrides': expected a JSON object, found text that is not JSON",
    ),
    "CloudFormation: GetParam of no input": (
        stages(cloudformation(ParameterOverrides='{"V": {"Fn::GetParam": ["Other", "v", "V"]}}')),
        "InvalidActionDeclarationException",
        "parameter V: artifact Other is not an input artifact of this action (its inputs: AppSour",
    ),
    "CloudFormation: capability": (
        stages(cloudformation(Capabilities="CAPABILITY_IAM,ALL")),
        "InvalidActionDeclarationException",
        "'Capabilities': expected CAPABILITY_IAM, CAPABILITY_NAMED_IAM, CAPABILITY_AUTO_EXPAND",
    ),
    "no input": (
        stages(build(inputs=())),
        "InvalidActionDeclarationException",
        "Action Build declares 0 input artifacts which is less than the minimum count (1)",
    ),
    "two source outputs": (
        document({"name": "A", "actions": [source(outputArtifacts=[{"name": "a"}, {"name": "b"}])]},
                 {"name": "B", "actions": [build()]}),
        "InvalidActionDeclarationException",
        "Action App declares 2 output artifacts which is more than the maximum count (1)",
    ),
    "missing configuration": (
        stages(build(configuration={})),
        "InvalidActionDeclarationException",
        "Action configuration for action 'Build' is missing required configuration 'ProjectName'",
    ),
    "unknown configuration": (
        configured(Colour="red"),
        "InvalidActionDeclarationException",
        "Action configuration for action 'Build' contains unknown configuration 'Colour'",
    ),
    "configuration value": (
        configured(BatchEnabled="maybe"),
        "InvalidActionDeclarationException",
        "Valid values are: true, false",
    ),
    "environment variables not JSON": (
        configured(EnvironmentVariables="A=1"),
        "InvalidActionDeclarationException",
        "expected a JSON array of objects, found text that is not JSON",
    ),
    "environment variable type": (
        configured(EnvironmentVariables='[{"name":"A","value":"1","type":"SECRET"}]'),
        "InvalidActionDeclarationException",
        "expected type PLAINTEXT, PARAMETER_STORE, SECRETS_MANAGER at position 0, found 'SECRET'",
    ),
    "primary source": (
        configured(PrimarySource="Other"),
        "InvalidActionDeclarationException",
        "names the primary source 'Other', which is not one of its input artifacts: AppSource",
    ),
    "two inputs without primary source": (
        document(
            {"name": "S", "actions": [source(), source("Two", "Two")]},
            {"name": "B", "actions": [build(inputs=("AppSource", "Two"),
                                            configuration={"ProjectName": "project"})]},
        ),
        "InvalidActionDeclarationException",
        "is missing required configuration 'PrimarySource'",
    ),
    "output artifact twice": (
        document({"name": "S", "actions": [source(), source("Two")]},
                 {"name": "B", "actions": [build()]}),
        "InvalidActionDeclarationException",
        ("Output Artifact Bundle name must be unique within the pipeline. AppSource has been used "
        "more than once."),
    ),
    "unknown input artifact": (
        stages(build(inputs=("Nothing",))),
        "InvalidActionDeclarationException",
        ("Input Artifact Bundle Nothing in action Build is not declared as Output Artifact Bundle "
        "in any of the preceding actions"),
    ),
    "input of the same run order": (
        stages(build("One", outputArtifacts=[{"name": "Built"}]), build("Two", inputs=("Built",))),
        "InvalidActionDeclarationException",
        "Input Artifact Bundle Built in action Two is not declared",
    ),
    "namespace twice": (
        stages(build(namespace="Src")),
        "InvalidActionDeclarationException",
        ("Namespaces must be unique across the pipeline definition. The following occur more than "
        "once in the pipeline. StageName=[Source], ActionName=[App], Namespace=[Src]"),
    ),
    "reserved namespace": (
        stages(build(namespace="codepipeline")),
        "InvalidActionDeclarationException",
        "Namespace codepipeline in action Build is reserved",
    ),
    "namespace named as an artifact": (
        stages(build(namespace="AppSource")),
        "InvalidActionDeclarationException",
        "must be different from the names of all artifacts",
    ),
    "unknown namespace": (
        configured(EnvironmentVariables="#{Nobody.Key}"),
        "InvalidActionDeclarationException",
        "VariableReferenceText=[#{Nobody.Key}]",
    ),
    "malformed reference": (
        configured(EnvironmentVariables="#{Key}"),
        "InvalidActionDeclarationException",
        "a namespace and a key separated by a period",
    ),
    "variable of an action that has not finished": (
        stages(build(namespace="One"), build("Two", configuration={"ProjectName": "#{One.A}"})),
        "InvalidActionDeclarationException",
        "does not finish before the action that uses it",
    ),
    "variable that a source does not emit": (
        configured(EnvironmentVariables="#{Src.Colour}"),
        "InvalidActionDeclarationException",
        "has no output variable Colour",
    ),
    "undeclared pipeline variable": (
        configured(EnvironmentVariables="#{variables.WHERE}"),
        "InvalidActionDeclarationException",
        "has no output variable WHERE",
    ),
    "variables in V1": (
        document(variables=[{"name": "A"}], pipelineType="V1"),
        "InvalidStructureException",
        "Pipeline variable can only be used with V2 pipelines",
    ),
    "variable names": (
        document(variables=[{"name": "A"}, {"name": "A"}], pipelineType="V2"),
        "InvalidStructureException",
        "Variable names must be unique. The following variable name is already in use: A",
    ),
    "a mode in V1": (
        document(executionMode="QUEUED", pipelineType="V1"),
        "InvalidStructureException",
        "QUEUED or PARALLEL mode can only be used with V2 pipelines",
    ),
    "triggers in V1": (
        document(triggers=[{"providerType": "CodeStarSourceConnection"}], pipelineType="V1"),
        "InvalidStructureException",
        "Triggers on tag can only be used with V2 pipelines",
    ),
    "triggers": (
        document(triggers=[{"providerType": "CodeStarSourceConnection"}], pipelineType="V2"),
        "InvalidStructureException",
        "A trigger with filters exists in AWS, but Penstock does not run it yet",
    ),
    "conditions in V1": (
        document({"name": "S", "actions": [source()]},
                 {"name": "B", "actions": [build()], "onFailure": {"result": "ROLLBACK"}},
                 pipelineType="V1"),
        "InvalidStageDeclarationException",
        "Stage level conditions can only be used with V2 pipelines.",
    ),
    "PARALLEL": (
        document(executionMode="PARALLEL", pipelineType="V2"),
        "InvalidStructureException",
        "Execution mode PARALLEL exists in AWS, but Penstock does not run it yet",
    ),
    "onFailure": (
        document({"name": "S", "actions": [source()]},
                 {"name": "B", "actions": [build()], "onFailure": {"result": "ROLLBACK"}},
                 pipelineType="V2"),
        "InvalidStructureException",
        "onFailure of stage B exists in AWS",
    ),
    "blockers": (
        document({"name": "S", "actions": [source()]},
                 {"name": "B", "actions": [build()],
                  "blockers": [{"name": "x", "type": "Schedule"}]}),
        "InvalidBlockerDeclarationException",
        "Stage B declares blockers",
    ),
    "clone reference": (
        document({"name": "S", "actions": [source(configuration={
            "RepositoryName": "app", "BranchName": "main",
            "OutputArtifactFormat": "CODEBUILD_CLONE_REF"})]},
            {"name": "B", "actions": [build()]}),
        "InvalidActionDeclarationException",
        "OutputArtifactFormat CODEBUILD_CLONE_REF exists in AWS",
    ),
    "batch": (
        configured(BatchEnabled="true"),
        "InvalidActionDeclarationException",
        "BatchEnabled true exists in AWS",
    ),
    "another region": (
        {**{key: value for key, value in stages(build(region="eu-west-1")).items()
            if key != "artifactStore"},
         "artifactStores": {region: {"type": "S3", "location": "other"}
                            for region in ("us-east-1", "eu-west-1")}},
        "InvalidActionDeclarationException",
        "an action in region eu-west-1 exists in AWS",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_refused(case: str) -> None:
    declaration, code, text = REFUSED[case]
    found_code, found_text = refusal(declaration)
    assert found_code == code
    assert text in found_text


def test_too_many_stages_and_actions() -> None:
    many = [{"name": f"B{number}", "actions": [build()]} for number in range(50)]
    assert refusal(document({"name": "S", "actions": [source()]}, *many)) == (
        "InvalidStructureException",
        "Pipeline has too many stages. There can only be up to 50 stages in a pipeline",
    )
    code, _ = refusal(stages(*[build(f"B{number}") for number in range(51)]))
    assert code == "LimitExceededException"


def test_no_action_type_both_runs_and_does_not() -> None:
    assert not set(RUNNING) & NOT_RUN_YET


def test_the_page_lists_every_text_with_its_source() -> None:
    assert PAGE.read_text() == structure_messages.page()
