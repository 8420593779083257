"""What the source actions say alike: where their output could not be stored, and when."""

from datetime import UTC, datetime

from penstock.arns import arn
from penstock.aws.errors import ServiceError
from penstock.aws.service import Principal
from penstock.pipelines.actions.provider import ActionJob, Failed
from penstock.pipelines.roles import Roles


def time_text(moment: datetime) -> str:
    """Return a time as source variables have it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


async def output_refusal(roles: Roles, principal: Principal, job: ActionJob) -> Failed | None:
    """Return why the role may not write the output artifact, None when it may."""
    output = job.output_artifacts[0]
    try:
        object_arn = arn("s3", "", "", f"{output.bucket}/{output.key}")
        await roles.require(principal, "s3:PutObject", object_arn)
    except ServiceError as error:
        return Failed(
            "PermissionError",
            "The provided role does not have sufficient permissions to access the artifact bucket "
            f"{output.bucket}. Error: {error.message}",
        )
    return None


def store_failure(error: ServiceError, bucket: str) -> Failed:
    """Say why the output artifact could not be stored."""
    if error.code == "NoSuchBucket":
        return Failed(
            "ConfigurationError",
            f"The artifact bucket {bucket} does not exist. Create it, or change the pipeline's "
            f"artifactStore, and then try again. Error: {error.message}",
        )
    return Failed("JobFailed", error.message)
