"""CodeCommit's API through boto3: repositories and tags.

Expected texts marked AWS were published by AWS's users (`X does not exist`, `Repository
named X already exists`); the others are ours.
"""

from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.aws_command import aws_command
from tests.databases import opened_database

from penstock.clock import utc_now
from penstock.repositories.api import service
from penstock.repositories.hosting import Repositories

ARN = "arn:aws:codecommit:us-east-1:123456789012:"


@pytest.fixture
def server(aws_server: Callable[..., Any], tmp_path: Path) -> Any:
    async def build(stack: AsyncExitStack) -> list[Any]:
        database = stack.enter_context(opened_database(tmp_path))
        repositories = Repositories(
            database,
            tmp_path / "repositories",
            utc_now,
            account_id="123456789012",
            region="us-east-1",
        )
        await repositories.start()
        stack.push_async_callback(repositories.close)
        return [service(repositories)]

    return aws_server(build)


@pytest.fixture
def codecommit(server: Any) -> Any:
    return server.client("codecommit")


def failure(call: Callable[..., Any], **parameters: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def test_a_repository_is_described_as_it_was_made(server: Any, codecommit: Any) -> None:
    made = codecommit.create_repository(
        repositoryName="app", repositoryDescription="The app", tags={"team": "a"}
    )["repositoryMetadata"]
    found = codecommit.get_repository(repositoryName="app")["repositoryMetadata"]
    assert found == made
    assert found["Arn"] == ARN + "app"
    assert found["accountId"] == "123456789012"
    assert found["repositoryDescription"] == "The app"
    assert found["cloneUrlHttp"] == f"{server.url}/v1/repos/app"
    assert "defaultBranch" not in found
    assert codecommit.list_tags_for_resource(resourceArn=ARN + "app")["tags"] == {"team": "a"}


def test_awss_texts_for_unknown_and_taken_names(codecommit: Any) -> None:
    assert failure(codecommit.get_repository, repositoryName="app") == (
        "RepositoryDoesNotExistException",
        "app does not exist",
    )
    codecommit.create_repository(repositoryName="app")
    assert failure(codecommit.create_repository, repositoryName="app") == (
        "RepositoryNameExistsException",
        "Repository named app already exists",
    )
    codecommit.create_repository(repositoryName="other")
    assert failure(codecommit.update_repository_name, oldName="other", newName="app") == (
        "RepositoryNameExistsException",
        "Repository named app already exists",
    )


@pytest.mark.parametrize("parameters", [{"repositoryName": "app.git"}])
def test_a_name_that_aws_refuses_is_refused(codecommit: Any, parameters: dict[str, Any]) -> None:
    code, _ = failure(codecommit.create_repository, **parameters)
    assert code == "InvalidRepositoryNameException"
    assert codecommit.list_repositories()["repositories"] == []


def test_lists_are_sorted_as_asked(codecommit: Any) -> None:
    for name in ("b", "a", "c"):
        codecommit.create_repository(repositoryName=name)
    codecommit.update_repository_description(repositoryName="b", repositoryDescription="later")

    def names(**order: str) -> list[str]:
        found = codecommit.list_repositories(**order)["repositories"]
        return [one["repositoryName"] for one in found]

    assert names() == ["a", "b", "c"]
    assert names(order="descending") == ["c", "b", "a"]
    assert names(sortBy="lastModifiedDate") == ["a", "c", "b"]
    assert names(sortBy="lastModifiedDate", order="descending") == ["b", "c", "a"]
    assert failure(codecommit.list_repositories, nextToken="x")[0] == (
        "InvalidContinuationTokenException"
    )


def test_several_are_described_at_once_and_unknown_ones_named(codecommit: Any) -> None:
    codecommit.create_repository(repositoryName="a")
    answer = codecommit.batch_get_repositories(repositoryNames=["a", "nothing"])
    assert [one["repositoryName"] for one in answer["repositories"]] == ["a"]
    assert answer["repositoriesNotFound"] == ["nothing"]


def test_a_renamed_repository_keeps_its_content_and_id(codecommit: Any) -> None:
    made = codecommit.create_repository(repositoryName="old")["repositoryMetadata"]
    commit = codecommit.put_file(
        repositoryName="old", branchName="main", filePath="a", fileContent=b"1"
    )["commitId"]
    codecommit.update_repository_name(oldName="old", newName="new")

    assert failure(codecommit.get_repository, repositoryName="old")[1] == "old does not exist"
    found = codecommit.get_repository(repositoryName="new")["repositoryMetadata"]
    assert (found["repositoryId"], found["Arn"]) == (made["repositoryId"], ARN + "new")
    branch = codecommit.get_branch(repositoryName="new", branchName="main")["branch"]
    assert branch["commitId"] == commit


def test_a_deleted_repository_is_gone_and_deleting_it_again_is_no_error(codecommit: Any) -> None:
    made = codecommit.create_repository(repositoryName="app")["repositoryMetadata"]
    answer = codecommit.delete_repository(repositoryName="app")
    assert answer["repositoryId"] == made["repositoryId"]
    assert "repositoryId" not in codecommit.delete_repository(repositoryName="app")
    assert codecommit.list_repositories()["repositories"] == []


def test_tags_are_added_replaced_and_removed(codecommit: Any) -> None:
    codecommit.create_repository(repositoryName="app", tags={"a": "1", "b": "2"})
    codecommit.tag_resource(resourceArn=ARN + "app", tags={"b": "3", "c": "4"})
    codecommit.untag_resource(resourceArn=ARN + "app", tagKeys=["a", "nothing"])
    assert codecommit.list_tags_for_resource(resourceArn=ARN + "app")["tags"] == {
        "b": "3",
        "c": "4",
    }
    assert failure(codecommit.list_tags_for_resource, resourceArn=ARN + "nothing") == (
        "RepositoryDoesNotExistException",
        "nothing does not exist",
    )
    assert failure(codecommit.tag_resource, resourceArn="x", tags={"a": "1"})[0] == (
        "InvalidResourceArnException"
    )
    assert failure(codecommit.tag_resource, resourceArn=ARN + "app", tags={"aws:x": "1"})[0] == (
        "InvalidSystemTagUsageException"
    )


def test_branches_are_made_listed_and_deleted(codecommit: Any) -> None:
    codecommit.create_repository(repositoryName="app")
    commit = codecommit.put_file(
        repositoryName="app", branchName="main", filePath="a", fileContent=b"1"
    )["commitId"]
    codecommit.create_branch(repositoryName="app", branchName="team/x", commitId=commit)
    assert codecommit.list_branches(repositoryName="app")["branches"] == ["main", "team/x"]
    assert codecommit.get_branch(repositoryName="app", branchName="team/x")["branch"] == {
        "branchName": "team/x",
        "commitId": commit,
    }
    taken = {"repositoryName": "app", "branchName": "main", "commitId": commit}
    assert failure(codecommit.create_branch, **taken)[0] == "BranchNameExistsException"
    unknown = taken | {"branchName": "y", "commitId": "f" * 40}
    assert failure(codecommit.create_branch, **unknown)[0] == "CommitDoesNotExistException"
    wrong = taken | {"branchName": "a..b"}
    assert failure(codecommit.create_branch, **wrong)[0] == "InvalidBranchNameException"

    default = {"repositoryName": "app", "branchName": "main"}
    assert failure(codecommit.delete_branch, **default)[0] == (
        "DefaultBranchCannotBeDeletedException"
    )
    codecommit.update_default_branch(repositoryName="app", defaultBranchName="team/x")
    assert codecommit.delete_branch(**default)["deletedBranch"]["commitId"] == commit
    assert "deletedBranch" not in codecommit.delete_branch(**default)
    assert failure(codecommit.get_branch, **default)[0] == "BranchDoesNotExistException"
    assert (
        failure(codecommit.update_default_branch, repositoryName="app", defaultBranchName="main")[0]
        == "BranchDoesNotExistException"
    )


def test_commits_made_through_the_api_can_be_read_back(codecommit: Any) -> None:
    codecommit.create_repository(repositoryName="app")
    first = codecommit.create_commit(
        repositoryName="app",
        branchName="main",
        authorName="Ada",
        email="ada@example.com",
        commitMessage="Start",
        putFiles=[
            {"filePath": "bin/run", "fileContent": b"#!/bin/sh\n", "fileMode": "EXECUTABLE"},
            {"filePath": "README", "fileContent": b"Read me\n"},
        ],
    )
    assert [one["absolutePath"] for one in first["filesAdded"]] == ["README", "bin/run"]
    second = codecommit.create_commit(
        repositoryName="app",
        branchName="main",
        parentCommitId=first["commitId"],
        putFiles=[{"filePath": "doc", "sourceFile": {"filePath": "README", "isMove": True}}],
        setFileModes=[{"filePath": "bin/run", "fileMode": "NORMAL"}],
    )
    assert [one["absolutePath"] for one in second["filesDeleted"]] == ["README"]
    assert [one["absolutePath"] for one in second["filesUpdated"]] == ["bin/run"]

    commit = codecommit.get_commit(repositoryName="app", commitId=first["commitId"])["commit"]
    assert commit["message"] == "Start\n"
    assert commit["author"]["name"] == "Ada"
    assert commit["author"]["date"].endswith(" +0000")
    assert commit["treeId"] == first["treeId"]
    file = codecommit.get_file(repositoryName="app", filePath="doc")
    assert (file["fileContent"], file["commitId"]) == (b"Read me\n", second["commitId"])
    old = codecommit.get_file(
        repositoryName="app", filePath="/bin/run", commitSpecifier=first["commitId"]
    )
    assert (old["fileMode"], old["fileSize"]) == ("EXECUTABLE", 10)
    folder = codecommit.get_folder(
        repositoryName="app", folderPath="/", commitSpecifier="refs/heads/main"
    )
    assert [one["absolutePath"] for one in folder["subFolders"]] == ["bin"]
    assert [one["relativePath"] for one in folder["files"]] == ["doc"]
    assert folder["treeId"] == second["treeId"]


def test_what_does_not_fit_the_branch_is_refused(codecommit: Any) -> None:
    codecommit.create_repository(repositoryName="app")
    put = {"repositoryName": "app", "branchName": "main", "filePath": "a", "fileContent": b"1"}
    first = codecommit.put_file(**put)["commitId"]
    assert failure(codecommit.put_file, **put)[0] == "ParentCommitIdRequiredException"
    assert failure(codecommit.put_file, **put, parentCommitId="f" * 40)[0] == (
        "ParentCommitIdOutdatedException"
    )
    assert failure(codecommit.put_file, **put, parentCommitId=first)[0] == (
        "SameFileContentException"
    )
    other = put | {"branchName": "other"}
    assert failure(codecommit.put_file, **other)[0] == "BranchDoesNotExistException"
    where = {"repositoryName": "app", "branchName": "main", "parentCommitId": first}
    assert failure(codecommit.create_commit, **where)[0] == "FileEntryRequiredException"
    assert (
        failure(codecommit.create_commit, **where, deleteFiles=[{"filePath": "nothing"}])[0]
        == "FileDoesNotExistException"
    )
    assert (
        failure(
            codecommit.create_commit,
            **where,
            setFileModes=[{"filePath": "a", "fileMode": "NORMAL"}],
        )[0]
        == "NoChangeException"
    )


@pytest.mark.parametrize("specifier", ["nothing", "main~1", "main^{tree}", "--all", "a..b"])
def test_a_specifier_that_names_no_commit_is_refused(codecommit: Any, specifier: str) -> None:
    codecommit.create_repository(repositoryName="app")
    codecommit.put_file(repositoryName="app", branchName="main", filePath="a", fileContent=b"1")
    assert (
        failure(codecommit.get_file, repositoryName="app", filePath="a", commitSpecifier=specifier)[
            0
        ]
        == "CommitDoesNotExistException"
    )


def test_unknown_paths_and_commits_are_named(codecommit: Any) -> None:
    codecommit.create_repository(repositoryName="app")
    codecommit.put_file(repositoryName="app", branchName="main", filePath="a", fileContent=b"1")
    assert failure(codecommit.get_file, repositoryName="app", filePath="b")[0] == (
        "FileDoesNotExistException"
    )
    assert failure(codecommit.get_folder, repositoryName="app", folderPath="b")[0] == (
        "FolderDoesNotExistException"
    )
    assert failure(codecommit.get_commit, repositoryName="app", commitId="f" * 40)[0] == (
        "CommitIdDoesNotExistException"
    )


def test_files_are_put_either_by_content_or_from_another(codecommit: Any) -> None:
    codecommit.create_repository(repositoryName="app")
    where = {"repositoryName": "app", "branchName": "main"}
    put = {"filePath": "a", "fileContent": b"1"}
    commit = codecommit.create_commit
    assert failure(commit, **where, putFiles=[{"filePath": "a"}])[0] == (
        "SourceFileOrContentRequiredException"
    )
    both = put | {"sourceFile": {"filePath": "b"}}
    assert failure(commit, **where, putFiles=[both])[0] == (
        "FileContentAndSourceFileSpecifiedException"
    )
    absent = {"filePath": "a", "sourceFile": {"filePath": "b"}}
    assert failure(commit, **where, putFiles=[absent])[0] == "FileDoesNotExistException"
    many = [put | {"filePath": f"f{number}"} for number in range(101)]
    assert failure(commit, **where, putFiles=many)[0] == "MaximumFileEntriesExceededException"
    assert codecommit.list_branches(repositoryName="app")["branches"] == []
    commit(**where, putFiles=many[:100])
    folder = codecommit.get_folder(repositoryName="app", folderPath="/")
    assert len(folder["files"]) == 100


def test_a_file_over_six_megabytes_is_pushed_not_put(codecommit: Any) -> None:
    codecommit.create_repository(repositoryName="app")
    where = {"repositoryName": "app", "branchName": "main"}
    code, message = failure(
        codecommit.put_file, **where, filePath="a", fileContent=b"x" * 6_000_001
    )
    assert code == "FileContentSizeLimitExceededException"
    assert "Push the commit with git" in message
    halves = [{"filePath": name, "fileContent": b"x" * 3_600_000} for name in "ab"]
    assert failure(codecommit.create_commit, **where, putFiles=halves)[0] == code
    codecommit.put_file(**where, filePath="a", fileContent=b"x" * 6_000_000)
    assert codecommit.get_file(repositoryName="app", filePath="a")["fileSize"] == 6_000_000


def test_a_larger_file_that_was_pushed_is_cloned_not_got(
    codecommit: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A smaller limit stands for AWS's, which the API cannot put a file beyond."""
    monkeypatch.setattr("penstock.repositories.api.commits._LARGEST_FILE", 3)
    codecommit.create_repository(repositoryName="app")
    put = {"repositoryName": "app", "branchName": "main"}
    first = codecommit.put_file(**put, filePath="a", fileContent=b"xxxx")["commitId"]
    code, message = failure(codecommit.get_file, repositoryName="app", filePath="a")
    assert (code, "4 bytes" in message) == ("FileTooLargeException", True)
    codecommit.put_file(**put, filePath="b", fileContent=b"xxx", parentCommitId=first)
    assert codecommit.get_file(repositoryName="app", filePath="b")["fileContent"] == b"xxx"


def test_what_a_repository_cannot_have_is_refused(codecommit: Any) -> None:
    create = codecommit.create_repository
    assert failure(create, repositoryName="app", kmsKeyId="alias/mine")[0] == (
        "EncryptionKeyNotFoundException"
    )
    many = {f"k{number}": "" for number in range(51)}
    assert failure(create, repositoryName="app", tags=many)[0] == "TooManyTagsException"
    assert codecommit.list_repositories()["repositories"] == []
    names = [f"r{number}" for number in range(101)]
    assert failure(codecommit.batch_get_repositories, repositoryNames=names)[0] == (
        "MaximumRepositoryNamesExceededException"
    )
    assert len(codecommit.batch_get_repositories(repositoryNames=names[:100])[
        "repositoriesNotFound"
    ]) == 100  # fmt: skip


def test_the_aws_command_makes_a_repository_and_a_branch(server: Any, codecommit: Any) -> None:
    aws = aws_command(server.url)
    made = aws("codecommit", "create-repository", "--repository-name", "app")["repositoryMetadata"]
    found = codecommit.get_repository(repositoryName="app")["repositoryMetadata"]
    assert found["repositoryId"] == made["repositoryId"]
    put = aws("codecommit", "put-file", "--repository-name", "app", "--branch-name", "main",
              "--file-path", "a", "--file-content", "MQ==")  # fmt: skip
    assert codecommit.get_file(repositoryName="app", filePath="a")["commitId"] == put["commitId"]
    aws("codecommit", "create-branch", "--repository-name", "app", "--branch-name", "next",
        "--commit-id", put["commitId"])  # fmt: skip
    assert codecommit.list_branches(repositoryName="app")["branches"] == ["main", "next"]
    # moto codecommit/exceptions.py
    assert aws("codecommit", "get-repository", "--repository-name", "no", refused=True).endswith(
        "An error occurred (RepositoryDoesNotExistException) when calling the GetRepository "
        "operation: no does not exist"
    )
