"""How the deployed template reads, also where what it names is gone."""

import dataclasses
from typing import Any

import msgspec
from tests.stack_states import deployed, new_stack

from penstock.stacks.planning.differences import Policies
from penstock.stacks.planning.present import Present
from penstock.stacks.state import StackState
from penstock.stacks.template.load import load_template
from penstock.stacks.template.scope import Scope

TEMPLATE: dict[str, Any] = {
    "Resources": {
        "Topic": {
            "Type": "AWS::SNS::Topic",
            "Properties": {"DisplayName": "d"},
            "CreationPolicy": {"ResourceSignal": {"Count": {"Fn::ImportValue": "count"}}},
        }
    },
    "Outputs": {"Name": {"Value": {"Fn::GetAtt": ["Topic", "DisplayName"]}}},
}


def present(current: StackState, exports: dict[str, str]) -> Present:
    template = load_template('{"Resources": {"A": {"Type": "AWS::SNS::Topic"}}}')
    wanted = Scope(template, {}, "us-east-1", "123456789012", current.stack_id, "app")
    return Present(current, wanted, exports)


def test_a_new_stack_has_nothing() -> None:
    found = present(new_stack(), {})
    assert found.outputs() is None
    assert found.secret_places() is None
    assert found.policies("A") == Policies()


def test_policies_and_outputs_are_the_deployed_templates() -> None:
    found = present(deployed(TEMPLATE), {"count": "2"})
    assert found.policies("Topic") == Policies({"ResourceSignal": {"Count": "2"}}, None)
    assert found.policies("A") == Policies()
    outputs = found.outputs()
    assert outputs is not None
    assert [each.value for each in outputs] == ["d"]


def test_what_cannot_be_evaluated_any_more_is_nothing() -> None:
    current = deployed(TEMPLATE)
    assert present(current, {}).policies("Topic") == Policies()
    gone = msgspec.structs.replace(current.resources["Topic"], attributes={})
    changed = dataclasses.replace(current, resources={"Topic": gone})
    assert present(changed, {}).outputs() is None
