"""Change sets of a stack with nested ones through boto3, with IncludeNestedStacks and without."""

import dataclasses
import json
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.contract.cloudformation.test_nested_stacks import child, nested, parent, things
from tests.stack_world import thing
from tests.waiting import until

from penstock.aws.errors import ServiceError
from penstock.stacks.change_sets.review import review
from penstock.stacks.planning import nesting, planner

BY_ROOT = "Only executable from the root change set."
AUTOMATIC = {
    "Target": {"Attribute": "Properties", "RequiresRecreation": "Never"},
    "Evaluation": "Dynamic",
    "ChangeSource": "Automatic",
}


def change_set(server: Any, body: str, kind: str = "UPDATE", **more: Any) -> dict[str, Any]:
    server.client.create_change_set(
        StackName="shop", ChangeSetName="cs", ChangeSetType=kind, TemplateBody=body, **more
    )
    return described(server, "cs", StackName="shop")


def described(server: Any, name: str, **more: Any) -> dict[str, Any]:
    found: dict[str, Any] = server.client.describe_change_set(ChangeSetName=name, **more)
    return found


def change_of(found: dict[str, Any], logical: str = "Child") -> dict[str, Any]:
    [one] = [
        each["ResourceChange"]
        for each in found["Changes"]
        if each["ResourceChange"]["LogicalResourceId"] == logical
    ]
    return dict(one)


def executed(server: Any) -> str:
    arn = described(server, "cs", StackName="shop")["ChangeSetId"]
    server.client.execute_change_set(ChangeSetName=arn)
    server.ended("shop")

    def ended() -> str | None:
        status: str = described(server, arn)["ExecutionStatus"]
        return None if status == "EXECUTE_IN_PROGRESS" else status

    return until(ended)


class TestWithout:
    def test_a_nested_stack_is_always_listed(self, server: Any) -> None:
        """docs: change-sets-for-nested-stacks, the output of describe-change-set."""
        url = server.put_template("child.json", child())
        server.create("shop", parent(url))
        found = change_set(server, parent(url))
        assert found["Status"] == "CREATE_COMPLETE"
        assert found["IncludeNestedStacks"] is False
        assert change_of(found) == {
            "Action": "Modify",
            "LogicalResourceId": "Child",
            "PhysicalResourceId": nested(server)["StackId"],
            "ResourceType": "AWS::CloudFormation::Stack",
            "Replacement": "False",
            "Scope": ["Properties"],
            "Details": [AUTOMATIC],
        }

    def test_executed(self, server: Any) -> None:
        url = server.put_template("child.json", child())
        server.create("shop", parent(url, "one"))
        found = change_of(change_set(server, parent(url, "two")))
        assert AUTOMATIC in found["Details"]
        assert {"DirectModification", "Automatic"} == {
            one["ChangeSource"] for one in found["Details"]
        }
        assert executed(server) == "EXECUTE_COMPLETE"
        assert things(server) == [("Thing", "two")]


