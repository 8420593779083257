"""AWS::Lambda::Function and AWS::Lambda::Permission: what is their own."""

import io
import json
import tarfile
from typing import Any

import pytest
from tests.resource_world import ACCOUNT, REGION, ResourceWorld

from penstock.stacks.display import Secrets
from penstock.stacks.drift.comparison import compare
from penstock.stacks.handlers.handler import (
    Comparable,
    Failed,
    HandlerErrorCode,
    Succeeded,
    Support,
)
from penstock.stacks.schemas import resource_schema

FUNCTION, PERMISSION = "AWS::Lambda::Function", "AWS::Lambda::Permission"
TRUST = json.dumps({
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "lambda.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    ],
})  # fmt: skip
PROPERTIES = {
    "FunctionName": "worker",
    "Runtime": "python3.12",
    "Handler": "index.handler",
    "Role": f"arn:aws:iam::{ACCOUNT}:role/worker",
    "Code": {"ZipFile": "def handler(event, context): return 1"},
}


@pytest.fixture(autouse=True)
async def _role(world: ResourceWorld) -> None:
    await world.call("iam", "CreateRole", RoleName="worker", AssumeRolePolicyDocument=TRUST)


async def configuration(world: ResourceWorld, name: str = "worker") -> dict[str, Any]:
    return dict(await world.call("lambda", "GetFunctionConfiguration", FunctionName=name))


async def files(world: ResourceWorld, name: str = "worker") -> dict[str, bytes]:
    """The function's code as it is put into its container."""
    [service] = [each for each in world.in_process.services() if each.name == "lambda"]
    functions = service.operations["GetFunction"].args[0].functions  # type: ignore[attr-defined]
    [function] = [each for each, _ in await functions.all() if each.name == name]
    packed = functions.blobs.path(function.code.blob_id).read_bytes()
    with tarfile.open(fileobj=io.BytesIO(packed)) as tar:
        found = {member.name: tar.extractfile(member) for member in tar}
        return {path: content.read() for path, content in found.items() if content is not None}


