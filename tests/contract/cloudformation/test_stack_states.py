"""From which statuses stacks go on, whose token a request had, what deletions leave, as boto3 sees
it. Texts: aws/aws-cli#6368, code-dot-org/code-dot-org#68524; tokens as recorded from AWS."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.contract.cloudformation.conftest import CloudFormationServer
from tests.stack_world import TYPE, thing
from tests.stack_world import template as stack_template

NON_TERMINAL = (
    "This stack is currently in a non-terminal [{}] state. To update the stack from this state, "
    "please use the disable-rollback parameter with update-stack API. To rollback to the last "
    "known good state, use the rollback-stack API"
)
NO_UPDATES = "No updates are to be performed."


def template(fail: str = "", **values: str) -> str:
    resources: dict[str, Any] = {
        name: {"Type": TYPE, "Properties": {"Type": "String", "Value": value}}
        for name, value in values.items()
    }
    if fail:
        resources[fail]["Properties"]["Description"] = "fail-before"
        resources[fail]["DependsOn"] = [name for name in values if name != fail]
    return json.dumps({"Resources": resources})


def error(call: Any, **request: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call(**request)
    found = caught.value.response["Error"]
    return found["Code"], found["Message"]


def test_a_failed_creation_goes_on_without_rollback_alone(server: CloudFormationServer) -> None:
    made = server.create("s", template("B", A="1", B="1"), DisableRollback=True)
    assert made["StackStatus"] == "CREATE_FAILED"
    body = template(A="1", B="1")
    update = server.client.update_stack
    assert error(update, StackName="s", TemplateBody=body) == (
        "ValidationError",
        NON_TERMINAL.format("CREATE_FAILED"),
    )
    ended = server.update("s", body, DisableRollback=True)
    assert ended["StackStatus"] == "UPDATE_COMPLETE"
    assert [name for name, _, _ in server.store.things()] == ["A", "B"]


def test_a_change_set_of_a_failed_creation(server: CloudFormationServer) -> None:
    server.create("s", template("B", A="1", B="1"), DisableRollback=True)
    server.client.create_change_set(
        StackName="s", ChangeSetName="c", TemplateBody=template(A="1", B="1")
    )
    execute = server.client.execute_change_set
    assert error(execute, StackName="s", ChangeSetName="c")[1] == (
        NON_TERMINAL.format("CREATE_FAILED")
    )
    execute(StackName="s", ChangeSetName="c", DisableRollback=True)
    assert server.ended("s")["StackStatus"] == "UPDATE_COMPLETE"


def test_a_creation_that_said_do_nothing_is_not_updated(server: CloudFormationServer) -> None:
    server.create("s", template("B", A="1", B="1"), OnFailure="DO_NOTHING")
    body = template(A="1", B="1")
    update = server.client.update_stack
    assert error(update, StackName="s", TemplateBody=body, DisableRollback=True)[1] == (
        "This stack cannot be updated from [CREATE_FAILED] state because it contains "
        "[on-failure: DO_NOTHING]. Please use disable-rollback option instead during stack "
        "creation."
    )


def test_a_failed_update_goes_on_without_rollback_alone(server: CloudFormationServer) -> None:
    server.create("s", template(A="1"))
    broken = template("B", A="2", B="1")
    assert server.update("s", broken, DisableRollback=True)["StackStatus"] == "UPDATE_FAILED"
    update = server.client.update_stack
    assert error(update, StackName="s", TemplateBody=template(A="1"))[1] == (
        NON_TERMINAL.format("UPDATE_FAILED")
    )
    again = template("B", A="3", B="1")
    assert server.update("s", again, DisableRollback=True)["StackStatus"] == "UPDATE_FAILED"
    fixed = server.update("s", template(A="4", B="1"), DisableRollback=True)
    assert fixed["StackStatus"] == "UPDATE_COMPLETE"


def failing(*names: str, **resources: Any) -> str:
    """A template in which B fails after all others."""
    resources["B"] = thing("b", how="fail-after", DependsOn=[*names])
    return stack_template(resources)


def test_several_failed_updates_are_rolled_back_to_before_the_first(
    server: CloudFormationServer,
) -> None:
    """As on AWS: to the last known stable state. What is in place is changed back, what was
    replaced is the old one again, and whatever came and went meanwhile is gone."""
    stable = stack_template({"A": thing("1"), "R": thing("1", name="one"), "S": thing("s")})
    server.create("s", stable)
    before = server.store.things()
    first = failing("A", "R", A=thing("2"), R=thing("2", name="two"), S=thing("s"))
    assert server.update("s", first, DisableRollback=True)["StackStatus"] == "UPDATE_FAILED"
    second = failing(
        "A", "R", "C", A=thing("3"), R=thing("3", name="three"), C=thing("c"), S=thing("s")
    )
    assert server.update("s", second, DisableRollback=True)["StackStatus"] == "UPDATE_FAILED"
    answer = server.client.rollback_stack(StackName="s")
    ended = server.ended("s")
    assert ended["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert ended["LastOperations"][0]["OperationId"] == answer["OperationId"]
    assert server.store.things() == before
    assert server.store.violations() == []
    found = server.client.get_template(StackName="s")["TemplateBody"]
    assert found == json.loads(stable)
    listed = server.client.list_stack_resources(StackName="s")["StackResourceSummaries"]
    assert {one["LogicalResourceId"]: one["ResourceStatus"] for one in listed} == {
        "A": "UPDATE_COMPLETE", "R": "UPDATE_COMPLETE", "S": "CREATE_COMPLETE",
    }  # fmt: skip
    changed = server.update("s", stack_template({"A": thing("5"), "S": thing("s")}))
    assert changed["StackStatus"] == "UPDATE_COMPLETE"
    assert [name for name, _, _ in server.store.things()] == ["A", "S"], "nothing is left behind"


@pytest.fixture
def half_updated(server: CloudFormationServer) -> CloudFormationServer:
    """A's update has changed its Value before it failed; handlers touch what differs alone."""
    server.handler.compares = True
    server.create("s", stack_template({"A": thing("1")}))
    failed = stack_template({"A": thing("2", how="fail-after")})
    assert server.update("s", failed, DisableRollback=True)["StackStatus"] == "UPDATE_FAILED"
    assert there(server) == {"A": "2"}
    return server


