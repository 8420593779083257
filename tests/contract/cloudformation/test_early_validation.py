"""What is wrong is found before anything is provisioned, and DescribeEvents tells it.

Expected answers: CloudFormation user guide, "Validate stack deployments"; aws/aws-cdk-cli#1000;
DescribeEvents recorded on AWS (github.com/radkawar/stackd, testdata/aws/cloudformation,
function_resource_policy_validation.json).
"""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

HOOKS = (
    "The following hook(s)/validation failed: [{}]. To troubleshoot Early Validation errors, use "
    "the DescribeEvents API for detailed failure information."
)
PROPERTIES = "AWS::EarlyValidation::PropertyValidation"
EXISTENCE = "AWS::EarlyValidation::ResourceExistenceCheck"
STACK_REASON = (
    "Validation failed with {} error(s). Call DescribeEvents to retrieve the full list of issues "
    "with resource and property details, resolve each error, then retry the operation."
)


def queue(**properties: Any) -> dict[str, Any]:
    return {"Type": "AWS::SQS::Queue", "Properties": properties}


def body(**resources: Any) -> str:
    return json.dumps({"Resources": resources})


BUCKET = body(
    Bucket={
        "Type": "AWS::S3::Bucket",
        "Properties": {"NotificationConfiguration": {"QueueConfigurations": [{"Queue": "q"}]}},
    }
)


def change_set(client: Any, template: str, **more: Any) -> dict[str, Any]:
    made = client.create_change_set(
        StackName="shop", ChangeSetName="c", ChangeSetType="CREATE", TemplateBody=template, **more
    )
    found: dict[str, Any] = client.describe_change_set(ChangeSetName=made["Id"])
    return found


