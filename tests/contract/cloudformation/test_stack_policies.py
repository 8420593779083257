"""Stack policies as boto3 sees them: set, got, validated, and held against every update.

Texts: events of refused updates in public logs; LocalStack's tests that were run against AWS
(tests/integration/cloudformation/test_cloudformation_stack_policies.py).
"""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.contract.cloudformation.conftest import CloudFormationServer
from tests.stack_world import TYPE


def template(**values: str) -> str:
    resources = {
        name: {"Type": TYPE, "Properties": {"Type": "String", "Value": value}}
        for name, value in values.items()
    }
    return json.dumps({"Resources": resources})


def policy(effect: str, action: str = "Update:*", resource: str = "*") -> dict[str, Any]:
    return {"Effect": effect, "Action": action, "Principal": "*", "Resource": resource}


def text(*statements: dict[str, Any]) -> str:
    return json.dumps({"Statement": list(statements)})


PROTECT_A = text(policy("Deny", resource="LogicalResourceId/A"), policy("Allow"))
OPEN = text(policy("Allow"))
DENIED = (
    "Action denied by stack policy: Statement [#1] does not allow [Update:*] for resource "
    "[LogicalResourceId/A];"
)


def error(call: Any, **request: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call(**request)
    found = caught.value.response["Error"]
    return found["Code"], found["Message"]


def test_a_policy_is_given_back_as_it_was_set(cloudformation: Any, server: Any) -> None:
    server.create("s", template(A="1"))
    assert "StackPolicyBody" not in cloudformation.get_stack_policy(StackName="s")
    for body in (PROTECT_A, OPEN, "{}"):
        cloudformation.set_stack_policy(StackName="s", StackPolicyBody=body)
        assert cloudformation.get_stack_policy(StackName="s")["StackPolicyBody"] == body


def test_a_protected_resource_fails_the_update(server: CloudFormationServer) -> None:
    server.create("s", template(A="1", B="1"), StackPolicyBody=PROTECT_A)
    before = server.store.things()
    ended = server.update("s", template(A="2", B="1"))
    assert ended["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert server.store.things() == before
    assert [(name, status, why) for name, _, status, why in server.events("s")][-6:] == [
        ("s", "UPDATE_IN_PROGRESS", "User Initiated"),
        ("A", "UPDATE_FAILED", DENIED),
        ("s", "UPDATE_ROLLBACK_IN_PROGRESS",
         "The following resource(s) failed to update: [A]. "),
        ("A", "UPDATE_COMPLETE", None),
        ("s", "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS", None),
        ("s", "UPDATE_ROLLBACK_COMPLETE", "running 0, kept 2, recorded 0"),
    ]  # fmt: skip
    assert server.update("s", template(A="1", B="2"))["StackStatus"] == "UPDATE_COMPLETE"


def test_a_new_resource_needs_no_permission(server: CloudFormationServer) -> None:
    server.create("s", template(A="1"), StackPolicyBody=text(policy("Deny")))
    assert server.update("s", template(A="1", B="1"))["StackStatus"] == "UPDATE_COMPLETE"


def test_replacing_and_removing_are_told_apart(server: CloudFormationServer) -> None:
    body = text(policy("Deny", "Update:Replace"), policy("Allow", "Update:Modify"))
    server.create("s", template(A="1", B="1"), StackPolicyBody=body)
    replaced = json.loads(template(A="1", B="1"))
    replaced["Resources"]["A"]["Properties"]["Name"] = "another"
    server.update("s", json.dumps(replaced))
    server.update("s", template(A="1"))
    denied = DENIED.replace("[Update:*]", "[Update:Replace]").replace("LogicalResourceId/A", "*")
    told = [each for each in server.events("s") if each[2].endswith("_FAILED")]
    assert [(name, status, why) for name, _, status, why in told] == [
        ("A", "UPDATE_FAILED", denied),
        ("B", "DELETE_FAILED", "Action not allowed by stack policy"),
    ]  # fmt: skip
    assert [name for name, _, _ in server.store.things()] == ["A", "B"]
    assert server.update("s", template(A="2", B="1"))["StackStatus"] == "UPDATE_COMPLETE"


def test_a_policy_for_one_update_opens_that_one_alone(server: CloudFormationServer) -> None:
    server.create("s", template(A="1"), StackPolicyBody=PROTECT_A)
    opened = server.update("s", template(A="2"), StackPolicyDuringUpdateBody=OPEN)
    assert opened["StackStatus"] == "UPDATE_COMPLETE"
    assert server.update("s", template(A="3"))["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert server.client.get_stack_policy(StackName="s")["StackPolicyBody"] == PROTECT_A


def test_a_new_policy_counts_once_its_update_has_succeeded(server: CloudFormationServer) -> None:
    server.create("s", template(A="1"), StackPolicyBody=PROTECT_A)
    failed = server.update("s", template(A="2"), StackPolicyBody=OPEN)
    assert failed["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert server.client.get_stack_policy(StackName="s")["StackPolicyBody"] == PROTECT_A
    server.update("s", template(A="1", B="1"), StackPolicyBody=OPEN)
    assert server.client.get_stack_policy(StackName="s")["StackPolicyBody"] == OPEN


def test_a_policy_that_is_set_while_an_update_begins_counts(
    server: CloudFormationServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.create("s", template(A="1"))
    look, seen = server.stacks._calls.look_at_stacks, []

    async def set_in_between(*given: Any) -> None:
        await look(*given)
        row = await server.stacks.row("s")
        if not seen and row is not None:
            await server.stacks.set_policy(row, PROTECT_A)
        seen.append(row)

    monkeypatch.setattr(server.stacks._calls, "look_at_stacks", set_in_between)
    assert server.update("s", template(A="2"))["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert any(why == DENIED for *_, why in server.events("s"))


def test_a_policy_that_is_set_during_an_update_stays(server: CloudFormationServer) -> None:
    server.create("s", template(A="1"))
    body = json.loads(template(A="1", B="1"))
    body["Resources"]["B"]["Properties"]["Description"] = "slow-10"
    server.client.update_stack(StackName="s", TemplateBody=json.dumps(body), StackPolicyBody=OPEN)
    server.client.set_stack_policy(StackName="s", StackPolicyBody=PROTECT_A)
    assert server.ended("s")["StackStatus"] == "UPDATE_COMPLETE"
    assert server.client.get_stack_policy(StackName="s")["StackPolicyBody"] == PROTECT_A


def test_executing_a_change_set_is_held_against_the_policy(server: CloudFormationServer) -> None:
    server.create("s", template(A="1"), StackPolicyBody=PROTECT_A)
    server.client.create_change_set(StackName="s", ChangeSetName="c", TemplateBody=template(A="2"))
    server.client.execute_change_set(StackName="s", ChangeSetName="c")
    assert server.ended("s")["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert any(why == DENIED for *_, why in server.events("s"))


def test_a_protected_resource_can_be_put_back_after_an_update_without_rollback(
    server: CloudFormationServer,
) -> None:
    server.create("s", template(A="1"), StackPolicyBody=PROTECT_A)
    failed = server.update("s", template(A="2"), DisableRollback=True)
    assert failed["StackStatus"] == "UPDATE_FAILED"
    mended = server.update("s", template(A="1", B="1"), DisableRollback=True)
    assert mended["StackStatus"] == "UPDATE_COMPLETE"


def test_what_is_refused(cloudformation: Any, server: CloudFormationServer) -> None:
    server.create("s", template(A="1"), StackPolicyBody=PROTECT_A)
    setting = cloudformation.set_stack_policy
    both = {"StackPolicyBody": OPEN, "StackPolicyURL": "https://s3.amazonaws.com/b/k"}
    assert error(setting, StackName="s", StackPolicyBody="text") == (
        "ValidationError", "Error validating stack policy: Invalid stack policy",
    )  # fmt: skip
    assert error(setting, StackName="s", **both) == (
        "ValidationError", "You cannot specify both StackPolicyURL and StackPolicyBody",
    )  # fmt: skip
    assert error(setting, StackName="s", StackPolicyURL="nowhere") == (
        "ValidationError", "StackPolicyURL must be a supported URL.",
    )  # fmt: skip
    assert error(setting, StackName="no", StackPolicyBody=OPEN) == (
        "ValidationError", "Stack [no] does not exist",
    )  # fmt: skip
    assert error(cloudformation.get_stack_policy, StackName="no")[1] == "Stack [no] does not exist"
    unknown = text(policy("Deny", resource="LogicalResourceId/X"))
    assert (
        "Unknown logical id 'LogicalResourceId/X'"
        in (error(setting, StackName="s", StackPolicyBody=unknown)[1])
    )
    assert error(
        cloudformation.update_stack, StackName="s", TemplateBody=template(B="1")
    )[1].startswith("Error validating existing stack policy: Unknown logical id")  # fmt: skip
    assert error(
        cloudformation.create_stack, StackName="t", TemplateBody=template(A="1"), **both
    )[1] == "You cannot specify both StackPolicyURL and StackPolicyBody"  # fmt: skip
    assert (
        "less than or equal to 16384"
        in (error(setting, StackName="s", StackPolicyBody=OPEN + " " * 16_384)[1])
    )
