"""Who may do what with a stack, by whichever name a request gives it: judged by the real IAM."""

import contextlib
import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.aws_server import Backend
from tests.contract.cloudformation.conftest import CloudFormationServer
from tests.contract.cloudformation.test_nested_stacks import child, nested, parent, reason
from tests.identity_server import IdentityServer, allow, document
from tests.stack_world import Store, ThingHandler, thing
from tests.waiting import until

from penstock.aws.errors import ServiceError
from penstock.services.iam.api import service as iam_service


def template(value: str) -> str:
    properties = {"Type": "String", "Value": value}
    return json.dumps(
        {"Resources": {"T": {"Type": "AWS::SSM::Parameter", "Properties": properties}}}
    )


class Guarded(CloudFormationServer):
    """CloudFormation whose wire asks IAM; `client` is root's."""

    client_of = IdentityServer.client

    def __init__(self, aws_server: Any, directory: Path) -> None:
        self.directory = directory
        self.store = Store(directory / "outside.db")
        self.handler = ThingHandler(self.store)
        self.aws = aws_server(self._guarded)
        self.client = self.client_of("cloudformation")

    async def _guarded(self, stack: contextlib.AsyncExitStack) -> Backend:
        services = await self._build(stack)
        root = await self.iam.ensure_root()
        self.root = {
            "AccessKeyId": root.access_key_id,
            "SecretAccessKey": root.secret_access_key,
        }
        services.append(iam_service(self.iam))
        return Backend(services, self.iam.find_credential, self.iam.authorize)

    def user(self, *statements: Any) -> Any:
        """A client of a user with these statements."""
        iam = self.client_of("iam")
        iam.create_user(UserName="somebody")
        iam.put_user_policy(
            UserName="somebody", PolicyName="inline", PolicyDocument=document(*statements)
        )
        key = iam.create_access_key(UserName="somebody")["AccessKey"]
        return self.client_of("cloudformation", key)


@pytest.fixture
def guarded(aws_server: Any, tmp_path: Path) -> Guarded:
    return Guarded(aws_server, tmp_path)


@pytest.fixture
def stack_id(guarded: Guarded) -> str:
    return str(guarded.create("shop", template("1"))["StackId"])


@pytest.fixture
def change_set(guarded: Guarded, stack_id: str) -> str:
    made = guarded.client.create_change_set(
        StackName="shop", ChangeSetName="cs", TemplateBody=template("2")
    )
    return str(made["Id"])


def deny(resource: str) -> dict[str, Any]:
    return {"Effect": "Deny", "Action": "cloudformation:*", "Resource": resource}


def code(call: Any, **request: Any) -> str:
    with pytest.raises(ClientError) as raised:
        call(**request)
    return str(raised.value.response["Error"]["Code"])


def test_a_denial_of_a_stacks_arn_holds_for_every_name_of_it(
    guarded: Guarded, stack_id: str, change_set: str
) -> None:
    client = guarded.user(allow("cloudformation:*"), deny(stack_id))
    physical = guarded.client.list_stack_resources(StackName="shop")
    [summary] = physical["StackResourceSummaries"]
    by_arn, both = {"ChangeSetName": change_set}, {"ChangeSetName": "cs", "StackName": "shop"}
    for call, request in (
        (client.describe_stacks, {"StackName": "shop"}),
        (client.describe_stacks, {"StackName": stack_id}),
        (client.delete_stack, {"StackName": "shop"}),
        (client.update_stack, {"StackName": "shop", "TemplateBody": template("3")}),
        (client.get_template, {"StackName": "shop"}),
        (client.get_template, by_arn),
        (client.describe_change_set, by_arn),
        (client.describe_change_set, both),
        (client.execute_change_set, by_arn),
        (client.delete_change_set, by_arn),
        (client.describe_stack_resources, {"PhysicalResourceId": summary["PhysicalResourceId"]}),
    ):
        assert code(call, **request) == "AccessDenied", request


def test_a_permission_for_a_stacks_arn_holds_for_its_name_and_its_change_sets(
    guarded: Guarded, stack_id: str, change_set: str
) -> None:
    client = guarded.user(allow("cloudformation:*", stack_id))
    assert client.describe_stacks(StackName="shop")["Stacks"][0]["StackId"] == stack_id
    assert client.describe_change_set(ChangeSetName=change_set)["StackName"] == "shop"
    assert code(client.describe_stacks, StackName="other") == "AccessDenied"
    assert code(client.create_stack, StackName="new", TemplateBody=template("1")) == "AccessDenied"


def test_a_stack_that_is_to_be_made_is_allowed_by_its_name(guarded: Guarded) -> None:
    client = guarded.user(allow("cloudformation:*", "arn:aws:cloudformation:*:*:stack/new/*"))
    client.create_stack(StackName="new", TemplateBody=template("1"))
    assert guarded.ended("new")["StackStatus"] == "CREATE_COMPLETE"


