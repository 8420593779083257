"""Wait conditions, creation policies and SignalResource."""

import json
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.contract.cloudformation.answered_server import AnsweredServer
from tests.contract.cloudformation.provider import put
from tests.stack_world import thing
from tests.waiting import until

HANDLE = {"Type": "AWS::CloudFormation::WaitConditionHandle"}
INSTANCE = "AWS::EC2::Instance"
GROUP = "AWS::AutoScaling::AutoScalingGroup"


@pytest.fixture
def server(aws_server: Any, tmp_path: Path) -> AnsweredServer:
    return AnsweredServer(aws_server, tmp_path)


def wait(timeout: Any = 20, **more: Any) -> dict[str, Any]:
    return {
        "Type": "AWS::CloudFormation::WaitCondition",
        "Properties": {"Handle": {"Ref": "Handle"}, "Timeout": timeout, **more},
    }


def body(outputs: dict[str, Any] | None = None, **resources: Any) -> str:
    document: dict[str, Any] = {"Resources": resources}
    if outputs:
        document["Outputs"] = {name: {"Value": value} for name, value in outputs.items()}
    return json.dumps(document)


def begun(server: AnsweredServer, template: str, resource: str, name: str = "app") -> str:
    """Create a stack, and return the physical id of a resource once it has one."""
    server.client.create_stack(StackName=name, TemplateBody=template)
    return physical_id(server, resource, name)


def physical_id(server: AnsweredServer, resource: str, name: str = "app") -> str:
    def found() -> str | None:
        described = server.client.describe_stack_resources(StackName=name)["StackResources"]
        ids = {one["LogicalResourceId"]: one.get("PhysicalResourceId") for one in described}
        return ids.get(resource)

    return str(until(found))


def told(server: AnsweredServer, resource: str, name: str = "app") -> list[tuple[str, str | None]]:
    return [(one[2], one[3]) for one in server.events(name) if one[0] == resource]


def word(unique_id: str = "u", status: str = "SUCCESS", data: Any = "d") -> bytes:
    return json.dumps(
        {"Status": status, "UniqueId": unique_id, "Reason": "because", "Data": data}
    ).encode()


def test_a_wait_condition(server: AnsweredServer) -> None:
    template = body({"Data": {"Fn::GetAtt": ["Wait", "Data"]}}, Handle=HANDLE, Wait=wait(Count=2))
    address = begun(server, template, "Handle")
    assert address.startswith(f"{server.response_url}/_penstock/responses/")
    assert put(address, word("one", data="first")) == 200
    assert put(address, word("one", data="again")) == 200
    assert put(address, word("two", data={"a": 1})) == 200
    stack = server.ended("app")
    assert stack["StackStatus"] == "CREATE_COMPLETE"
    [output] = stack["Outputs"]
    assert output["OutputValue"] == '{"one":"first","two":"{\\"a\\": 1}"}'
    assert physical_id(server, "Wait") == f"{stack['StackId']}/Handle"
    server.client.delete_stack(StackName="app")
    assert server.ended(stack["StackId"])["StackStatus"] == "DELETE_COMPLETE"
    assert put(address, word("three")) == 200, "taken, and nothing comes of it"


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        (
            word(status="FAILURE"),
            "WaitCondition received failed message: 'because' for uniqueId: u",
        ),
        (b"oops", "Unparsable WaitCondition data"),
        (b'{"Status":"SUCCESS"}', "Unparsable WaitCondition data"),
        (word(status="MAYBE"), "Unparsable WaitCondition data"),
        (word(data="x" * 5000), "Unparsable WaitCondition data"),
    ],
)
def test_wait_conditions_that_fail(server: AnsweredServer, sent: bytes, reason: str) -> None:
    address = begun(server, body(Handle=HANDLE, Wait=wait()), "Handle")
    put(address, sent)
    assert server.ended("app")["StackStatus"] == "ROLLBACK_COMPLETE"
    assert ("CREATE_FAILED", reason) in told(server, "Wait")


def test_a_wait_condition_in_vain(server: AnsweredServer) -> None:
    stack = server.create("app", body(Handle=HANDLE, Wait=wait(timeout="1", Count="3")))
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    reason = "WaitCondition timed out. Received 0 conditions when expecting 3"
    assert ("CREATE_FAILED", reason) in told(server, "Wait")


