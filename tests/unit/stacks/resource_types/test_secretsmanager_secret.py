"""AWS::SecretsManager::Secret beyond what all types do."""

import json

from tests.resource_world import ResourceWorld

from penstock.stacks.handlers.handler import Failed, Succeeded

TYPE = "AWS::SecretsManager::Secret"


async def value(world: ResourceWorld, secret: Succeeded) -> str:
    answer = await world.call(
        "secretsmanager", "GetSecretValue", SecretId=secret.physical_resource_id
    )
    return str(answer["SecretString"])


async def test_a_password_is_generated_in_its_template(world: ResourceWorld) -> None:
    asked = {
        "SecretStringTemplate": '{"username": "app"}', "GenerateStringKey": "password",
        "PasswordLength": "20", "ExcludePunctuation": "true",
    }  # fmt: skip
    before = {"GenerateSecretString": asked, "Description": "the database's"}
    made = await world.made(TYPE, before)
    first = json.loads(await value(world, made))
    assert first["username"] == "app"
    assert len(first["password"]) == 20
    assert first["password"].isalnum()
    resumed = await world.made(TYPE, before, resumed=True)
    assert resumed == made
    assert json.loads(await value(world, made)) == first
    described = {**before, "Description": "another's"}
    assert await world.update(TYPE, made, before, described) == made
    assert json.loads(await value(world, made)) == first  # only a changed request makes another
    await world.update(TYPE, made, described, {"SecretString": "given"})
    assert await value(world, made) == "given"


async def test_a_secret_goes_without_a_recovery_window(world: ResourceWorld) -> None:
    made = await world.made(TYPE, {"Name": "app", "SecretString": "x"})
    assert made.attributes == {"Id": made.physical_resource_id}
    await world.delete(TYPE, made, {"Name": "app", "SecretString": "x"})
    again = await world.made(TYPE, {"Name": "app", "SecretString": "y"}, "Other")
    assert await value(world, again) == "y"


async def test_values_that_contradict_are_refused(world: ResourceWorld) -> None:
    for properties, text in (
        ({"SecretString": "x", "GenerateSecretString": {}}, "both SecretString"),
        ({"GenerateSecretString": {"GenerateStringKey": "k"}}, "must be given together"),
        (
            {"GenerateSecretString": {"GenerateStringKey": "k", "SecretStringTemplate": "["}},
            "must be a JSON object",
        ),
        ({"ReplicaRegions": [{"Region": "eu-west-1"}]}, "/ReplicaRegions"),
    ):
        failed = await world.create(TYPE, properties)
        assert isinstance(failed, Failed)
        assert text in failed.message
