"""Which provider runs which action type: the one place where a provider is registered."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from penstock.aws.in_process import InProcess
from penstock.builds.builds import Builds
from penstock.clock import Clock
from penstock.pipelines import action_types
from penstock.pipelines.actions.approval import ManualApproval
from penstock.pipelines.actions.cloudformation import CloudFormation
from penstock.pipelines.actions.codebuild import CodeBuild
from penstock.pipelines.actions.codecommit import CodeCommitSource
from penstock.pipelines.actions.provider import ActionProvider
from penstock.pipelines.actions.remote_git import ConnectionHost, GitHubHost, RemoteGitSource
from penstock.pipelines.actions.s3_source import S3Source
from penstock.pipelines.approved_change_sets import ApprovedChangeSets
from penstock.pipelines.artifact_files import ArtifactFiles
from penstock.pipelines.reviews import Reviews
from penstock.pipelines.roles import Roles
from penstock.pipelines.source_watch import Head
from penstock.pipelines.structure import ActionTypeId
from penstock.repositories.hosting import Repositories
from penstock.repositories.remote import RemoteRepositories
from penstock.services.codeconnections import Connections
from penstock.services.s3 import Objects
from penstock.stacks.change_sets.change_sets import ChangeSets
from penstock.storage.database import Database


@dataclass(frozen=True, slots=True)
class Places:
    """Where actions work: what the providers are made of."""

    builds: Builds
    repositories: Repositories
    remotes: RemoteRepositories
    connections: Connections
    objects: Objects
    in_process: InProcess
    github: GitHubHost
    change_sets: Callable[[], ChangeSets]
    """Asked for when the first action runs: stacks are made after pipelines."""
    console_url: str
    """Where people reach the console: `http://host:port/console`."""
    source_seconds: float = 30.0
    """Between looks at sources on other git hosts."""


def providers(
    places: Places, roles: Roles, database: Database, clock: Clock
) -> Mapping[ActionTypeId, ActionProvider]:
    """Return the provider of every action type that runs here."""
    objects, remotes = places.objects, places.remotes
    codebuild = CodeBuild(places.builds, roles)
    reviews = Reviews(database, places.repositories, places.change_sets)
    connection = RemoteGitSource(ConnectionHost(places.connections), remotes, objects, roles)
    return {
        action_types.CODECOMMIT_SOURCE.id: CodeCommitSource(places.repositories, objects, roles),
        action_types.CONNECTION_SOURCE.id: connection,
        action_types.GITHUB_SOURCE.id: RemoteGitSource(places.github, remotes, objects, roles),
        action_types.S3_SOURCE.id: S3Source(objects, roles),
        action_types.CODEBUILD_BUILD.id: codebuild,
        action_types.CODEBUILD_TEST.id: codebuild,
        action_types.MANUAL_APPROVAL.id: ManualApproval(
            database, places.in_process, roles, reviews.compile, places.console_url, clock
        ),
        action_types.CLOUDFORMATION_DEPLOY.id: CloudFormation(
            places.in_process, ArtifactFiles(objects), roles, ApprovedChangeSets(database)
        ),
    }


def heads(running: Mapping[ActionTypeId, ActionProvider]) -> Mapping[str, Head]:
    """Return how the places of sources that are looked at are read, by provider."""
    return {
        type_id.provider: provider.head
        for type_id, provider in running.items()
        if isinstance(provider, RemoteGitSource | S3Source)
    }
