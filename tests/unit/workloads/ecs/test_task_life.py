"""What a task does next, from what is stored and what the engine shows."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from penstock.containers.task import ContainerState
from penstock.workloads.ecs.task_life import (
    GONE,
    OUT_OF_MEMORY,
    ContainerPlan,
    Decision,
    Dependency,
    GiveUp,
    Move,
    Observed,
    Prepare,
    Remove,
    Signal,
    StartContainer,
    decide,
    moved,
    seen,
)
from penstock.workloads.task_records import ContainerRecord, HealthStatus, TaskRecord, TaskStatus

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LATER = NOW + timedelta(seconds=31)


def container(name: str, status: str = "PENDING", **more: object) -> ContainerRecord:
    if status != "PENDING":
        more.setdefault("started_at", NOW)
    return ContainerRecord(name, "image", status, **more)  # type: ignore[arg-type]


def task(status: TaskStatus, *containers: ContainerRecord, wanted: bool = True) -> TaskRecord:
    return TaskRecord(
        task_id="t", arn="arn", cluster_arn="cluster", task_definition_arn="definition",
        group="family:app", started_by=None, last_status=status,
        desired_status=TaskStatus.RUNNING if wanted else TaskStatus.STOPPED,
        health_status=HealthStatus.UNKNOWN, containers=containers, created_at=NOW,
        stopped_reason=None if wanted else "enough", stop_code=None if wanted else "UserInitiated",
    )  # fmt: skip


def plans(*containers: ContainerPlan) -> dict[str, ContainerPlan]:
    return {each.name: each for each in containers}


def needs(name: str, on: str, condition: str, **more: object) -> ContainerPlan:
    return ContainerPlan(name, depends_on=[Dependency(on, condition)], **more)  # type: ignore[arg-type]


def next_of(record: TaskRecord, *containers: ContainerPlan, now: datetime = NOW) -> list[Decision]:
    return decide(record, plans(*containers), sandbox=True, now=now)


def kinds(decisions: Sequence[Decision]) -> list[object]:
    return [
        each.status if isinstance(each, Move) else (type(each), getattr(each, "name", None))
        for each in decisions
    ]


A = ContainerPlan("a")
STATUSES = list(TaskStatus)


def test_a_task_is_prepared_started_and_runs() -> None:
    assert kinds(next_of(task(TaskStatus.PROVISIONING, container("a")), A)) == [TaskStatus.PENDING]
    assert kinds(next_of(task(TaskStatus.PENDING, container("a")), A)) == [(Prepare, None)]
    activating = task(TaskStatus.ACTIVATING, container("a"))
    assert kinds(next_of(activating, A)) == [(StartContainer, "a")]
    started = task(TaskStatus.ACTIVATING, container("a", "RUNNING"))
    assert kinds(next_of(started, A)) == [TaskStatus.RUNNING]
    assert next_of(task(TaskStatus.RUNNING, container("a", "RUNNING")), A) == []


@pytest.mark.parametrize("status", [TaskStatus.PROVISIONING, TaskStatus.PENDING])
def test_stopped_before_its_containers_it_has_none_to_stop(status: TaskStatus) -> None:
    stopped = task(status, container("a"), wanted=False)
    assert kinds(next_of(stopped, A)) == [TaskStatus.DEPROVISIONING]


@pytest.mark.parametrize(
    ("condition", "found", "starts"),
    [
        ("START", container("a"), False),
        ("START", container("a", "RUNNING"), True),
        ("COMPLETE", container("a", "RUNNING"), False),
        ("COMPLETE", container("a", "STOPPED", exit_code=1), True),
        ("SUCCESS", container("a", "STOPPED", exit_code=0), True),
        ("HEALTHY", container("a", "RUNNING"), False),
        ("HEALTHY", container("a", "RUNNING", health_status=HealthStatus.HEALTHY), True),
    ],
)
def test_a_container_waits_for_what_it_depends_on(
    condition: str, found: ContainerRecord, starts: bool
) -> None:
    activating = task(TaskStatus.ACTIVATING, found, container("b"))
    decisions = next_of(activating, ContainerPlan("a", essential=False), needs("b", "a", condition))
    assert ((StartContainer, "b") in kinds(decisions)) is starts


def test_a_dependency_that_failed_or_is_late_is_given_up() -> None:
    failed = task(TaskStatus.ACTIVATING, container("a", "STOPPED", exit_code=1), container("b"))
    [given_up] = next_of(failed, ContainerPlan("a", essential=False), needs("b", "a", "SUCCESS"))
    assert isinstance(given_up, GiveUp)
    assert "did not exit successfully" in given_up.reason
    slow = task(TaskStatus.ACTIVATING, container("a", "RUNNING"), container("b"))
    plan = [ContainerPlan("a", start_timeout=30), needs("b", "a", "HEALTHY")]
    assert next_of(slow, *plan) == []
    [late] = next_of(slow, *plan, now=LATER)
    assert isinstance(late, GiveUp)
    assert "has timed out" in late.reason


def test_an_essential_container_ends_the_task_and_another_does_not() -> None:
    ended = task(TaskStatus.RUNNING, container("a", "STOPPED", exit_code=0), container("b"))
    [move] = next_of(ended, A, ContainerPlan("b"))
    assert isinstance(move, Move)
    assert (move.status, move.stop_code) == (TaskStatus.DEACTIVATING, "EssentialContainerExited")
    assert move.reason == "Essential container in task exited"
    aside = task(TaskStatus.RUNNING, container("a", "STOPPED"), container("b", "RUNNING"))
    assert next_of(aside, ContainerPlan("a", essential=False), ContainerPlan("b")) == []


def test_an_essential_container_that_never_started_fails_the_task() -> None:
    never = replace(container("a"), last_status="STOPPED", reason="CannotStartContainerError: x")
    [move] = next_of(task(TaskStatus.ACTIVATING, never), A)
    assert isinstance(move, Move)
    assert (move.stop_code, move.reason) == ("TaskFailedToStart", "CannotStartContainerError: x")


def test_without_its_network_a_task_ends() -> None:
    record = task(TaskStatus.RUNNING, container("a", "RUNNING"))
    assert kinds(decide(record, plans(A), sandbox=False, now=NOW)) == [TaskStatus.DEACTIVATING]


def test_containers_stop_after_those_that_depend_on_them() -> None:
    both = [container("a", "RUNNING"), container("b", "RUNNING")]
    plan = [A, needs("b", "a", "START")]
    stopping = task(TaskStatus.STOPPING, *both, wanted=False)
    assert kinds(next_of(stopping, *plan)) == [(Signal, "b")]
    one = task(TaskStatus.STOPPING, both[0], container("b", "STOPPED"), wanted=False)
    assert kinds(next_of(one, *plan)) == [(Signal, "a")]


def test_a_container_that_does_not_stop_is_killed() -> None:
    told = task(TaskStatus.STOPPING, container("a", "RUNNING", signalled_at=NOW), wanted=False)
    assert next_of(told, A) == []
    [kill] = next_of(told, A, now=LATER)
    assert isinstance(kill, Signal)
    assert kill.kill
    ended = task(TaskStatus.STOPPING, container("a", "STOPPED"), wanted=False)
    assert kinds(next_of(ended, A)) == [TaskStatus.DEPROVISIONING]
    left = task(TaskStatus.DEPROVISIONING, container("a", "STOPPED"), wanted=False)
    assert kinds(next_of(left, A)) == [(Remove, None)]
    assert next_of(task(TaskStatus.STOPPED, container("a", "STOPPED"), wanted=False), A) == []


@pytest.mark.parametrize("status", STATUSES[:-1])
def test_a_task_that_is_wanted_no_more_always_gets_on(status: TaskStatus) -> None:
    record = task(status, container("a", "RUNNING"), wanted=False)
    assert next_of(record, A)


def test_a_task_only_goes_forward() -> None:
    for status in STATUSES:
        for record in (task(status, container("a")), task(status, container("a"), wanted=False)):
            for decision in next_of(record, A):
                if isinstance(decision, Move):
                    assert STATUSES.index(decision.status) > STATUSES.index(status)


def state(name: str = "a", **more: object) -> ContainerState:
    values: dict[str, object] = {
        "running": True, "exit_code": None, "oom_killed": False, "error": "", "started": True,
        "container_id": "id", "image_digest": "sha256:1", **more,
    }  # fmt: skip
    return ContainerState(name, **values)  # type: ignore[arg-type]


def look(record: TaskRecord, *states: ContainerState) -> TaskRecord:
    observed = Observed({each.name: each for each in states}, sandbox=True)
    plan = {each.name: ContainerPlan(each.name, checks_health=True) for each in record.containers}
    return seen(record, plan, observed, NOW)


def test_what_the_engine_shows_is_remembered() -> None:
    record = task(TaskStatus.ACTIVATING, container("a"))
    assert look(record, state(started=False, running=False)).containers[0].started_at is None
    found = look(record, state(health="starting"))
    assert found.containers[0].last_status == "RUNNING"
    assert found.containers[0].started_at == NOW
    assert found.containers[0].image_digest == "sha256:1"
    assert found.health_status is HealthStatus.UNKNOWN
    assert look(found, state(health="healthy")).health_status is HealthStatus.HEALTHY
    assert look(found, state(health="unhealthy")).health_status is HealthStatus.UNHEALTHY
    ended = look(found, state(running=False, exit_code=137, oom_killed=True)).containers[0]
    assert (ended.last_status, ended.exit_code, ended.reason) == ("STOPPED", 137, OUT_OF_MEMORY)
    assert look(found).containers[0].reason == GONE


def test_the_first_reason_stays() -> None:
    stopped = task(TaskStatus.RUNNING, container("a"), wanted=False)
    after = moved(stopped, Move(TaskStatus.DEACTIVATING, "x", "Other", "other"), LATER)
    assert (after.stop_code, after.stopped_reason) == ("UserInitiated", "enough")
    failed = task(TaskStatus.PENDING, container("a"))
    after = moved(failed, Move(TaskStatus.DEPROVISIONING, "x", "TaskFailedToStart", "why"), NOW)
    assert (after.desired_status, after.stopping_at) == (TaskStatus.STOPPED, NOW)
    over = moved(after, Move(TaskStatus.STOPPED, "x"), LATER)
    assert over.stopped_at == LATER
    assert over.containers[0].last_status == "STOPPED"
