"""CodeBuild's operations."""

from penstock.aws.service import Service, bind
from penstock.builds.api import builds, images, projects
from penstock.builds.builds import Builds
from penstock.builds.projects import Projects

PROJECT_OPERATIONS = {
    "BatchGetProjects": projects.batch_get_projects,
    "CreateProject": projects.create_project,
    "DeleteProject": projects.delete_project,
    "InvalidateProjectCache": projects.invalidate_project_cache,
    "ListProjects": projects.list_projects,
    "UpdateProject": projects.update_project,
}
BUILD_OPERATIONS = {
    "BatchDeleteBuilds": builds.batch_delete_builds,
    "BatchGetBuilds": builds.batch_get_builds,
    "ListBuilds": builds.list_builds,
    "ListBuildsForProject": builds.list_builds_for_project,
    "ListCuratedEnvironmentImages": images.list_curated_environment_images,
    "RetryBuild": builds.retry_build,
    "StartBuild": builds.start_build,
    "StopBuild": builds.stop_build,
}
OPERATIONS = {**PROJECT_OPERATIONS, **BUILD_OPERATIONS}


def service(domain: Builds, project_domain: Projects) -> Service:
    """CodeBuild, for the wire."""
    operations = bind(project_domain, PROJECT_OPERATIONS) | bind(domain, BUILD_OPERATIONS)
    return Service("codebuild", operations)
