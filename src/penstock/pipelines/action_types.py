"""The action types: those that run here, and those that AWS has and Penstock does not run yet.

Counts and configuration properties are those of AWS's action structure reference:
https://docs.aws.amazon.com/codepipeline/latest/userguide/action-reference.html
"""

from dataclasses import dataclass

from penstock.pipelines.structure import ActionTypeId


@dataclass(frozen=True, slots=True)
class ConfigurationProperty:
    """One key of an action's configuration."""

    name: str
    required: bool = False
    secret: bool = False
    values: tuple[str, ...] = ()
    """The values that AWS accepts; empty means any text."""


@dataclass(frozen=True, slots=True)
class ActionType:
    """What an action of this type may declare. Counts are (least, most) artifacts."""

    id: ActionTypeId
    inputs: tuple[int, int]
    outputs: tuple[int, int]
    properties: tuple[ConfigurationProperty, ...]
    output_variables: tuple[str, ...] | None = ()
    """The variables that it emits; None means that the user's files decide."""

    def property(self, name: str) -> ConfigurationProperty | None:
        """Return the configuration property of that name, or None."""
        return next((known for known in self.properties if known.name == name), None)


_BOOLEAN = ("true", "false")

CLOUDFORMATION_MODES = (
    "CREATE_UPDATE",
    "REPLACE_ON_FAILURE",
    "CHANGE_SET_REPLACE",
    "CHANGE_SET_EXECUTE",
    "DELETE_ONLY",
)
"""A CloudFormation action's ActionMode."""

_CODEBUILD_PROPERTIES = (
    ConfigurationProperty("ProjectName", required=True),
    ConfigurationProperty("PrimarySource"),
    ConfigurationProperty("EnvironmentVariables"),
    ConfigurationProperty("BatchEnabled", values=_BOOLEAN),
    ConfigurationProperty("CombineArtifacts", values=_BOOLEAN),
)

CODECOMMIT_SOURCE = ActionType(
    ActionTypeId("Source", "AWS", "CodeCommit", "1"),
    inputs=(0, 0),
    outputs=(1, 1),
    properties=(
        ConfigurationProperty("RepositoryName", required=True),
        ConfigurationProperty("BranchName", required=True),
        ConfigurationProperty("PollForSourceChanges", values=_BOOLEAN),
        ConfigurationProperty("OutputArtifactFormat", values=("CODE_ZIP", "CODEBUILD_CLONE_REF")),
    ),
    output_variables=(
        "AuthorDate", "BranchName", "CommitId", "CommitMessage", "CommitterDate", "RepositoryName",
    ),
)  # fmt: skip

CONNECTION_SOURCE = ActionType(
    ActionTypeId("Source", "AWS", "CodeStarSourceConnection", "1"),
    inputs=(0, 0),
    outputs=(1, 1),
    properties=(
        ConfigurationProperty("ConnectionArn", required=True),
        ConfigurationProperty("FullRepositoryId", required=True),
        ConfigurationProperty("BranchName", required=True),
        ConfigurationProperty("DetectChanges", values=_BOOLEAN),
        ConfigurationProperty("OutputArtifactFormat", values=("CODE_ZIP", "CODEBUILD_CLONE_REF")),
    ),
    output_variables=(
        "AuthorDate", "BranchName", "CommitId", "CommitMessage", "ConnectionArn",
        "FullRepositoryName",
    ),
)  # fmt: skip

GITHUB_SOURCE = ActionType(
    ActionTypeId("Source", "ThirdParty", "GitHub", "1"),
    inputs=(0, 0),
    outputs=(1, 1),
    properties=(
        ConfigurationProperty("Owner", required=True),
        ConfigurationProperty("Repo", required=True),
        ConfigurationProperty("Branch", required=True),
        ConfigurationProperty("OAuthToken", required=True, secret=True),
        ConfigurationProperty("PollForSourceChanges", values=_BOOLEAN),
    ),
    output_variables=(
        "AuthorDate", "BranchName", "CommitId", "CommitMessage", "CommitUrl", "CommitterDate",
        "RepositoryName",
    ),
)  # fmt: skip

S3_SOURCE = ActionType(
    ActionTypeId("Source", "AWS", "S3", "1"),
    inputs=(0, 0),
    outputs=(1, 1),
    properties=(
        ConfigurationProperty("S3Bucket", required=True),
        ConfigurationProperty("S3ObjectKey", required=True),
        ConfigurationProperty("PollForSourceChanges", values=_BOOLEAN),
    ),
    output_variables=("ETag", "VersionId"),
)

