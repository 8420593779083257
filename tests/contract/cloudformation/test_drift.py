"""Drift as boto3 sees it.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DetectStackDrift.html
"""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.contract.cloudformation.conftest import CloudFormationServer
from tests.stack_world import TYPE
from tests.waiting import until


def template(*, noted: str = "", **values: str) -> str:
    resources: dict[str, Any] = {
        name: {"Type": TYPE, "Properties": {"Type": "String", "Value": value}}
        for name, value in values.items()
    }
    resources["Queue"] = {"Type": "AWS::SQS::Queue"}
    return json.dumps({"Description": noted, "Resources": resources})


def detected(server: CloudFormationServer, name: str, **more: Any) -> dict[str, Any]:
    begun = server.client.detect_stack_drift(StackName=name, **more)["StackDriftDetectionId"]

    def ended() -> dict[str, Any] | None:
        found: dict[str, Any] = server.client.describe_stack_drift_detection_status(
            StackDriftDetectionId=begun
        )
        return None if found["DetectionStatus"] == "DETECTION_IN_PROGRESS" else found

    return until(ended)


def drifts(server: CloudFormationServer, name: str, **more: Any) -> dict[str, str]:
    found = server.client.describe_stack_resource_drifts(StackName=name, **more)
    return {
        each["LogicalResourceId"]: each["StackResourceDriftStatus"]
        for each in found["StackResourceDrifts"]
    }


def test_a_stack_in_sync(server: CloudFormationServer) -> None:
    stack = server.create("s", template(A="1", B="1"))
    found = detected(server, "s")
    assert found["StackId"] == stack["StackId"]
    assert found["DetectionStatus"] == "DETECTION_COMPLETE"
    assert (found["StackDriftStatus"], found["DriftedStackResourceCount"]) == ("IN_SYNC", 0)
    assert drifts(server, "s") == {"A": "IN_SYNC", "B": "IN_SYNC"}
    told = server.ended("s")["DriftInformation"]
    assert told["StackDriftStatus"] == "IN_SYNC"
    assert told["LastCheckTimestamp"] == found["Timestamp"]


def test_what_was_changed_and_deleted_outside(server: CloudFormationServer) -> None:
    server.create("s", template(A="1", B="1", C="1"))
    server.store.meddle("A", {"Type": "String", "Value": "2", "Extra": "x"})
    server.store.meddle("B", None)
    found = detected(server, "s")
    assert (found["StackDriftStatus"], found["DriftedStackResourceCount"]) == ("DRIFTED", 2)
    assert drifts(server, "s") == {"A": "MODIFIED", "B": "DELETED", "C": "IN_SYNC"}
    filtered = ["DELETED", "MODIFIED"]
    assert len(drifts(server, "s", StackResourceDriftStatusFilters=filtered)) == 2
    page = server.client.describe_stack_resource_drifts(StackName="s", MaxResults=1)
    [a] = page["StackResourceDrifts"]
    assert a["PropertyDifferences"] == [
        {"PropertyPath": "/Value", "ExpectedValue": "1", "ActualValue": "2",
         "DifferenceType": "NOT_EQUAL"}
    ]  # fmt: skip
    assert json.loads(a["ExpectedProperties"]) == {"Type": "String", "Value": "1"}
    assert json.loads(a["ActualProperties"]) == {"Type": "String", "Value": "2"}
    [b] = server.client.describe_stack_resource_drifts(
        StackName="s", MaxResults=1, NextToken=page["NextToken"]
    )["StackResourceDrifts"]
    assert b["LogicalResourceId"] == "B"
    assert "ActualProperties" not in b
    summaries = server.client.list_stack_resources(StackName="s")["StackResourceSummaries"]
    assert {
        each["LogicalResourceId"]: each["DriftInformation"]["StackResourceDriftStatus"]
        for each in summaries
    } == {"A": "MODIFIED", "B": "DELETED", "C": "IN_SYNC", "Queue": "NOT_CHECKED"}
    [summary] = server.client.list_stacks()["StackSummaries"]
    assert summary["DriftInformation"]["StackDriftStatus"] == "DRIFTED"


def test_an_update_makes_what_was_found_old(server: CloudFormationServer) -> None:
    server.create("s", template(A="1", B="1"))
    detected(server, "s")
    server.update("s", template(A="2", B="1"))
    assert server.ended("s")["DriftInformation"] == {"StackDriftStatus": "NOT_CHECKED"}
    one = server.client.describe_stack_resource(StackName="s", LogicalResourceId="A")
    told = one["StackResourceDetail"]["DriftInformation"]
    assert told == {"StackResourceDriftStatus": "NOT_CHECKED"}


def test_one_resource(server: CloudFormationServer) -> None:
    server.create("s", template(A="1", B="1"))
    server.store.meddle("A", {"Type": "String", "Value": "2"})
    found = server.client.detect_stack_resource_drift(StackName="s", LogicalResourceId="A")
    assert found["StackResourceDrift"]["StackResourceDriftStatus"] == "MODIFIED"
    assert detected(server, "s", LogicalResourceIds=["B"])["StackDriftStatus"] == "IN_SYNC"


def test_a_stack_without_anything_that_can_be_compared(server: CloudFormationServer) -> None:
    server.create("s", template())
    assert detected(server, "s")["StackDriftStatus"] == "NOT_CHECKED"
    assert drifts(server, "s") == {}


def test_what_is_refused(server: CloudFormationServer) -> None:
    server.create("s", template(A="1"))
    client = server.client

    def message(call: Any, **request: Any) -> str:
        with pytest.raises(ClientError) as caught:
            call(**request)
        assert caught.value.response["Error"]["Code"] == "ValidationError"
        return str(caught.value.response["Error"]["Message"])

    assert message(client.detect_stack_drift, StackName="no") == "Stack [no] does not exist"
    assert message(client.detect_stack_drift, StackName="s", LogicalResourceIds=["X"]) == (
        "Resource X does not exist for stack s"
    )
    one = client.detect_stack_resource_drift
    assert message(one, StackName="s", LogicalResourceId="Queue") == (
        "Drift detection is not supported for resource type [AWS::SQS::Queue]"
    )
    assert "does not exist" in message(one, StackName="s", LogicalResourceId="X")
    assert "does not exist" in message(
        client.describe_stack_drift_detection_status, StackDriftDetectionId="no"
    )
    assert message(client.describe_stack_resource_drifts, StackName="no") == (
        "Stack [no] does not exist"
    )
    client.create_change_set(
        StackName="r", ChangeSetName="c", TemplateBody=template(A="1"), ChangeSetType="CREATE"
    )
    assert "REVIEW_IN_PROGRESS" in message(client.detect_stack_drift, StackName="r")
