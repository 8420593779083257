"""Nested stacks through boto3: made, changed, rolled back and deleted with their parent."""

import json
import re
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.stack_world import thing

NESTED = "AWS::CloudFormation::Stack"
NAME = {"Name": {"Type": "String", "Default": "one"}}


def child(value: Any = None, **more: Any) -> str:
    """A template with a thing whose value is the parameter Name, and which tells its id."""
    made = thing("x", **more.pop("of_thing", {}))
    made["Properties"]["Value"] = {"Ref": "Name"} if value is None else value
    outputs = {"Id": {"Value": {"Ref": "Thing"}}, "Name": {"Value": {"Ref": "Name"}}}
    return json.dumps(
        {"Parameters": NAME, "Resources": {"Thing": made}, "Outputs": outputs, **more}
    )


def parent(url: str, name: Any = None, /, more: Any = None, **properties: Any) -> str:
    """A template that nests the one at `url`, and tells its output."""
    if name is not None:
        properties["Parameters"] = {"Name": name}
    nested = {"Type": NESTED, "Properties": {"TemplateURL": url, **properties}}
    outputs = {"Id": {"Value": {"Fn::GetAtt": ["Child", "Outputs.Id"]}}}
    return json.dumps({"Resources": {"Child": nested, **(more or {})}, "Outputs": outputs})


def nested(server: Any, stack: str = "shop", logical: str = "Child") -> dict[str, Any]:
    """The description of a nested stack."""
    found = server.client.describe_stack_resource(StackName=stack, LogicalResourceId=logical)
    arn = found["StackResourceDetail"]["PhysicalResourceId"]
    described: dict[str, Any] = server.client.describe_stacks(StackName=arn)["Stacks"][0]
    return described


def things(server: Any) -> list[tuple[str, str]]:
    return [(name, properties["Value"]) for name, _, properties in server.store.things()]


def reason(server: Any, stack: str, logical: str, status: str) -> str:
    """Why a resource came into a status, the last time."""
    found = [
        why
        for name, physical, now, why in server.events(stack)
        if (name, now) == (logical, status) and not (physical.endswith(stack))
    ]
    return found[-1] or ""


