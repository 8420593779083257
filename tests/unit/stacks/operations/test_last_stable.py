"""What several failed operations come to, taken for one."""

import dataclasses
from typing import Any

import msgspec
from tests.stack_states import deployed
from tests.stack_world import ROOT

from penstock.stacks.operations.last_stable import has_nested, merged
from penstock.stacks.operations.operation import Operation, StackDocument, Step, Work
from penstock.stacks.operations.walk import NodeStatus, Phase
from penstock.stacks.state import DeployedResource

TOPIC = "AWS::SSM::Parameter"


def resource(name: str, physical_id: str, status: str = "CREATE_COMPLETE") -> DeployedResource:
    return DeployedResource(name, TOPIC, physical_id, status, {"Value": "1"}, {}, "kept")


def operation(resources: dict[str, DeployedResource], body: str = "{}", **more: Any) -> Operation:
    before = dataclasses.replace(
        deployed({"Resources": {"X": {"Type": TOPIC, "Properties": {"Type": "String"}}}}),
        template_body=body, resources=resources,
    )  # fmt: skip
    return Operation("o", "s", "app", None, before, StackDocument(), (), ROOT, None, **more)


def works(steps: Any) -> dict[str, tuple[Work, NodeStatus]]:
    return {each.key: (each.work, each.status) for each in steps}


def test_each_resource_has_one_step_since_the_stable_status() -> None:
    same, changed, old = resource("S", "s-1"), resource("C", "c-1"), resource("R", "r-1")
    first = operation({"S": same, "C": changed, "R": old})
    now = {
        "S": same,
        "C": msgspec.structs.replace(changed, status="UPDATE_FAILED"),
        "R": resource("R", "r-3", "UPDATE_COMPLETE"),
        "N": resource("N", "n-1"),
    }
    left = [old, resource("R", "r-2")]
    whole = merged(operation({}), first, [], now, left)
    assert whole.phase is Phase.UPDATE
    assert whole.operation.before == first.before
    assert works(whole.steps) == {
        "S": (Work.NOTHING, NodeStatus.SUCCEEDED),
        "C": (Work.UPDATE, NodeStatus.FAILED),
        "R": (Work.REPLACE, NodeStatus.SUCCEEDED),
        "N": (Work.CREATE, NodeStatus.SUCCEEDED),
        "R#3": (Work.CREATE, NodeStatus.SUCCEEDED),
    }
    [further] = [each for each in whole.steps if each.key == "R#3"]
    assert further.physical_id == "r-2", "what the stable resource is stays"


def test_a_removal_that_was_refused_is_a_failure_still() -> None:
    kept = resource("K", "k-1")
    denied = Step(Phase.UPDATE, "K", "K", Work.DENIED, NodeStatus.FAILED, old=kept)
    whole = merged(operation({}), operation({"K": kept}), [denied], {"K": kept}, [])
    assert works(whole.steps) == {"K": (Work.NOTHING, NodeStatus.FAILED)}


def test_what_never_was_complete_is_taken_for_a_creation() -> None:
    whole = merged(operation({}), operation({}, body=""), [], {"A": resource("A", "a-1")}, [])
    assert whole.phase is Phase.CREATE
    assert works(whole.steps) == {"A": (Work.CREATE, NodeStatus.SUCCEEDED)}


def test_nested_stacks() -> None:
    nested = msgspec.structs.replace(resource("N", "n"), resource_type="AWS::CloudFormation::Stack")
    assert has_nested({"A": resource("A", "a")}, {"N": nested})
    assert not has_nested({"A": resource("A", "a")}, {})
