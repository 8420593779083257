"""Changes to the property: what AWS was recorded answering of values inside properties.

Recordings: DescribeChangeSet with property values in the CloudFormation user guide ("Example change
sets", "View a change set") and on AWS's accounts (github.com/radkawar/stackd testdata/aws). The
order of details is no evidence: they are compared as sets.
"""

import json
from typing import Any

from tests.stack_states import changes, deployed, planned, wanted

from penstock.stacks.planning.planner import plan

UNKNOWN = "{{changeSet:KNOWN_AFTER_APPLY}}"


def one(resource_type: str, properties: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"Resources": {"R": {"Type": resource_type, "Properties": properties, **more}}}


def rows(change: dict[str, Any]) -> set[tuple[str | None, ...]]:
    """(path, type of change, before, after, evaluation, source, entity) of each detail."""
    return {
        (
            each["Target"].get("Path"),
            each["Target"].get("AttributeChangeType"),
            each["Target"].get("BeforeValue"),
            each["Target"].get("AfterValue"),
            each["Evaluation"],
            each["ChangeSource"],
            each.get("CausingEntity"),
        )
        for each in change["Details"]
    }


DIRECT = ("Static", "DirectModification", None)


def function(variables: dict[str, Any]) -> dict[str, Any]:
    code = {"ZipFile": "pass"}
    return one(
        "AWS::Lambda::Function",
        {"Code": code, "Role": "r", "Environment": {"Variables": variables}},
    )


class TestPaths:
    def test_a_value_in_an_object(self) -> None:
        found = planned(function({"A": "1", "B": "x"}), function({"A": "2", "B": "x"}))
        [change] = changes(found, values=True).values()
        assert rows(change) == {
            ("/Properties/Environment/Variables/A", "Modify", "1", "2", *DIRECT)
        }
        assert change["Details"][0]["Target"]["Name"] == "Environment"

    def test_without_values_there_is_one_detail_a_property(self) -> None:
        found = planned(function({"A": "1", "B": "x"}), function({"A": "2", "B": "y"}))
        [change] = changes(found).values()
        assert change["Details"] == [
            {
                "Target": {
                    "Attribute": "Properties", "Name": "Environment", "RequiresRecreation": "Never",
                },
                "Evaluation": "Static",
                "ChangeSource": "DirectModification",
            }
        ]  # fmt: skip

    def test_tags_go_by_their_index(self) -> None:
        def tagged(*tags: tuple[str, str]) -> dict[str, Any]:
            listed = [{"Key": key, "Value": value} for key, value in tags]
            return one("AWS::SNS::Topic", {"Tags": listed})

        found = planned(tagged(("Purpose", "testing")), tagged(("Test", "Test"), ("New", "tag")))
        [change] = changes(found, values=True).values()
        assert rows(change) == {
            ("/Properties/Tags/0/Key", "Modify", "Purpose", "Test", *DIRECT),
            ("/Properties/Tags/0/Value", "Modify", "testing", "Test", *DIRECT),
            ("/Properties/Tags/1", "Add", None, '{"Key":"New","Value":"tag"}', *DIRECT),
        }
        assert {each["Target"]["Attribute"] for each in change["Details"]} == {"Tags"}
        assert all("Name" not in each["Target"] for each in change["Details"])
        assert change["Scope"] == ["Tags"]

    def test_a_property_that_goes_and_a_list_that_gets_shorter(self) -> None:
        before = {"Ipv4Prefixes": [], "GroupSet": ["a", "b"], "SubnetId": "s"}
        found = planned(
            one("AWS::EC2::NetworkInterface", before),
            one("AWS::EC2::NetworkInterface", {"GroupSet": ["a"], "SubnetId": "s"}),
        )
        [change] = changes(found, values=True).values()
        assert rows(change) == {
            ("/Properties/Ipv4Prefixes", "Remove", "[]", None, *DIRECT),
            ("/Properties/GroupSet/1", "Remove", "b", None, *DIRECT),
        }

    def test_a_name_with_a_slash_is_escaped(self) -> None:
        found = planned(function({"a/b~c": "1"}), function({"a/b~c": "2"}))
        [change] = changes(found, values=True).values()
        [path] = {row[0] for row in rows(change)}
        assert path == "/Properties/Environment/Variables/a~1b~0c"


class TestCauses:
    def test_each_value_has_the_cause_that_it_is_made_of(self) -> None:
        template = one(
            "AWS::ApiGatewayV2::Authorizer",
            {
                "ApiId": "a",
                "AuthorizerType": "JWT",
                "Name": "n",
                "JwtConfiguration": {
                    "Audience": [{"Ref": "Client"}],
                    "Issuer": {"Fn::Sub": "https://${Pool}"},
                },
            },
        )
        template["Parameters"] = {"Client": {"Type": "String"}, "Pool": {"Type": "String"}}
        found = planned(
            template, template, {"Client": "c1", "Pool": "p1"}, {"Client": "c2", "Pool": "p2"}
        )
        [change] = changes(found, values=True).values()
        audience = ("/Properties/JwtConfiguration/Audience/0", "Modify", "c1", "c2")
        issuer = ("/Properties/JwtConfiguration/Issuer", "Modify", "https://p1", "https://p2")
        assert rows(change) == {
            (*audience, "Static", "ParameterReference", "Client"),
            (*audience, "Dynamic", "DirectModification", None),
            (*issuer, "Static", "ParameterReference", "Pool"),
            (*issuer, "Dynamic", "DirectModification", None),
        }
        assert change["Replacement"] == "False"

    def test_what_a_replaced_resource_will_answer_stands_where_it_is_used(self) -> None:
        def stack(name: str) -> dict[str, Any]:
            template = function({"TOPIC": {"Ref": "Topic"}, "OTHER": "same"})
            template["Resources"]["Topic"] = {
                "Type": "AWS::SNS::Topic", "Properties": {"TopicName": name},
            }  # fmt: skip
            return template

        change = changes(planned(stack("a"), stack("b")), values=True)["R"]
        place = (
            "/Properties/Environment/Variables/TOPIC",
            "Modify",
            "arn:aws:sns:us-east-1:123456789012:a",
            UNKNOWN,
        )
        assert rows(change) == {
            (*place, "Static", "ResourceReference", "Topic"),
            (*place, "Dynamic", "DirectModification", None),
        }