def test_anothers_change_set_is_not_reached_through_a_stack_of_ones_own(
    guarded: Guarded, change_set: str
) -> None:
    guarded.create("mine", template("1"))
    client = guarded.user(allow("cloudformation:*", "arn:aws:cloudformation:*:*:stack/mine/*"))
    named = {"StackName": "mine", "ChangeSetName": change_set}
    for call in (client.describe_change_set, client.get_template, client.execute_change_set):
        assert code(call, **named) == "ChangeSetNotFound"
    client.delete_change_set(**named)  # nothing of that name is no error, and stays
    assert guarded.client.describe_change_set(ChangeSetName=change_set)["Status"]


def operation_of(guarded: Guarded, stack_id: str) -> str:
    [stack] = guarded.client.describe_stacks(StackName=stack_id)["Stacks"]
    return str(stack["LastOperations"][0]["OperationId"])


def test_an_operations_events_are_told_without_its_stacks_name(
    guarded: Guarded, stack_id: str
) -> None:
    operation_id = operation_of(guarded, stack_id)
    client = guarded.user(allow("cloudformation:DescribeEvents"))
    assert client.describe_events(OperationId=operation_id)["OperationEvents"]
    refused = code(client.describe_events, OperationId=operation_id, ChangeSetName="mine")
    assert refused == "ValidationError", "a free name would be what policies are asked about"


def test_a_denial_of_a_stacks_arn_holds_for_its_operations(guarded: Guarded, stack_id: str) -> None:
    client = guarded.user(allow("cloudformation:DescribeEvents"), deny(stack_id))
    operation_id = operation_of(guarded, stack_id)
    assert code(client.describe_events, OperationId=operation_id) == "AccessDenied"


def test_a_role_is_handed_over_only_by_who_may_pass_it(guarded: Guarded) -> None:
    role = guarded.role("deploy", "cloudformation.amazonaws.com")
    client = guarded.user(allow("cloudformation:*"))
    request = {"StackName": "s", "TemplateBody": template("1"), "RoleARN": role}
    guarded.create("there", template("1"))
    update = {"StackName": "there", "RoleARN": role, "TemplateBody": template("2")}
    for call, given in (
        (client.create_stack, request),
        (client.create_change_set, {**request, "ChangeSetName": "c", "ChangeSetType": "CREATE"}),
        (client.update_stack, update),
        (client.delete_stack, {"StackName": "there", "RoleARN": role}),
        (client.rollback_stack, {"StackName": "there", "RoleARN": role}),
        (client.continue_update_rollback, {"StackName": "there", "RoleARN": role}),
    ):
        with pytest.raises(ClientError, match="iam:PassRole on resource: " + role):
            call(**given)


