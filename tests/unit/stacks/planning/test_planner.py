"""What AWS was recorded answering of change sets, fact by fact.

Recordings: github.com/localstack/localstack, tests/aws/services/cloudformation/*.snapshot.json,
made on AWS. The order of details varies there, so they are compared as sets.
"""

import json
from typing import Any

import msgspec
import pytest
from tests.stack_states import changes, deployed, new_stack, planned, wanted

from penstock.aws.errors import ServiceError
from penstock.stacks.planning.planner import has_changes, plan

UNKNOWN = "{{changeSet:KNOWN_AFTER_APPLY}}"


def topics(**properties: Any) -> dict[str, Any]:
    return {"Resources": {"Topic1": {"Type": "AWS::SNS::Topic", "Properties": properties}}}


def with_parameter(value: Any, **topic: Any) -> dict[str, Any]:
    """Topic1, and a Parameter whose Value comes from it."""
    template = topics(**topic)
    template["Resources"]["Parameter"] = {
        "Type": "AWS::SSM::Parameter",
        "Properties": {"Type": "String", "Value": value},
    }
    return template


def details(change: dict[str, Any]) -> list[str]:
    return sorted(json.dumps(each, sort_keys=True) for each in change["Details"])


def same(change: dict[str, Any], *expected: dict[str, Any]) -> bool:
    return details(change) == sorted(json.dumps(each, sort_keys=True) for each in expected)


def direct(name: str, recreation: str, evaluation: str = "Static") -> dict[str, Any]:
    return {
        "Target": {"Attribute": "Properties", "Name": name, "RequiresRecreation": recreation},
        "Evaluation": evaluation,
        "ChangeSource": "DirectModification",
    }


class TestAdd:
    def test_fact_1_an_add_says_almost_nothing(self) -> None:
        found = plan(new_stack(), wanted(topics(TopicName="a")))
        assert changes(found)["Topic1"] == {
            "Action": "Add",
            "LogicalResourceId": "Topic1",
            "ResourceType": "AWS::SNS::Topic",
            "Scope": [],
            "Details": [],
        }

    def test_facts_7_and_8_with_values_it_adds_the_context_and_no_replacement(self) -> None:
        template = with_parameter({"Fn::GetAtt": ["Topic1", "TopicName"]}, TopicName="topic-1")
        found = changes(plan(new_stack(), wanted(template)), values=True)
        assert "Replacement" not in found["Topic1"]
        assert json.loads(found["Topic1"]["AfterContext"]) == {
            "Properties": {"TopicName": "topic-1"}
        }
        assert json.loads(found["Parameter"]["AfterContext"]) == {
            "Properties": {"Type": "String", "Value": UNKNOWN}
        }

    def test_it_sees_the_resources_that_exist(self) -> None:
        before = topics(TopicName="one", DisplayName="shown")
        after = topics(TopicName="one", DisplayName="shown")
        after["Resources"]["Topic2"] = {
            "Type": "AWS::SNS::Topic",
            "Properties": {"DisplayName": {"Ref": "Topic1"}},
        }
        found = changes(planned(before, after), values=True)
        assert list(found) == ["Topic2"]
        assert json.loads(found["Topic2"]["AfterContext"])["Properties"] == {
            "DisplayName": "arn:aws:sns:us-east-1:123456789012:one"
        }


