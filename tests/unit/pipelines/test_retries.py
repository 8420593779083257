"""Which actions a retry runs again."""

import pytest

from penstock.pipelines.retries import StillRunning, releases, runs_again
from penstock.pipelines.states import ActionStatus
from penstock.pipelines.structure import ActionDeclaration, ActionTypeId, StageDeclaration

OK, FAILED = ActionStatus.SUCCEEDED, ActionStatus.FAILED
RUNNING, ABANDONED = ActionStatus.IN_PROGRESS, ActionStatus.ABANDONED
CLOUDFORMATION = ActionTypeId("Deploy", "AWS", "CloudFormation", "1")
APPROVAL = ActionTypeId("Approval", "AWS", "Manual", "1")


def deploys(name: str, order: int, mode: str, stack: str = "prod") -> ActionDeclaration:
    configuration = {"ActionMode": mode, "StackName": stack, "ChangeSetName": "release"}
    return ActionDeclaration(name, CLOUDFORMATION, order, configuration)


STAGE = StageDeclaration(
    "Production",
    (
        deploys("Plan", 1, "CHANGE_SET_REPLACE"),
        ActionDeclaration("Approve", APPROVAL, 2),
        deploys("Release", 3, "CHANGE_SET_EXECUTE"),
        ActionDeclaration("Check", ActionTypeId("Test", "AWS", "CodeBuild", "1"), 4),
    ),
)


@pytest.mark.parametrize(
    ("statuses", "executable", "again"),
    [
        pytest.param({"Plan": FAILED}, True, {"Plan"}, id="the plan failed"),
        pytest.param({"Plan": OK, "Approve": FAILED}, True, {"Approve"}, id="rejected"),
        pytest.param(
            {"Plan": OK, "Approve": FAILED}, False, {"Plan", "Approve"}, id="rejected, then void"
        ),
        pytest.param(
            {"Plan": OK, "Approve": OK, "Release": FAILED}, True, {"Release"}, id="not permitted"
        ),
        pytest.param(
            {"Plan": OK, "Approve": OK, "Release": FAILED},
            False,
            {"Plan", "Approve", "Release"},
            id="consumed",
        ),
        pytest.param({"Plan": OK, "Approve": OK}, True, set(), id="stopped once approved"),
        pytest.param(
            {"Plan": OK, "Approve": OK}, False, {"Plan", "Approve"}, id="stopped, then void"
        ),
        pytest.param(
            {"Plan": OK, "Approve": OK, "Release": OK, "Check": FAILED},
            False,
            {"Check"},
            id="released already",
        ),
        pytest.param(
            {"Plan": OK, "Approve": OK, "Release": ABANDONED},
            False,
            {"Plan", "Approve", "Release"},
            id="abandoned while it was executed",
        ),
    ],
)
def test_what_runs_again(
    statuses: dict[str, ActionStatus], executable: bool, again: set[str]
) -> None:
    assert runs_again(STAGE, statuses, {"Plan": executable}) == again


def test_an_approval_that_still_waits_keeps_a_void_plan_from_being_retried() -> None:
    second = ActionDeclaration("AlsoApprove", APPROVAL, 2)
    stage = StageDeclaration("Production", (*STAGE.actions, second))
    statuses = {"Plan": OK, "Approve": FAILED, "AlsoApprove": RUNNING}
    assert runs_again(stage, statuses, {"Plan": True}) == {"Approve"}
    with pytest.raises(StillRunning, match="AlsoApprove"):
        runs_again(stage, statuses, {"Plan": False})


def test_only_the_change_set_of_the_same_stack_and_name_is_made_again() -> None:
    stage = StageDeclaration(
        "Production",
        (
            deploys("PlanWeb", 1, "CHANGE_SET_REPLACE", "web"),
            deploys("PlanData", 1, "CHANGE_SET_REPLACE", "data"),
            deploys("ReleaseData", 2, "CHANGE_SET_EXECUTE", "data"),
            deploys("ReleaseWeb", 3, "CHANGE_SET_EXECUTE", "web"),
            deploys("ReleaseOther", 3, "CHANGE_SET_EXECUTE", "other"),
        ),
    )
    pairs = {(pair.replace.name, pair.execute.name) for pair in releases(stage)}
    assert pairs == {("PlanWeb", "ReleaseWeb"), ("PlanData", "ReleaseData")}
    statuses = {
        "PlanWeb": OK, "PlanData": OK, "ReleaseData": OK, "ReleaseWeb": FAILED,
    }  # fmt: skip
    void = {"PlanWeb": False, "PlanData": False}
    again = {"PlanWeb", "ReleaseWeb"}
    assert runs_again(stage, statuses, void) == again, "what was released stays released"
