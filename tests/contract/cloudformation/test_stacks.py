"""Creating, updating, deleting and describing stacks through boto3.

Texts and events: shared facts recorded from AWS ("Events", "Messages").
"""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError, WaiterError
from tests.stack_world import template, thing

from penstock.aws.errors import ServiceError

ONE = template({"A": thing("v1")})
TWO = template({"A": thing("v2")})
FAST = {"Delay": 0.01, "MaxAttempts": 1000}


def refused(call: Any, **request: Any) -> tuple[str, str, int]:
    with pytest.raises(ClientError) as error:
        call(**request)
    told = error.value.response
    status = told["ResponseMetadata"]["HTTPStatusCode"]
    return told["Error"]["Code"], told["Error"]["Message"], status


def test_create_update_delete(server: Any, cloudformation: Any) -> None:
    body = template(
        {
            "A": thing("v1"),
            "B": thing("v1", ["A"]),
            "Topic": {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": "t"}},
        },
        Outputs={"Id": {"Value": {"Ref": "B"}, "Description": "the second"}},
        Description="two things",
    )
    stack_id = cloudformation.create_stack(
        StackName="app", TemplateBody=body, Tags=[{"Key": "team", "Value": "x"}],
        ClientRequestToken="one",
    )["StackId"]  # fmt: skip
    assert stack_id.startswith("arn:aws:cloudformation:us-east-1:123456789012:stack/app/")
    cloudformation.get_waiter("stack_create_complete").wait(StackName="app", WaiterConfig=FAST)
    stack = cloudformation.describe_stacks(StackName="app")["Stacks"][0]
    assert stack["StackStatus"] == "CREATE_COMPLETE"
    assert stack["StackStatusReason"] == "running 0, kept 2, recorded 1"
    assert stack["Description"] == "two things"
    assert stack["Tags"] == [{"Key": "team", "Value": "x"}]
    (a, b) = [id_ for _, id_, _ in server.store.things()]
    assert stack["Outputs"] == [{"OutputKey": "Id", "OutputValue": b, "Description": "the second"}]
    assert server.store.tags("A") == {
        "team": "x",
        "aws:cloudformation:stack-name": "app",
        "aws:cloudformation:stack-id": stack_id,
        "aws:cloudformation:logical-id": "A",
    }
    assert (
        cloudformation.create_stack(
            StackName="app",
            TemplateBody=body,
            Tags=[{"Key": "team", "Value": "x"}],
            ClientRequestToken="one",
        )["StackId"]
        == stack_id
    ), "the same request again"

    cloudformation.update_stack(StackName="app", TemplateBody=TWO)
    cloudformation.get_waiter("stack_update_complete").wait(StackName="app", WaiterConfig=FAST)
    assert [(n, i) for n, i, _ in server.store.things()] == [("A", a)]
    after = cloudformation.describe_stacks(StackName=stack_id)["Stacks"][0]
    assert "Outputs" not in after
    assert after["LastUpdatedTime"] >= after["CreationTime"]

    cloudformation.delete_stack(StackName="app")
    cloudformation.get_waiter("stack_delete_complete").wait(StackName=stack_id, WaiterConfig=FAST)
    assert server.store.things() == []
    gone = cloudformation.describe_stacks(StackName=stack_id)["Stacks"][0]
    assert gone["StackStatus"] == "DELETE_COMPLETE"
    assert gone["DeletionTime"]
    assert refused(cloudformation.describe_stacks, StackName="app") == (
        "ValidationError", "Stack with id app does not exist", 400,
    )  # fmt: skip
    cloudformation.delete_stack(StackName="app")  # no error, as on AWS


def test_events_of_a_creation(server: Any, cloudformation: Any) -> None:
    stack = server.create("app", template({"A": thing("v1"), "T": {"Type": "AWS::SNS::Topic"}}))
    stack_id = stack["StackId"]
    events = server.events("app")
    assert events[0] == ("app", stack_id, "CREATE_IN_PROGRESS", "User Initiated")
    assert events[-1] == ("app", stack_id, "CREATE_COMPLETE", "running 0, kept 1, recorded 1")
    [(_, a, _)] = server.store.things()
    assert [event for event in events if event[0] == "A"] == [
        ("A", "", "CREATE_IN_PROGRESS", None),
        ("A", a, "CREATE_IN_PROGRESS", "Resource creation Initiated"),
        ("A", a, "CREATE_COMPLETE", None),
    ]
    topic = [event for event in events if event[0] == "T"][-1]
    assert topic[2:] == ("CREATE_COMPLETE", "recorded only: nothing runs behind it")
    newest = cloudformation.describe_stack_events(StackName="app")["StackEvents"][0]
    assert newest["ResourceType"] == "AWS::CloudFormation::Stack"
    assert newest["LogicalResourceId"] == "app"


def test_a_failed_creation_rolls_back(server: Any, cloudformation: Any) -> None:
    body = template({"A": thing("v1"), "B": thing("v1", ["A"], how="fail-after")})
    cloudformation.create_stack(StackName="app", TemplateBody=body)
    with pytest.raises(WaiterError):
        cloudformation.get_waiter("stack_create_complete").wait(StackName="app", WaiterConfig=FAST)
    stack = server.ended("app")
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    events = server.events("app")
    assert (
        "ROLLBACK_IN_PROGRESS",
        "The following resource(s) failed to create: [B]. Rollback requested by user.",
    ) in [event[2:] for event in events]
    failed = next(event for event in events if event[2] == "CREATE_FAILED")
    assert failed[0] == "B"
    assert failed[3].startswith('Resource handler returned message: "told to fail-after" (Reques')
    assert failed[3].endswith("HandlerErrorCode: GeneralServiceException)")
    assert server.store.things() == []
    assert refused(cloudformation.update_stack, StackName="app", TemplateBody=TWO) == (
        "ValidationError",
        f"Stack:{stack['StackId']} is in ROLLBACK_COMPLETE state and can not be updated.",
        400,
    )
    cloudformation.delete_stack(StackName="app")
    assert server.ended(stack["StackId"])["StackStatus"] == "DELETE_COMPLETE"


@pytest.mark.parametrize(
    ("options", "status", "left"),
    [
        ({"OnFailure": "DO_NOTHING"}, "CREATE_FAILED", ["A", "B"]),
        ({"DisableRollback": True}, "CREATE_FAILED", ["A", "B"]),
        ({"OnFailure": "DELETE"}, "DELETE_COMPLETE", []),
        ({"OnFailure": "ROLLBACK"}, "ROLLBACK_COMPLETE", []),
    ],
)
def test_what_a_failed_creation_leaves(
    server: Any, options: dict[str, Any], status: str, left: list[str]
) -> None:
    body = template({"A": thing("v1"), "B": thing("v1", ["A"], how="fail-after")})
    stack = server.create("app", body, **options)
    assert stack["StackStatus"] == status
    assert [name for name, _, _ in server.store.things()] == left


def test_siblings_of_a_failure_are_cancelled(server: Any) -> None:
    body = template({"A": thing("v1", how="slow-100000"), "B": thing("v1", how="fail-before")})
    stack = server.create("app", body)
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    events = server.events("app")
    [a] = [event for event in events if event[0] == "A" and event[2] == "CREATE_FAILED"]
    assert a[3] == "Resource creation cancelled"
    assert server.store.things() == []


def test_a_failed_update_rolls_back(server: Any) -> None:
    server.create("app", template({"A": thing("v1"), "B": thing("v1", ["A"], "one")}))
    before = server.store.things()
    stack = server.update(
        "app",
        template(
            {
                "A": thing("v2"),
                "B": thing("v1", ["A"], "two"),
                "C": thing("v1", ["B"], how="fail-after"),
            }
        ),
    )
    assert stack["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert server.store.things() == before
    told = [(event[0], *event[2:]) for event in server.events("app")]
    assert ("B", "UPDATE_IN_PROGRESS", ("Requested update requires the creation of a new physical "
            "resource; hence creating one.")) in told  # fmt: skip
    statuses = [status for name, status, _ in told if name == "app"]
    assert statuses == [
        "CREATE_IN_PROGRESS", "CREATE_COMPLETE", "UPDATE_IN_PROGRESS",
        "UPDATE_ROLLBACK_IN_PROGRESS", "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS",
        "UPDATE_ROLLBACK_COMPLETE",
    ]  # fmt: skip
    assert "The following resource(s) failed to create: [C]. " in [reason for *_, reason in told]


def test_a_replacement_is_cleaned_up_last(server: Any) -> None:
    server.create("app", template({"A": thing("v1", name="one"), "B": thing("v1", ["A"])}))
    old = {name: id_ for name, id_, _ in server.store.things()}
    server.update("app", template({"A": thing("v1", name="two"), "B": thing("v1", ["A"])}))
    new = {name: id_ for name, id_, _ in server.store.things()}
    assert new["A"] != old["A"]
    assert new["B"] == old["B"]
    told = server.events("app")
    after = [event[2] for event in told].index("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")
    assert ("A", old["A"], "DELETE_COMPLETE", None) in told[after:]
    assert not server.store.violations()


def test_policies_keep_resources(server: Any, cloudformation: Any) -> None:
    kept = {"DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain"}
    server.create("app", template({"A": thing("v1", name="one", **kept), "B": thing("v1")}))
    server.update("app", template({"A": thing("v1", name="two", **kept)}))
    assert sorted(p["Name"] for _, _, p in server.store.things()) == ["one", "two"]
    stack_id = server.ended("app")["StackId"]
    cloudformation.delete_stack(StackName="app")
    assert server.ended(stack_id)["StackStatus"] == "DELETE_COMPLETE"
    assert len(server.store.things()) == 2
    assert server.events(stack_id)[-2][2] == "DELETE_SKIPPED"


def test_names(server: Any, cloudformation: Any) -> None:
    server.create("app", ONE)
    assert refused(cloudformation.create_stack, StackName="app", TemplateBody=ONE) == (
        "AlreadyExistsException", "Stack [app] already exists", 400,
    )  # fmt: skip
    code, message, _ = refused(cloudformation.create_stack, StackName="4you", TemplateBody=ONE)
    assert code == "ValidationError"
    assert message == (
        "1 validation error detected: Value '4you' at 'stackName' failed to satisfy constraint: "
        "Member must satisfy regular expression pattern: "
        "[a-zA-Z][-a-zA-Z0-9]*|arn:[-a-zA-Z0-9:/._+]*"
    )


def test_no_updates(server: Any, cloudformation: Any) -> None:
    server.create("app", ONE)
    assert refused(cloudformation.update_stack, StackName="app", TemplateBody=ONE) == (
        "ValidationError", "No updates are to be performed.", 400,
    )  # fmt: skip
    assert refused(cloudformation.update_stack, StackName="none", TemplateBody=ONE) == (
        "ValidationError", "Stack [none] does not exist", 400,
    )  # fmt: skip


def test_secrets_are_masked(server: Any, cloudformation: Any) -> None:
    body = template(
        {"A": {"Type": "AWS::SSM::Parameter",
               "Properties": {"Type": "String", "Value": {"Ref": "Password"}}}},
        Parameters={"Password": {"Type": "String", "NoEcho": True}},
    )  # fmt: skip
    given = [{"ParameterKey": "Password", "ParameterValue": "hunter2"}]
    stack = server.create("app", body, Parameters=given)
    assert stack["Parameters"] == [{"ParameterKey": "Password", "ParameterValue": "****"}]
    [(_, _, properties)] = server.store.things()
    assert properties["Value"] == "hunter2"
    events = cloudformation.describe_stack_events(StackName="app")["StackEvents"]
    assert "hunter2" not in json.dumps(events, default=str)
    shown = [json.loads(one["ResourceProperties"]) for one in events if "ResourceProperties" in one]
    assert shown
    assert all(one["Value"] == "****" for one in shown)
    database = b"".join(file.read_bytes() for file in server.directory.glob("penstock.db*"))
    assert b"hunter2" not in database


def test_a_refusal_that_quotes_a_secret_is_masked(server: Any, cloudformation: Any) -> None:
    async def refuses(request: Any, context: Any) -> Any:
        raise ServiceError("ValidationException", f"Value '{request.properties['Value']}' is bad")

    server.handler.create = refuses
    body = template(
        {"A": {"Type": "AWS::SSM::Parameter",
               "Properties": {"Type": "String", "Value": {"Ref": "Password"}}}},
        Parameters={"Password": {"Type": "String", "NoEcho": True}},
    )  # fmt: skip
    given = [{"ParameterKey": "Password", "ParameterValue": "hunter2"}]
    stack = server.create("app", body, Parameters=given)
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    events = cloudformation.describe_stack_events(StackName="app")["StackEvents"]
    assert any("Value '****' is bad" in one.get("ResourceStatusReason", "") for one in events)
    resources = cloudformation.list_stack_resources(StackName="app")
    assert "hunter2" not in json.dumps([events, stack, resources], default=str)
    database = b"".join(file.read_bytes() for file in server.directory.glob("penstock.db*"))
    assert b"hunter2" not in database


def test_termination_protection(server: Any, cloudformation: Any) -> None:
    stack = server.create("app", ONE, EnableTerminationProtection=True)
    assert stack["EnableTerminationProtection"] is True
    assert refused(cloudformation.delete_stack, StackName="app") == (
        "ValidationError",
        "Stack [app] cannot be deleted while TerminationProtection is enabled",
        400,
    )
    answer = cloudformation.update_termination_protection(
        StackName="app", EnableTerminationProtection=False
    )
    assert answer["StackId"] == stack["StackId"]
    cloudformation.delete_stack(StackName="app")
    assert server.ended(stack["StackId"])["StackStatus"] == "DELETE_COMPLETE"


def test_the_role_must_trust_cloudformation(server: Any, cloudformation: Any) -> None:
    wrong = server.role("wrong", "codebuild.amazonaws.com")
    told = refused(cloudformation.create_stack, StackName="app", TemplateBody=ONE, RoleARN=wrong)
    assert told == ("ValidationError", f"Role {wrong} is invalid or cannot be assumed", 400)
    assert cloudformation.describe_stacks()["Stacks"] == []
    right = server.role("right", "cloudformation.amazonaws.com")
    stack = server.create("app", ONE, RoleARN=right)
    assert stack["StackStatus"] == "CREATE_COMPLETE"
    assert stack["RoleARN"] == right


def test_what_cannot_be_deleted(server: Any, cloudformation: Any) -> None:
    stack_id = server.create("app", template({"A": thing("v1"), "B": thing("v1", ["A"])}))[
        "StackId"
    ]
    server.handler.undeletable = {"B"}
    cloudformation.delete_stack(StackName="app")
    stack = server.ended("app")
    assert stack["StackStatus"] == "DELETE_FAILED"
    assert stack["StackStatusReason"] == "The following resource(s) failed to delete: [B]."
    assert [name for name, _, _ in server.store.things()] == ["A", "B"]
    code, _, _ = refused(cloudformation.delete_stack, StackName="app", RetainResources=["X"])
    assert code == "ValidationError"
    cloudformation.delete_stack(StackName="app", RetainResources=["B"])
    assert server.ended(stack_id)["StackStatus"] == "DELETE_COMPLETE"
    assert [name for name, _, _ in server.store.things()] == ["B"]


def test_cancel_update(server: Any, cloudformation: Any) -> None:
    server.create("app", ONE)
    assert refused(cloudformation.cancel_update_stack, StackName="app") == (
        "ValidationError", "CancelUpdateStack cannot be called from current stack status", 400,
    )  # fmt: skip
    before = server.store.things()
    cloudformation.update_stack(
        StackName="app", TemplateBody=template({"A": thing("v2", how="slow-1000000")})
    )
    code, _, _ = refused(cloudformation.delete_stack, StackName="app")
    assert code == "ValidationError"
    cloudformation.cancel_update_stack(StackName="app")
    assert server.ended("app")["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert server.store.things() == before
    assert ("A", "UPDATE_FAILED", "Resource update cancelled") in [
        (event[0], *event[2:]) for event in server.events("app")
    ]


def test_continue_update_rollback(server: Any, cloudformation: Any) -> None:
    server.create("app", template({"A": thing("v1", how="slow-1"), "B": thing("v1", ["A"])}))
    assert refused(cloudformation.continue_update_rollback, StackName="app")[0] == (
        "ValidationError"
    )
    original = server.handler.update

    async def cannot_go_back(request: Any, context: Any) -> Any:
        if request.properties.get("Description") == "slow-1":
            from penstock.aws.errors import ServiceError

            raise ServiceError("InvalidRequest", "not now", status=400)
        return await original(request, context)

    server.handler.update = cannot_go_back
    stack = server.update(
        "app", template({"A": thing("v2"), "B": thing("v1", ["A"], how="fail-before")})
    )
    assert stack["StackStatus"] == "UPDATE_ROLLBACK_FAILED"
    reason = next(e[3] for e in server.events("app") if e[2] == "UPDATE_FAILED" and e[0] == "A")
    assert reason.startswith(
        'Resource handler returned message: "not now (Service: Ssm, Status Code: 400, Request ID: '
    )
    assert "HandlerErrorCode: InvalidRequest)" in reason
    server.handler.update = original
    cloudformation.continue_update_rollback(StackName="app")
    assert server.ended("app")["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert [p["Value"].split("|")[0] for _, _, p in server.store.things()] == ["v1", "v1"]

    server.handler.update = cannot_go_back
    server.update("app", template({"A": thing("v2"), "B": thing("v1", ["A"], how="fail-before")}))
    cloudformation.continue_update_rollback(StackName="app", ResourcesToSkip=["A"])
    assert server.ended("app")["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"


def test_list_stacks(server: Any, cloudformation: Any) -> None:
    server.create("one", ONE)
    two = server.create("two", template({"A": thing("v1", how="fail-before")}))
    summaries = cloudformation.list_stacks()["StackSummaries"]
    assert [one["StackName"] for one in summaries] == ["two", "one"]
    complete = cloudformation.list_stacks(StackStatusFilter=["CREATE_COMPLETE"])
    assert [one["StackName"] for one in complete["StackSummaries"]] == ["one"]
    cloudformation.delete_stack(StackName="two")
    server.ended(two["StackId"])
    assert [one["StackName"] for one in cloudformation.describe_stacks()["Stacks"]] == ["one"]
    deleted = cloudformation.list_stacks(StackStatusFilter=["DELETE_COMPLETE"])
    assert [one["StackName"] for one in deleted["StackSummaries"]] == ["two"]


def test_delete_while_creating(server: Any, cloudformation: Any) -> None:
    body = template({"A": thing("v1", how="slow-1000000"), "B": thing("v1", ["A"])})
    stack_id = cloudformation.create_stack(StackName="app", TemplateBody=body)["StackId"]
    cloudformation.delete_stack(StackName="app")
    cloudformation.delete_stack(StackName="app")
    assert server.ended(stack_id)["StackStatus"] == "DELETE_COMPLETE"
    assert server.store.things() == []


def test_a_creation_that_takes_too_long(server: Any, cloudformation: Any) -> None:
    from datetime import timedelta

    from penstock.clock import utc_now

    body = template({"A": thing("v1", how="slow-1000000")})
    ahead = timedelta()
    server.stacks._provisioner._clock = lambda: utc_now() + ahead
    ahead = timedelta(minutes=3)
    stack = server.create("app", body, TimeoutInMinutes=2)
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert stack["TimeoutInMinutes"] == 2
    assert "Stack creation time exceeded the specified timeout. Rollback requested by user." in [
        event[3] for event in server.events("app")
    ]


def test_rollback_stack(server: Any, cloudformation: Any) -> None:
    server.create("app", template({"A": thing("v1"), "B": thing("v1", ["A"], "one")}))
    assert refused(cloudformation.rollback_stack, StackName="app")[0] == "ValidationError"
    before = server.store.things()
    broken = {"A": thing("v2"), "B": thing("v1", ["A"], "two"), "C": thing(how="fail-after")}
    broken["C"]["DependsOn"] = "B"
    stack = server.update("app", template(broken), DisableRollback=True)
    assert stack["StackStatus"] == "UPDATE_FAILED"
    answer = cloudformation.rollback_stack(StackName="app")
    assert answer["StackId"] == stack["StackId"]
    ended = server.ended("app")
    assert ended["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    last = {"OperationType": "ROLLBACK", "OperationId": answer["OperationId"]}
    assert ended["LastOperations"] == [last], "events know the rollback by the answer's id"
    assert server.store.things() == before

    failed = template({"A": thing("v1"), "B": thing("v1", ["A"], how="fail-after")})
    assert server.create("new", failed, OnFailure="DO_NOTHING")["StackStatus"] == "CREATE_FAILED"
    answer = cloudformation.rollback_stack(StackName="new")
    ended = server.ended("new")
    assert ended["StackStatus"] == "ROLLBACK_COMPLETE"
    assert ended["LastOperations"][0]["OperationId"] == answer["OperationId"]
    assert server.store.things() == before
    assert server.store.violations() == []