class TestRemove:
    def test_fact_1_it_carries_the_policy_action_and_the_physical_id(self) -> None:
        before = with_parameter("x", TopicName="a")
        assert changes(planned(before, topics(TopicName="a"))) == {
            "Parameter": {
                "Action": "Remove",
                "PolicyAction": "Delete",
                "LogicalResourceId": "Parameter",
                "PhysicalResourceId": "id-Parameter",
                "ResourceType": "AWS::SSM::Parameter",
                "Scope": [],
                "Details": [],
            }
        }

    @pytest.mark.parametrize(
        ("policy", "action"),
        [("Retain", "Retain"), ("RetainExceptOnCreate", "Retain"), ("Snapshot", "Snapshot")],
    )
    def test_the_deletion_policy_decides(self, policy: str, action: str) -> None:
        before = with_parameter("x", TopicName="a")
        before["Resources"]["Volume"] = {
            "Type": "AWS::EC2::Volume",
            "Properties": {"AvailabilityZone": "us-east-1a", "Size": 1},
            "DeletionPolicy": policy,
        }
        found = changes(planned(before, with_parameter("x", TopicName="a")))
        assert found["Volume"]["PolicyAction"] == action

    def test_a_database_that_belongs_to_no_cluster_is_kept_as_a_snapshot(self) -> None:
        before = topics()
        for name, cluster in (("Alone", {}), ("Member", {"DBClusterIdentifier": "c"})):
            before["Resources"][name] = {"Type": "AWS::RDS::DBInstance", "Properties": cluster}
        found = changes(planned(before, topics()))
        assert found["Alone"]["PolicyAction"] == "Snapshot"
        assert found["Member"]["PolicyAction"] == "Delete"

    def test_a_condition_that_turns_off_removes_and_on_adds(self) -> None:
        template = topics()
        template |= {
            "Parameters": {"On": {"Type": "String", "Default": "yes"}},
            "Conditions": {"IsOn": {"Fn::Equals": [{"Ref": "On"}, "yes"]}},
        }
        template["Resources"]["Topic2"] = {"Type": "AWS::SNS::Topic", "Condition": "IsOn"}
        off = changes(planned(template, template, {"On": "yes"}, {"On": "no"}))
        assert {name: each["Action"] for name, each in off.items()} == {"Topic2": "Remove"}
        on = changes(planned(template, template, {"On": "no"}, {"On": "yes"}))
        assert {name: each["Action"] for name, each in on.items()} == {"Topic2": "Add"}


