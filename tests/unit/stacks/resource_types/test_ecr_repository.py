"""AWS::ECR::Repository beyond what all types do."""

from tests.resource_world import ACCOUNT, REGION, ResourceWorld

from penstock.stacks.handlers.handler import Failed, Succeeded

TYPE = "AWS::ECR::Repository"


async def test_a_repository_has_its_address_and_tags(world: ResourceWorld) -> None:
    properties = {"Tags": [{"Key": "team", "Value": "mine"}]}
    made = await world.made(TYPE, properties, "AppImages")
    name = made.physical_resource_id
    assert name.startswith("dev-appimages-")
    assert made.attributes == {
        "Arn": f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/{name}",
        "RepositoryUri": f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/{name}",
    }
    after = {"ImageScanningConfiguration": {"ScanOnPush": "true"}}
    assert await world.update(TYPE, made, properties, after) == made
    [found] = (await world.call("ecr", "DescribeRepositories"))["repositories"]
    assert found["imageScanningConfiguration"] == {"scanOnPush": True}
    answer = await world.call("ecr", "ListTagsForResource", resourceArn=made.attributes["Arn"])
    tags = {tag["Key"]: tag["Value"] for tag in answer["tags"]}
    assert tags["team"] == "delivery"
    assert tags["aws:cloudformation:logical-id"] == "AppImages"


async def test_images_keep_a_repository_unless_it_is_emptied(world: ResourceWorld) -> None:
    made = await world.made(TYPE, {"RepositoryName": "app"})
    await world.push("app")
    failed = await world.delete(TYPE, made, {"RepositoryName": "app"})
    assert isinstance(failed, Failed)
    assert failed.physical_resource_id == "app"
    assert "cannot be deleted because it still contains images" in failed.message
    emptied = {"RepositoryName": "app", "EmptyOnDelete": "true"}
    assert isinstance(await world.delete(TYPE, made, emptied), Succeeded)
    assert await world.read(TYPE, made, emptied) is None


async def test_what_our_registry_cannot_hold_is_refused(world: ResourceWorld) -> None:
    for properties, text in (
        ({"ImageTagMutability": "IMMUTABLE"}, "IMMUTABLE"),
        ({"LifecyclePolicy": {"LifecyclePolicyText": "{}"}}, "/LifecyclePolicy"),
        ({"RepositoryPolicyText": {}}, "/RepositoryPolicyText"),
        ({"EncryptionConfiguration": {"EncryptionType": "KMS"}}, "KMS"),
        ({"ImageScanningConfiguration": {"Deep": True}}, "/ImageScanningConfiguration/Deep"),
    ):
        failed = await world.create(TYPE, properties)
        assert isinstance(failed, Failed)
        assert text in failed.message
    assert (await world.call("ecr", "DescribeRepositories"))["repositories"] == []