def test_a_wait_condition_is_not_changed(server: AnsweredServer) -> None:
    address = begun(server, body(Handle=HANDLE, Wait=wait()), "Handle")
    put(address, word())
    server.ended("app")
    stack = server.update("app", body(Handle=HANDLE, Wait=wait(timeout=99)))
    assert stack["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    reason = "Update to resource type AWS::CloudFormation::WaitCondition is not supported."
    assert ("UPDATE_FAILED", reason) in told(server, "Wait")


def test_a_handle_that_is_none(server: AnsweredServer) -> None:
    waits = wait()
    waits["Properties"]["Handle"] = "https://elsewhere.example/"
    assert server.create("app", body(Wait=waits))["StackStatus"] == "ROLLBACK_COMPLETE"
    assert any("Handle must be the Ref" in (reason or "") for _, reason in told(server, "Wait"))


def test_a_wait_condition_that_waits_for_nothing(server: AnsweredServer) -> None:
    stack = server.create("app", body(Wait={"Type": "AWS::CloudFormation::WaitCondition"}))
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    told_of = [reason or "" for _, reason in told(server, "Wait")]
    assert any("required key [Handle] not found" in reason for reason in told_of)


def signalled(type: str = INSTANCE, count: Any = 1, timeout: Any = "PT20S", **more: Any) -> Any:
    properties = {"MinSize": "0", "MaxSize": "9"} if type == GROUP else {}
    policy = {"ResourceSignal": {"Count": count, "Timeout": timeout}, **more}
    return {"Type": type, "Properties": properties, "CreationPolicy": policy}


def signal(
    server: AnsweredServer, unique_id: str, status: str = "SUCCESS", name: str = "A"
) -> None:
    server.client.signal_resource(
        StackName="app", LogicalResourceId=name, UniqueId=unique_id, Status=status
    )


def refusal(server: AnsweredServer, unique_id: str = "u", name: str = "A") -> str:
    with pytest.raises(ClientError) as caught:
        signal(server, unique_id, name=name)
    assert caught.value.response["Error"]["Code"] == "ValidationError"
    return str(caught.value.response["Error"]["Message"])


def test_signal_resource(server: AnsweredServer) -> None:
    later = {**thing(), "DependsOn": "A"}
    policy = {"Ref": "Count"}
    made = signalled(count=policy, timeout={"Fn::Sub": "PT${Seconds}S"})
    parameters = {name: {"Type": "Number", "Default": default} for name, default in
                  (("Count", 2), ("Seconds", 30))}  # fmt: skip
    template = json.dumps({"Parameters": parameters, "Resources": {"A": made, "Later": later}})
    begun(server, template, "A")
    assert refusal(server, name="Later") == "Resource Later does not exist for stack app"
    signal(server, "i-1")
    assert refusal(server, "i-1") == (
        "Signal with ID i-1 for resource A already exists. Signals may only be updated with a "
        "FAILURE status."
    )
    assert server.client.describe_stacks(StackName="app")["Stacks"][0]["StackStatus"] == (
        "CREATE_IN_PROGRESS"
    )
    signal(server, "i-2")
    stack = server.ended("app")
    assert stack["StackStatus"] == "CREATE_COMPLETE"
    assert [reason for _, reason in told(server, "A")][1:4] == [
        "Resource creation Initiated",
        "Received SUCCESS signal with UniqueId i-1",
        "Received SUCCESS signal with UniqueId i-2",
    ]
    assert told(server, "A")[-1] == ("CREATE_COMPLETE", "recorded only: nothing runs behind it")
    assert refusal(server) == (
        f"Stack {stack['StackId']} is in CREATE_COMPLETE state and cannot be signaled"
    )


def test_a_resource_that_waits_for_none(server: AnsweredServer) -> None:
    done = {"Type": "AWS::SQS::Queue"}
    begun(server, body(A=signalled(), Done=done), "A")
    until(lambda: told(server, "Done")[-1][0] == "CREATE_COMPLETE")
    expected = "Resource Done is in CREATE_COMPLETE state and cannot be signaled"
    assert refusal(server, name="Done") == expected
    signal(server, "u")
    server.ended("app")


def test_an_unknown_stack(server: AnsweredServer) -> None:
    assert refusal(server) == "Stack [app] does not exist"


def test_a_failure_signal(server: AnsweredServer) -> None:
    begun(server, body(A=signalled(count=2)), "A")
    signal(server, "i-1")
    signal(server, "i-1", "FAILURE")
    assert server.ended("app")["StackStatus"] == "ROLLBACK_COMPLETE"
    assert ("CREATE_FAILED", "Received FAILURE signal with UniqueId i-1") in told(server, "A")


@pytest.mark.parametrize("type_", [INSTANCE, "AWS::CloudFormation::WaitCondition"])
def test_signals_that_do_not_come(server: AnsweredServer, type_: str) -> None:
    stack = server.create("app", body(A=signalled(type_, count="2", timeout="PT1S")))
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    reason = "Failed to receive 2 resource signal(s) within the specified duration"
    assert ("CREATE_FAILED", reason) in told(server, "A")


def test_a_group_counts_failures(server: AnsweredServer) -> None:
    share = {"AutoScalingCreationPolicy": {"MinSuccessfulInstancesPercent": 50}}
    begun(server, body(A=signalled(GROUP, count=2, **share)), "A")
    signal(server, "i-1", "FAILURE")
    signal(server, "i-2")
    assert server.ended("app")["StackStatus"] == "CREATE_COMPLETE"


def test_a_group_in_vain(server: AnsweredServer) -> None:
    stack = server.create("app", body(A=signalled(GROUP, timeout="PT1S")))
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    reasons = [reason for _, reason in told(server, "A")]
    assert (
        "Failed to receive 1 resource signal(s) for the current batch.  Each resource signal "
        "timeout is counted as a FAILURE."
    ) in reasons
    assert (
        "Received 0 SUCCESS signal(s) out of 1.  Unable to satisfy 100% "
        "MinSuccessfulInstancesPercent requirement"
    ) in reasons


def test_a_rolling_update_waits(server: AnsweredServer) -> None:
    def group(subnet: str) -> dict[str, Any]:
        rolling = {"WaitOnResourceSignals": True, "PauseTime": "PT20S", "MaxBatchSize": "2"}
        return {
            "Type": GROUP,
            "Properties": {"MinSize": "2", "MaxSize": "2", "VPCZoneIdentifier": [subnet]},
            "UpdatePolicy": {"AutoScalingRollingUpdate": rolling},
        }

    assert server.create("app", body(A=group("s-1")))["StackStatus"] == "CREATE_COMPLETE"
    server.client.update_stack(StackName="app", TemplateBody=body(A=group("s-2")))
    until(lambda: told(server, "A")[-1][0] == "UPDATE_IN_PROGRESS")
    signal(server, "i-1")
    signal(server, "i-2")
    assert server.ended("app")["StackStatus"] == "UPDATE_COMPLETE"
    assert ("UPDATE_IN_PROGRESS", "Received SUCCESS signal with UniqueId i-2") in told(server, "A")


@pytest.mark.parametrize(
    ("resource", "text"),
    [
        ({**thing(), "CreationPolicy": {"ResourceSignal": {}}}, "CreationPolicy is not supported"),
        ({**signalled(), "CreationPolicy": {"Signal": {}}}, "has ResourceSignal; found Signal"),
        ({**thing(), "UpdatePolicy": {"UseOnlineResharding": True}}, "UpdatePolicy is not supp"),
    ],
)
def test_policies_that_are_none(server: AnsweredServer, resource: Any, text: str) -> None:
    with pytest.raises(ClientError, match=text):
        server.client.create_stack(StackName="app", TemplateBody=body(A=resource))


@pytest.mark.parametrize("policy", [{"Count": "-1"}, {"Timeout": "15M"}, {"Timeout": "PT13H"}])
def test_policies_that_are_wrong(server: AnsweredServer, policy: Any) -> None:
    made = {"Type": INSTANCE, "CreationPolicy": {"ResourceSignal": policy}}
    assert server.create("app", body(A=made))["StackStatus"] == "ROLLBACK_COMPLETE"
    [name] = policy
    assert any(name in (reason or "") for _, reason in told(server, "A"))