class TestModify:
    def test_facts_1_and_4_a_literal_edit_in_place(self) -> None:
        [change] = changes(planned(topics(DisplayName="a"), topics(DisplayName="b"))).values()
        assert same(change, direct("DisplayName", "Never"))
        assert change["Replacement"] == "False"
        assert change["Scope"] == ["Properties"]
        assert "PolicyAction" not in change

    def test_fact_2_a_create_only_property_replaces(self) -> None:
        [change] = changes(planned(topics(TopicName="a"), topics(TopicName="b"))).values()
        assert change["Replacement"] == "True"
        assert change["PolicyAction"] == "ReplaceAndDelete"
        assert same(change, direct("TopicName", "Always"))

    def test_the_update_replace_policy_decides_what_becomes_of_the_old(self) -> None:
        after = topics(TopicName="b")
        after["Resources"]["Topic1"]["UpdateReplacePolicy"] = "Retain"
        [change] = changes(planned(topics(TopicName="a"), after)).values()
        assert change["PolicyAction"] == "ReplaceAndRetain"

    def test_fact_3_a_parameter_gives_two_details(self) -> None:
        template = topics(TopicName={"Ref": "Name"})
        template["Parameters"] = {"Name": {"Type": "String", "Default": "a"}}
        [change] = changes(planned(template, template, {}, {"Name": "b"})).values()
        by_parameter = direct("TopicName", "Always") | {
            "ChangeSource": "ParameterReference",
            "CausingEntity": "Name",
        }
        assert same(change, by_parameter, direct("TopicName", "Always", "Dynamic"))

    def test_fact_3_a_changed_default_counts(self) -> None:
        before = topics(DisplayName={"Ref": "Name"})
        before["Parameters"] = {"Name": {"Type": "String", "Default": "a"}}
        after = json.loads(json.dumps(before))
        after["Parameters"]["Name"]["Default"] = "b"
        [change] = changes(planned(before, after)).values()
        sources = {each["ChangeSource"] for each in change["Details"]}
        assert sources == {"ParameterReference", "DirectModification"}

    def test_fact_4_a_mapping_edit_is_a_direct_modification(self) -> None:
        before = topics(DisplayName={"Fn::FindInMap": ["M", "a", "b"]})
        before["Mappings"] = {"M": {"a": {"b": "one"}}}
        after = json.loads(json.dumps(before))
        after["Mappings"]["M"]["a"]["b"] = "two"
        [change] = changes(planned(before, after)).values()
        assert same(change, direct("DisplayName", "Never"))

    def test_fact_4_a_resolved_ssm_value_is_a_direct_modification(self) -> None:
        from penstock.stacks.template.template import ParameterValue

        template = topics(DisplayName={"Ref": "Name"})
        template["Parameters"] = {"Name": {"Type": "AWS::SSM::Parameter::Value<String>"}}
        before = {"Name": ParameterValue("/name", resolved="one")}
        after = {"Name": ParameterValue("/name", resolved="two")}
        [change] = changes(planned(template, template, before, after)).values()
        assert same(change, direct("DisplayName", "Never"))

    def test_fact_7_values_paths_and_contexts(self) -> None:
        found = planned(
            topics(DisplayName="a", TopicName="t"), topics(TopicName="t", KmsMasterKeyId="k")
        )
        [change] = changes(found, values=True).values()
        targets = {each["Target"]["Name"]: each["Target"] for each in change["Details"]}
        assert targets["DisplayName"] == {
            "Attribute": "Properties",
            "Name": "DisplayName",
            "RequiresRecreation": "Never",
            "Path": "/Properties/DisplayName",
            "AttributeChangeType": "Remove",
            "BeforeValue": "a",
        }
        assert targets["KmsMasterKeyId"]["AttributeChangeType"] == "Add"
        assert targets["KmsMasterKeyId"]["AfterValue"] == "k"
        assert json.loads(change["BeforeContext"])["Properties"]["DisplayName"] == "a"
        assert json.loads(change["AfterContext"])["Properties"] == {
            "TopicName": "t", "KmsMasterKeyId": "k",
        }  # fmt: skip

    def test_container_definitions_are_create_only_as_the_schema_says(self) -> None:
        def tasks(image: str) -> dict[str, Any]:
            container = {"Name": "web", "Image": image}
            return {
                "Resources": {
                    "Tasks": {
                        "Type": "AWS::ECS::TaskDefinition",
                        "Properties": {"ContainerDefinitions": [container]},
                    }
                }
            }

        [change] = changes(planned(tasks("web:1"), tasks("web:2")), values=True).values()
        assert change["Replacement"] == "True"
        [found] = change["Details"]
        assert found["Target"] == {
            "Attribute": "Properties",
            "Name": "ContainerDefinitions",
            "RequiresRecreation": "Always",
            "Path": "/Properties/ContainerDefinitions/0/Image",
            "AttributeChangeType": "Modify",
            "BeforeValue": "web:1",
            "AfterValue": "web:2",
        }

    def test_a_scalar_of_another_type_with_the_same_text_is_no_change(self) -> None:
        before, after = topics(FifoTopic=True), topics(FifoTopic="true")
        assert planned(before, after).changes == ()

    def test_metadata_has_a_scope_of_its_own(self) -> None:
        before, after = topics(DisplayName="a"), topics(DisplayName="b")
        after["Resources"]["Topic1"]["Metadata"] = {"owner": "me"}
        [change] = changes(planned(before, after)).values()
        assert change["Scope"] == ["Metadata", "Properties"]

    def test_a_deletion_policy_alone_is_a_change(self) -> None:
        after = topics()
        after["Resources"]["Topic1"]["DeletionPolicy"] = "Retain"
        [change] = changes(planned(topics(), after)).values()
        assert change["Scope"] == ["DeletionPolicy"]
        assert change["Replacement"] == "False"

    def test_a_conditional_create_only_property_is_conditional(self) -> None:
        def database(engine: str) -> dict[str, Any]:
            properties = {"Engine": engine, "DBInstanceClass": "db.t3.micro"}
            return {"Resources": {"D": {"Type": "AWS::RDS::DBInstance", "Properties": properties}}}

        [change] = changes(planned(database("mysql"), database("mariadb"))).values()
        assert change["Replacement"] == "Conditional"
        assert change["Details"][0]["Target"]["RequiresRecreation"] == "Conditionally"

    def test_a_changed_type_is_refused(self) -> None:
        after = {"Resources": {"Topic1": {"Type": "AWS::SQS::Queue"}}}
        with pytest.raises(ServiceError) as raised:
            planned(topics(), after)
        assert raised.value.message == (
            "Update of resource type is not permitted. The new template modifies resource type "
            "of the following resources: [Topic1]"
        )