class TestIncludingNestedStacks:
    def test_an_update(self, server: Any) -> None:
        url = server.put_template("child.json", child())
        server.create("shop", parent(url, "one"))
        root = change_set(server, parent(url, "two"), IncludeNestedStacks=True)
        assert (root["Status"], root["ExecutionStatus"]) == ("CREATE_COMPLETE", "AVAILABLE")
        assert root["IncludeNestedStacks"] is True
        assert "RootChangeSetId" not in root
        below = described(server, change_of(root)["ChangeSetId"], IncludePropertyValues=True)
        assert below["StackId"] == nested(server)["StackId"]
        assert below["ParentChangeSetId"] == below["RootChangeSetId"] == root["ChangeSetId"]
        assert below["IncludeNestedStacks"] is True
        assert (below["Status"], below["ExecutionStatus"]) == ("CREATE_COMPLETE", "UNAVAILABLE")
        assert below["StatusReason"] == BY_ROOT
        detail = change_of(below, "Thing")["Details"][0]["Target"]
        assert (detail["Name"], detail["BeforeValue"], detail["AfterValue"]) == (
            "Value", "one", "two",
        )  # fmt: skip
        [listed] = server.client.list_change_sets(StackName=below["StackId"])["Summaries"]
        assert listed["RootChangeSetId"] == root["ChangeSetId"]
        assert executed(server) == "EXECUTE_COMPLETE"
        assert things(server) == [("Thing", "two")]
        assert described(server, below["ChangeSetId"])["ExecutionStatus"] == "EXECUTE_COMPLETE"
        assert nested(server)["ChangeSetId"] == below["ChangeSetId"]

    def test_executed_ones_that_nobody_looked_at_stay(self, server: Any) -> None:
        """Locks: the next execution removed the root, and the nested ones with it."""
        url = server.put_template("child.json", child())
        server.create("shop", parent(url, "one"))
        made = []
        for value in ("two", "three"):
            root = change_set(server, parent(url, value), IncludeNestedStacks=True)
            made += [root["ChangeSetId"], change_of(root)["ChangeSetId"]]
            server.client.execute_change_set(ChangeSetName=root["ChangeSetId"])
            server.ended("shop")
        own = server.client.create_change_set(
            StackName=nested(server)["StackId"], ChangeSetName="own", TemplateBody=child("other"),
            Parameters=[{"ParameterKey": "Name", "ParameterValue": "four"}],
        )["Id"]  # fmt: skip
        server.client.execute_change_set(ChangeSetName=own)
        server.ended(nested(server)["StackId"])
        statuses = [described(server, arn)["ExecutionStatus"] for arn in reversed(made)]
        assert statuses == ["EXECUTE_COMPLETE"] * 4

    def test_a_creation_with_a_value_known_after_apply(self, server: Any) -> None:
        url = server.put_template("child.json", child())
        body = parent(url, {"Ref": "Own"}, {"Own": thing("v")})
        root = change_set(server, body, "CREATE", IncludeNestedStacks=True)
        below = described(server, change_of(root)["ChangeSetId"], IncludePropertyValues=True)
        after = json.loads(change_of(below, "Thing")["AfterContext"])
        assert after["Properties"]["Value"] == "{{changeSet:KNOWN_AFTER_APPLY}}"
        review = server.client.describe_stacks(StackName=below["StackId"])["Stacks"][0]
        assert review["StackStatus"] == "REVIEW_IN_PROGRESS"
        assert review["ParentId"] == review["RootId"] == root["StackId"]
        assert executed(server) == "EXECUTE_COMPLETE"
        assert nested(server)["StackId"] == below["StackId"]
        made = {name: (id_, one["Value"]) for name, id_, one in server.store.things()}
        assert made["Thing"][1] == made["Own"][0]

    def test_a_review_shows_the_nested_changes(self, server: Any) -> None:
        url = server.put_template("child.json", child())
        server.create("shop", parent(url, "one"))
        change_set(server, parent(url, "two"), IncludeNestedStacks=True)
        found = server.aws.run(review(server.change_sets, "cs", "shop"))
        names = [one["ResourceChange"]["LogicalResourceId"] for one in found.changes]
        assert names == ["Child", "Child.Thing"]

    def test_only_what_was_reviewed_is_executed(self, server: Any) -> None:
        url = server.put_template("child.json", child())
        server.create("shop", parent(url, "one"))
        change_set(server, parent(url, "two"), IncludeNestedStacks=True)
        server.put_template("child.json", child("never reviewed"))
        assert executed(server) == "EXECUTE_COMPLETE"
        assert things(server) == [("Thing", "two")]

    def test_outputs_that_do_not_change_are_no_noise(self, server: Any) -> None:
        url = server.put_template("child.json", child())
        reader = thing("v")
        reader["Properties"]["Value"] = {"Fn::GetAtt": ["Child", "Outputs.Name"]}
        body = parent(url, "one", {"Reader": reader})
        server.create("shop", body)
        server.put_template("child.json", child("new"))
        root = change_set(server, body, IncludeNestedStacks=True)
        assert [one["ResourceChange"]["LogicalResourceId"] for one in root["Changes"]] == ["Child"]

    def test_outputs_that_change_are_told_of(self, server: Any) -> None:
        url = server.put_template("child.json", child())
        reader = thing("v")
        reader["Properties"]["Value"] = {"Fn::GetAtt": ["Child", "Outputs.Name"]}
        server.create("shop", parent(url, "one", {"Reader": reader}))
        root = change_set(server, parent(url, "two", {"Reader": reader}), IncludeNestedStacks=True)
        context = change_of(
            described(server, root["ChangeSetId"], IncludePropertyValues=True), "Reader"
        )["AfterContext"]
        assert json.loads(context)["Properties"]["Value"] == "two"

    def test_three_deep(self, server: Any) -> None:
        leaf = server.put_template("leaf.json", child())
        middle = server.put_template("middle.json", parent(leaf))
        server.create("shop", parent(middle))
        server.put_template("leaf.json", child("new"))
        root = change_set(server, parent(middle), IncludeNestedStacks=True)
        below = described(server, change_of(root)["ChangeSetId"])
        lowest = described(server, change_of(below)["ChangeSetId"])
        assert lowest["ParentChangeSetId"] == below["ChangeSetId"]
        assert lowest["RootChangeSetId"] == below["RootChangeSetId"] == root["ChangeSetId"]
        assert executed(server) == "EXECUTE_COMPLETE"
        assert things(server) == [("Thing", "new")]

    def test_no_changes_anywhere(self, server: Any) -> None:
        url = server.put_template("child.json", child())
        server.create("shop", parent(url))
        root = change_set(server, parent(url), IncludeNestedStacks=True)
        assert root["Status"] == "FAILED"
        assert "didn't contain changes" in root["StatusReason"]

    def test_a_nested_failure_in_the_words_of_aws(self, server: Any) -> None:
        url = server.put_template("child.json", child())
        server.create("shop", parent(url))
        server.put_template("child.json", "{}")
        root = change_set(server, parent(url), IncludeNestedStacks=True)
        [below] = server.client.list_change_sets(StackName=nested(server)["StackId"])["Summaries"]
        assert root["StatusReason"] == (
            f"Nested change set {below['ChangeSetId']} was not successfully created: "
            "Currently in FAILED."
        )
        assert below["StatusReason"].startswith("Template format error")

    def test_a_nested_one_is_executed_and_deleted_by_the_root(self, server: Any) -> None:
        url = server.put_template("child.json", child())
        root = change_set(server, parent(url), "CREATE", IncludeNestedStacks=True)
        below = described(server, change_of(root)["ChangeSetId"])
        with pytest.raises(ClientError, match="cannot be executed in its current execution status"):
            server.client.execute_change_set(ChangeSetName=below["ChangeSetId"])
        with pytest.raises(ClientError, match="from the root change set"):
            server.client.delete_change_set(ChangeSetName=below["ChangeSetId"])
        server.client.delete_change_set(ChangeSetName=root["ChangeSetId"])
        with pytest.raises(ClientError, match="does not exist"):
            described(server, below["ChangeSetId"])
        live = server.client.describe_stacks()["Stacks"]
        assert [one["StackName"] for one in live] == ["shop"]

    @pytest.mark.parametrize("role", [None, "deploy"])
    def test_none_is_made_of_a_name_that_is_not_allowed(
        self, server: Any, role: str | None
    ) -> None:
        """As whom the stacks are acted on: the caller, or the stack's role."""
        asked: list[tuple[str, str]] = []

        async def deny(principal: Any, action: str, resource: str, *_: Any) -> None:
            if action == "cloudformation:CreateChangeSet":
                asked.append((principal.arn, resource))
                told = f"User: {principal.arn} is not authorized to perform: {action}"
                raise ServiceError("AccessDenied", told, status=403)

        url = server.put_template("child.json", child())
        given = {"RoleARN": server.role(role, "cloudformation.amazonaws.com")} if role else {}
        in_process = server.stacks.in_process
        server.stacks.in_process = dataclasses.replace(in_process, authorize=deny)
        root = change_set(server, parent(url), "CREATE", IncludeNestedStacks=True, **given)
        assert root["Status"] == "FAILED"
        assert "is not authorized to perform: cloudformation:Create" in root["StatusReason"]
        [(acting, resource)] = asked
        assert ":stack/shop-Child-" in resource
        assert (":assumed-role/deploy/" in acting) == (role is not None)
        live = server.client.describe_stacks()["Stacks"]
        assert [one["StackName"] for one in live] == ["shop"]

    def test_obsolete_when_a_nested_stack_moved_on(self, server: Any) -> None:
        url = server.put_template("child.json", child())
        server.create("shop", parent(url, "one"))
        change_set(server, parent(url, "two"), IncludeNestedStacks=True)
        server.update(nested(server)["StackId"], child("own"))
        found = described(server, "cs", StackName="shop")
        assert found["ExecutionStatus"] == "OBSOLETE"

    def test_a_condition_that_comes_out_otherwise_fails(self, server: Any) -> None:
        """What is reviewed is executed, or nothing is."""
        conditions = {"Named": {"Fn::Not": [{"Fn::Equals": [{"Ref": "Name"}, "x"]}]}}
        other = {**thing("more"), "Condition": "Named"}
        resources = {"Thing": thing("v"), "More": other}
        text = child(Conditions=conditions, Resources=resources, Outputs={
            "Id": {"Value": {"Ref": "Thing"}}})  # fmt: skip
        leaf = server.put_template("leaf.json", child("v", Outputs={
            "Id": {"Value": {"Ref": "Thing"}}, "X": {"Value": "x"}}))  # fmt: skip
        url = server.put_template("child.json", text)
        name = {"Fn::GetAtt": ["First", "Outputs.X"]}
        first = {"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": leaf}}
        body = parent(url, name, {"First": first})
        root = change_set(server, body, "CREATE", IncludeNestedStacks=True)
        below = described(server, change_of(root)["ChangeSetId"])
        names = [one["ResourceChange"]["LogicalResourceId"] for one in below["Changes"]]
        assert names == ["Thing"], "the other nested stack's output is known already"

    def test_a_stack_is_planned_twice_however_many_are_nested_in_it(
        self, server: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Locks: 20 nested stacks had a parent of 200 resources planned 21 times."""
        planned: list[str] = []
        in_turn = planner.in_turn

        def counted(current: Any, *more: Any) -> Any:
            planned.append(current.stack_name)
            return in_turn(current, *more)

        monkeypatch.setattr(planner, "in_turn", counted)
        url = server.put_template("child.json", child())
        chain = {
            f"N{number}": {
                "Type": "AWS::CloudFormation::Stack",
                "Properties": {
                    "TemplateURL": url,
                    "Parameters": {"Name": {"Fn::GetAtt": [f"N{number - 1}", "Outputs.Name"]}},
                },
            }
            for number in range(1, 5)
        }
        chain["N0"] = {
            "Type": "AWS::CloudFormation::Stack",
            "Properties": {"TemplateURL": url, "Parameters": {"Name": "of-all"}},
        }
        root = change_set(server, parent(url, "x", chain), "CREATE", IncludeNestedStacks=True)
        assert root["Status"] == "CREATE_COMPLETE"
        last = described(server, change_of(root, "N4")["ChangeSetId"], IncludePropertyValues=True)
        after = json.loads(change_of(last, "Thing")["AfterContext"])
        assert after["Properties"]["Value"] == "of-all", "handed on through all of them"
        below = [name for name in planned if name != "shop"]
        assert planned.count("shop") == 2
        assert len(below) == len(set(below)) == 6

    def test_nothing_is_asked_for_below_a_stack_that_is_refused(self, server: Any) -> None:
        """Its own mistake comes after the nested stack in its planning."""
        asked = []

        async def allow(_: Any, action: str, resource: str, *__: Any) -> None:
            asked.append((action, resource))

        url = server.put_template("child.json", child())
        in_process = server.stacks.in_process
        server.stacks.in_process = dataclasses.replace(in_process, authorize=allow)
        beyond = {"Fn::Select": ["7", ["only"]]}
        wrong = {"Zoo": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": beyond}}}
        root = change_set(server, parent(url, "x", wrong), "CREATE", IncludeNestedStacks=True)
        assert root["Status"] == "FAILED"
        assert root["StatusReason"] == (
            "Template error: Fn::Select cannot select nonexistent value at index 7"
        )
        assert [one for one in asked if one[0] == "cloudformation:CreateChangeSet"] == []

    @pytest.mark.parametrize("times", [2, 3])
    def test_a_template_that_nests_itself_twice_ends(self, server: Any, times: int) -> None:
        """Locks: 2 ** 11 stacks were planned and stored, 3 ** 11 never ended."""
        url = "https://templates.s3.amazonaws.com/self.json"
        itself = {"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": url}}
        body = json.dumps({"Resources": {f"N{number}": itself for number in range(times)}})
        server.put_template("self.json", body)
        root = change_set(server, body, "CREATE", IncludeNestedStacks=True)
        assert root["Status"] == "FAILED"
        assert "may include 200 nested stacks, found more" in root["StatusReason"]
        assert [one["StackName"] for one in server.client.describe_stacks()["Stacks"]] == ["shop"]

    def test_resources_of_all_are_counted_before_the_next_template_is_read(
        self, server: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The root's and the nested ones' own; what a condition leaves out is none."""
        monkeypatch.setattr(nesting, "MOST_RESOURCES", 6)
        never = {"Never": {"Fn::Equals": ["a", "b"]}}
        two = {"A": thing("a"), "B": thing("b"), "C": {**thing("c"), "Condition": "Never"}}
        body = {"Conditions": never, "Resources": two}
        url = server.put_template("two.json", json.dumps(body))
        nests = {"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": url}}
        fits = json.dumps({"Resources": {"N0": nests, "N1": nests}})
        found = change_set(server, fits, "CREATE", IncludeNestedStacks=True)
        assert found["Status"] == "CREATE_COMPLETE"
        server.client.delete_change_set(ChangeSetName="cs", StackName="shop")
        no_template = {**nests, "Properties": {"TemplateURL": f"{url}.none"}, "DependsOn": "N1"}
        body = {"Resources": {"N0": nests, "N1": nests, "N2": no_template}}
        found = change_set(server, json.dumps(body), "CREATE", IncludeNestedStacks=True)
        assert found["StatusReason"] == (
            "A stack and its nested stacks may have 6 resources, found 7."
        )
