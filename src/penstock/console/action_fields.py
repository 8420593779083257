"""The fields of the form of an action: which there are for its provider and action mode, and
how they are called. Names are those of AWS's console.

A configuration key without a line here gets a field under its own name.
Source: https://docs.aws.amazon.com/codepipeline/latest/userguide/action-reference.html
"""

from collections.abc import Mapping
from dataclasses import dataclass

from penstock.pipelines import action_types, cloudformation_rules
from penstock.pipelines.action_types import ActionType, ConfigurationProperty
from penstock.pipelines.structure import ActionTypeId

MODE = "ActionMode"
CAPABILITIES = "Capabilities"
CAPABILITY_VALUES = ("CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND")


@dataclass(frozen=True, slots=True)
class Wording:
    """How a configuration key is asked for. `suggestions` names the list to pick from."""

    label: str
    help: str = ""
    suggestions: str = ""
    lines: bool = False
    """Whether the value is a text of several lines."""


PROVIDERS: Mapping[tuple[str, str], str] = {
    ("AWS", "CodeCommit"): "AWS CodeCommit",
    ("AWS", "CodeStarSourceConnection"): "GitHub, GitLab or Bitbucket (via a connection)",
    ("ThirdParty", "GitHub"): "GitHub (via OAuth app)",
    ("AWS", "S3"): "Amazon S3",
    ("AWS", "CodeBuild"): "AWS CodeBuild",
    ("AWS", "CloudFormation"): "AWS CloudFormation",
    ("AWS", "Manual"): "Manual approval",
}

MODES: Mapping[str, str] = {
    "CREATE_UPDATE": "Create or update a stack",
    "REPLACE_ON_FAILURE": "Replace a failed stack",
    "CHANGE_SET_REPLACE": "Create or replace a change set",
    "CHANGE_SET_EXECUTE": "Execute a change set",
    "DELETE_ONLY": "Delete a stack",
}

_STACK_WORK = frozenset(
    {"StackName", "TemplatePath", "TemplateConfiguration", "Capabilities", "RoleArn",
     "OutputFileName", "ParameterOverrides"}
)  # fmt: skip
MODE_KEYS: Mapping[str, frozenset[str]] = {
    "CREATE_UPDATE": _STACK_WORK,
    "REPLACE_ON_FAILURE": _STACK_WORK,
    "CHANGE_SET_REPLACE": _STACK_WORK | {"ChangeSetName"},
    "CHANGE_SET_EXECUTE": frozenset({"StackName", "ChangeSetName", "OutputFileName"}),
    "DELETE_ONLY": frozenset({"StackName", "RoleArn"}),
}
"""What CloudFormation's action modes use; the other keys they ignore."""

_POLL = Wording("Poll for source changes", "A push starts the pipeline in any case.")
_FORMAT = Wording("Output artifact format")
_BRANCH = Wording("Branch name")

