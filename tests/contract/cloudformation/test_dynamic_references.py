"""References that only parameters or functions make are refused as those written in a template."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

REFUSAL = "Penstock resolves no dynamic references yet, found {{resolve:ssm:…}} in the resource B"


def body(value: Any) -> str:
    kind = "AWS::SSM::Parameter"
    first = {"Type": kind, "Properties": {"Type": "String", "Value": "a"}}
    second = {"Type": kind, "Properties": {"Type": "String", "Value": value}}
    parameters = {"P": {"Type": "String", "Default": ""}}
    return json.dumps({"Parameters": parameters, "Resources": {"A": first, "B": second}})


@pytest.mark.parametrize(
    "value",
    [{"Ref": "P"}, {"Fn::Join": ["", ["{{resolve:", "ssm:/a}}"]]}, {"Fn::Sub": "x${P}"}],
)
def test_what_is_known_is_refused_before_anything_begins(server: Any, value: Any) -> None:
    given = [{"ParameterKey": "P", "ParameterValue": "{{resolve:ssm:/a}}"}]
    with pytest.raises(ClientError) as raised:
        server.client.create_stack(StackName="app", TemplateBody=body(value), Parameters=given)
    assert REFUSAL in str(raised.value)
    assert server.client.list_stacks()["StackSummaries"] == []


def test_what_a_resource_answers_makes_is_refused_at_its_turn(server: Any) -> None:
    value = {"Fn::Join": ["", ["{{resolve:ssm:", {"Ref": "A"}, "}}"]]}
    stack = server.create("app", body(value))
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    reasons = {name: why for name, _, status, why in server.events("app") if "FAILED" in status}
    assert REFUSAL in reasons["B"]
    assert server.store.things() == []
