"""The CodeCommit source action: one commit of a branch, as a zip in the artifact store.

The commit is the one that the push or the start named, else the branch's head now.
Source: https://docs.aws.amazon.com/codepipeline/latest/userguide/action-reference-CodeCommit.html
"""

from penstock.arns import arn
from penstock.aws.errors import ServiceError
from penstock.pipelines.actions.provider import (
    ActionJob,
    ActionResult,
    Failed,
    SourceRevision,
    Succeeded,
)
from penstock.pipelines.actions.source_results import output_refusal, store_failure, time_text
from penstock.pipelines.roles import Roles
from penstock.repositories.commits import Commit
from penstock.repositories.hosting import Repositories
from penstock.services.s3 import Objects


class CodeCommitSource:
    """Ends within `start`: repeating it writes the same object again."""

    def __init__(self, repositories: Repositories, objects: Objects, roles: Roles) -> None:
        self._repositories = repositories
        self._objects = objects
        self._roles = roles

    async def start(self, job: ActionJob) -> ActionResult:
        """Store the commit's tree at the output artifact's place."""
        repository = job.configuration["RepositoryName"]
        branch = job.configuration["BranchName"]
        refused = await self._refusal(job, repository)
        if refused is not None:
            return refused
        try:
            commit = await self._commit(repository, branch, job.source_revision)
        except ServiceError as error:
            return _missing(error, repository)
        if commit is None:
            return Failed(
                "ConfigurationError",
                f"The action failed because no branch named {branch} was found in the selected "
                f"AWS CodeCommit repository {repository}. Make sure you are using the correct "
                "branch name, and then try again.",
            )
        output = job.output_artifacts[0]
        try:
            await self._objects.put(
                output.bucket,
                output.key,
                self._repositories.archive_zip(repository, commit.commit_id),
                content_type="application/zip",
            )
        except ServiceError as error:
            return store_failure(error, output.bucket)
        return _succeeded(job, repository, branch, commit)

    async def poll(self, job: ActionJob, continuation_token: str) -> ActionResult:
        """As `start`: nothing runs elsewhere."""
        return await self.start(job)

    async def abandon(self, job: ActionJob, continuation_token: str) -> None:
        """Nothing runs elsewhere."""

    async def _refusal(self, job: ActionJob, repository: str) -> Failed | None:
        """Return why the role may not do this action, None when it may."""
        place = arn("codecommit", job.region, job.account_id, repository)
        try:
            async with self._roles.acting(job) as principal:
                for action in (
                    "codecommit:GetBranch",
                    "codecommit:GetCommit",
                    "codecommit:UploadArchive",
                    "codecommit:GetUploadArchiveStatus",
                ):
                    try:
                        await self._roles.require(principal, action, place)
                    except ServiceError as error:
                        return Failed(
                            "PermissionError",
                            "The service role or action role doesn’t have the permissions required "
                            f"to access the AWS CodeCommit repository named {repository}. Update "
                            "the IAM role permissions, and then try again. Error: "
                            f"{error.message}",
                        )
                return await output_refusal(self._roles, principal, job)
        except ServiceError as error:
            return Failed("PermissionError", error.message)

    async def _commit(self, repository: str, branch: str, revision: str | None) -> Commit | None:
        if revision is not None:
            return await self._repositories.commit(repository, revision)
        return await self._repositories.head(repository, branch)


def _missing(error: ServiceError, repository: str) -> Failed:
    if error.code == "RepositoryDoesNotExistException":
        return Failed(
            "ConfigurationError",
            f"The action failed because no repository named {repository} was found in this "
            "account. Make sure you are using the correct repository name, and then try again.",
        )
    return Failed("RevisionUnavailable", error.message)


def _succeeded(job: ActionJob, repository: str, branch: str, commit: Commit) -> Succeeded:
    message = commit.message.rstrip("\n")  # git ends every message with one
    return Succeeded(
        output_variables={
            "AuthorDate": time_text(commit.author.date),
            "BranchName": branch,
            "CommitId": commit.commit_id,
            "CommitMessage": message,
            "CommitterDate": time_text(commit.committer.date),
            "RepositoryName": repository,
        },
        external_execution_id=commit.commit_id,
        external_execution_url=_url(job, repository, commit),
        summary=message,
        source_revision=SourceRevision(
            job.action_name, commit.commit_id, message, _url(job, repository, commit)
        ),
    )


def _url(job: ActionJob, repository: str, commit: Commit) -> str:
    """Return the commit's address in AWS's console, the shape that tools parse."""
    return (
        f"https://{job.region}.console.aws.amazon.com/codecommit/home?region={job.region}"
        f"#/repository/{repository}/commit/{commit.commit_id}"
    )
