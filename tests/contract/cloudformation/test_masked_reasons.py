"""Reasons quote what they are about: NoEcho values in them are masked wherever they are kept."""

import json
import logging
from collections.abc import Mapping
from typing import Any

import pytest
import sqlalchemy as sa
from botocore.exceptions import ClientError
from tests.contract.cloudformation.conftest import CloudFormationServer
from tests.stack_world import template, thing

from penstock.stacks.handlers.handler import Progress, ResourceRequest

PASSWORD = {"Password": {"Type": "String", "NoEcho": True}}
GIVEN: Any = [{"ParameterKey": "Password", "ParameterValue": "swordfish"}]
MAPPINGS = {"M": {"One": {"Two": "x"}}}


def valued(value: Any, **more: Any) -> str:
    resource = thing()
    resource["Properties"]["Value"] = value
    return template({"A": resource}, Parameters=PASSWORD, **more)


def made(server: CloudFormationServer, body: str, **more: Any) -> dict[str, Any]:
    """A change set that creates the stack `app`."""
    found = server.client.create_change_set(
        StackName="app", ChangeSetName="c", ChangeSetType="CREATE", TemplateBody=body,
        Parameters=GIVEN, **more,
    )  # fmt: skip
    described: dict[str, Any] = server.client.describe_change_set(
        ChangeSetName=found["Id"], IncludePropertyValues=True
    )
    return described


def test_why_a_change_set_failed(server: CloudFormationServer) -> None:
    body = valued({"Fn::FindInMap": ["M", {"Ref": "Password"}, "Two"]}, Mappings=MAPPINGS)
    found = made(server, body)
    assert found["Status"] == "FAILED"
    assert "M::****::Two" in found["StatusReason"]


def test_why_a_transform_failed(server: CloudFormationServer) -> None:
    found_in = {"Fn::FindInMap": ["M", {"Ref": "Password"}, "Two"]}
    value = {"Fn::ToJsonString": {"a": found_in}}
    body = valued(value, Mappings=MAPPINGS, Transform="AWS::LanguageExtensions")
    found = made(server, body, Capabilities=["CAPABILITY_AUTO_EXPAND"])
    assert found["Status"] == "FAILED"
    assert "****" in found["StatusReason"]
    assert "swordfish" not in found["StatusReason"]


def test_what_a_change_set_warns_of(server: CloudFormationServer) -> None:
    found = made(server, valued({"Fn::ImportValue": {"Ref": "Password"}}))
    assert found["Status"] == "CREATE_COMPLETE"
    assert found["StatusReason"].startswith("[WARN]")
    assert "No export named ****" in found["StatusReason"]


def test_why_the_change_set_of_a_nested_stack_failed(server: CloudFormationServer) -> None:
    url = server.put_template(
        "child.json",
        valued({"Fn::FindInMap": ["M", {"Ref": "Password"}, "Two"]}, Mappings=MAPPINGS),
    )
    child = {
        "Type": "AWS::CloudFormation::Stack",
        "Properties": {"TemplateURL": url, "Parameters": {"Password": {"Ref": "Password"}}},
    }
    body = template({"Child": child}, Parameters=PASSWORD)
    made(server, body, IncludeNestedStacks=True)
    nested = [
        one
        for stack in server.client.list_stacks()["StackSummaries"]
        for one in server.client.list_change_sets(StackName=stack["StackId"])["Summaries"]
    ]
    assert any("M::****::Two" in one.get("StatusReason", "") for one in nested)
    assert "swordfish" not in json.dumps(nested, default=str)


def test_why_an_operation_stopped(server: CloudFormationServer) -> None:
    """What no export has is found when the operation begins: the reason is stored with it."""
    server.create("app", valued({"Fn::ImportValue": {"Ref": "Password"}}), Parameters=GIVEN)
    assert any("No export named ****" in (reason or "") for *_, reason in server.events("app"))

    async def stored() -> list[str]:
        query = sa.text("SELECT stop FROM stack_operations")
        found = await server.database.read(lambda c: c.execute(query).scalars().all())
        return [str(each) for each in found]

    [stop] = server.aws.run(stored())
    assert stop.startswith("No export named ****")