def without_ids(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    hidden = {"EventId", "StackId", "OperationId", "Timestamp", "StartTime", "EndTime"}
    return [{key: each[key] for key in each.keys() - hidden} for each in events]


class TestChangeSets:
    def test_a_property_that_is_missing(self, cloudformation: Any) -> None:
        described = change_set(cloudformation, BUCKET)
        assert described["Status"] == "FAILED"
        assert described["ExecutionStatus"] == "UNAVAILABLE"
        assert described["StatusReason"] == HOOKS.format(PROPERTIES)
        events = cloudformation.describe_events(ChangeSetName=described["ChangeSetId"])
        last, found, first = without_ids(events["OperationEvents"])
        assert found == {
            "OperationType": "CREATE_CHANGESET",
            "EventType": "VALIDATION_ERROR",
            "LogicalResourceId": "Bucket",
            "PhysicalResourceId": "",
            "ResourceType": "AWS::S3::Bucket",
            "ValidationFailureMode": "FAIL",
            "ValidationName": "PROPERTY_VALIDATION",
            "ValidationStatus": "FAILED",
            "ValidationStatusReason": (
                "#/NotificationConfiguration/QueueConfigurations/0: required key [Event] not found"
            ),
            "ValidationPath": (
                "/Resources/Bucket/Properties/NotificationConfiguration/QueueConfigurations/0"
            ),
        }
        operation = {"OperationType": "CREATE_CHANGESET", "EventType": "STACK_EVENT"}
        assert last == operation | {"OperationStatus": "FAILED"}
        assert first == operation | {"OperationStatus": "IN_PROGRESS"}

    def test_a_name_that_another_stack_has(self, server: Any) -> None:
        server.create("other", body(Q=queue(QueueName="orders")))
        described = change_set(server.client, body(Mine=queue(QueueName="orders")))
        assert described["StatusReason"] == HOOKS.format(EXISTENCE)
        events = server.client.describe_events(
            StackName="shop", ChangeSetName="c", Filters={"FailedEvents": True}
        )["OperationEvents"]
        [found] = [one for one in events if one["EventType"] == "VALIDATION_ERROR"]
        assert found["ValidationName"] == "NAME_CONFLICT_VALIDATION"
        assert found["ValidationPath"] == "/Resources/Mine"
        taken = server.client.describe_stack_resource(StackName="other", LogicalResourceId="Q")
        identifier = taken["StackResourceDetail"]["PhysicalResourceId"]
        assert found["ValidationStatusReason"] == (
            f"Resource of type 'AWS::SQS::Queue' with identifier '{identifier}' already exists."
        )

    def test_both_kinds_and_a_name_that_comes_from_elsewhere(self, server: Any) -> None:
        server.create("other", body(Q=queue(QueueName="orders")))
        template = body(
            Wrong=queue(QueueName="fine", DelaySeconds="soon"),
            Taken=queue(QueueName={"Fn::Sub": "${AWS::StackName}-x"}),
            Again=queue(QueueName={"Fn::Join": ["", ["or", "ders"]]}),
        )
        described = change_set(server.client, template)
        assert described["StatusReason"] == HOOKS.format(f"{PROPERTIES}, {EXISTENCE}")
        events = server.client.describe_events(ChangeSetName=described["ChangeSetId"])
        names = {
            (one["LogicalResourceId"], one["ValidationName"])
            for one in events["OperationEvents"]
            if one["EventType"] == "VALIDATION_ERROR"
        }
        assert names == {
            ("Wrong", "PROPERTY_VALIDATION"), ("Again", "NAME_CONFLICT_VALIDATION"),
        }  # fmt: skip

    def test_without_validation_it_is_found_when_it_is_made(self, server: Any) -> None:
        described = change_set(server.client, BUCKET, DisableValidation=True)
        assert described["Status"] == "CREATE_COMPLETE"
        server.client.execute_change_set(ChangeSetName=described["ChangeSetId"])
        assert server.ended("shop")["StackStatus"] == "ROLLBACK_COMPLETE"

    def test_a_name_that_no_echo_hides_is_masked(self, server: Any) -> None:
        server.create("other", body(Q=queue(QueueName="swordfish")))
        template = json.loads(body(Q=queue(QueueName={"Ref": "Secret"})))
        template["Parameters"] = {"Secret": {"Type": "String", "NoEcho": True}}
        given = [{"ParameterKey": "Secret", "ParameterValue": "swordfish"}]
        described = change_set(server.client, json.dumps(template), Parameters=given)
        events = server.client.describe_events(ChangeSetName=described["ChangeSetId"])
        assert "already exists" in str(events)
        assert "swordfish" not in str(events)


class TestNested:
    """A nested stack's change set is validated as the root's is."""

    def test_what_is_wrong_in_a_nested_stack_is_told_of_its_change_set(self, server: Any) -> None:
        server.create("other", body(Q=queue(QueueName="orders")))
        url = server.put_template(
            "child.json",
            body(Wrong=queue(DelaySeconds="soon"), Taken=queue(QueueName="orders"), Fine=queue()),
        )
        child = {"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": url}}
        root = change_set(server.client, body(Child=child), IncludeNestedStacks=True)
        stacks = server.client.describe_stacks()["Stacks"]
        [nested] = [one["StackId"] for one in stacks if one.get("ParentId") == root["StackId"]]
        [summary] = server.client.list_change_sets(StackName=nested)["Summaries"]
        arn = summary["ChangeSetId"]
        assert root["Status"] == "FAILED"
        assert root["StatusReason"] == (
            f"Nested change set {arn} was not successfully created: Currently in FAILED."
        )
        below = server.client.describe_change_set(ChangeSetName=arn)
        assert below["Status"] == "FAILED"
        assert below["StatusReason"] == HOOKS.format(f"{PROPERTIES}, {EXISTENCE}")
        events = server.client.describe_events(ChangeSetName=arn)["OperationEvents"]
        assert [
            (one["OperationType"], one.get("OperationStatus"), one.get("LogicalResourceId"),
             one.get("ValidationName"))
            for one in reversed(events)
        ] == [
            ("CREATE_CHANGESET", "IN_PROGRESS", None, None),
            ("CREATE_CHANGESET", None, "Wrong", "PROPERTY_VALIDATION"),
            ("CREATE_CHANGESET", None, "Taken", "NAME_CONFLICT_VALIDATION"),
            ("CREATE_CHANGESET", "FAILED", None, None),
        ]  # fmt: skip
        of_root = server.client.describe_events(ChangeSetName=root["ChangeSetId"])
        assert {one["EventType"] for one in of_root["OperationEvents"]} == {"STACK_EVENT"}

    def test_without_validation_nothing_is_held_against_it(self, server: Any) -> None:
        url = server.put_template("child.json", body(Wrong=queue(DelaySeconds="soon")))
        child = {"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": url}}
        described = change_set(
            server.client, body(Child=child), IncludeNestedStacks=True, DisableValidation=True
        )
        assert described["Status"] == "CREATE_COMPLETE"


