"""SIGKILL the server in every state of a release to production; it ends as without.

A release meets every place of its list: the server dies at the first one that is reached, its
successor at the next, and so on to the end. However it dies, one change set is made, the approver
is asked once and what he was shown stays as it was, his answer counts once, and the plan that he
approved runs once. The oracles are the services' own stores and the stored operations.
"""

import sys
from collections.abc import Iterator, Sequence

import pytest

from tests.deployment import stack
from tests.faults.release_plant import NAME, PRODUCTION, ReleasePlant
from tests.production import Waiting, approvals, executed_plans
from tests.server_process import ServerProcess

pytestmark = [pytest.mark.faults, pytest.mark.slow, pytest.mark.timeout(600)]

CALL = "penstock.aws.in_process:InProcess.call"
PROVIDER = "penstock.pipelines.actions.approval:ManualApproval"
ROWS = "penstock.storage.approvals"
CHANGE_SETS = "penstock.storage.change_sets"
ACTION = "penstock.storage.action_executions"
OPERATION = "penstock.storage.stack_operations:insert"


def around(*places: str) -> list[str]:
    """Before and after the first call of each."""
    return [f"{place}:{moment}:1" for place in places for moment in ("before", "after")]


def calls(*operations: str) -> list[str]:
    """Before and after the first call of each operation by the stack or the action."""
    return [f"{CALL}:{when}:1:{name}" for name in operations for when in ("before", "after")]


ASK = [
    *calls("CreateChangeSet"),
    f"{CHANGE_SETS}:insert:committed:1",
    *around(f"{PROVIDER}.start"),
    f"{ROWS}:insert:committed:1",
    *calls("Publish"),
    f"{ROWS}:set_notified:committed:1",
    f"{ACTION}:set_progress:committed:1",
]
REPLACED = calls("DeleteChangeSet")
DECIDE = [
    f"{ROWS}:decide:before:1",
    f"{ROWS}:decide:committed:1",
    *around(f"{PROVIDER}.poll"),
    f"{ACTION}:finish:committed:1",
]
CREATE = [
    f"{ROWS}:decide:committed:1",
    f"{ACTION}:finish:committed:1",
    f"{CALL}:before:1:ExecuteChangeSet",
    f"{OPERATION}:before:1",
    f"{OPERATION}:committed:1",  # it cannot die after ExecuteChangeSet too: that is never repeated
    *calls("CreateTopic"),
    f"{CALL}:before:1:CreateLogGroup",
]
UPDATE = [
    f"{CALL}:after:1:ExecuteChangeSet",
    *calls("SetTopicAttributes", "CreateLogGroup", "DeleteLogGroup"),
]


@pytest.fixture(scope="module")
def plant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ReleasePlant]:
    place = tmp_path_factory.mktemp("plant")
    server = ServerProcess(
        place / "data", command=(sys.executable, "-m", "tests.faults.crashing_server")
    )
    plant = ReleasePlant(server, place / "tree")
    try:
        plant.build()
        yield plant
    finally:
        if server.running:
            server.kill()
        server.remove_engine_objects()


def met(plant: ReleasePlant, planned: Sequence[str], left: Sequence[str]) -> None:
    """Check that the server died everywhere it was told to."""
    assert left == [], plant.deaths
    assert sorted(plant.deaths) == sorted(planned)


def stands(plant: ReleasePlant, asked: Waiting) -> None:
    """Check that the question waits just as it was asked, after one more SIGKILL."""
    plant.server.kill()
    plant.start()
    again = plant.asked()
    assert again == asked, plant.said()


def test_a_first_release_that_is_rejected_over_deaths_makes_nothing(plant: ReleasePlant) -> None:
    asked, left = plant.ask("v1", ASK)
    met(plant, ASK, left)
    stands(plant, asked)
    met(plant, DECIDE, plant.answer(asked, "Rejected", DECIDE))
    execution = plant.execution()
    assert execution is not None
    assert execution["status"] == "Failed"
    assert stack(plant.server, PRODUCTION)["StackStatus"] == "REVIEW_IN_PROGRESS"
    assert executed_plans(plant.server, stack(plant.server, PRODUCTION)["StackId"]) == []
    plant.asked_once(asked)
    (row,) = approvals(plant.server)
    assert (row["decision"], row["comment"]) == ("Rejected", "seen")


def test_production_is_made_once_over_deaths(plant: ReleasePlant) -> None:
    asked, left = plant.ask("v2", REPLACED)
    met(plant, REPLACED, left)
    stands(plant, asked)
    met(plant, CREATE, plant.answer(asked, "Approved", CREATE))
    succeeded(plant, asked, "v2")


def test_production_is_changed_once_over_deaths(plant: ReleasePlant) -> None:
    asked, _ = plant.ask("v3")
    stands(plant, asked)
    met(plant, UPDATE, plant.answer(asked, "Approved", UPDATE))
    succeeded(plant, asked, "v3")


def test_a_release_is_stopped_while_the_server_is_killed(plant: ReleasePlant) -> None:
    """Abandoned before and after the request is durable; the stage is free, and the next asks."""
    asked, _ = plant.ask("v4")
    execution = plant.execution()
    assert execution is not None

    def stop() -> None:
        client = plant.server.client("codepipeline")
        try:
            client.stop_pipeline_execution(
                pipelineName=NAME, pipelineExecutionId=execution["pipelineExecutionId"],
                abandon=True,
            )  # fmt: skip
        except client.exceptions.DuplicatedStopRequestException:
            assert plant.deaths
        except client.exceptions.PipelineExecutionNotStoppableException:
            assert plant.deaths

    places = [
        "penstock.storage.pipeline_executions:request_stop:committed:1",
        f"{ACTION}:finish:committed:1",
    ]
    met(plant, places, plant.survive(places, stop, plant.ended))
    ended = plant.execution()
    assert ended is not None
    assert ended["status"] == "Stopped"
    plant.holds("v3")
    following, _ = plant.ask("v5")
    assert following.token != asked.token
    assert plant.answer(following, "Approved") == []
    succeeded(plant, following, "v5")


def succeeded(plant: ReleasePlant, asked: Waiting, version: str) -> None:
    """Check that the approved release is what production is, made once."""
    execution = plant.execution()
    assert execution is not None
    assert execution["status"] == "Succeeded", plant.said()
    plant.asked_once(asked)
    plant.executed_once(asked)
    plant.holds(version)
