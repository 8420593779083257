"""Source actions on git hosts elsewhere: CodeStarSourceConnection, and GitHub with a token.

Both take one commit of a branch as a zip; they differ in how they name the place and what they
call their variables. Source:
https://docs.aws.amazon.com/codepipeline/latest/userguide/action-reference-CodestarConnectionSource.html
and https://docs.aws.amazon.com/codepipeline/latest/userguide/appendix-github-oauth.html
"""

from collections.abc import Callable, Mapping
from typing import Protocol

from penstock.aws.errors import ServiceError
from penstock.aws.service import Principal
from penstock.git_address import Address
from penstock.pipelines.actions.provider import (
    ActionJob,
    ActionResult,
    Failed,
    SourceRevision,
    Succeeded,
)
from penstock.pipelines.actions.source_results import output_refusal, store_failure, time_text
from penstock.pipelines.roles import Roles
from penstock.pipelines.secret_configuration import opened
from penstock.repositories.commits import Commit
from penstock.repositories.remote import RemoteRepositories, RemoteUnavailable
from penstock.services.codeconnections import Connections
from penstock.services.s3 import Objects

Configuration = Mapping[str, str]


class Host(Protocol):
    """How one provider names its repositories."""

    async def address(self, configuration: Configuration) -> Address:
        """Return where the repository is; raise ServiceError."""
        ...

    def branch(self, configuration: Configuration) -> str:
        """Return the branch."""
        ...

    async def check(self, roles: Roles, principal: Principal, configuration: Configuration) -> None:
        """Raise ServiceError unless the role may use the host."""
        ...

    def variables(self, configuration: Configuration, commit: Commit) -> dict[str, str]:
        """Return the provider's output variables besides those of every commit."""
        ...


class ConnectionHost:
    """A repository through a connection."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    async def address(self, configuration: Configuration) -> Address:
        """Return the connection's address of the repository; raise ServiceError."""
        return await self._connections.address(
            configuration["ConnectionArn"], configuration["FullRepositoryId"]
        )

    def branch(self, configuration: Configuration) -> str:
        """Return BranchName."""
        return configuration["BranchName"]

    async def check(self, roles: Roles, principal: Principal, configuration: Configuration) -> None:
        """Raise ServiceError unless the role has UseConnection, under the ARN's service name."""
        place = configuration["ConnectionArn"]
        service = place.split(":")[2] if place.count(":") > 2 else "codeconnections"
        await roles.require(principal, f"{service}:UseConnection", place)

    def variables(self, configuration: Configuration, commit: Commit) -> dict[str, str]:
        """Return the connection's variables."""
        return {
            "ConnectionArn": configuration["ConnectionArn"],
            "FullRepositoryName": configuration["FullRepositoryId"],
        }


class GitHubHost:
    """A repository of GitHub, or of what stands in its place, with an OAuth token."""

    def __init__(self, base_url: str, decrypt: Callable[[str], str]) -> None:
        self._base_url = base_url.rstrip("/")
        self._decrypt = decrypt

    async def address(self, configuration: Configuration) -> Address:
        """Return the repository's address."""
        token = opened(configuration["OAuthToken"], self._decrypt)
        url = f"{self._base_url}/{configuration['Owner']}/{configuration['Repo']}"
        return Address(f"{url}.git", username="x-access-token", token=token)

    def branch(self, configuration: Configuration) -> str:
        """Return Branch."""
        return configuration["Branch"]

    async def check(self, roles: Roles, principal: Principal, configuration: Configuration) -> None:
        """The token is all that it takes."""

    def variables(self, configuration: Configuration, commit: Commit) -> dict[str, str]:
        """Return the repository's variables."""
        url = f"{self._base_url}/{configuration['Owner']}/{configuration['Repo']}"
        return {
            "CommitUrl": f"{url}/commit/{commit.commit_id}",
            "CommitterDate": time_text(commit.committer.date),
            "RepositoryName": configuration["Repo"],
        }


class RemoteGitSource:
    """Ends within `start`: repeating it writes the same object again."""

    def __init__(
        self, host: Host, remotes: RemoteRepositories, objects: Objects, roles: Roles
    ) -> None:
        self._host = host
        self._remotes = remotes
        self._objects = objects
        self._roles = roles

    async def start(self, job: ActionJob) -> ActionResult:
        """Store the commit's tree at the output artifact's place."""
        refused = await self._refusal(job)
        if refused is not None:
            return refused
        branch = self._host.branch(job.configuration)
        output = job.output_artifacts[0]
        try:
            address = await self._host.address(job.configuration)
        except ServiceError as error:
            return Failed("ConfigurationError", error.message)
        try:
            async with self._remotes.commit(address, branch, job.source_revision) as (
                commit,
                archive,
            ):
                try:
                    await self._objects.put(
                        output.bucket, output.key, archive, content_type="application/zip"
                    )
                except ServiceError as error:
                    return store_failure(error, output.bucket)
        except RemoteUnavailable as problem:
            return Failed(
                "RevisionUnavailable", f"Branch {branch} of {address.url} can't be read: {problem}"
            )
        return self._succeeded(job, address, commit)

    async def poll(self, job: ActionJob, continuation_token: str) -> ActionResult:
        """As `start`: nothing runs elsewhere."""
        return await self.start(job)

    async def abandon(self, job: ActionJob, continuation_token: str) -> None:
        """Nothing runs elsewhere."""

    async def head(self, configuration: Configuration) -> str | None:
        """Return the commit at the branch's head; raise ServiceError or RemoteUnavailable."""
        address = await self._host.address(configuration)
        return await self._remotes.head(address, self._host.branch(configuration))

    async def _refusal(self, job: ActionJob) -> Failed | None:
        try:
            async with self._roles.acting(job) as principal:
                await self._host.check(self._roles, principal, job.configuration)
                return await output_refusal(self._roles, principal, job)
        except ServiceError as error:
            return Failed("PermissionError", error.message)

    def _succeeded(self, job: ActionJob, address: Address, commit: Commit) -> Succeeded:
        message = commit.message.rstrip("\n")
        url = self._host.variables(job.configuration, commit).get("CommitUrl", address.url)
        return Succeeded(
            output_variables={
                "AuthorDate": time_text(commit.author.date),
                "BranchName": self._host.branch(job.configuration),
                "CommitId": commit.commit_id,
                "CommitMessage": message,
                **self._host.variables(job.configuration, commit),
            },
            external_execution_id=commit.commit_id,
            external_execution_url=url,
            summary=message,
            source_revision=SourceRevision(job.action_name, commit.commit_id, message, url),
        )
