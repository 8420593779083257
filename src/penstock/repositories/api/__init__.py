"""CodeCommit's operations."""

from penstock.aws.service import Service, bind
from penstock.repositories.api import branches, commit_files, commits, repositories
from penstock.repositories.hosting import Repositories

OPERATIONS = {
    "BatchGetRepositories": repositories.batch_get_repositories,
    "CreateBranch": branches.create_branch,
    "CreateCommit": commit_files.create_commit,
    "CreateRepository": repositories.create_repository,
    "DeleteBranch": branches.delete_branch,
    "DeleteRepository": repositories.delete_repository,
    "GetBranch": branches.get_branch,
    "GetCommit": commits.get_commit,
    "GetFile": commits.get_file,
    "GetFolder": commits.get_folder,
    "GetRepository": repositories.get_repository,
    "ListBranches": branches.list_branches,
    "ListRepositories": repositories.list_repositories,
    "ListTagsForResource": repositories.list_tags_for_resource,
    "PutFile": commit_files.put_file,
    "TagResource": repositories.tag_resource,
    "UntagResource": repositories.untag_resource,
    "UpdateDefaultBranch": repositories.update_default_branch,
    "UpdateRepositoryDescription": repositories.update_repository_description,
    "UpdateRepositoryName": repositories.update_repository_name,
}


def service(domain: Repositories) -> Service:
    """CodeCommit, for the wire."""
    return Service("codecommit", bind(domain, OPERATIONS))
