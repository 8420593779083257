"""What a CloudFormation action hands to CloudFormation, read from its configuration and artifacts.

ParameterOverrides beat the template configuration file, which beats the template's defaults.
"""

import json
from typing import Any

from penstock.aws.errors import ServiceError
from penstock.pipelines import parameter_overrides
from penstock.pipelines.actions.provider import ActionJob, ArtifactLocation
from penstock.pipelines.artifact_files import ArtifactFiles
from penstock.pipelines.artifact_paths import ArtifactFileMissing, split
from penstock.pipelines.parameter_overrides import BadOverrides
from penstock.stacks.template.configuration import TemplateConfiguration, load_configuration

_MOST_BODY_BYTES = 51_200


async def stack_request(job: ActionJob, files: ArtifactFiles) -> dict[str, Any]:
    """Return CreateStack's request for the job, ClientRequestToken included.

    Raises ArtifactFileMissing and BadOverrides, whose messages are for the user, and ServiceError.
    """
    configuration = job.configuration
    request: dict[str, Any] = {
        "StackName": configuration["StackName"],
        "ClientRequestToken": job.action_execution_id,
        **await _template(job, files),
    }
    if configuration.get("RoleArn"):
        request["RoleARN"] = configuration["RoleArn"]
    if configuration.get("Capabilities"):
        given = configuration["Capabilities"].split(",")
        request["Capabilities"] = [each.strip() for each in given]
    found = await _configuration_file(job, files)
    if found.stack_policy is not None:
        request["StackPolicyBody"] = json.dumps(found.stack_policy)
    parameters = {**found.parameters, **await _overrides(job, files)}
    request["Parameters"] = [
        {"ParameterKey": key, "ParameterValue": value} for key, value in sorted(parameters.items())
    ]
    request["Tags"] = [{"Key": key, "Value": value} for key, value in sorted(found.tags.items())]
    return request


async def _template(job: ActionJob, files: ArtifactFiles) -> dict[str, str]:
    """Return TemplateBody, or TemplateURL for a template that is too long for a request."""
    artifact, path = split(job.configuration["TemplatePath"])
    text = await files.read(job.input_artifacts, artifact, path)
    if len(text.encode()) <= _MOST_BODY_BYTES:
        return {"TemplateBody": text}
    store = next(place for place in job.input_artifacts if place.name == artifact)
    place = ArtifactLocation(artifact, store.bucket, f"{store.key}.{job.action_execution_id}")
    await files.write_text(place, text)
    return {"TemplateURL": f"https://s3.{job.region}.amazonaws.com/{place.bucket}/{place.key}"}


async def _configuration_file(job: ActionJob, files: ArtifactFiles) -> TemplateConfiguration:
    named = job.configuration.get("TemplateConfiguration")
    if not named:
        return TemplateConfiguration({}, {}, None)
    artifact, path = split(named)
    text = await files.read(job.input_artifacts, artifact, path)
    try:
        return load_configuration(text)
    except ServiceError as error:
        raise ArtifactFileMissing(f"file {path} in artifact {artifact}: {error.message}") from error


async def _overrides(job: ActionJob, files: ArtifactFiles) -> dict[str, str]:
    text = job.configuration.get("ParameterOverrides")
    if not text:
        return {}

    async def read(artifact: str, path: str) -> str:
        return await files.read(job.input_artifacts, artifact, path)

    try:
        return await parameter_overrides.resolve(
            parameter_overrides.parse(text), job.input_artifacts, read
        )
    except BadOverrides as problem:
        raise BadOverrides(f"ParameterOverrides: {problem}") from problem
    except ArtifactFileMissing as problem:
        raise ArtifactFileMissing(f"ParameterOverrides: {problem}") from problem