def test_why_an_output_stops_an_operation(server: CloudFormationServer) -> None:
    """Found at the end: an export whose name is a secret, and taken."""
    taken = {"O": {"Value": "1", "Export": {"Name": "swordfish"}}}
    server.create("other", template({"A": thing()}, Outputs=taken))
    outputs = {"O": {"Value": "1", "Export": {"Name": {"Ref": "Password"}}}}
    server.create("app", valued("x", Outputs=outputs), Parameters=GIVEN)
    reasons = json.dumps(server.events("app"))
    assert "Export with name **** is already exported" in reasons
    assert "swordfish" not in reasons


def test_a_bug_that_quotes_a_property(
    server: CloudFormationServer, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.DEBUG, "penstock")

    async def create(request: ResourceRequest, context: Mapping[str, Any] | None) -> Progress:
        raise ValueError(f"cannot make {request.properties['Value']}")

    monkeypatch.setattr(server.handler, "create", create)
    server.create("app", valued({"Ref": "Password"}), Parameters=GIVEN)
    assert "ValueError: cannot make ****" in caplog.text
    told = [each.getMessage() for each in caplog.records if each.name.startswith("penstock")]
    assert "swordfish" not in "".join(told)


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ({"Fn::FindInMap": ["M", {"Ref": "Password"}, "Two"]}, "for M::****::Two"),
        ({"Fn::Sub": "{{resolve:ssm:/${Password}}}"}, "[ssm:/****]"),
        ({"Fn::Select": [0, {"Fn::Cidr": [{"Ref": "Password"}, 1]}]}, "**** is not a valid CIDR"),
        (
            {"Fn::GetStackOutput": {"StackName": {"Ref": "Password"}, "OutputName": "x"}},
            "Stack with id **** does not exist",
        ),
    ],
)
def test_why_a_stack_was_not_begun(server: CloudFormationServer, value: Any, told: str) -> None:
    body = valued(value, Mappings=MAPPINGS)
    with pytest.raises(ClientError) as refused:
        server.client.create_stack(StackName="app", TemplateBody=body, Parameters=GIVEN)
    assert told in refused.value.response["Error"]["Message"]
    server.create("app", valued("x"), Parameters=GIVEN)
    kept: Any = [{"ParameterKey": "Password", "UsePreviousValue": True}]
    with pytest.raises(ClientError) as refused:
        server.client.update_stack(StackName="app", TemplateBody=body, Parameters=kept)
    assert told in refused.value.response["Error"]["Message"]


@pytest.mark.parametrize(
    ("type", "told"),
    [
        ("AWS::EC2::Image::Id", "parameter value **** for"),
        ("List<AWS::EC2::Image::Id>", "parameter value **** for"),
        ("AWS::SSM::Parameter::Value<String>", "parameters [****]"),
    ],
)
@pytest.mark.parametrize("no_echo", [True, False])
def test_why_a_deployed_value_does_not_suit_another_type(
    server: CloudFormationServer, type: str, told: str, no_echo: bool
) -> None:
    secret: Any = [{"ParameterKey": "Password", "ParameterValue": "swordfish, or another"}]
    server.create("app", valued("x"), Parameters=secret)
    declared = {"Password": {"Type": type, "NoEcho": no_echo}}
    with pytest.raises(ClientError) as refused:
        server.client.create_change_set(
            StackName="app",
            ChangeSetName="c",
            TemplateBody=template({"A": thing()}, Parameters=declared),
            Parameters=[{"ParameterKey": "Password", "UsePreviousValue": True}],
        )
    assert told in refused.value.response["Error"]["Message"]
