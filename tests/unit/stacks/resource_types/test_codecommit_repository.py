"""AWS::CodeCommit::Repository beyond what all types do."""

from tests.resource_world import ACCOUNT, REGION, ResourceWorld

from penstock.stacks.handlers.handler import Failed, Succeeded

TYPE = "AWS::CodeCommit::Repository"


async def test_a_repository_is_renamed_in_place(world: ResourceWorld) -> None:
    before = {"RepositoryName": "app", "RepositoryDescription": "the application"}
    made = await world.made(TYPE, before)
    kept = await world.call("codecommit", "GetRepository", repositoryName="app")
    assert kept["repositoryMetadata"]["repositoryDescription"] == "the application"
    assert made.physical_resource_id == kept["repositoryMetadata"]["repositoryId"]
    assert made.attributes == {
        "Arn": f"arn:aws:codecommit:{REGION}:{ACCOUNT}:app",
        "CloneUrlHttp": "http://127.0.0.1:4600/v1/repos/app",
        "Name": "app",
        "RepositoryId": made.physical_resource_id,
    }
    after = {"RepositoryName": "todo", "Tags": [{"Key": "a", "Value": "1"}]}
    updated = await world.update(TYPE, made, before, after)
    assert isinstance(updated, Succeeded)
    assert updated.physical_resource_id == made.physical_resource_id
    assert updated.attributes["CloneUrlHttp"].endswith("/v1/repos/todo")
    again = await world.update(TYPE, made, before, after, resumed=True)
    assert again == updated
    answer = await world.call(
        "codecommit", "ListTagsForResource", resourceArn=updated.attributes["Arn"]
    )
    assert answer["tags"]["a"] == "1"
    assert answer["tags"]["aws:cloudformation:stack-name"] == "dev"
    failed = await world.create(TYPE, {"RepositoryName": "x", "Triggers": []})
    assert isinstance(failed, Failed)
    assert "/Triggers" in failed.message