def test_who_continues_a_rollback_acts_as_himself_not_as_who_began(guarded: Guarded) -> None:
    guarded.create("app", template("1"))
    original, callers = guarded.handler.update, []

    async def fails(request: Any, context: Any) -> Any:
        raise ServiceError("InvalidRequest", "not now", status=400)

    async def notes(request: Any, context: Any) -> Any:
        callers.append(request.principal.arn)
        return await original(request, context)

    guarded.handler.update = fails  # type: ignore[method-assign]
    assert guarded.update("app", template("2"))["StackStatus"] == "UPDATE_ROLLBACK_FAILED"
    guarded.handler.update = notes  # type: ignore[method-assign]
    client = guarded.user(allow("cloudformation:ContinueUpdateRollback"))
    client.continue_update_rollback(StackName="app")
    assert guarded.ended("app")["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert callers == ["arn:aws:iam::123456789012:user/somebody"]


@pytest.mark.parametrize("member", ["StackPolicyBody", "StackPolicyDuringUpdateBody"])
def test_an_update_that_brings_a_stack_policy_needs_the_permission_to_set_one(
    guarded: Guarded, stack_id: str, member: str
) -> None:
    # "To update protected resources, you must have permission to use the CloudFormation
    # SetStackPolicy action" (AWS's user guide, Prevent updates to stack resources).
    denied = {"Effect": "Deny", "Action": "cloudformation:SetStackPolicy", "Resource": stack_id}
    client = guarded.user(allow("*"), denied)
    everything = {"Effect": "Allow", "Action": "Update:*", "Principal": "*", "Resource": "*"}
    policy = {member: json.dumps({"Statement": [everything]})}
    with pytest.raises(ClientError, match="cloudformation:SetStackPolicy"):
        client.update_stack(StackName="shop", TemplateBody=template("2"), **policy)
    client.update_stack(StackName="shop", TemplateBody=template("2"))
    assert guarded.ended("shop")["StackStatus"] == "UPDATE_COMPLETE"


def test_drift_is_read_as_who_asks_not_as_the_stacks_role(guarded: Guarded) -> None:
    # "A user must have … read permission for each resource that supports drift detection".
    role = guarded.role("deploy", "cloudformation.amazonaws.com")
    guarded.create("app", template("1"), RoleARN=role)
    read, callers = guarded.handler.actual_properties, []

    async def notes(request: Any) -> Any:
        callers.append(request.principal.arn)
        return await read(request)

    guarded.handler.actual_properties = notes  # type: ignore[method-assign]
    client = guarded.user(allow("cloudformation:*"))
    client.detect_stack_resource_drift(StackName="app", LogicalResourceId="T")
    client.detect_stack_drift(StackName="app")
    until(lambda: len(callers) >= 2, seen=lambda: callers)
    assert callers == ["arn:aws:iam::123456789012:user/somebody"] * 2


def test_a_nested_stack_goes_back_as_who_rolls_back_its_parent(
    guarded: Guarded, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Locks: it went back as who had updated it, whatever who asked for that was allowed."""
    guarded.s3 = guarded.client_of("s3")
    url = guarded.put_template("child.json", child())
    guarded.create("shop", parent(url, "one"))
    guarded.put_template("child.json", child(of_thing={"how": "fail-after"}))
    guarded.update("shop", parent(url, "two"), DisableRollback=True)
    below = nested(guarded)["StackId"]
    assert nested(guarded)["StackStatus"] == "UPDATE_FAILED"
    guarded.stacks.in_process = dataclasses.replace(
        guarded.stacks.in_process, authorize=guarded.iam.authorize
    )
    shop = allow("cloudformation:*", "arn:aws:cloudformation:*:*:stack/shop/*")
    somebody = guarded.user(shop)

    def permit(action: str) -> None:
        guarded.client_of("iam").put_user_policy(
            UserName="somebody",
            PolicyName="inline",
            PolicyDocument=document(shop, allow(f"cloudformation:{action}", below)),
        )

    def refused(action: str) -> bool:
        return f"not authorized to perform: cloudformation:{action} on resource: {below}" in (
            reason(guarded, "shop", "Child", "UPDATE_FAILED")
        )

    somebody.rollback_stack(StackName="shop")
    assert guarded.ended("shop")["StackStatus"] == "UPDATE_ROLLBACK_FAILED"
    assert refused("RollbackStack")
    assert nested(guarded)["StackStatus"] == "UPDATE_FAILED"

    permit("RollbackStack")
    with monkeypatch.context() as patched:

        async def cannot_go_back(*_: Any) -> Any:
            raise ServiceError("InvalidRequest", "not now", status=400)

        patched.setattr(guarded.handler, "update", cannot_go_back)
        somebody.continue_update_rollback(StackName="shop")
        assert guarded.ended("shop")["StackStatus"] == "UPDATE_ROLLBACK_FAILED"
    assert nested(guarded)["StackStatus"] == "UPDATE_ROLLBACK_FAILED"
    somebody.continue_update_rollback(StackName="shop")
    assert guarded.ended("shop")["StackStatus"] == "UPDATE_ROLLBACK_FAILED"
    assert refused("ContinueUpdateRollback")

    permit("ContinueUpdateRollback")
    somebody.continue_update_rollback(StackName="shop")
    assert guarded.ended("shop")["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert nested(guarded)["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert acting(guarded, below).endswith(":user/somebody")


@pytest.mark.parametrize("role", [None, "cleaner"])
def test_what_a_creation_made_is_deleted_as_who_asks_for_that(
    guarded: Guarded, monkeypatch: pytest.MonkeyPatch, role: str | None
) -> None:
    """Locks: DeleteStack of a stack in creation acted as the creator, and its RoleARN as none.

    What is being made is still seen to its end as the creator.
    """
    acted: dict[str, list[str]] = {"create": [], "delete": []}
    for verb, arns in acted.items():
        original = getattr(guarded.handler, verb)

        async def noted(request: Any, context: Any, o: Any = original, to: Any = arns) -> Any:
            to.append(request.principal.arn)
            return await o(request, context)

        monkeypatch.setattr(guarded.handler, verb, noted)
    guarded.s3 = guarded.client_of("s3")
    url = guarded.put_template("child.json", child(of_thing={"how": "slow-1000000"}))
    body = json.loads(parent(url))
    body["Resources"]["Own"] = thing("v")
    body["Resources"]["Child"]["DependsOn"] = "Own"
    given = {"RoleARN": guarded.role(role, "cloudformation.amazonaws.com")} if role else {}
    stack_id = guarded.client.create_stack(StackName="shop", TemplateBody=json.dumps(body))
    until(lambda: len(acted["create"]) > 1 or None)
    somebody = guarded.user(allow("cloudformation:*"), allow("iam:PassRole"))
    somebody.delete_stack(StackName="shop", **given)
    assert guarded.ended(stack_id["StackId"])["StackStatus"] == "DELETE_COMPLETE"
    assert guarded.store.things() == []
    assert {arn.rpartition(":")[2] for arn in acted["create"]} == {"root"}
    expected = "assumed-role/cleaner/AWSCloudFormation" if role else "user/somebody"
    assert [arn.rpartition(":")[2] for arn in acted["delete"]] == [expected] * 2


def acting(guarded: Guarded, stack_id: str) -> str:
    """The ARN of who a stack's last operation goes on as."""

    async def found() -> str:
        row = await guarded.stacks.row(stack_id)
        assert row is not None
        operation = await guarded.stacks.operation(row)
        assert operation is not None
        return operation[1].principal.arn

    return str(guarded.aws.run(found()))
