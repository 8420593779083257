"""A nested plan at its stack's turn: what was unknown gets its value, nothing else may differ."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from penstock.aws.errors import ServiceError
from penstock.aws.principals import root
from penstock.stacks.handlers.handler import ResourceRequest
from penstock.stacks.intrinsics.unknown import KNOWN_AFTER_APPLY
from penstock.stacks.nested.nested_values import completed
from penstock.stacks.planning.plan import Plan
from penstock.stacks.template.template import ParameterValue

ACCOUNT = "123456789012"
STACK = f"arn:aws:cloudformation:us-east-1:{ACCOUNT}:stack"
TEMPLATE = {
    "Parameters": {
        "Vpc": {"Type": "String", "AllowedPattern": "vpc-[0-9a-f]+"},
        "Size": {"Type": "Number", "Default": "1"},
        "Secret": {"Type": "String", "NoEcho": True, "Default": "swordfish"},
    },
    "Conditions": {
        "Large": {"Fn::Equals": [{"Ref": "Size"}, "9"]},
        "Default": {"Fn::Equals": [{"Ref": "Vpc"}, "vpc-0"]},
        "Named": {"Fn::Equals": [{"Ref": "AWS::StackName"}, "app-Child-1"]},
    },
    "Resources": {"T": {"Type": "AWS::SNS::Topic"}},
}
PLANNED = {
    "Vpc": ParameterValue(KNOWN_AFTER_APPLY),
    "Size": ParameterValue("1"),
    "Secret": ParameterValue("swordfish", no_echo=True),
}


def plan(**changed: str) -> Plan:
    """The nested plan; `changed` are other planned values."""
    parameters = PLANNED | {name: ParameterValue(value) for name, value in changed.items()}
    return Plan(
        stack_id=f"{STACK}/app-Child-1/1",
        stack_serial=1,
        template_body=json.dumps(TEMPLATE),
        parameters=parameters,
        tags={"team": "a"},
        capabilities=(),
        role_arn=None,
        notification_arns=(),
    )


def request(**parameters: Any) -> ResourceRequest:
    """The parent's request, with the values that its resource gives at its turn."""
    properties: Mapping[str, Any] = {"TemplateURL": "https://x/child.json"}
    if parameters:
        properties = {**properties, "Parameters": parameters}
    return ResourceRequest(
        stack_id=f"{STACK}/app/1",
        stack_name="app",
        region="us-east-1",
        account_id=ACCOUNT,
        logical_resource_id="Child",
        resource_type="AWS::CloudFormation::Stack",
        properties=properties,
        previous_properties={},
        physical_resource_id=None,
        tags={},
        previous_tags={},
        client_request_token="token",
        resumed=False,
        principal=root(ACCOUNT),
        now=datetime(2026, 1, 1, tzinfo=UTC),
    )


def refusal(planned: Plan, **parameters: Any) -> str:
    with pytest.raises(ServiceError) as raised:
        completed(planned, "app-Child-1", request(**parameters))
    assert raised.value.code == "ValidationError"
    return raised.value.message


def otherwise(found: str) -> str:
    return f"The change set was planned otherwise: {found}. Make the change set again."


def test_what_was_unknown_is_filled_in_and_nothing_else_changes() -> None:
    planned = plan()
    found = completed(planned, "app-Child-1", request(Vpc="vpc-1a", Size=1))
    assert found.parameters == PLANNED | {"Vpc": ParameterValue("vpc-1a")}
    assert found.template_body == planned.template_body
    assert (found.stack_serial, found.tags) == (planned.stack_serial, planned.tags)
    assert planned.parameters == PLANNED, "the reviewed plan stays as it is"


def test_a_secret_that_becomes_known_stays_one() -> None:
    planned = plan()
    hidden = {**planned.parameters, "Secret": ParameterValue(KNOWN_AFTER_APPLY, no_echo=True)}
    known = {**hidden, "Vpc": ParameterValue("vpc-1")}
    unknown = Plan(
        planned.stack_id, 1, planned.template_body, known, {}, (), None, ()
    )  # fmt: skip
    found = completed(unknown, "app-Child-1", request(Vpc="vpc-1", Secret="hush"))
    assert found.parameters["Secret"] == ParameterValue("hush", no_echo=True)


def test_a_value_that_was_reviewed_must_be_the_same() -> None:
    told = otherwise("the parameter Size has another value")
    assert refusal(plan(), Vpc="vpc-1", Size="2") == told


def test_the_refusal_of_a_secret_does_not_tell_it() -> None:
    told = refusal(plan(), Vpc="vpc-1", Secret="other-secret")
    assert told == otherwise("the parameter Secret has another value")


@pytest.mark.parametrize("given", [{}, {"Vpc": KNOWN_AFTER_APPLY}])
def test_a_value_that_is_still_unknown(given: dict[str, str]) -> None:
    assert refusal(plan(), **given) == otherwise("the parameter Vpc has no value")


def test_a_value_that_the_template_does_not_take() -> None:
    told = "Parameter 'Vpc' must match pattern vpc-[0-9a-f]+"
    assert refusal(plan(), Vpc="subnet-1") == told


def test_a_condition_that_comes_out_otherwise_is_another_plan() -> None:
    """Other resources would be made than those that were reviewed."""
    assert refusal(plan(), Vpc="vpc-0") == otherwise("the condition Default is True")


def test_a_condition_of_known_values_stays() -> None:
    found = completed(plan(Size="9"), "app-Child-1", request(Vpc="vpc-1", Size=9))
    assert found.parameters["Size"] == ParameterValue("9")