def there(server: CloudFormationServer) -> dict[str, str]:
    return {name: properties["Value"] for name, _, properties in server.store.things()}


def test_what_an_update_left_half_done_is_rolled_back_after_another(
    half_updated: CloudFormationServer,
) -> None:
    server = half_updated
    again = {"A": thing("2", DependsOn="B"), "B": thing("b", how="fail-before")}
    assert server.update("s", stack_template(again), DisableRollback=True)["StackStatus"] == (
        "UPDATE_FAILED"
    )
    server.client.rollback_stack(StackName="s")
    assert server.ended("s")["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert server.store.things()[0][2] == thing("1")["Properties"]
    assert there(server) == {"A": "1"}


def test_what_an_update_left_half_done_is_in_the_next_change_set(
    half_updated: CloudFormationServer,
) -> None:
    server = half_updated
    body = stack_template({"A": thing("1"), "X": thing("x")})
    server.client.create_change_set(StackName="s", ChangeSetName="c", TemplateBody=body)
    for with_values in (True, False):
        described = server.client.describe_change_set(
            StackName="s", ChangeSetName="c", IncludePropertyValues=with_values
        )
        changes = [each["ResourceChange"] for each in described["Changes"]]
        assert [(one["Action"], one["LogicalResourceId"]) for one in changes] == [
            ("Modify", "A"),
            ("Add", "X"),
        ]
        names = {one["Target"]["Name"] for one in changes[0]["Details"]}
        assert names == {"Description", "Value"}
        assert not any("BeforeValue" in one["Target"] for one in changes[0]["Details"])
    server.client.execute_change_set(StackName="s", ChangeSetName="c", DisableRollback=True)
    assert server.ended("s")["StackStatus"] == "UPDATE_COMPLETE"
    assert there(server) == {"A": "1", "X": "x"}
    assert server.store.things()[0][2] == thing("1")["Properties"]


def test_what_an_update_left_half_done_is_updated_to_what_was(
    half_updated: CloudFormationServer,
) -> None:
    server, stable = half_updated, stack_template({"A": thing("1")})
    assert server.update("s", stable, DisableRollback=True)["StackStatus"] == "UPDATE_COMPLETE"
    assert there(server) == {"A": "1"}
    update = server.client.update_stack
    assert error(update, StackName="s", TemplateBody=stable)[1] == NO_UPDATES


def test_what_an_update_left_half_done_is_not_updated_where_a_policy_refuses_it(
    half_updated: CloudFormationServer,
) -> None:
    server = half_updated
    statement = {"Effect": "Deny", "Action": "Update:*", "Principal": "*", "Resource": "*"}
    policy = json.dumps({"Statement": [statement]})
    server.client.set_stack_policy(StackName="s", StackPolicyBody=policy)
    stable = stack_template({"A": thing("1")})
    assert server.update("s", stable, DisableRollback=True)["StackStatus"] == "UPDATE_FAILED"
    assert there(server) == {"A": "2"}
    server.client.rollback_stack(StackName="s")
    assert server.ended("s")["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert there(server) == {"A": "1"}


def test_what_an_update_left_undone_is_done_by_the_same_update(
    server: CloudFormationServer,
) -> None:
    server.handler.compares = True
    server.create("s", stack_template({"A": thing("1")}))
    failed = stack_template({"A": thing("2", how="fail-before")})
    assert server.update("s", failed, DisableRollback=True)["StackStatus"] == "UPDATE_FAILED"
    assert there(server) == {"A": "1"}
    body = stack_template({"A": thing("2")})
    assert server.update("s", body, DisableRollback=True)["StackStatus"] == "UPDATE_COMPLETE"
    assert there(server) == {"A": "2"}


def test_what_was_changed_and_then_replaced_is_changed_back(server: CloudFormationServer) -> None:
    server.handler.compares = True
    server.create("s", stack_template({"A": thing("1", name="one")}))
    before = server.store.things()
    for changed in (thing("2", name="one"), thing("2", name="two")):
        body = failing("A", A=changed)
        assert server.update("s", body, DisableRollback=True)["StackStatus"] == "UPDATE_FAILED"
    server.client.rollback_stack(StackName="s")
    assert server.ended("s")["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert server.store.things() == before
    assert server.store.violations() == []


def test_updates_that_come_back_to_what_was_are_rolled_back(server: CloudFormationServer) -> None:
    server.create("s", stack_template({"A": thing("1")}))
    before = server.store.things()
    for value in ("2", "1"):
        body = failing("A", A=thing(value))
        assert server.update("s", body, DisableRollback=True)["StackStatus"] == "UPDATE_FAILED"
    server.client.rollback_stack(StackName="s")
    assert server.ended("s")["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert server.store.things() == before


def test_a_creation_and_an_update_that_failed_leave_nothing(server: CloudFormationServer) -> None:
    """Without a last known stable state there is nothing to go back to."""
    made = server.create("s", failing("A", A=thing("1")), DisableRollback=True)
    assert made["StackStatus"] == "CREATE_FAILED"
    body = failing("A", "C", A=thing("2"), C=thing("c"))
    assert server.update("s", body, DisableRollback=True)["StackStatus"] == "UPDATE_FAILED"
    server.client.rollback_stack(StackName="s")
    assert server.ended("s")["StackStatus"] == "ROLLBACK_COMPLETE"
    assert server.store.things() == []
    server.client.delete_stack(StackName="s")
    assert server.ended(made["StackId"])["StackStatus"] == "DELETE_COMPLETE"


def test_a_rolled_back_creation_is_deleted_alone(server: CloudFormationServer) -> None:
    stack = server.create("s", template("A", A="1"))
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    refused = f"Stack:{stack['StackId']} is in ROLLBACK_COMPLETE state and can not be updated."
    body = template(A="1")
    assert error(server.client.update_stack, StackName="s", TemplateBody=body)[1] == refused
    assert error(server.client.create_stack, StackName="s", TemplateBody=body) == (
        "AlreadyExistsException",
        "Stack [s] already exists",
    )


def test_a_token_means_one_request(server: CloudFormationServer) -> None:
    body, token = template(A="1"), "once"
    create, update = server.client.create_stack, server.client.update_stack
    first = create(StackName="s", TemplateBody=body, ClientRequestToken=token)
    again = create(StackName="s", TemplateBody=body, ClientRequestToken=token)
    assert again["StackId"] == first["StackId"]
    assert "OperationId" not in again
    used = (
        "TokenAlreadyExistsException",
        (
            "The client request token once has already been used for this stack. Retry the request "
            "with a different client request token"
        ),
    )
    other = {"StackName": "s", "TemplateBody": template(A="2"), "ClientRequestToken": token}
    assert error(create, **other) == used
    server.ended("s")
    assert error(update, **other) == used
    request = {**other, "ClientRequestToken": "twice"}
    assert update(**request)["StackId"] == update(**request)["StackId"]
    server.ended("s")


def test_events_of_a_rollback_have_its_token(server: CloudFormationServer) -> None:
    server.create("s", template("A", A="1"), DisableRollback=True, ClientRequestToken="made")
    server.client.rollback_stack(StackName="s", ClientRequestToken="back")
    server.ended("s")
    found = server.client.describe_stack_events(StackName="s")["StackEvents"]
    assert [each["ClientRequestToken"] for each in found[:2]] == ["back", "back"]
    assert found[-1]["ClientRequestToken"] == "made"


def test_a_forced_deletion_leaves_what_it_cannot_delete(server: CloudFormationServer) -> None:
    stack = server.create("s", template(A="1", B="1"))
    delete = server.client.delete_stack
    force = {"StackName": "s", "DeletionMode": "FORCE_DELETE_STACK"}
    assert "DELETE_FAILED" in error(delete, **force)[1]
    server.handler.undeletable.add("A")
    delete(StackName="s")
    assert server.ended("s")["StackStatus"] == "DELETE_FAILED"
    delete(**force)
    assert server.ended(stack["StackId"])["StackStatus"] == "DELETE_COMPLETE"
    assert [name for name, _, _ in server.store.things()] == ["A"]
    told = [status for name, _, status, _ in server.events(stack["StackId"]) if name == "A"]
    assert told[-2:] == ["DELETE_FAILED", "DELETE_SKIPPED"]


def test_a_recorded_database_has_nothing_to_make_a_snapshot_of(
    server: CloudFormationServer,
) -> None:
    database = {
        "Type": "AWS::RDS::DBInstance",
        "DeletionPolicy": "Snapshot",
        "UpdateReplacePolicy": "Snapshot",
        "Properties": {"DBInstanceClass": "db.t3.micro", "Engine": "mysql",
                       "AllocatedStorage": "20", "MasterUsername": "admin",
                       "MasterUserPassword": "not-so-secret"},
    }  # fmt: skip
    kept = json.loads(template(A="1"))
    both = {"Resources": {**kept["Resources"], "Db": database}}
    assert server.create("s", json.dumps(both))["StackStatus"] == "CREATE_COMPLETE"
    server.update("s", json.dumps(kept))
    [told] = [
        reason
        for name, _, status, reason in server.events("s")
        if (name, status) == ("Db", "DELETE_COMPLETE")
    ]
    assert told == "recorded only: nothing ran behind it, so no snapshot was made"


def test_what_failed_and_is_made_anew_is_not_forgotten(server: CloudFormationServer) -> None:
    """Locks: of a resource that failed in two updates the first remained for ever."""
    server.create("s", stack_template({"A": thing("1")}))
    for value in ("2", "3"):
        server.update("s", failing("A", A=thing(value)), DisableRollback=True)
    assert [name for name, _, _ in server.store.things()] == ["A", "B", "B"]
    fixed = stack_template({"A": thing("4"), "B": thing("b")})
    assert server.update("s", fixed, DisableRollback=True)["StackStatus"] == "UPDATE_COMPLETE"
    assert [name for name, _, _ in server.store.things()] == ["A", "B"]
