"""Functions through boto3. Messages: https://docs.aws.amazon.com/lambda/latest/api/ and moto."""

import asyncio
import base64
import hashlib
import os
import re
import threading
import zipfile
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from typing import Any

import pytest
from botocore.exceptions import ClientError

from penstock.aws.large_bodies import MOST_AT_ONCE
from penstock.workloads.functions.function import reference

from .conftest import ACCOUNT, REGION, LambdaServer, zipped

ARN = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:worker"


def error(raised: pytest.ExceptionInfo[ClientError]) -> tuple[str, str]:
    found = raised.value.response["Error"]
    return found["Code"], found["Message"]


def refused(call: Any, **request: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as raised:
        call(**request)
    return error(raised)


def test_a_function_is_made_and_shown(server: LambdaServer) -> None:
    code = zipped()
    made = server.create(
        Description="works", Timeout=20, MemorySize=256, Tags={"team": "delivery"},
        Environment={"Variables": {"STAGE": "dev"}}, Code={"ZipFile": code},
    )  # fmt: skip
    assert made["FunctionArn"] == ARN
    assert made["CodeSize"] == len(code)
    assert made["CodeSha256"] == base64.b64encode(hashlib.sha256(code).digest()).decode()
    assert (made["Timeout"], made["MemorySize"], made["Version"]) == (20, 256, "$LATEST")
    assert made["Environment"] == {"Variables": {"STAGE": "dev"}}
    assert (made["State"], made["PackageType"]) == ("Active", "Zip")
    for name in ("worker", ARN, f"{ACCOUNT}:function:worker"):
        found = server.client.get_function(FunctionName=name)
        assert found["Configuration"] == made
        assert found["Tags"] == {"team": "delivery"}
    shown = server.client.get_function_configuration(FunctionName="worker", Qualifier="$LATEST")
    assert shown["FunctionArn"] == f"{ARN}:$LATEST"
    server.client.get_waiter("function_active_v2").wait(FunctionName="worker")


def test_variables_are_encrypted_at_rest(server: LambdaServer) -> None:
    server.create(Environment={"Variables": {"PASSWORD": "hush-hush"}})
    for path in server.directory.glob("penstock.db*"):
        assert b"hush-hush" not in path.read_bytes()


def test_defaults(server: LambdaServer) -> None:
    made = server.create()
    assert (made["Timeout"], made["MemorySize"], made["Description"]) == (3, 128, "")
    assert made["LoggingConfig"] == {"LogFormat": "Text", "LogGroup": "/aws/lambda/worker"}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"Runtime": "java21"}, "Penstock does not run functions of the runtime java21."),
        ({"Runtime": "python3.7"}, "The runtime parameter of python3.7 is no longer supported"),
        ({"Layers": ["arn:aws:lambda:us-east-1:123456789012:layer:l:1"]}, "cannot honour Layers"),
        ({"DeadLetterConfig": {"TargetArn": f"arn:aws:sns:us-east-1:{ACCOUNT}:t"}},
         "cannot honour DeadLetterConfig"),
        ({"Publish": True}, "cannot honour a published version"),
        ({"Timeout": 901}, "Member must have value less than or equal to 900"),
        ({"Code": {"ZipFile": b"no archive"}}, "Could not unzip uploaded file."),
        ({"Code": {}}, "Please provide a source for function code."),
        ({"Environment": {"Variables": {"AWS_REGION": "x"}}}, "Reserved keys used in this request"),
        ({"Environment": {"Variables": {"A1": "x" * 5000}}}, "exceeded the 4KB limit"),
        ({"PackageType": "Image", "Code": {"ImageUri": "x"}}, "the package type Image"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused(
    server: LambdaServer, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(ClientError) as raised:
        server.create(**changes)
    code, text = error(raised)
    assert code == "InvalidParameterValueException"
    assert message in text
    assert server.client.list_functions()["Functions"] == []


def test_a_role_must_trust_lambda(server: LambdaServer) -> None:
    with pytest.raises(ClientError) as raised:
        server.create(Role=server.other_role())
    assert error(raised) == (
        "InvalidParameterValueException",
        "The role defined for the function cannot be assumed by Lambda.",
    )


def test_paths_stay_inside_the_archive(server: LambdaServer) -> None:
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("../../etc/cron.d/x", "")
    with pytest.raises(ClientError, match="Expected paths inside the archive"):
        server.create(Code={"ZipFile": buffer.getvalue()})


def test_a_name_is_taken_once(server: LambdaServer) -> None:
    server.create()
    with pytest.raises(ClientError) as raised:
        server.create()
    assert error(raised) == ("ResourceConflictException", "Function already exist: worker")


def test_code_of_a_bucket(server: LambdaServer) -> None:
    server.s3.create_bucket(Bucket="code")
    server.s3.put_object(Bucket="code", Key="f.zip", Body=zipped(app="x = 1"))
    made = server.create(Code={"S3Bucket": "code", "S3Key": "f.zip"})
    assert made["CodeSize"] == len(zipped(app="x = 1"))
    with pytest.raises(ClientError) as raised:
        server.create("other", Code={"S3Bucket": "code", "S3Key": "none.zip"})
    code, text = error(raised)
    assert code == "InvalidParameterValueException"
    assert text.startswith("Error occurred while GetObject. S3 Error Code: NoSuchKey.")


def test_what_is_not_there(server: LambdaServer) -> None:
    missing = ("ResourceNotFoundException", f"Function not found: {ARN}")
    client = server.client
    assert refused(client.get_function, FunctionName="worker") == missing
    assert refused(client.get_function_configuration, FunctionName="worker") == missing
    assert refused(client.delete_function, FunctionName="worker") == missing
    assert refused(client.invoke, FunctionName="worker") == missing
    assert refused(client.list_tags, Resource=ARN) == missing
    server.create()
    assert refused(client.get_function, FunctionName="worker", Qualifier="live") == (
        "ResourceNotFoundException",
        f"Function not found: {ARN}:live",
    )


def test_subnets_are_kept_until_they_are_taken_away(server: LambdaServer) -> None:
    vpc = {"SubnetIds": ["subnet-1"], "SecurityGroupIds": ["sg-1"]}
    assert server.create(VpcConfig=vpc)["VpcConfig"] == vpc
    changed = server.client.update_function_configuration(
        FunctionName="worker", VpcConfig={"SubnetIds": [], "SecurityGroupIds": []}
    )
    assert "VpcConfig" not in changed


def test_configuration_is_changed(server: LambdaServer) -> None:
    made = server.create(Timeout=5, Environment={"Variables": {"STAGE": "dev"}})
    changed = server.client.update_function_configuration(
        FunctionName="worker", MemorySize=512, Environment={"Variables": {}},
        RevisionId=made["RevisionId"],
    )  # fmt: skip
    assert (changed["Timeout"], changed["MemorySize"]) == (5, 512)
    assert "Environment" not in changed
    code, _ = refused(
        server.client.update_function_configuration,
        FunctionName="worker", Timeout=6, RevisionId=made["RevisionId"],
    )  # fmt: skip
    assert code == "PreconditionFailedException"
    server.client.get_waiter("function_updated_v2").wait(FunctionName="worker")


def test_code_is_replaced_and_the_old_is_gone(server: LambdaServer) -> None:
    made = server.create()
    dry = server.client.update_function_code(
        FunctionName="worker", ZipFile=zipped(app="x = 2"), DryRun=True
    )
    assert dry["CodeSha256"] == made["CodeSha256"]
    changed = server.client.update_function_code(FunctionName="worker", ZipFile=zipped(app="x = 2"))
    assert changed["CodeSha256"] != made["CodeSha256"]
    assert len(server.aws.run(server.functions.blobs.ids())) == 1
    server.client.delete_function(FunctionName="worker")
    assert server.aws.run(server.functions.blobs.ids()) == []
    assert server.client.list_functions()["Functions"] == []


def test_only_code_may_be_large(server: LambdaServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every operation's body was read up to 70 MB, before its caller was proven."""
    server.create()
    with pytest.raises(ClientError) as raised:
        server.client.update_function_configuration(
            FunctionName="worker", Description="x" * (5 << 20)
        )
    found = raised.value.response
    assert found["Error"]["Code"] == "RequestEntityTooLargeException"
    assert found["ResponseMetadata"]["HTTPStatusCode"] == 413
    monkeypatch.setattr("penstock.aws.large_bodies.LARGE_BYTES", 10_000)
    random = base64.b64encode(os.urandom(20_000)).decode()
    for _ in range(MOST_AT_ONCE + 1):  # one after the other: each gives its place back
        server.client.update_function_code(FunctionName="worker", ZipFile=zipped(index=random))


def test_large_code_is_taken_for_few_at_once(
    server: LambdaServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.create()
    monkeypatch.setattr("penstock.aws.large_bodies.LARGE_BYTES", 10_000)
    monkeypatch.setattr("penstock.aws.large_bodies._ROOM_SECONDS", 0.5)
    keep, taken, go_on = server.functions.keep, threading.Semaphore(0), threading.Event()

    async def kept_later(archive: Any) -> Any:
        taken.release()
        await asyncio.to_thread(go_on.wait, 20)
        return await keep(archive)

    monkeypatch.setattr(server.functions, "keep", kept_later)
    random = base64.b64encode(os.urandom(20_000)).decode()
    request = {"FunctionName": "worker", "ZipFile": zipped(index=random)}
    with ThreadPoolExecutor() as pool:
        begun = [
            pool.submit(server.client.update_function_code, **request) for _ in range(MOST_AT_ONCE)
        ]
        for _ in begun:
            assert taken.acquire(timeout=20)
        with pytest.raises(ClientError) as raised:
            server.client.update_function_code(**request)
        go_on.set()
        for each in begun:
            each.result()
    assert error(raised)[0] == "ServiceUnavailableException"


def test_code_that_comes_too_late_leaves_nothing(
    server: LambdaServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, keep = server.create(), server.functions.keep

    async def kept_while_another_changes(archive: Any) -> Any:
        kept = await keep(archive)
        await server.functions.change(
            reference("worker", server.functions.place), {"description": "meanwhile"}
        )
        return kept

    monkeypatch.setattr(server.functions, "keep", kept_while_another_changes)
    code, _ = refused(
        server.client.update_function_code,
        FunctionName="worker", ZipFile=zipped(app="x = 2"), RevisionId=made["RevisionId"],
    )  # fmt: skip
    assert code == "PreconditionFailedException"
    assert len(server.aws.run(server.functions.blobs.ids())) == 1


def test_functions_are_listed_by_name_in_pages(server: LambdaServer) -> None:
    for name in ("c", "a", "b"):
        server.create(name)
    pages = server.client.get_paginator("list_functions").paginate(PaginationConfig={"PageSize": 2})
    names = [[each["FunctionName"] for each in page["Functions"]] for page in pages]
    assert names == [["a", "b"], ["c"]]


def test_tags(server: LambdaServer) -> None:
    server.create(Tags={"a": "1"})
    server.client.tag_resource(Resource=ARN, Tags={"b": "2", "c": "3"})
    server.client.untag_resource(Resource=ARN, TagKeys=["a", "b"])
    assert server.client.list_tags(Resource=ARN)["Tags"] == {"c": "3"}
    code, _ = refused(server.client.tag_resource, Resource=ARN, Tags={"aws:x": "1"})
    assert code == "InvalidParameterValueException"


def test_permissions_are_kept_and_shown(server: LambdaServer) -> None:
    server.create()
    client = server.client
    request = {
        "FunctionName": "worker",
        "StatementId": "sns",
        "Action": "lambda:InvokeFunction",
        "Principal": "sns.amazonaws.com",
        "SourceArn": f"arn:aws:sns:us-east-1:{ACCOUNT}:t",
    }
    code, _ = refused(client.get_policy, FunctionName="worker")
    assert code == "ResourceNotFoundException"
    added = client.add_permission(**request)
    assert '"Sid":"sns"' in added["Statement"]
    code, text = refused(client.add_permission, **request)
    assert code == "ResourceConflictException"
    assert text.startswith("The statement id (sns) provided already exists.")
    assert added["Statement"] in client.get_policy(FunctionName="worker")["Policy"]
    client.remove_permission(FunctionName="worker", StatementId="sns")
    code, _ = refused(client.remove_permission, FunctionName="worker", StatementId="sns")
    assert code == "ResourceNotFoundException"


def test_a_policy_may_be_so_long(server: LambdaServer) -> None:
    """It was read with every invocation, however long it had become."""
    server.create()

    source = f"arn:aws:sns:{REGION}:{ACCOUNT}:{'x' * 1000}"

    def add(sid: int) -> None:
        server.client.add_permission(
            FunctionName="worker", StatementId=str(sid), Principal="sns.amazonaws.com",
            Action="lambda:InvokeFunction", SourceArn=source,
        )  # fmt: skip

    for sid in range(16):
        add(sid)
    policy = server.client.get_policy(FunctionName="worker")["Policy"]
    assert 20_480 * 15 / 16 < len(policy) <= 20_480
    with pytest.raises(ClientError) as raised:
        add(99)
    code, text = error(raised)
    assert code == "PolicyLengthExceededException"
    assert re.fullmatch(
        r"The final policy size \(2\d{4}\) is bigger than the limit \(20480\)\.", text
    )
    assert server.client.get_policy(FunctionName="worker")["Policy"] == policy


def test_who_may_not(server: LambdaServer) -> None:
    server.create()
    reader = server.aws.client("lambda", server.aws.user("reader"))
    code, text = refused(reader.invoke, FunctionName=ARN)
    assert code == "AccessDeniedException"
    assert f"lambda:InvokeFunction on resource: {ARN} " in text
