"""What CreatePipeline checks of a CloudFormation action's configuration.

What is required depends on ActionMode. Source:
https://docs.aws.amazon.com/codepipeline/latest/userguide/action-reference-CloudFormation.html
"""

from penstock.pipelines import parameter_overrides
from penstock.pipelines import structure_messages as messages
from penstock.pipelines.artifact_paths import ArtifactFileMissing, split
from penstock.pipelines.parameter_overrides import BadOverrides, GetArtifactAtt, GetParam
from penstock.pipelines.structure import ActionDeclaration

REQUIRED = {
    "CREATE_UPDATE": ("TemplatePath", "RoleArn"),
    "REPLACE_ON_FAILURE": ("TemplatePath", "RoleArn"),
    "CHANGE_SET_REPLACE": ("ChangeSetName", "TemplatePath", "RoleArn"),
    "CHANGE_SET_EXECUTE": ("ChangeSetName",),
    "DELETE_ONLY": ("RoleArn",),
}
"""What each ActionMode needs besides StackName."""
_FILES = ("TemplatePath", "TemplateConfiguration")
_CAPABILITIES = ("CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND")


def check(action: ActionDeclaration) -> None:
    """Raise ServiceError when the action is CloudFormation's and its configuration is wrong.

    A value with a variable is checked when it is resolved.
    """
    if action.action_type_id.provider != "CloudFormation":
        return
    configuration = action.configuration
    for key in REQUIRED.get(configuration["ActionMode"], ()):
        if key not in configuration:
            raise messages.MISSING_CONFIGURATION.error(action=action.name, key=key)
    for key in _FILES:
        if key in configuration and "#{" not in configuration[key]:
            _file(action, key)
    text = configuration.get("ParameterOverrides")
    if text and "#{" not in text:
        _overrides(action, text)
    value = configuration.get("Capabilities")
    if value and "#{" not in value:
        for each in value.split(","):
            if each.strip() not in _CAPABILITIES:
                known = ", ".join(_CAPABILITIES)
                raise messages.CAPABILITIES.error(action=action.name, known=known, value=value)


def _file(action: ActionDeclaration, key: str) -> None:
    value = action.configuration[key]
    try:
        artifact, _ = split(value)
    except ArtifactFileMissing:
        artifact = ""
    if artifact not in action.input_artifacts:
        inputs = ", ".join(action.input_artifacts) or "none"
        raise messages.ARTIFACT_FILE.error(action=action.name, key=key, inputs=inputs, value=value)


def _overrides(action: ActionDeclaration, text: str) -> None:
    try:
        overrides = parameter_overrides.parse(text)
    except BadOverrides as problem:
        raise messages.PARAMETER_OVERRIDES.error(action=action.name, reason=problem) from problem
    for name, override in overrides.items():
        if not isinstance(override, GetParam | GetArtifactAtt):
            continue
        if override.artifact not in action.input_artifacts:
            inputs = ", ".join(action.input_artifacts) or "none"
            reason = (
                f"parameter {name}: artifact {override.artifact} is not an input artifact of this "
                f"action (its inputs: {inputs})"
            )
            raise messages.PARAMETER_OVERRIDES.error(action=action.name, reason=reason)
