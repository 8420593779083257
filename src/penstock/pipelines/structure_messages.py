"""The texts with which AWS refuses a pipeline's structure, each with where it was seen.

A text that no public source shows is marked `UNVERIFIED`: its error code is the model's, its
words are ours.
"""

from dataclasses import dataclass

from penstock.aws.errors import ServiceError

UNVERIFIED = "unverified"
_MEASURED = "github.com/badmintoncryer/cdk-preflight rules/codepipeline/"
"""Rules of another project, each with the answer that AWS gave to it in September 2026."""
OURS = "Penstock's own: AWS accepts this"

STRUCTURE = "InvalidStructureException"
STAGE = "InvalidStageDeclarationException"
ACTION = "InvalidActionDeclarationException"
BLOCKER = "InvalidBlockerDeclarationException"
LIMIT = "LimitExceededException"


@dataclass(frozen=True, slots=True)
class Message:
    """An error code of the model, a text with `{names}`, and the text's source."""

    code: str
    text: str
    source: str

    def error(self, **values: object) -> ServiceError:
        """Return the error with `values` filled in."""
        return ServiceError(self.code, self.text.format(**values))


TOO_FEW_STAGES = Message(
    STRUCTURE,
    "Pipeline has only {count} stage(s). There should be a minimum of 2 stages in a pipeline",
    "moto codepipeline/models.py",
)
TOO_MANY_STAGES = Message(
    STRUCTURE,
    "Pipeline has too many stages. There can only be up to 50 stages in a pipeline",
    _MEASURED + "pf-codepipeline-stage-count-max",
)
DUPLICATE_STAGE = Message(
    STAGE,
    "Stage name '{stage}' is used more than once",
    _MEASURED + "pf-codepipeline-stage-names-unique",
)
EMPTY_STAGE = Message(
    STAGE, "Stage {stage} has no actions. There should be a minimum of 1 action in a stage",
    UNVERIFIED,
)  # fmt: skip
TOO_MANY_ACTIONS = Message(
    LIMIT, "Stage {stage} has {count} actions. There should be a maximum of 50 actions in a stage",
    UNVERIFIED,
)  # fmt: skip
TOO_MANY_ACTIONS_IN_PIPELINE = Message(
    LIMIT, "Pipeline has {count} actions. There should be a maximum of 500 actions in a pipeline",
    UNVERIFIED,
)  # fmt: skip
DUPLICATE_ACTION = Message(
    ACTION,
    "Action names must be unique within a stage. {action} has been used more than once in stage "
    "{stage}",
    UNVERIFIED,
)
FIRST_STAGE = Message(
    STRUCTURE,
    "Pipeline should start with a stage that only contains source actions",
    "github.com/aws-cloudformation/cfn-lint/issues/29",
)
LATE_SOURCE = Message(
    STRUCTURE,
    "Source actions can only be included in the first stage of the pipeline",
    _MEASURED + "pf-codepipeline-source-action-first-stage-only",
)
ONLY_SOURCES = Message(
    STRUCTURE,
    "Pipeline should contain at least 1 action whose category is not Source",
    _MEASURED + "pf-codepipeline-non-source-stage-required",
)
ARTIFACT_STORES = Message(
    STRUCTURE,
    "A pipeline must contain either an artifactStore or artifactStores, but not both",
    UNVERIFIED,
)
STORE_FOR_REGION = Message(
    STRUCTURE,
    "Your pipeline must have an artifact store, such as an artifact bucket, for each region where "
    "you have an action. The following region is missing in 'pipeline.artifactStores': {region}.",
    _MEASURED + "pf-codepipeline-artifact-stores-region-of-pipeline; code unverified",
)
STORE_FOR_EACH_REGION = Message(
    STRUCTURE,
    "Your pipeline contains actions in more than one region. Use 'pipeline.artifactStores' instead "
    "of 'pipeline.artifactStore' to declare an artifact store, such as an artifact bucket, for "
    "each region where you have an action.",
    _MEASURED + "pf-codepipeline-cross-region-action-needs-store; code unverified",
)
UNKNOWN_ACTION_TYPE = Message(
    ACTION,
    "ActionType (Category: '{category}', Provider: '{provider}', Owner: '{owner}', Version: "
    "'{version}') in action '{action}' is not available in region '{region}'",
    "github.com/aws-samples/aws-codepipeline-third-party-git-repositories/issues/3",
)
NOT_RUN_YET = Message(
    ACTION,
    "ActionType (Category: '{category}', Provider: '{provider}', Owner: '{owner}', Version: "
    "'{version}') in action '{action}' exists in AWS, but Penstock does not run it yet. Action "
    "types that run here: {running}",
    OURS,
)
TOO_FEW_INPUTS = Message(
    ACTION,
    "Action {action} declares {count} input artifacts which is less than the minimum count "
    "({limit})",
    "github.com/awsdocs/aws-cloudformation-user-guide/pull/941",
)
TOO_MANY_INPUTS = Message(
    ACTION,
    "Action {action} declares {count} input artifacts which is more than the maximum count "
    "({limit})",
    UNVERIFIED + ": by analogy with the text for too few inputs",
)
TOO_FEW_OUTPUTS = Message(
    ACTION,
    "Action {action} declares {count} output artifacts which is less than the minimum count "
    "({limit})",
    UNVERIFIED + ": by analogy with the text for too few inputs",
)
TOO_MANY_OUTPUTS = Message(
    ACTION,
    "Action {action} declares {count} output artifacts which is more than the maximum count "
    "({limit})",
    UNVERIFIED + ": by analogy with the text for too few inputs",
)
MISSING_CONFIGURATION = Message(
    ACTION,
    "Action configuration for action '{action}' is missing required configuration '{key}'",
    "github.com/hashicorp/terraform/issues/26488",
)
UNKNOWN_CONFIGURATION = Message(
    ACTION,
    "Action configuration for action '{action}' contains unknown configuration '{key}'",
    "github.com/hashicorp/terraform-provider-aws/issues/20742",
)
CONFIGURATION_VALUE = Message(
    ACTION,
    "Action configuration for action '{action}' contains an invalid value '{value}' for "
    "configuration '{key}'. Valid values are: {values}",
    UNVERIFIED,
)
ENVIRONMENT_VARIABLES = Message(
    ACTION,
    "Action configuration for action '{action}' contains an invalid value for configuration "
    "'EnvironmentVariables': {reason}",
    UNVERIFIED,
)
ARTIFACT_FILE = Message(
    ACTION,
    "Action configuration for action '{action}' contains an invalid value for configuration "
    "'{key}': expected Artifact::file with one of its input artifacts ({inputs}), found '{value}'",
    UNVERIFIED,
)
PARAMETER_OVERRIDES = Message(
    ACTION,
    "Action configuration for action '{action}' contains an invalid value for configuration "
    "'ParameterOverrides': {reason}",
    UNVERIFIED,
)
CAPABILITIES = Message(
    ACTION,
    "Action configuration for action '{action}' contains an invalid value for configuration "
    "'Capabilities': expected {known} separated by commas, found '{value}'",
    UNVERIFIED,
)
PRIMARY_SOURCE = Message(
    ACTION,
    "Action configuration for action '{action}' names the primary source '{value}', which is not "
    "one of its input artifacts: {inputs}",
    UNVERIFIED,
)
DUPLICATE_OUTPUT = Message(
    ACTION,
    "Output Artifact Bundle name must be unique within the pipeline. {artifact} has been used more "
    "than once.",
    "github.com/aws-cloudformation/cfn-lint/issues/1688",
)
UNKNOWN_INPUT = Message(
    ACTION,
    "Input Artifact Bundle {artifact} in action {action} is not declared as Output Artifact Bundle "
    "in any of the preceding actions",
    "a screenshot of CodePipeline's console in AWS Academy DevOps module 11, lab 5",
)
DUPLICATE_INPUT = Message(
    ACTION,
    "Input Artifact Bundle {artifact} has been used more than once in action {action}",
    UNVERIFIED,
)
DUPLICATE_NAMESPACES = Message(
    ACTION,
    "Namespaces must be unique across the pipeline definition. The following occur more than once "
    "in the pipeline. {places}",
    "github.com/aws/aws-cdk/issues/6111",
)
RESERVED_NAMESPACE = Message(
    ACTION, "Namespace {namespace} in action {action} is reserved and cannot be used", UNVERIFIED
)
NAMESPACE_IS_ARTIFACT = Message(
    ACTION,
    "Namespace {namespace} in action {action} must be different from the names of all artifacts",
    UNVERIFIED,
)
REFERENCE_FORMAT = Message(
    ACTION,
    "Valid format for a pipeline execution variable reference is a namespace and a key separated "
    "by a period (.). The following pipeline execution variables are referencing a namespace that "
    "does not exist. StageName=[{stage}], ActionName=[{action}], ActionConfigurationKey=[{key}], "
    "VariableReferenceText=[{reference}]",
    UNVERIFIED,
)
REFERENCE_TOO_EARLY = Message(
    ACTION,
    "The action that produces namespace {namespace} does not finish before the action that uses "
    "it. StageName=[{stage}], ActionName=[{action}], ActionConfigurationKey=[{key}], "
    "VariableReferenceText=[{reference}]",
    UNVERIFIED,
)
REFERENCE_KEY = Message(
    ACTION,
    "The action that produces namespace {namespace} has no output variable {variable}. "
    "StageName=[{stage}], ActionName=[{action}], ActionConfigurationKey=[{key}], "
    "VariableReferenceText=[{reference}]",
    UNVERIFIED,
)
VARIABLES_NEED_V2 = Message(
    STRUCTURE,
    "Pipeline variable can only be used with V2 pipelines",
    _MEASURED + "pf-codepipeline-v1-variables",
)
TRIGGERS_NEED_V2 = Message(
    STRUCTURE,
    "Triggers on tag can only be used with V2 pipelines",
    _MEASURED + "pf-codepipeline-v1-triggers",
)
MODE_NEEDS_V2 = Message(
    STRUCTURE,
    "QUEUED or PARALLEL mode can only be used with V2 pipelines",
    _MEASURED + "pf-codepipeline-v1-execution-mode",
)
CONDITIONS_NEED_V2 = Message(
    STAGE,
    "Stage level conditions can only be used with V2 pipelines.",
    _MEASURED + "pf-codepipeline-v1-stage-conditions",
)
DUPLICATE_VARIABLE = Message(
    STRUCTURE,
    "Variable names must be unique. The following variable name is already in use: {variable}",
    _MEASURED + "pf-codepipeline-variable-names-unique",
)
NOT_SUPPORTED = Message(
    STRUCTURE, "{feature} exists in AWS, but Penstock does not run it yet. {advice}", OURS
)
ACTION_NOT_SUPPORTED = Message(
    ACTION,
    "Action '{action}': {feature} exists in AWS, but Penstock does not run it yet. {advice}",
    OURS,
)
BLOCKERS = Message(
    BLOCKER, "Stage {stage} declares blockers, which are reserved for future use", UNVERIFIED
)
ROLE_NOT_TRUSTED = Message(
    STRUCTURE,
    "CodePipeline is not authorized to perform AssumeRole on role {role}",
    "moto codepipeline/models.py",
)

MESSAGES: dict[str, Message] = {
    name: value for name, value in list(globals().items()) if isinstance(value, Message)
}
"""Every text above by its name; `docs/pipelines-messages.md` is compared with it."""


def page() -> str:
    """Return `docs/pipelines-messages.md`."""
    lines = [
        "# With what words a pipeline is refused",
        "",
        "Made from `src/penstock/pipelines/structure_messages.py`; a test compares them. A text",
        "without a public source is `unverified`: its error code is AWS's, its words may differ.",
        "",
        "| Error | Text | Source |",
        "| --- | --- | --- |",
    ]
    for message in MESSAGES.values():
        text = message.text.replace("|", "\\|")
        lines.append(f"| {message.code} | {text} | {message.source} |")
    return "\n".join(lines) + "\n"