CODEBUILD_BUILD = ActionType(
    ActionTypeId("Build", "AWS", "CodeBuild", "1"),
    inputs=(1, 5), outputs=(0, 5), properties=_CODEBUILD_PROPERTIES, output_variables=None,
)  # fmt: skip

CODEBUILD_TEST = ActionType(
    ActionTypeId("Test", "AWS", "CodeBuild", "1"),
    inputs=(1, 5), outputs=(0, 5), properties=_CODEBUILD_PROPERTIES, output_variables=None,
)  # fmt: skip

CLOUDFORMATION_DEPLOY = ActionType(
    ActionTypeId("Deploy", "AWS", "CloudFormation", "1"),
    inputs=(0, 10),
    outputs=(0, 1),
    properties=(
        ConfigurationProperty("ActionMode", required=True, values=CLOUDFORMATION_MODES),
        ConfigurationProperty("StackName", required=True),
        ConfigurationProperty("ChangeSetName"),
        ConfigurationProperty("TemplatePath"),
        ConfigurationProperty("TemplateConfiguration"),
        ConfigurationProperty("ParameterOverrides"),
        ConfigurationProperty("Capabilities"),
        ConfigurationProperty("RoleArn"),
        ConfigurationProperty("OutputFileName"),
    ),
    output_variables=None,
)

MANUAL_APPROVAL = ActionType(
    ActionTypeId("Approval", "AWS", "Manual", "1"),
    inputs=(0, 0),
    outputs=(0, 0),
    properties=(
        ConfigurationProperty("NotificationArn"),
        ConfigurationProperty("ExternalEntityLink"),
        ConfigurationProperty("CustomData"),
        ConfigurationProperty("IsSummaryRequired", values=_BOOLEAN),
    ),
)
"""IsSummaryRequired is not in AWS's guide; that AWS takes it, and what it does, was recorded in
github.com/radkawar/stackd testdata/aws/codepipeline/approval_summary_requirements_native.json."""

RUNNING: dict[ActionTypeId, ActionType] = {
    known.id: known
    for known in (
        CODECOMMIT_SOURCE,
        CONNECTION_SOURCE,
        GITHUB_SOURCE,
        S3_SOURCE,
        CODEBUILD_BUILD,
        CODEBUILD_TEST,
        CLOUDFORMATION_DEPLOY,
        MANUAL_APPROVAL,
    )
}
"""The action types that Penstock runs; `actions/table.py` has a provider for each."""

NOT_RUN_YET: frozenset[ActionTypeId] = frozenset(
    ActionTypeId(category, owner, provider, version)
    for category, owner, provider, version in (
        ("Source", "AWS", "ECR", "1"),
        ("Build", "AWS", "ECRBuildAndPublish", "1"),
        ("Test", "AWS", "DeviceFarm", "1"),
        ("Compute", "AWS", "Commands", "1"),
        ("Deploy", "AWS", "AppConfig", "1"),
        ("Deploy", "AWS", "CloudFormationStackInstances", "1"),
        ("Deploy", "AWS", "CloudFormationStackSet", "1"),
        ("Deploy", "AWS", "CodeDeploy", "1"),
        ("Deploy", "AWS", "CodeDeployToECS", "1"),
        ("Deploy", "AWS", "EC2", "1"),
        ("Deploy", "AWS", "ECS", "1"),
        ("Deploy", "AWS", "EKS", "1"),
        ("Deploy", "AWS", "ElasticBeanstalk", "1"),
        ("Deploy", "AWS", "Lambda", "1"),
        ("Deploy", "AWS", "S3", "1"),
        ("Deploy", "AWS", "ServiceCatalog", "1"),
        ("Invoke", "AWS", "CodePipeline", "1"),
        ("Invoke", "AWS", "InspectorScan", "1"),
        ("Invoke", "AWS", "Lambda", "1"),
        ("Invoke", "AWS", "StepFunctions", "1"),
    )
)
"""Action types of AWS that are refused at create, by name, until they run here."""


def find(type_id: ActionTypeId) -> ActionType | None:
    """Return the action type that runs here under this id, or None."""
    return RUNNING.get(type_id)
