"""Acting as a build's service role: what the role may not do, its build cannot.

CodeBuild fetches sources and secrets, writes logs and stores artifacts with the project's
service role; a policy that lacks one of these fails the build here as it does on AWS.
"""

from dataclasses import dataclass

from penstock.arns import arn
from penstock.aws.errors import ServiceError
from penstock.aws.service import Authorize, Principal
from penstock.builds.build import PhaseContext


class Refused(Exception):
    """A step of a build that fails by its user's doing: its phase ends FAILED with `context`."""

    def __init__(self, status_code: str, message: str) -> None:
        super().__init__(message)
        self.context = PhaseContext(status_code, message)


@dataclass(frozen=True, slots=True)
class ServiceRole:
    """A build's role session."""

    principal: Principal
    authorize: Authorize
    region: str
    account_id: str

    async def read_object(self, bucket: str, key: str, what: str) -> None:
        """Raise Refused unless the role may read the object; `what` names the source."""
        try:
            await self.authorize(self.principal, "s3:GetObject", object_arn(bucket, key))
        except ServiceError as error:
            raise Refused(
                "CLIENT_ERROR",
                f"AccessDenied: {error.message} for {what} and source version "
                f"{object_arn(bucket, key)}",
            ) from error

    async def write_object(self, bucket: str, key: str) -> None:
        """Raise Refused unless the role may store the object."""
        try:
            await self.authorize(self.principal, "s3:PutObject", object_arn(bucket, key))
        except ServiceError as error:
            raise Refused(
                "CLIENT_ERROR",
                f"Error in UPLOAD_ARTIFACTS phase: AccessDenied: {error.message}",
            ) from error

    async def pull_repository(self, name: str, what: str) -> None:
        """Raise Refused unless the role may clone the CodeCommit repository."""
        resource = arn("codecommit", self.region, self.account_id, name)
        try:
            await self.authorize(self.principal, "codecommit:GitPull", resource)
        except ServiceError as error:
            raise Refused(
                "CLIENT_ERROR", f"authorization failed for {what}: {error.message}"
            ) from error

    async def write_logs(self, build_arn: str, role_arn: str, group: str, stream: str) -> None:
        """Raise Refused unless the role may make the build's log stream."""
        resource = arn(
            "logs", self.region, self.account_id, f"log-group:{group}:log-stream:{stream}"
        )
        for action in ("logs:CreateLogStream", "logs:PutLogEvents"):
            try:
                await self.authorize(self.principal, action, resource)
            except ServiceError as error:
                raise Refused(
                    "ACCESS_DENIED",
                    f"Service role {role_arn} does not allow AWS CodeBuild to create Amazon "
                    f"CloudWatch Logs log streams for build {build_arn}. "
                    f"Error message: {error.message}",
                ) from error

    async def pull_image(self, repository: str) -> None:
        """Raise Refused unless the role may pull the ECR repository's images."""
        resource = arn("ecr", self.region, self.account_id, f"repository/{repository}")
        for action in ("ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"):
            try:
                await self.authorize(self.principal, action, resource)
            except ServiceError as error:
                raise Refused(
                    "BUILD_CONTAINER_UNABLE_TO_PULL_IMAGE",
                    f"CodeBuild is not authorized to perform: {action}: {error.message}",
                ) from error


def object_arn(bucket: str, key: str) -> str:
    """Return the ARN of an object."""
    return f"arn:aws:s3:::{bucket}/{key}"