DISPLAY_NAME = {"Fn::GetAtt": ["Topic1", "DisplayName"]}


class TestPropagation:
    def test_fact_5_a_referent_modified_in_place(self) -> None:
        before = with_parameter(DISPLAY_NAME, DisplayName="a")
        found = planned(before, with_parameter(DISPLAY_NAME, DisplayName="b"))
        dynamic = direct("Value", "Never", "Dynamic") | {
            "ChangeSource": "ResourceAttribute",
            "CausingEntity": "Topic1.DisplayName",
        }
        without = changes(found)
        assert same(without["Parameter"], dynamic)
        assert without["Parameter"]["Replacement"] == "False"
        assert list(changes(found, values=True)) == ["Topic1"]

    def test_fact_5_transitively(self) -> None:
        def chain(name: str) -> dict[str, Any]:
            template = with_parameter(DISPLAY_NAME, DisplayName=name)
            template["Resources"]["Last"] = {
                "Type": "AWS::SSM::Parameter",
                "Properties": {"Type": "String", "Value": {"Fn::GetAtt": ["Parameter", "Value"]}},
            }
            return template

        found = planned(chain("a"), chain("b"))
        assert set(changes(found)) == {"Topic1", "Parameter", "Last"}
        assert set(changes(found, values=True)) == {"Topic1"}

    def test_fact_5_ref_dependants_appear_in_neither(self) -> None:
        reference = {"Ref": "Topic1"}
        before = with_parameter(reference, DisplayName="a")
        found = planned(before, with_parameter(reference, DisplayName="b"))
        assert list(changes(found)) == list(changes(found, values=True)) == ["Topic1"]

    @pytest.mark.parametrize(
        ("value", "source", "entity"),
        [
            ({"Ref": "Topic1"}, "ResourceReference", "Topic1"),
            ({"Fn::GetAtt": ["Topic1", "TopicName"]}, "ResourceAttribute", "Topic1.TopicName"),
            ({"Fn::Sub": "x-${Topic1.TopicName}"}, "ResourceAttribute", "Topic1.TopicName"),
        ],
    )
    def test_fact_6_a_referent_replaced(self, value: Any, source: str, entity: str) -> None:
        found = planned(with_parameter(value, TopicName="a"), with_parameter(value, TopicName="b"))
        static = direct("Value", "Never") | {"ChangeSource": source, "CausingEntity": entity}
        assert same(changes(found)["Parameter"], static)
        shown = changes(found, values=True)["Parameter"]
        assert {(d["Evaluation"], d["ChangeSource"]) for d in shown["Details"]} == {
            ("Static", source),
            ("Dynamic", "DirectModification"),
        }
        assert {d["Target"]["AfterValue"] for d in shown["Details"]} == {UNKNOWN}
        assert json.loads(shown["AfterContext"])["Properties"]["Value"] == UNKNOWN

    def test_a_replacement_goes_on_where_the_reference_is_create_only(self) -> None:
        def chain(name: str) -> dict[str, Any]:
            template = topics(TopicName=name)
            for parent, child in (("Topic1", "S"), ("S", "P")):
                template["Resources"][child] = {
                    "Type": "AWS::SNS::Subscription",
                    "Properties": {"TopicArn": {"Ref": parent}, "Protocol": "email"},
                }
            return template

        found = changes(planned(chain("a"), chain("b")))
        assert {name: each["Replacement"] for name, each in found.items()} == {
            "Topic1": "True",
            "S": "True",
            "P": "True",
        }

    def test_a_dependant_whose_property_is_create_only_is_conditional(self) -> None:
        def pair(shown: str) -> dict[str, Any]:
            template = topics(DisplayName=shown)
            template["Resources"]["Topic2"] = {
                "Type": "AWS::SNS::Topic",
                "Properties": {"TopicName": DISPLAY_NAME},
            }
            return template

        assert changes(planned(pair("a"), pair("b")))["Topic2"]["Replacement"] == "Conditional"

    def test_fact_10_a_missing_export_is_a_warning(self) -> None:
        template = with_parameter({"Fn::ImportValue": "nobody"}, TopicName="a")
        found = plan(new_stack(), wanted(template))
        assert {name: each["Action"] for name, each in changes(found).items()} == {
            "Topic1": "Add",
            "Parameter": "Add",
        }
        [warning] = found.warnings
        assert warning == (
            "[WARN] --include-property-values option can return incomplete ChangeSet data "
            "because: ChangeSet creation failed for resource [Parameter] because: No export "
            "named nobody found."
        )


