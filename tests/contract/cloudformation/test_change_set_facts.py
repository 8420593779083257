"""What AWS was recorded answering of change sets, fact by fact, over the wire.

The numbers are those of the recordings' summary: github.com/localstack/localstack, snapshots under
tests/aws/services/cloudformation, made on AWS. Details are compared as sets: their order varies.
"""

import json
from typing import Any

import pytest

Template = dict[str, Any]
UNKNOWN = "{{changeSet:KNOWN_AFTER_APPLY}}"
DISPLAY_NAME = {"Fn::GetAtt": ["Topic1", "DisplayName"]}


def topic(value: Any = None, **properties: Any) -> Template:
    """Topic1 and, with a value, a Parameter that has it."""
    resources: Template = {"Topic1": {"Type": "AWS::SNS::Topic", "Properties": properties}}
    if value is not None:
        resources["Parameter"] = {
            "Type": "AWS::SSM::Parameter",
            "Properties": {"Type": "String", "Value": value},
        }
    return {"Resources": resources}


def given(**parameters: str) -> list[dict[str, str]]:
    return [{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()]


class Previewed:
    """A change set as DescribeChangeSet tells it, without values and with them."""

    def __init__(self, client: Any, **request: Any) -> None:
        made = client.create_change_set(StackName="shop", ChangeSetName="cs", **request)
        self.arn = made["Id"]
        self.stack_id = made["StackId"]
        self.described = client.describe_change_set(ChangeSetName=self.arn)
        self.with_values = client.describe_change_set(
            ChangeSetName=self.arn, IncludePropertyValues=True
        )

    @property
    def changes(self) -> dict[str, dict[str, Any]]:
        return by_id(self.described)

    @property
    def valued(self) -> dict[str, dict[str, Any]]:
        return by_id(self.with_values)


def by_id(described: Any) -> dict[str, dict[str, Any]]:
    assert {each["Type"] for each in described["Changes"]} <= {"Resource"}
    changes = [each["ResourceChange"] for each in described["Changes"]]
    return {each["LogicalResourceId"]: each for each in changes}


def details(change: dict[str, Any]) -> set[tuple[str, str, str | None]]:
    found = {
        (each["Evaluation"], each["ChangeSource"], each.get("CausingEntity"))
        for each in change["Details"]
    }
    assert len(found) == len(change["Details"])
    return found


def targets(change: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {each["Target"]["Name"]: each["Target"] for each in change["Details"]}


@pytest.fixture
def update(server: Any) -> Any:
    """Deploy `before`, and preview an update to `after`."""

    def run(before: Template, after: Template, **more: Any) -> Previewed:
        ended = server.create("shop", json.dumps(before), Parameters=more.pop("first", []))
        assert ended["StackStatus"] == "CREATE_COMPLETE", server.events("shop")
        return Previewed(server.client, TemplateBody=json.dumps(after), **more)

    return run


class TestFact1:
    def test_an_add_says_almost_nothing(self, cloudformation: Any) -> None:
        body = json.dumps(topic(TopicName="a"))
        found = Previewed(cloudformation, TemplateBody=body, ChangeSetType="CREATE")
        assert found.changes["Topic1"] == {
            "Action": "Add",
            "LogicalResourceId": "Topic1",
            "ResourceType": "AWS::SNS::Topic",
            "Scope": [],
            "Details": [],
        }

    def test_a_remove_has_a_policy_action_and_a_physical_id(self, update: Any, server: Any) -> None:
        found = update(topic("x", TopicName="a"), topic(TopicName="a"))
        [(_, physical_id, _)] = server.store.things()
        assert found.changes == {
            "Parameter": {
                "PolicyAction": "Delete",
                "Action": "Remove",
                "LogicalResourceId": "Parameter",
                "PhysicalResourceId": physical_id,
                "ResourceType": "AWS::SSM::Parameter",
                "Scope": [],
                "Details": [],
            }
        }

    def test_a_modify_has_its_scope(self, update: Any) -> None:
        after = topic(DisplayName="b")
        after["Resources"]["Topic1"]["Metadata"] = {"owner": "me"}
        [change] = update(topic(DisplayName="a"), after).changes.values()
        assert change["Action"] == "Modify"
        assert change["Scope"] == ["Metadata", "Properties"]
        assert change["Replacement"] == "False"


def test_fact_2_a_replacing_modify_replaces_and_deletes(update: Any) -> None:
    [change] = update(topic(TopicName="a"), topic(TopicName="b")).changes.values()
    assert change["Replacement"] == "True"
    assert change["PolicyAction"] == "ReplaceAndDelete"
    assert targets(change) == {
        "TopicName": {
            "Attribute": "Properties", "Name": "TopicName", "RequiresRecreation": "Always",
        }
    }  # fmt: skip


@pytest.mark.parametrize("by_default", [False, True])
def test_fact_3_a_parameter_gives_two_details(update: Any, by_default: bool) -> None:
    before = topic(DisplayName={"Ref": "Name"})
    before["Parameters"] = {"Name": {"Type": "String", "Default": "a"}}
    after = json.loads(json.dumps(before))
    more: dict[str, Any] = {"Parameters": given(Name="b")}
    if by_default:
        after["Parameters"]["Name"]["Default"] = "b"
        more = {}
    found = update(before, after, **more)
    expected = {
        ("Static", "ParameterReference", "Name"),
        ("Dynamic", "DirectModification", None),
    }
    assert details(found.changes["Topic1"]) == expected
    assert details(found.valued["Topic1"]) == expected
    assert found.described["Parameters"] == given(Name="b")


class TestFact4:
    def test_a_literal_and_a_mapping_give_one_detail(self, update: Any) -> None:
        before = topic({"Fn::FindInMap": ["M", "a", "b"]}, DisplayName="a")
        before["Mappings"] = {"M": {"a": {"b": "one"}}}
        after = json.loads(json.dumps(before))
        after["Mappings"]["M"]["a"]["b"] = "two"
        after["Resources"]["Topic1"]["Properties"]["DisplayName"] = "b"
        found = update(before, after)
        direct = {("Static", "DirectModification", None)}
        assert {name: details(change) for name, change in found.changes.items()} == {
            "Topic1": direct, "Parameter": direct,
        }  # fmt: skip

    def test_so_does_a_resolved_ssm_value(self, update: Any, server: Any) -> None:
        template = topic(DisplayName={"Ref": "Name"})
        template["Parameters"] = {"Name": {"Type": "AWS::SSM::Parameter::Value<String>"}}
        server.ssm.put_parameter(Name="/name", Value="one", Type="String")
        server.create("shop", json.dumps(template), Parameters=given(Name="/name"))
        server.ssm.put_parameter(Name="/name", Value="two", Type="String", Overwrite=True)
        found = Previewed(
            server.client, TemplateBody=json.dumps(template), Parameters=given(Name="/name")
        )
        assert details(found.changes["Topic1"]) == {("Static", "DirectModification", None)}
        [shown] = found.described["Parameters"]
        assert shown == {"ParameterKey": "Name", "ParameterValue": "/name", "ResolvedValue": "two"}


class TestFact5:
    def test_dependants_of_an_attribute_are_listed_without_values_only(self, update: Any) -> None:
        def chain(shown: str) -> Template:
            template = topic(DISPLAY_NAME, DisplayName=shown)
            template["Resources"]["Last"] = {
                "Type": "AWS::SSM::Parameter",
                "Properties": {"Type": "String", "Value": {"Fn::GetAtt": ["Parameter", "Value"]}},
            }
            return template

        found = update(chain("a"), chain("b"))
        assert details(found.changes["Parameter"]) == {
            ("Dynamic", "ResourceAttribute", "Topic1.DisplayName")
        }
        assert details(found.changes["Last"]) == {
            ("Dynamic", "ResourceAttribute", "Parameter.Value")
        }
        assert set(found.changes) == {"Topic1", "Parameter", "Last"}
        assert set(found.valued) == {"Topic1"}

    def test_dependants_by_ref_in_neither(self, update: Any) -> None:
        reference = {"Ref": "Topic1"}
        found = update(topic(reference, DisplayName="a"), topic(reference, DisplayName="b"))
        assert list(found.changes) == list(found.valued) == ["Topic1"]


@pytest.mark.parametrize(
    ("value", "source", "entity"),
    [
        ({"Ref": "Topic1"}, "ResourceReference", "Topic1"),
        ({"Fn::GetAtt": ["Topic1", "TopicName"]}, "ResourceAttribute", "Topic1.TopicName"),
    ],
)
def test_fact_6_a_referent_replaced(update: Any, value: Any, source: str, entity: str) -> None:
    found = update(topic(value, TopicName="a"), topic(value, TopicName="b"))
    assert details(found.changes["Parameter"]) == {("Static", source, entity)}
    shown = found.valued["Parameter"]
    assert details(shown) == {("Static", source, entity), ("Dynamic", "DirectModification", None)}
    assert {each["Target"]["AfterValue"] for each in shown["Details"]} == {UNKNOWN}
    assert json.loads(shown["AfterContext"])["Properties"]["Value"] == UNKNOWN


def test_fact_7_values_paths_and_contexts(update: Any) -> None:
    before = topic("x", DisplayName="a", TopicName="t", FifoTopic="false")
    after = topic(DisplayName="b", TopicName="t", KmsMasterKeyId="k")
    found = update(before, after)
    change = found.valued["Topic1"]
    shown = {
        name: {key: target.get(key) for key in ("Path", "AttributeChangeType", "BeforeValue",
                                                "AfterValue")}
        for name, target in targets(change).items()
    }  # fmt: skip
    assert shown == {
        "DisplayName": {
            "Path": "/Properties/DisplayName", "AttributeChangeType": "Modify",
            "BeforeValue": "a", "AfterValue": "b",
        },
        "KmsMasterKeyId": {
            "Path": "/Properties/KmsMasterKeyId", "AttributeChangeType": "Add",
            "BeforeValue": None, "AfterValue": "k",
        },
        "FifoTopic": {
            "Path": "/Properties/FifoTopic", "AttributeChangeType": "Remove",
            "BeforeValue": "false", "AfterValue": None,
        },
    }  # fmt: skip
    assert json.loads(change["BeforeContext"])["Properties"]["DisplayName"] == "a"
    assert (
        json.loads(change["AfterContext"])["Properties"]
        == after["Resources"]["Topic1"]["Properties"]
    )
    removed = found.valued["Parameter"]
    assert json.loads(removed["BeforeContext"]) == {"Properties": {"Type": "String", "Value": "x"}}
    assert "AfterContext" not in removed
    for plain in found.changes.values():
        assert not plain.keys() & {"BeforeContext", "AfterContext"}
        for each in plain["Details"]:
            assert each["Target"].keys() <= {"Attribute", "Name", "RequiresRecreation"}


def test_fact_8_an_add_with_values_has_a_context_and_no_replacement(cloudformation: Any) -> None:
    body = json.dumps(topic({"Fn::GetAtt": ["Topic1", "TopicName"]}, TopicName="t"))
    found = Previewed(cloudformation, TemplateBody=body, ChangeSetType="CREATE")
    change = found.valued["Parameter"]
    assert "Replacement" not in change
    assert "BeforeContext" not in change
    assert json.loads(change["AfterContext"]) == {
        "Properties": {"Type": "String", "Value": UNKNOWN}
    }


def test_fact_10_a_missing_export_warns_where_values_are_shown(cloudformation: Any) -> None:
    template = {"Resources": {"MyFoo": topic({"Fn::ImportValue": "no"})["Resources"]["Parameter"]}}
    body = json.dumps(template)
    found = Previewed(cloudformation, TemplateBody=body, ChangeSetType="CREATE")
    for described in (found.described, found.with_values):
        assert (described["Status"], described["ExecutionStatus"]) == (
            "CREATE_COMPLETE", "AVAILABLE",
        )  # fmt: skip
    assert found.changes["MyFoo"]["Action"] == "Add"
    assert "StatusReason" not in found.described
    assert found.with_values["StatusReason"].startswith(
        "[WARN] --include-property-values option can return incomplete ChangeSet data because: "
        "ChangeSet creation failed for resource [MyFoo] because: No export named no"
    )


def test_fact_11_no_difference(update: Any) -> None:
    template = topic({"Fn::GetAtt": ["Topic1", "TopicName"]}, TopicName="t")
    template["Outputs"] = {"O": {"Value": {"Ref": "Topic1"}}}
    found = update(template, template)
    for described in (found.described, found.with_values):
        assert (described["Status"], described["ExecutionStatus"]) == ("FAILED", "UNAVAILABLE")
        assert described["Changes"] == []
        assert described["StatusReason"] == (
            "The submitted information didn't contain changes. Submit different information to "
            "create a change set."
        )


def test_fact_12_create_stack_makes_a_pending_change_set_obsolete(server: Any) -> None:
    body = json.dumps(topic(TopicName="t"))
    found = Previewed(server.client, TemplateBody=body, ChangeSetType="CREATE")
    stack = server.create("shop", body)
    assert stack["StackStatus"] == "CREATE_COMPLETE"
    assert stack["StackId"] == found.stack_id
    described = server.client.describe_change_set(ChangeSetName=found.arn)
    assert described["ExecutionStatus"] == "OBSOLETE"


def test_fact_13_no_echo_is_clear_in_outputs_and_metadata(server: Any) -> None:
    template = topic(DisplayName={"Ref": "Secret"})
    template["Parameters"] = {"Secret": {"Type": "String", "NoEcho": True}}
    template["Resources"]["Topic1"]["Metadata"] = {"note": {"Ref": "Secret"}}
    template["Outputs"] = {"O": {"Value": {"Ref": "Secret"}}}
    first = given(Secret="swordfish")
    stack = server.create("shop", json.dumps(template), Parameters=first)
    assert stack["Parameters"] == given(Secret="****")
    assert [each["OutputValue"] for each in stack["Outputs"]] == ["swordfish"]
    found = Previewed(
        server.client, TemplateBody=json.dumps(template), Parameters=given(Secret="hunter22")
    )
    assert found.described["Parameters"] == given(Secret="****")
    resource = server.client.describe_stack_resource(StackName="shop", LogicalResourceId="Topic1")
    assert json.loads(resource["StackResourceDetail"]["Metadata"]) == {"note": "swordfish"}
    # docs/adr/0024: a change set masks them everywhere, since it is handed around to be read.
    shown = json.dumps(found.with_values["Changes"])
    assert "****" in shown
    assert "swordfish" not in shown
    assert "hunter22" not in shown


def test_events_of_a_creation_and_of_a_replacement(server: Any) -> None:
    body = json.dumps(topic("v", TopicName="a"))
    found = Previewed(server.client, TemplateBody=body, ChangeSetType="CREATE")
    server.client.execute_change_set(ChangeSetName=found.arn)
    server.ended("shop")
    events = server.events("shop")
    assert [(one[0], *one[2:]) for one in events[:2]] == [
        ("shop", "REVIEW_IN_PROGRESS", "User Initiated"),
        ("shop", "CREATE_IN_PROGRESS", "User Initiated"),
    ]
    [(_, made, _)] = server.store.things()
    assert [one[1:] for one in events if one[0] == "Parameter"] == [
        ("", "CREATE_IN_PROGRESS", None),
        (made, "CREATE_IN_PROGRESS", "Resource creation Initiated"),
        (made, "CREATE_COMPLETE", None),
    ]
    renamed = topic("v", TopicName="a")
    renamed["Resources"]["Parameter"]["Properties"]["Name"] = "other"
    second = Previewed(server.client, TemplateBody=json.dumps(renamed))
    server.client.execute_change_set(ChangeSetName=second.arn)
    assert server.ended("shop")["StackStatus"] == "UPDATE_COMPLETE"
    reasons = [one[3] for one in server.events("shop") if one[2] == "UPDATE_IN_PROGRESS"]
    assert (
        "Requested update requires the creation of a new physical resource; hence creating one."
        in reasons
    )