class TestStacks:
    def test_a_creation_goes_back_before_it_made_anything(self, server: Any) -> None:
        server.create("other", body(Q=queue(QueueName="orders")))
        made = server.client.create_stack(
            StackName="shop",
            TemplateBody=body(Mine=queue(QueueName="orders"), More=queue()),
            ClientRequestToken="t1",
        )
        stack = server.ended(made["StackId"])
        assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
        events = server.client.describe_events(StackName="shop")["OperationEvents"]
        told = [
            (
                one["EventType"], one.get("OperationType"), one.get("OperationStatus"),
                one.get("LogicalResourceId"), one.get("ResourceStatus"),
                one.get("ResourceStatusReason"),
            )
            for one in reversed(events)
        ]  # fmt: skip
        reason = STACK_REASON.format(1)
        went_back = "Validation failure detected. See the operation's FAILED event for details."
        assert told == [
            ("STACK_EVENT", "CREATE_STACK", "IN_PROGRESS", None, None, None),
            ("PROGRESS", None, None, "shop", "CREATE_IN_PROGRESS", "User Initiated"),
            ("VALIDATION_ERROR", "CREATE_STACK", None, "Mine", None, None),
            ("PROVISIONING_ERROR", None, None, "shop", "CREATE_FAILED", reason),
            ("STACK_EVENT", "CREATE_STACK", "FAILED", None, None, None),
            ("STACK_EVENT", "ROLLBACK", "IN_PROGRESS", None, None, None),
            ("PROGRESS", None, None, "shop", "ROLLBACK_IN_PROGRESS", went_back),
            ("PROGRESS", None, None, "shop", "ROLLBACK_COMPLETE", None),
            ("STACK_EVENT", "ROLLBACK", "SUCCEEDED", None, None, None),
        ]
        operations = [one["OperationId"] for one in reversed(events)]
        assert operations[0] == made["OperationId"]
        assert len(set(operations[:5])) == len(set(operations[5:])) == 1
        [failed] = [one for one in events if one.get("ResourceStatus") == "CREATE_FAILED"]
        assert failed["DetailedStatus"] == "VALIDATION_FAILED"
        assert failed["ClientRequestToken"] == "t1"

    def test_an_update_keeps_what_was_there(self, server: Any) -> None:
        server.create("shop", body(Q=queue(DelaySeconds=1)))
        stack = server.update("shop", body(Q=queue(DelaySeconds="soon")))
        assert stack["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
        events = server.client.describe_stack_events(StackName="shop")["StackEvents"]
        assert {
            one["LogicalResourceId"] for one in events if "UPDATE" in one["ResourceStatus"]
        } == {"shop"}
        [failed] = [one for one in events if one["ResourceStatus"] == "UPDATE_FAILED"]
        assert failed["ResourceStatusReason"] == STACK_REASON.format(1)

    def test_a_named_resource_is_not_replaced_under_its_name(self, server: Any) -> None:
        def group(port: int) -> str:
            properties = {"Name": "web", "Port": port}
            return body(
                T={"Type": "AWS::ElasticLoadBalancingV2::TargetGroup", "Properties": properties}
            )

        server.create("shop", group(80))
        stack = server.update("shop", group(8080))
        assert stack["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
        reason = (  # cloudtools/stacker#96
            "CloudFormation cannot update a stack when a custom-named resource requires "
            "replacing. Rename web and update the stack again."
        )
        assert ("T", "UPDATE_FAILED", reason) in [
            (one[0], *one[2:]) for one in server.events("shop")
        ]

    def test_without_validation_the_resource_fails(self, server: Any) -> None:
        stack = server.create("shop", body(Q=queue(DelaySeconds="soon")), DisableValidation=True)
        assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
        reason = (
            "Properties validation failed for resource Q with message:\n"
            "#/DelaySeconds: expected type: Integer, found: String"
        )
        assert ("Q", "", "CREATE_FAILED", reason) in server.events("shop")


class TestDescribeEvents:
    def test_each_operation_has_an_id_that_its_events_carry(self, server: Any) -> None:
        made = server.client.create_stack(StackName="shop", TemplateBody=body(Q=queue()))
        server.ended("shop")
        changed = server.client.update_stack(
            StackName="shop", TemplateBody=body(Q=queue(DelaySeconds=1))
        )
        server.ended("shop")
        ids = [made["OperationId"], changed["OperationId"]]
        [stack] = server.client.describe_stacks(StackName="shop")["Stacks"]
        assert stack["LastOperations"] == [
            {"OperationType": "UPDATE_STACK", "OperationId": changed["OperationId"]}
        ]
        events = server.client.describe_stack_events(StackName="shop")["StackEvents"]
        assert {one["OperationId"] for one in events} == set(ids)
        for operation_id, verb in zip(ids, ("CREATE", "UPDATE"), strict=True):
            found = server.client.describe_events(OperationId=operation_id)["OperationEvents"]
            statuses = [one["ResourceStatus"] for one in found if "ResourceStatus" in one]
            assert statuses[0] == f"{verb}_COMPLETE"
            assert all(status.startswith(verb) for status in statuses)
            own = [one for one in found if one["EventType"] == "STACK_EVENT"]
            assert [one["OperationStatus"] for one in own] == ["SUCCEEDED", "IN_PROGRESS"]
            assert own[0]["StartTime"] == own[1]["StartTime"] <= own[0]["EndTime"]
            of_both = server.client.describe_events(StackName="shop", OperationId=operation_id)
            assert of_both["OperationEvents"] == found

    def test_a_deletion(self, server: Any) -> None:
        made = server.client.create_stack(StackName="shop", TemplateBody=body(Q=queue()))
        server.ended("shop")
        server.client.delete_stack(StackName="shop")
        server.ended(made["StackId"])
        events = server.client.describe_events(StackName=made["StackId"])["OperationEvents"]
        own = [
            (one["OperationType"], one["OperationStatus"])
            for one in events
            if one["EventType"] == "STACK_EVENT"
        ]
        assert own[:2] == [("DELETE_STACK", "SUCCEEDED"), ("DELETE_STACK", "IN_PROGRESS")]

    def test_pages(self, server: Any) -> None:
        resources = {f"Q{number}": queue() for number in range(40)}
        server.create("shop", body(**resources))
        pages = list(server.client.get_paginator("describe_events").paginate(StackName="shop"))
        assert len(pages) == 2
        assert len(pages[0]["OperationEvents"]) == 100
        found = [one["EventId"] for page in pages for one in page["OperationEvents"]]
        assert len(found) == len(set(found)) == 3 * 40 + 4

    @pytest.mark.parametrize("asked", [{}, {"ChangeSetName": "c"}])
    def test_something_must_be_named(self, cloudformation: Any, asked: dict[str, str]) -> None:
        with pytest.raises(ClientError) as raised:
            cloudformation.describe_events(**asked)
        assert raised.value.response["Error"] == {
            "Type": "Sender",
            "Code": "ValidationError",
            "Message": "One of ChangeSetName, OperationId or StackName must be specified",
        }

    def test_what_does_not_exist(self, cloudformation: Any) -> None:
        for asked, message in (
            ({"StackName": "none"}, "Stack [none] does not exist"),
            ({"OperationId": "none"}, "Operation [none] does not exist"),
        ):
            with pytest.raises(ClientError) as raised:
                cloudformation.describe_events(**asked)
            assert raised.value.response["Error"]["Message"] == message