async def test_code_in_the_template_comes_with_the_module_that_answers(
    world: ResourceWorld,
) -> None:
    made = await world.made(FUNCTION, PROPERTIES)
    assert made.attributes == {"Arn": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:worker"}
    found = await files(world)
    assert found["index.py"] == b"def handler(event, context): return 1"
    assert b"def send(" in found["cfnresponse.py"]
    node = {**PROPERTIES, "FunctionName": "node", "Runtime": "nodejs20.x",
            "Code": {"ZipFile": "exports.handler = async () => 1"}}  # fmt: skip
    await world.made(FUNCTION, node)
    assert (await files(world, "node")).keys() == {"index.js", "cfn-response.js"}


async def test_an_update_sends_what_changed_and_unsets_what_is_gone(world: ResourceWorld) -> None:
    before = {
        **PROPERTIES,
        "Timeout": "20",
        "MemorySize": 256,
        "Environment": {"Variables": {"STAGE": "dev"}},
        "LoggingConfig": {"LogGroup": "/own"},
    }
    made = await world.made(FUNCTION, before)
    shown = await configuration(world)
    assert (shown["Timeout"], shown["MemorySize"]) == (20, 256)
    assert shown["LoggingConfig"]["LogGroup"] == "/own"
    after = {
        **PROPERTIES,
        "MemorySize": 512,
        "Code": {"ZipFile": "def handler(event, context): return 2"},
    }
    assert isinstance(await world.update(FUNCTION, made, before, after), Succeeded)
    shown = await configuration(world)
    assert (shown["Timeout"], shown["MemorySize"]) == (3, 512)
    assert "Environment" not in shown
    assert shown["LoggingConfig"]["LogGroup"] == "/aws/lambda/worker"
    assert (await files(world))["index.py"] == b"def handler(event, context): return 2"


async def test_a_role_that_does_not_trust_lambda_fails_it(world: ResourceWorld) -> None:
    trust = TRUST.replace("lambda.amazonaws.com", "ec2.amazonaws.com")
    await world.call("iam", "CreateRole", RoleName="other", AssumeRolePolicyDocument=trust)
    failed = await world.create(
        FUNCTION, {**PROPERTIES, "Role": f"arn:aws:iam::{ACCOUNT}:role/other"}
    )
    assert isinstance(failed, Failed)
    assert failed.code is HandlerErrorCode.INVALID_REQUEST
    assert "The role defined for the function cannot be assumed by Lambda." in failed.message


async def test_code_in_the_template_of_another_language_is_refused(world: ResourceWorld) -> None:
    failed = await world.create(FUNCTION, {**PROPERTIES, "Runtime": "java21"})
    assert isinstance(failed, Failed)
    assert "must be Python or Node.js, found the runtime 'java21'" in failed.message


async def test_layers_are_refused_by_name(world: ResourceWorld) -> None:
    failed = await world.create(FUNCTION, {**PROPERTIES, "Layers": ["arn:aws:lambda:…"]})
    assert isinstance(failed, Failed)
    assert "cannot honour the property /Layers" in failed.message


async def test_a_permission_stands_in_the_policy_of_its_function(world: ResourceWorld) -> None:
    await world.made(FUNCTION, PROPERTIES)
    properties = {
        "FunctionName": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:worker",
        "Action": "lambda:InvokeFunction",
        "Principal": "s3.amazonaws.com",
        "SourceArn": "arn:aws:s3:::things",
        "SourceAccount": ACCOUNT,
    }
    made = await world.made(PERMISSION, properties)
    policy = json.loads((await world.call("lambda", "GetPolicy", FunctionName="worker"))["Policy"])
    assert policy["Statement"] == [
        {
            "Sid": made.physical_resource_id,
            "Effect": "Allow",
            "Principal": {"Service": "s3.amazonaws.com"},
            "Action": "lambda:InvokeFunction",
            "Resource": properties["FunctionName"],
            "Condition": {
                "StringEquals": {"AWS:SourceAccount": ACCOUNT},
                "ArnLike": {"AWS:SourceArn": "arn:aws:s3:::things"},
            },
        }
    ]
    assert await world.read(PERMISSION, made, properties) == made
    await world.delete(PERMISSION, made, properties)
    assert await world.read(PERMISSION, made, properties) is None


async def drift(world: ResourceWorld, properties: dict[str, Any]) -> set[tuple[str, str]]:
    handler = world.types[FUNCTION]
    assert isinstance(handler, Comparable)
    request = world.request(
        FUNCTION, properties, physical_resource_id="worker", tags={"team": "delivery"},
        attributes={"Arn": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:worker"},
    )  # fmt: skip
    actual = await handler.actual_properties(request)
    found = compare(properties, actual, resource_schema.schema(FUNCTION), Secrets(frozenset()))
    return {(each.path, each.kind) for each in found.differences}


async def test_drift_is_found_in_all_but_the_code(world: ResourceWorld) -> None:
    properties = {
        **PROPERTIES,
        "Timeout": "20",
        "MemorySize": 256,
        "Environment": {"Variables": {"STAGE": "dev"}},
        "LoggingConfig": {"LogGroup": "/own"},
        "Tags": [{"Key": "own", "Value": "1"}],
    }
    await world.made(FUNCTION, properties)
    assert await drift(world, properties) == set()
    await world.call(
        "lambda", "UpdateFunctionConfiguration", FunctionName="worker", Timeout=30,
        Environment={"Variables": {"STAGE": "prod"}},
    )  # fmt: skip
    assert await drift(world, properties) == {
        ("/Timeout", "NOT_EQUAL"), ("/Environment/Variables/STAGE", "NOT_EQUAL"),
    }  # fmt: skip


async def test_variables_that_are_looked_up_are_not_read(world: ResourceWorld) -> None:
    await world.made(FUNCTION, {**PROPERTIES, "Environment": {"Variables": {"PASSWORD": "hush"}}})
    reference = "{{resolve:secretsmanager:db:SecretString:password}}"
    properties = {**PROPERTIES, "Environment": {"Variables": {"PASSWORD": reference}}}
    assert await drift(world, properties) == set()


def test_what_stands_behind_them(world: ResourceWorld) -> None:
    assert world.types[FUNCTION].support is Support.RUNNING
    assert world.types[PERMISSION].support is Support.KEPT
