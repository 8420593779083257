"""The S3 source action: one version of one object, copied into the artifact store.

The bucket must keep versions, as on AWS: the version is the revision. Source:
https://docs.aws.amazon.com/codepipeline/latest/userguide/action-reference-S3.html
"""

from collections.abc import Mapping

from penstock.arns import arn
from penstock.aws.errors import ServiceError
from penstock.pipelines.actions.provider import (
    ActionJob,
    ActionResult,
    Failed,
    SourceRevision,
    Succeeded,
)
from penstock.pipelines.actions.source_results import output_refusal, store_failure
from penstock.pipelines.roles import Roles
from penstock.services.s3 import Objects, StoredObject

_UNVERSIONED = "null"


class S3Source:
    """Ends within `start`: repeating it writes the same object again."""

    def __init__(self, objects: Objects, roles: Roles) -> None:
        self._objects = objects
        self._roles = roles

    async def start(self, job: ActionJob) -> ActionResult:
        """Copy the object's version to the output artifact's place."""
        bucket, key = job.configuration["S3Bucket"], job.configuration["S3ObjectKey"]
        refused = await self._refusal(job, bucket, key)
        if refused is not None:
            return refused
        try:
            stored, content = await self._objects.get(bucket, key, job.source_revision)
        except ServiceError as error:
            return Failed(
                "ConfigurationError",
                f"The action failed because object {key} of bucket {bucket} can't be read. Check "
                f"the bucket, the key and the version, and then try again. Error: {error.message}",
            )
        if not _versioned(stored):
            return Failed(
                "ConfigurationError",
                f"The action failed because versioning is not enabled for bucket {bucket}, which "
                "a source of a pipeline needs. Enable it, upload the object again, and then try "
                "again.",
            )
        output = job.output_artifacts[0]
        try:
            await self._objects.put(
                output.bucket, output.key, content, content_type="application/zip"
            )
        except ServiceError as error:
            return store_failure(error, output.bucket)
        return _succeeded(job, bucket, key, stored)

    async def poll(self, job: ActionJob, continuation_token: str) -> ActionResult:
        """As `start`: nothing runs elsewhere."""
        return await self.start(job)

    async def abandon(self, job: ActionJob, continuation_token: str) -> None:
        """Nothing runs elsewhere."""

    async def head(self, configuration: Mapping[str, str]) -> str | None:
        """Return the object's current version, None where there is none; raise ServiceError."""
        stored = await self._objects.head(configuration["S3Bucket"], configuration["S3ObjectKey"])
        return stored.version_id if _versioned(stored) else None

    async def _refusal(self, job: ActionJob, bucket: str, key: str) -> Failed | None:
        place = arn("s3", "", "", bucket)
        needed = (
            ("s3:GetBucketVersioning", place),
            ("s3:GetObject", f"{place}/{key}"),
            ("s3:GetObjectVersion", f"{place}/{key}"),
        )
        try:
            async with self._roles.acting(job) as principal:
                for action, resource in needed:
                    await self._roles.require(principal, action, resource)
                return await output_refusal(self._roles, principal, job)
        except ServiceError as error:
            return Failed("PermissionError", error.message)


def _versioned(stored: StoredObject) -> bool:
    return stored.version_id not in (None, "", _UNVERSIONED)


def _succeeded(job: ActionJob, bucket: str, key: str, stored: StoredObject) -> Succeeded:
    version = str(stored.version_id)
    summary = f"Amazon S3 version id: {version}"
    url = f"https://console.aws.amazon.com/s3/object/{bucket}?prefix={key}&versionId={version}"
    return Succeeded(
        output_variables={"ETag": stored.etag, "VersionId": version},
        external_execution_id=version,
        external_execution_url=url,
        summary=summary,
        source_revision=SourceRevision(job.action_name, version, summary, url),
    )