class TestReplacement:
    def test_a_conditional_create_only_property(self) -> None:
        def rule(bus: str) -> dict[str, Any]:
            pattern = {"source": ["x"]}
            return one("AWS::Events::Rule", {"EventBusName": bus, "EventPattern": pattern})

        [change] = changes(planned(rule("custom"), rule("default")), values=True).values()
        assert change["Replacement"] == "Conditional"
        assert "PolicyAction" not in change
        assert change["BeforeContext"] == (
            '{"Properties":{"EventBusName":"custom","EventPattern":{"source":["x"]}}}'
        )

    def test_a_custom_resource_may_be_made_anew_by_any_change(self) -> None:
        def thing(key: str) -> dict[str, Any]:
            return one("Custom::Thing", {"ServiceToken": "arn", "SourceObjectKeys": [key]})

        [change] = changes(planned(thing("a.zip"), thing("b.zip")), values=True).values()
        assert change["Replacement"] == "Conditional"
        [found] = change["Details"]
        assert found["Target"]["RequiresRecreation"] == "Conditionally"
        assert found["Target"]["Path"] == "/Properties/SourceObjectKeys/0"

    def test_the_strongest_of_several_values_counts_without_values(self) -> None:
        def batch(role: str, most: int) -> dict[str, Any]:
            resources = {"SpotIamFleetRole": role, "MaxvCpus": most, "Type": "SPOT"}
            return one(
                "AWS::Batch::ComputeEnvironment",
                {"Type": "MANAGED", "ComputeResources": resources},
            )

        found = planned(batch("a", 1), batch("b", 2))
        [plain] = changes(found).values()
        assert plain["Replacement"] == "True"
        assert [each["Target"]["RequiresRecreation"] for each in plain["Details"]] == ["Always"]
        [shown] = changes(found, values=True).values()
        assert {
            each["Target"]["Path"]: each["Target"]["RequiresRecreation"]
            for each in shown["Details"]
        } == {
            "/Properties/ComputeResources/MaxvCpus": "Never",
            "/Properties/ComputeResources/SpotIamFleetRole": "Always",
        }


class TestContexts:
    def test_metadata_and_policies_are_shown_also_where_they_stay(self) -> None:
        more = {
            "Metadata": {"owner": "me"},
            "DeletionPolicy": "Retain",
            "UpdateReplacePolicy": "Retain",
        }
        before = one("AWS::SNS::Topic", {"DisplayName": "a"}, **more)
        after = one("AWS::SNS::Topic", {"DisplayName": "b"}, **more)
        [change] = changes(planned(before, after), values=True).values()
        assert json.loads(change["BeforeContext"]) == {"Properties": {"DisplayName": "a"}, **more}
        assert json.loads(change["AfterContext"]) == {"Properties": {"DisplayName": "b"}, **more}
        assert change["Scope"] == ["Properties"]
        other = {"Resources": {"Other": {"Type": "AWS::SNS::Topic"}}}
        removed = changes(plan(deployed(before), wanted(other)), values=True)
        assert json.loads(removed["R"]["BeforeContext"])["DeletionPolicy"] == "Retain"

    def test_creation_and_update_policies_are_scopes_of_their_own(self) -> None:
        def group(count: int, pause: str) -> dict[str, Any]:
            return one(
                "AWS::AutoScaling::AutoScalingGroup",
                {"MinSize": "1", "MaxSize": "1"},
                CreationPolicy={"ResourceSignal": {"Count": count}},
                UpdatePolicy={"AutoScalingRollingUpdate": {"PauseTime": pause}},
            )

        [change] = changes(planned(group(1, "PT1M"), group(2, "PT2M")), values=True).values()
        assert change["Scope"] == ["CreationPolicy", "UpdatePolicy"]
        assert change["Replacement"] == "False"
        assert rows(change) == {
            (
                "/CreationPolicy", "Modify", '{"ResourceSignal":{"Count":"1"}}',
                '{"ResourceSignal":{"Count":"2"}}', *DIRECT,
            ),
            (
                "/UpdatePolicy", "Modify", '{"AutoScalingRollingUpdate":{"PauseTime":"PT1M"}}',
                '{"AutoScalingRollingUpdate":{"PauseTime":"PT2M"}}', *DIRECT,
            ),
        }  # fmt: skip


def test_a_secret_is_masked_where_it_stands_and_its_neighbours_are_not() -> None:
    template = function({"PASSWORD": {"Fn::Base64": {"Ref": "Secret"}}, "USER": {"Ref": "User"}})
    template["Parameters"] = {
        "Secret": {"Type": "String", "NoEcho": True}, "User": {"Type": "String"},
    }  # fmt: skip
    found = planned(
        template, template, {"Secret": "swordfish", "User": "u1"}, {"Secret": "hunter22",
                                                                   "User": "u2"}
    )  # fmt: skip
    [change] = changes(found, values=True).values()
    shown = {row[0]: row[2:4] for row in rows(change)}
    assert shown == {
        "/Properties/Environment/Variables/PASSWORD": ("****", "****"),
        "/Properties/Environment/Variables/USER": ("u1", "u2"),
    }