class TestHasChanges:
    def test_fact_11_the_same_template_has_none(self) -> None:
        template = with_parameter({"Fn::GetAtt": ["Topic1", "TopicName"]}, TopicName="a")
        template["Outputs"] = {
            "O": {"Value": {"Ref": "Topic1"}, "Export": {"Name": "shop-o"}, "Description": "d"}
        }
        current = deployed(template)
        found = plan(current, wanted(template))
        assert found.changes == ()
        assert not has_changes(current, found)

    def test_a_new_stack_always_has(self) -> None:
        current = new_stack()
        assert has_changes(current, plan(current, wanted(topics())))

    @pytest.mark.parametrize(
        "output",
        [
            {"Value": "other"},
            {"Value": "v", "Export": {"Name": "e"}},
            {"Value": "v", "Description": "d"},
        ],
    )
    def test_an_output_alone_is_a_change(self, output: dict[str, Any]) -> None:
        before = topics() | {"Outputs": {"O": {"Value": "v"}}}
        current = deployed(before)
        found = plan(current, wanted(topics() | {"Outputs": {"O": output}}))
        assert found.changes == ()
        assert has_changes(current, found)

    def test_tags_of_the_stack_reach_what_can_be_tagged(self) -> None:
        template = topics(DisplayName="a")
        template["Resources"]["Policy"] = {
            "Type": "AWS::SNS::TopicPolicy",
            "Properties": {"Topics": [{"Ref": "Topic1"}], "PolicyDocument": {}},
        }
        current = deployed(template, tags={"stage": "dev"})
        found = plan(current, wanted(template, tags={"stage": "prod"}))
        assert has_changes(current, found)
        [change] = changes(found).values()
        assert change["Scope"] == ["Tags"]
        assert same(
            change,
            {
                "Target": {"Attribute": "Tags", "RequiresRecreation": "Never"},
                "Evaluation": "Static",
                "ChangeSource": "DirectModification",
            },
        )

    def test_own_tags_are_of_the_same_scope(self) -> None:
        def tagged(value: str) -> dict[str, Any]:
            return topics(Tags=[{"Key": "k", "Value": value}])

        [change] = changes(planned(tagged("a"), tagged("b"))).values()
        assert change["Scope"] == ["Tags"]
        assert "Name" not in change["Details"][0]["Target"]


WITH_A_SECRET: dict[str, Any] = {
    "Parameters": {"Password": {"Type": "String", "NoEcho": True, "Default": "swordfish"}},
    "Resources": {
        "P": {
            "Type": "AWS::SSM::Parameter",
            "Properties": {
                "Type": "String",
                "Value": {"Fn::Sub": "db://${Password}@host"},
                "Description": {"Fn::Base64": {"Ref": "Password"}},
            },
        }
    },
}


