"""A stack's own tags, on what it has."""

import msgspec
import pytest
from tests.resource_world import ROOT, ResourceWorld

from penstock.stacks.handlers.handler import Succeeded

TYPES = {
    "AWS::CodeCommit::Repository": {"RepositoryName": "app"},
    "AWS::ECR::Repository": {},
    "AWS::Logs::LogGroup": {},
    "AWS::S3::Bucket": {},
    "AWS::SNS::Topic": {},
    "AWS::SSM::Parameter": {"Type": "String", "Value": "x"},
    "AWS::SecretsManager::Secret": {"SecretString": "x"},
}


@pytest.mark.parametrize("type", TYPES)
async def test_a_stacks_changed_tags_reach_its_resources(world: ResourceWorld, type: str) -> None:
    properties = TYPES[type]
    made = await world.made(type, properties)
    request = world.request(type, properties)
    own = {key: value for key, value in request.tags.items() if key != "team"}
    updated = await world.types[type].update(
        msgspec.structs.replace(
            request, tags={**own, "cost": "1"}, previous_properties=properties,
            physical_resource_id=made.physical_resource_id, attributes=made.attributes,
            principal=ROOT,
        ),
        None,
    )  # fmt: skip
    assert isinstance(updated, Succeeded), updated
    tags = await world.types[type].tags(request, made)  # type: ignore[attr-defined]
    assert tags == {**own, "cost": "1"}