WORDINGS: Mapping[str, Mapping[str, Wording]] = {
    "CodeCommit": {
        "RepositoryName": Wording("Repository name", suggestions="repositories"),
        "BranchName": _BRANCH,
        "PollForSourceChanges": _POLL,
        "OutputArtifactFormat": _FORMAT,
    },
    "CodeStarSourceConnection": {
        "ConnectionArn": Wording("Connection", "Its ARN.", suggestions="connections"),
        "FullRepositoryId": Wording("Repository name", "For example owner/repository."),
        "BranchName": _BRANCH,
        "DetectChanges": Wording("Start the pipeline on source code change"),
        "OutputArtifactFormat": _FORMAT,
    },
    "GitHub": {
        "Owner": Wording("Owner"),
        "Repo": Wording("Repository"),
        "Branch": Wording("Branch"),
        "OAuthToken": Wording("OAuth token", "**** stands for the token that is stored."),
        "PollForSourceChanges": Wording("Poll for source changes"),
    },
    "S3": {
        "S3Bucket": Wording("Bucket", suggestions="buckets"),
        "S3ObjectKey": Wording("S3 object key", "For example source.zip."),
        "PollForSourceChanges": Wording("Poll for source changes"),
    },
    "CodeBuild": {
        "ProjectName": Wording("Project name", suggestions="projects"),
        "PrimarySource": Wording(
            "Primary artifact",
            "Of several input artifacts, the one with the buildspec.",
            suggestions="artifacts",
        ),
        "EnvironmentVariables": Wording(
            "Environment variables",
            'JSON: [{"name": "…", "value": "…", "type": "PLAINTEXT"}]',
            lines=True,
        ),
        "BatchEnabled": Wording("Batch build"),
        "CombineArtifacts": Wording("Combine the artifacts of a batch"),
    },
    "CloudFormation": {
        "ActionMode": Wording("Action mode"),
        "StackName": Wording("Stack name", suggestions="stacks"),
        "ChangeSetName": Wording("Change set name"),
        "TemplatePath": Wording("Template", "InputArtifact::file", suggestions="files"),
        "TemplateConfiguration": Wording(
            "Template configuration", "InputArtifact::file, JSON with Parameters and Tags.",
            suggestions="files",
        ),
        "Capabilities": Wording("Capabilities"),
        "RoleArn": Wording(
            "Role name", "ARN of the role with which CloudFormation makes the stack.",
            suggestions="stack-roles",
        ),
        "OutputFileName": Wording(
            "Output file name", "The stack's outputs as JSON, in the output artifact."
        ),
        "ParameterOverrides": Wording(
            "Parameter overrides",
            'JSON: {"Parameter": {"Fn::GetParam": ["Artifact", "file.json", "key"]}}',
            lines=True,
        ),
    },
    "Manual": {
        "NotificationArn": Wording(
            "SNS topic ARN", "Where the request for approval is sent.", suggestions="topics"
        ),
        "ExternalEntityLink": Wording("URL for review", "For example the development stack's."),
        "CustomData": Wording("Comments", "What the approver reads.", lines=True),
        "IsSummaryRequired": Wording("Comment of the approver required"),
    },
}  # fmt: skip


def type_value(type_id: ActionTypeId) -> str:
    """Return what the form sends for an action type: `Deploy/AWS/CloudFormation/1`."""
    return "/".join((type_id.category, type_id.owner, type_id.provider, type_id.version))


def type_of(value: str) -> ActionTypeId | None:
    """Return the action type that the form sent, None when nothing was chosen."""
    parts = value.split("/")
    return ActionTypeId(*parts) if len(parts) == 4 and all(parts) else None


def type_words(type_id: ActionTypeId) -> str:
    """Return an action type's name for people."""
    return PROVIDERS.get((type_id.owner, type_id.provider), type_id.provider)


def choices(*, first_stage: bool) -> dict[str, list[ActionType]]:
    """Return the action types that a stage may have, by category: sources in the first alone."""
    found: dict[str, list[ActionType]] = {}
    for known in action_types.RUNNING.values():
        if (known.id.category == "Source") is first_stage:
            found.setdefault(known.id.category, []).append(known)
    return found


def properties(
    type_id: ActionTypeId, configuration: Mapping[str, str]
) -> tuple[ConfigurationProperty, ...]:
    """Return the type's configuration keys; those of a type unknown here are what it has."""
    if known := action_types.find(type_id):
        return known.properties
    return tuple(ConfigurationProperty(key) for key in configuration)


def used_keys(type_id: ActionTypeId, mode: str) -> frozenset[str] | None:
    """Return the keys that an action mode uses besides itself; None where all are."""
    return MODE_KEYS.get(mode) if type_id.provider == "CloudFormation" else None


def is_needed(type_id: ActionTypeId, wanted: ConfigurationProperty, mode: str) -> bool:
    """Whether AWS refuses an action without this key."""
    if type_id.provider == "CloudFormation" and wanted.name in cloudformation_rules.REQUIRED.get(
        mode, ()
    ):
        return True
    return wanted.required


def wording(type_id: ActionTypeId, key: str) -> Wording:
    """Return how a key is asked for."""
    return WORDINGS.get(type_id.provider, {}).get(key, Wording(key))
