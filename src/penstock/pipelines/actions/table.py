"""Which provider runs which action type: the one place where a provider is registered."""

from collections.abc import Mapping

from penstock.aws.in_process import InProcess
from penstock.builds.builds import Builds
from penstock.pipelines import action_types
from penstock.pipelines.actions.cloudformation import CloudFormation
from penstock.pipelines.actions.codebuild import CodeBuild
from penstock.pipelines.actions.codecommit import CodeCommitSource
from penstock.pipelines.actions.provider import ActionProvider
from penstock.pipelines.artifact_files import ArtifactFiles
from penstock.pipelines.roles import Roles
from penstock.pipelines.structure import ActionTypeId
from penstock.repositories.hosting import Repositories
from penstock.services.s3 import Objects


def providers(
    builds: Builds,
    repositories: Repositories,
    objects: Objects,
    roles: Roles,
    in_process: InProcess,
) -> Mapping[ActionTypeId, ActionProvider]:
    """Return the provider of every action type that runs here."""
    codebuild = CodeBuild(builds, roles)
    return {
        action_types.CODECOMMIT_SOURCE.id: CodeCommitSource(repositories, objects, roles),
        action_types.CODEBUILD_BUILD.id: codebuild,
        action_types.CODEBUILD_TEST.id: codebuild,
        action_types.CLOUDFORMATION_DEPLOY.id: CloudFormation(
            in_process, ArtifactFiles(objects), roles
        ),
    }
