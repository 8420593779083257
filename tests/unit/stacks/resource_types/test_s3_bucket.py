"""AWS::S3::Bucket beyond what all types do."""

from typing import Any

import pytest
from tests.resource_world import ResourceWorld

from penstock.aws.errors import ServiceError
from penstock.aws.payload import one_block
from penstock.stacks.handlers.handler import Failed, Succeeded

TYPE = "AWS::S3::Bucket"
PUBLIC_BLOCKED = {"BlockPublicAcls": True, "BlockPublicPolicy": True}
AES = {
    "ServerSideEncryptionConfiguration": [
        {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
    ]
}
OWNED = {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}


async def tags(world: ResourceWorld, bucket: str) -> dict[str, str]:
    answer = await world.call("s3", "GetBucketTagging", Bucket=bucket)
    return {tag["Key"]: tag["Value"] for tag in answer["TagSet"]}


async def test_versioning_and_tags_follow_the_template(world: ResourceWorld) -> None:
    before = {
        "VersioningConfiguration": {"Status": "Enabled"},
        "Tags": [{"Key": "a", "Value": "1"}],
        "PublicAccessBlockConfiguration": PUBLIC_BLOCKED,
        "BucketEncryption": AES,
        "OwnershipControls": OWNED,
    }
    made = await world.made(TYPE, before, "Artifacts")
    name = made.physical_resource_id
    assert name.startswith("dev-artifacts-")
    assert made.attributes["Arn"] == f"arn:aws:s3:::{name}"
    assert made.attributes["DomainName"] == f"{name}.s3.amazonaws.com"
    assert made.attributes["RegionalDomainName"] == f"{name}.s3.us-east-1.amazonaws.com"
    assert (await world.call("s3", "GetBucketVersioning", Bucket=name))["Status"] == "Enabled"
    assert (await tags(world, name))["a"] == "1"
    after = {"Tags": [{"Key": "b", "Value": "2"}]}
    assert await world.update(TYPE, made, before, after) == made
    assert (await world.call("s3", "GetBucketVersioning", Bucket=name))["Status"] == "Suspended"
    assert (await tags(world, name)) == {
        "b": "2",
        "team": "delivery",
        **{key: value for key, value in (await tags(world, name)).items() if "aws:" in key},
    }


async def test_a_user_neither_takes_nor_changes_the_stacks_tags(world: ResourceWorld) -> None:
    made = await world.made(TYPE, {})
    name = made.physical_resource_id
    own = [{"Key": key, "Value": value} for key, value in (await tags(world, name)).items()]
    mine = {"Key": "mine", "Value": "1"}
    await world.call("s3", "PutBucketTagging", Bucket=name, Tagging={"TagSet": [*own, mine]})
    assert (await tags(world, name))["mine"] == "1"
    with pytest.raises(ServiceError, match="System Tags cannot be removed by requester"):
        await world.call("s3", "PutBucketTagging", Bucket=name, Tagging={"TagSet": [mine]})
    with pytest.raises(ServiceError, match="System Tags cannot be removed by requester"):
        await world.call("s3", "DeleteBucketTagging", Bucket=name)
    changed = [{**tag, "Value": "other"} for tag in own]
    with pytest.raises(ServiceError, match="System tags cannot be added/updated by requester"):
        await world.call("s3", "PutBucketTagging", Bucket=name, Tagging={"TagSet": changed})
    assert "aws:cloudformation:stack-id" in await tags(world, name)


async def test_a_bucket_with_objects_stays(world: ResourceWorld) -> None:
    made = await world.made(TYPE, {})
    name = made.physical_resource_id
    await world.objects.put(name, "k", one_block(b"x"))
    failed = await world.delete(TYPE, made, {})
    assert isinstance(failed, Failed)
    assert failed.message.startswith("The bucket you tried to delete is not empty (Service: S3, ")
    await world.call("s3", "DeleteObject", Bucket=name, Key="k")
    assert isinstance(await world.delete(TYPE, made, {}), Succeeded)


@pytest.mark.parametrize(
    ("properties", "named"),
    [
        ({"AccessControl": "PublicRead"}, "/AccessControl"),
        ({"LifecycleConfiguration": {"Rules": []}}, "/LifecycleConfiguration"),
        ({"OwnershipControls": {"Rules": [{"ObjectOwnership": "ObjectWriter"}]}}, "/Ownership"),
        (
            {
                "BucketEncryption": {
                    "ServerSideEncryptionConfiguration": [
                        {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}}
                    ]
                }
            },
            "/BucketEncryption",
        ),
    ],
)
async def test_what_our_buckets_are_not_is_refused(
    world: ResourceWorld, properties: dict[str, Any], named: str
) -> None:
    failed = await world.create(TYPE, properties)
    assert isinstance(failed, Failed)
    assert named in failed.message
    assert (await world.call("s3", "ListBuckets"))["Buckets"] == []
    made = await world.made(TYPE, {})
    failed = await world.update(TYPE, made, {}, properties)
    assert isinstance(failed, Failed)
    assert named in failed.message