class TestCreate:
    def test_a_stack_of_its_own(self, server: Any) -> None:
        url = server.put_template("child.json", child())
        made = server.create("shop", parent(url, "two"), Tags=[{"Key": "team", "Value": "a"}])
        assert made["StackStatus"] == "CREATE_COMPLETE"
        assert "ParentId" not in made
        assert "RootId" not in made
        found = nested(server)
        assert re.fullmatch(r"shop-Child-[A-Z0-9]{12}", found["StackName"])
        assert found["StackStatus"] == "CREATE_COMPLETE"
        assert found["ParentId"] == found["RootId"] == made["StackId"]
        assert found["Parameters"] == [{"ParameterKey": "Name", "ParameterValue": "two"}]
        assert found["Tags"] == [{"Key": "team", "Value": "a"}]
        [(_, thing_id, properties)] = server.store.things()
        assert properties["Value"] == "two"
        assert made["Outputs"] == [{"OutputKey": "Id", "OutputValue": thing_id}]
        assert server.store.tags("Thing")["aws:cloudformation:stack-id"] == found["StackId"]
        listed = server.client.list_stacks()["StackSummaries"]
        assert {one["StackName"]: one.get("RootId") for one in listed} == {
            "shop": None, found["StackName"]: made["StackId"],
        }  # fmt: skip

    def test_ref_is_the_arn_and_events_name_it(self, server: Any) -> None:
        url = server.put_template("child.json", child())
        body = json.loads(parent(url))
        body["Outputs"]["Arn"] = {"Value": {"Ref": "Child"}}
        made = server.create("shop", json.dumps(body))
        arn = nested(server)["StackId"]
        assert {"OutputKey": "Arn", "OutputValue": arn} in made["Outputs"]
        told = [one[1:] for one in server.events("shop") if one[0] == "Child"]
        assert told == [
            ("", "CREATE_IN_PROGRESS", None),
            (arn, "CREATE_IN_PROGRESS", "Resource creation Initiated"),
            (arn, "CREATE_COMPLETE", None),
        ]

    def test_three_deep(self, server: Any) -> None:
        leaf = server.put_template("leaf.json", child())
        middle = server.put_template("middle.json", parent(leaf, "deep"))
        body = json.dumps({"Resources": json.loads(parent(middle))["Resources"]})
        made = server.create("shop", body)
        below = nested(server)
        leafs = nested(server, below["StackId"])
        assert leafs["ParentId"] == below["StackId"]
        assert leafs["RootId"] == below["RootId"] == made["StackId"]
        assert things(server) == [("Thing", "deep")]

    def test_a_failure_in_the_words_of_aws(self, server: Any) -> None:
        url = server.put_template("child.json", child(of_thing={"how": "fail-before"}))
        made = server.create("shop", parent(url))
        assert made["StackStatus"] == "ROLLBACK_COMPLETE"
        assert server.store.things() == []
        told = reason(server, "shop", "Child", "CREATE_FAILED")
        arn = re.findall(r"arn:\S+", told)[0]
        assert told == (
            f"Embedded stack {arn} was not successfully created: "
            "The following resource(s) failed to create: [Thing]. "
        )
        gone = server.client.describe_stacks(StackName=arn)["Stacks"][0]
        assert gone["StackStatus"] == "DELETE_COMPLETE"
        assert ("CREATE_FAILED", "The following resource(s) failed to create: [Thing].") in [
            one[2:] for one in server.events(arn)
        ]

    def test_without_rollback_the_failed_stack_stays(self, server: Any) -> None:
        url = server.put_template("child.json", child(of_thing={"how": "fail-before"}))
        made = server.create("shop", parent(url), DisableRollback=True)
        assert made["StackStatus"] == "CREATE_FAILED"
        assert nested(server)["StackStatus"] == "CREATE_FAILED"

    @pytest.mark.parametrize(
        ("template", "told"),
        [
            ("{}", "Template format error: At least one Resources member must be defined."),
            (
                json.dumps({"Resources": {"R": {"Type": "AWS::IAM::Role", "Properties": {
                    "AssumeRolePolicyDocument": {}}}}}),
                "Requires capabilities : [CAPABILITY_IAM]",
            ),
            (child(Parameters={"Other": {"Type": "String"}, **NAME}),
             "Parameters: [Other] must have values"),
        ],
    )  # fmt: skip
    def test_what_is_refused_fails_the_resource(
        self, server: Any, template: str, told: str
    ) -> None:
        url = server.put_template("child.json", template)
        made = server.create("shop", parent(url))
        assert made["StackStatus"] == "ROLLBACK_COMPLETE"
        assert reason(server, "shop", "Child", "CREATE_FAILED") == told

    def test_capabilities_and_role_come_from_the_parent(self, server: Any) -> None:
        role = {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": {}}}
        url = server.put_template("child.json", json.dumps({"Resources": {"R": role}}))
        deployer = server.role("deployer", "cloudformation.amazonaws.com")
        body = json.dumps({"Resources": json.loads(parent(url))["Resources"]})
        made = server.create("shop", body, Capabilities=["CAPABILITY_IAM"], RoleARN=deployer)
        assert made["StackStatus"] == "CREATE_COMPLETE"
        found = nested(server)
        assert found["Capabilities"] == ["CAPABILITY_IAM"]
        assert found["RoleARN"] == deployer

    def test_a_list_is_no_parameter(self, server: Any) -> None:
        url = server.put_template("child.json", child())
        server.create("shop", parent(url, ["a", "b"]))
        told = reason(server, "shop", "Child", "CREATE_FAILED")
        assert told.endswith("must be an object with String (or simple type) properties")

    def test_a_template_that_nests_itself_ends(self, server: Any) -> None:
        body = parent("https://templates.s3.amazonaws.com/self.json", more={})
        server.put_template("self.json", json.dumps({"Resources": json.loads(body)["Resources"]}))
        made = server.create("shop", json.dumps({"Resources": json.loads(body)["Resources"]}))
        assert made["StackStatus"] == "ROLLBACK_COMPLETE"
        live = server.client.describe_stacks()["Stacks"]
        assert [one["StackName"] for one in live] == ["shop"]

    def test_a_creation_that_takes_too_long(self, server: Any) -> None:
        url = server.put_template("child.json", child())
        server.create("shop", parent(url, TimeoutInMinutes=7))
        assert nested(server)["TimeoutInMinutes"] == 7


class TestUpdate:
    def test_parameters(self, server: Any) -> None:
        url = server.put_template("child.json", child())
        server.create("shop", parent(url, "one"))
        before = nested(server)
        after = server.update("shop", parent(url, "two"))
        assert after["StackStatus"] == "UPDATE_COMPLETE"
        found = nested(server)
        assert (found["StackId"], found["StackStatus"]) == (before["StackId"], "UPDATE_COMPLETE")
        assert things(server) == [("Thing", "two")]

    def test_a_template_that_changed_where_it_is(self, server: Any) -> None:
        url = server.put_template("child.json", child())
        body = parent(url)
        server.create("shop", body)
        server.put_template("child.json", child("new"))
        assert server.update("shop", body)["StackStatus"] == "UPDATE_COMPLETE"
        assert things(server) == [("Thing", "new")]

    def test_nothing_to_update_is_a_success(self, server: Any) -> None:
        url = server.put_template("child.json", child())
        body = parent(url)
        server.create("shop", body)
        assert server.update("shop", body)["StackStatus"] == "UPDATE_COMPLETE"
        assert nested(server)["StackStatus"] == "CREATE_COMPLETE"
        statuses = [one[2] for one in server.events("shop") if one[0] == "Child"]
        assert statuses[-2:] == ["UPDATE_IN_PROGRESS", "UPDATE_COMPLETE"]

    def test_the_cleanup_waits_for_the_parent(self, server: Any) -> None:
        url = server.put_template("child.json", child(of_thing={"name": "a"}))
        server.create("shop", parent(url))
        server.put_template("child.json", child(of_thing={"name": "b"}))
        slow = thing("v", how="slow-40")
        after_child = {**slow, "DependsOn": "Child"}
        assert server.update("shop", parent(url, more={"Slow": after_child}))["StackStatus"] == (
            "UPDATE_COMPLETE"
        )
        found = nested(server)
        assert found["StackStatus"] == "UPDATE_COMPLETE"
        assert [name for name, _ in things(server)] == ["Slow", "Thing"]
        own = [one[2] for one in server.events(found["StackId"]) if one[0] == found["StackName"]]
        assert own[-3:] == [
            "UPDATE_IN_PROGRESS", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "UPDATE_COMPLETE",
        ]  # fmt: skip

    def test_a_failure_in_the_words_of_aws(self, server: Any) -> None:
        url = server.put_template("child.json", child())
        server.create("shop", parent(url, "one"))
        before = server.store.things()
        server.put_template("child.json", child(of_thing={"how": "fail-after"}))
        after = server.update("shop", parent(url, "two"))
        assert after["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
        found = nested(server)
        assert found["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
        assert server.store.things() == before
        assert reason(server, "shop", "Child", "UPDATE_FAILED") == (
            f"Embedded stack {found['StackId']} was not successfully updated. Currently in "
            "UPDATE_ROLLBACK_IN_PROGRESS with reason: "
            "The following resource(s) failed to update: [Thing]. "
        )
        assert found["Parameters"] == [{"ParameterKey": "Name", "ParameterValue": "one"}]

    def test_when_the_parent_fails_the_nested_stack_goes_back(self, server: Any) -> None:
        """To its own template, parameters and physical ids, whatever its URL says now."""
        url = server.put_template("child.json", child(of_thing={"name": "a"}))
        server.create("shop", parent(url, "one"))
        before, things_before = nested(server), server.store.things()
        text = server.client.get_template(StackName=before["StackId"])["TemplateBody"]
        server.put_template("child.json", child("new", of_thing={"name": "b"}))
        bad = {**thing("v", how="fail-before"), "DependsOn": "Child"}
        after = server.update("shop", parent(url, "two", {"Bad": bad}))
        assert after["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
        found = nested(server)
        assert found["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
        assert found["Outputs"] == before["Outputs"]
        assert found["Parameters"] == before["Parameters"]
        assert server.client.get_template(StackName=before["StackId"])["TemplateBody"] == text
        assert server.store.things() == things_before
        assert after["Outputs"] == [{"OutputKey": "Id", "OutputValue": things_before[0][1]}]

    def test_going_back_three_deep(self, server: Any) -> None:
        leaf = server.put_template("leaf.json", child(of_thing={"name": "a"}))
        middle = server.put_template("middle.json", parent(leaf, "one"))
        server.create("shop", parent(middle))
        before = server.store.things()
        server.put_template("leaf.json", child("new", of_thing={"name": "b"}))
        bad = {**thing("v", how="fail-before"), "DependsOn": "Child"}
        after = server.update("shop", parent(middle, more={"Bad": bad}))
        assert after["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
        assert server.store.things() == before
        statuses = {one["StackStatus"] for one in server.client.describe_stacks()["Stacks"]}
        assert statuses == {"UPDATE_ROLLBACK_COMPLETE"}

    def test_a_nested_stack_that_is_new_is_deleted_in_the_rollback(self, server: Any) -> None:
        url = server.put_template("child.json", child())
        server.create("shop", json.dumps({"Resources": {"Own": thing("v")}}))
        bad = {**thing("v", how="fail-before"), "DependsOn": "Child"}
        after = server.update("shop", parent(url, more={"Own": thing("v"), "Bad": bad}))
        assert after["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
        assert [name for name, _ in things(server)] == ["Own"]
        assert len(server.client.describe_stacks()["Stacks"]) == 1

    def test_an_export_of_a_nested_stack_comes_back(self, server: Any) -> None:
        outputs = {"Id": {"Value": {"Ref": "Name"}, "Export": {"Name": "shared"}}}
        url = server.put_template("child.json", child(Outputs=outputs))
        server.create("shop", parent(url, "one"))
        bad = {**thing("v", how="fail-before"), "DependsOn": "Child"}
        server.update("shop", parent(url, "two", {"Bad": bad}))
        [export] = server.client.list_exports()["Exports"]
        assert export["Value"] == "one"

    def test_what_kept_its_failure_is_rolled_back_later(self, server: Any) -> None:
        url = server.put_template("child.json", child(of_thing={"name": "a"}))
        server.create("shop", parent(url, "one"))
        before = server.store.things()
        bad = {**thing("v", how="fail-before"), "DependsOn": "Child"}
        server.put_template("child.json", child("new", of_thing={"name": "b"}))
        after = server.update("shop", parent(url, "two", {"Bad": bad}), DisableRollback=True)
        assert after["StackStatus"] == "UPDATE_FAILED"
        held = server.client.describe_stacks(StackName=nested_id(server))["Stacks"][0]
        assert held["StackStatus"] == "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"
        server.client.rollback_stack(StackName="shop")
        assert server.ended("shop")["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
        assert server.store.things() == before


def nested_id(server: Any) -> str:
    found = server.client.describe_stack_resource(StackName="shop", LogicalResourceId="Child")
    return str(found["StackResourceDetail"]["PhysicalResourceId"])


class TestDelete:
    def test_with_the_parent(self, server: Any) -> None:
        url = server.put_template("child.json", child())
        stack_id = server.create("shop", parent(url))["StackId"]
        arn = nested_id(server)
        server.client.delete_stack(StackName="shop")
        assert server.ended(stack_id)["StackStatus"] == "DELETE_COMPLETE"
        assert server.ended(arn)["StackStatus"] == "DELETE_COMPLETE"
        assert server.store.things() == []

    def test_when_the_parent_no_longer_has_it(self, server: Any) -> None:
        url = server.put_template("child.json", child())
        server.create("shop", parent(url, more={"Own": thing("v")}))
        arn = nested_id(server)
        server.update("shop", json.dumps({"Resources": {"Own": thing("v")}}))
        assert server.ended(arn)["StackStatus"] == "DELETE_COMPLETE"
        assert [name for name, _ in things(server)] == ["Own"]

    def test_retained(self, server: Any) -> None:
        url = server.put_template("child.json", child())
        body = json.loads(parent(url))
        body["Resources"]["Child"]["DeletionPolicy"] = "Retain"
        stack_id = server.create("shop", json.dumps(body))["StackId"]
        arn = nested_id(server)
        server.client.delete_stack(StackName="shop")
        assert server.ended(stack_id)["StackStatus"] == "DELETE_COMPLETE"
        kept = server.client.describe_stacks(StackName=arn)["Stacks"][0]
        assert kept["StackStatus"] == "CREATE_COMPLETE"
        assert [name for name, _ in things(server)] == ["Thing"]

    def test_a_failure_in_the_words_of_aws(self, server: Any) -> None:
        url = server.put_template("child.json", child())
        stack_id = server.create("shop", parent(url))["StackId"]
        arn = nested_id(server)
        server.handler.undeletable.add("Thing")
        server.client.delete_stack(StackName="shop")
        assert server.ended(stack_id)["StackStatus"] == "DELETE_FAILED"
        assert reason(server, "shop", "Child", "DELETE_FAILED") == (
            f"Embedded stack {arn} was not successfully deleted: "
            "The following resource(s) failed to delete: [Thing]. "
        )
        server.handler.undeletable.clear()
        server.client.delete_stack(StackName="shop")
        assert server.ended(stack_id)["StackStatus"] == "DELETE_COMPLETE"
        assert server.store.things() == []


class TestDirectly:
    def test_protection_is_the_roots(self, server: Any) -> None:
        url = server.put_template("child.json", child())
        server.create("shop", parent(url), EnableTerminationProtection=True)
        with pytest.raises(ClientError, match="nested stack"):
            server.client.update_termination_protection(
                StackName=nested_id(server), EnableTerminationProtection=True
            )
        with pytest.raises(ClientError, match="TerminationProtection is enabled"):
            server.client.delete_stack(StackName=nested_id(server))

    @pytest.mark.parametrize(
        "operation", ["cancel_update_stack", "continue_update_rollback", "rollback_stack"]
    )
    def test_a_rollback_is_the_parents(self, server: Any, operation: str) -> None:
        url = server.put_template("child.json", child())
        server.create("shop", parent(url))
        with pytest.raises(ClientError, match="is a nested stack"):
            getattr(server.client, operation)(StackName=nested_id(server))

    def test_a_direct_update_is_allowed(self, server: Any) -> None:
        url = server.put_template("child.json", child())
        server.create("shop", parent(url))
        assert server.update(nested_id(server), child("own"))["StackStatus"] == "UPDATE_COMPLETE"
        assert things(server) == [("Thing", "own")]