class TestSecrets:
    def test_no_echo_values_show_nowhere(self) -> None:
        found = planned(WITH_A_SECRET, WITH_A_SECRET, {}, {"Password": "hunter22"})
        shown = json.dumps(changes(found, values=True))
        for secret in ("swordfish", "hunter22", "c3dvcmRmaXNo", "aHVudGVyMjI="):
            assert secret not in shown
        assert "****" in shown

    @pytest.mark.parametrize("gone", ["resource", "reference"])
    def test_what_was_made_of_one_shows_nowhere_when_it_goes(self, gone: str) -> None:
        """Locks: Base64 of a secret stood in the values before, UserData's for one."""
        after: dict[str, Any] = {**WITH_A_SECRET, "Resources": topics()["Resources"]}
        if gone == "reference":
            properties = {"Type": "String", "Value": "plain", "Description": "plain"}
            after["Resources"] = {"P": {"Type": "AWS::SSM::Parameter", "Properties": properties}}
        shown = json.dumps(changes(planned(WITH_A_SECRET, after), values=True))
        assert "c3dvcmRmaXNo" not in shown
        assert "****" in shown

    def test_what_metadata_makes_of_one_shows_nowhere(self) -> None:
        """Locks: Metadata was masked where a secret stood in it whole, and nowhere else."""
        template: dict[str, Any] = {**WITH_A_SECRET}
        resource = {**WITH_A_SECRET["Resources"]["P"]}
        encoded = {"Init": [{"Fn::Base64": {"Ref": "Password"}}]}
        template["Resources"] = {"P": {**resource, "Metadata": encoded}}
        for given in ({"Password": "hunter22"}, {}):
            found = [
                plan(new_stack(), wanted(template, given)),
                planned(WITH_A_SECRET, template, {}, given),
                planned(template, WITH_A_SECRET, {}, given),
                planned(template, template, {}, given),
            ]
            shown = json.dumps([changes(each, values=True) for each in found])
            assert "aHVudGVyMjI=" not in shown
            assert "c3dvcmRmaXNo" not in shown

    def test_a_new_resource_shows_none(self) -> None:
        found = plan(new_stack(), wanted(WITH_A_SECRET))
        assert "swordfish" not in json.dumps(changes(found, values=True))


def test_what_the_schema_forbids_is_noted() -> None:
    found = plan(new_stack(), wanted(topics(Colour="red")))
    assert found.invalid_properties == {"Topic1": ["#: extraneous key [Colour] is not permitted"]}


def test_a_list_of_values_that_may_have_aged_is_not_judged_early() -> None:
    rules = {"Type": "AWS::S3::Bucket", "Properties": {"AccessControl": "TheNewOne"}}
    assert plan(new_stack(), wanted({"Resources": {"B": rules}})).invalid_properties == {}
    rules["Properties"] = {"AccessControl": ["TheNewOne"]}
    assert plan(new_stack(), wanted({"Resources": {"B": rules}})).invalid_properties == {
        "B": ["#/AccessControl: expected type: String, found: JSONArray"]
    }


def test_a_resource_whose_creation_failed_is_added_again() -> None:
    import dataclasses

    current = deployed(topics())
    failed = msgspec.structs.replace(current.resources["Topic1"], status="CREATE_FAILED")
    current = dataclasses.replace(current, resources={"Topic1": failed})
    assert changes(plan(current, wanted(topics())))["Topic1"]["Action"] == "Add"


def test_what_comes_from_a_resource_that_changes_in_place_is_not_shown_as_known() -> None:
    """Its attribute was shown as it was before, and the thing was given another."""
    before = with_parameter("x", DisplayName="a")
    after = with_parameter(DISPLAY_NAME, DisplayName="b")
    found = changes(planned(before, after), values=True)["Parameter"]
    [detail] = found["Details"]
    assert detail["Target"]["AfterValue"] == UNKNOWN
    assert json.loads(found["AfterContext"])["Properties"]["Value"] == UNKNOWN


def test_a_replacement_shows_in_both_forms_whatever_brings_it_about() -> None:
    """With values only the description was listed, and the replacement was said not to be."""

    def pair(shown: str, described: str) -> dict[str, Any]:
        template = topics(DisplayName=shown)
        properties = {"TopicName": DISPLAY_NAME, "DisplayName": described}
        template["Resources"]["Topic2"] = {"Type": "AWS::SNS::Topic", "Properties": properties}
        return template

    found = planned(pair("a", "one"), pair("b", "two"))
    for values in (False, True):
        assert changes(found, values=values)["Topic2"]["Replacement"] == "Conditional"
