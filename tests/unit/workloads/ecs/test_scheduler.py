"""What the scheduler decides, as whole lists in the words that operators read."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from penstock.workloads.ecs.outstanding import outstanding
from penstock.workloads.ecs.scheduler import decide
from penstock.workloads.ecs.service_decisions import applied
from penstock.workloads.ecs.service_health import back_off, next_look, target_of
from penstock.workloads.ecs.service_state import (
    Deployment,
    DeploymentConfiguration,
    Placement,
    RegisteredTarget,
    RolloutState,
    ServiceLoadBalancer,
    ServiceState,
    ServiceStatus,
    Stage,
    from_document,
    task_id_of,
    to_document,
)
from penstock.workloads.load_balancing.targets import Target, TargetHealth, TargetState
from penstock.workloads.task_records import (
    ContainerRecord,
    HealthStatus,
    NetworkBinding,
    TaskRecord,
    TaskStatus,
)

NOW = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)
CLUSTER = "arn:aws:ecs:us-east-1:123456789012:cluster/main"
OLD = Deployment("ecs-svc/1", "web:1", False, NOW, NOW, RolloutState.COMPLETED)
NEW = Deployment("ecs-svc/2", "web:2", False, NOW, NOW)
HEALTHY, UNHEALTHY, INITIAL, DRAINING = (
    TargetState.HEALTHY,
    TargetState.UNHEALTHY,
    TargetState.INITIAL,
    TargetState.DRAINING,
)
NAMES = {
    task_id_of(deployment, number): f"{deployment.task_definition_arn}#{number}"
    for deployment in (OLD, NEW)
    for number in range(10)
}


def service(*deployments: Deployment, **values: Any) -> ServiceState:
    given: dict[str, Any] = {
        "desired_count": 2,
        "load_balancers": (ServiceLoadBalancer("tg", "app", 80, "ip"),),
        "last_completed": next((d for d in deployments if d.rollout_state == "COMPLETED"), None),
        **values,
    }
    return ServiceState(
        arn="arn:aws:ecs:us-east-1:123456789012:service/main/web", name="web",
        cluster_arn=CLUSTER, ec2_instance_id="i-1", deployments=deployments, created_at=NOW,
        **given,
    )  # fmt: skip


def task(deployment: Deployment, number: int, **values: Any) -> TaskRecord:
    given: dict[str, Any] = {
        "last_status": TaskStatus.RUNNING,
        "desired_status": TaskStatus.RUNNING,
        "health_status": HealthStatus.UNKNOWN,
        "containers": (ContainerRecord("app", "app"),),
        "started_at": NOW,
        **values,
    }
    task_id = task_id_of(deployment, number)
    return TaskRecord(
        task_id=task_id, arn=f"arn:{task_id}", cluster_arn=CLUSTER,
        task_definition_arn=deployment.task_definition_arn, group="service:web",
        started_by=deployment.id, created_at=NOW,
        private_ipv4=address(deployment, number), **given,
    )  # fmt: skip


def address(deployment: Deployment, number: int) -> str:
    return f"10.0.{deployment.id[-1]}.{number}"


def placed(deployment: Deployment, number: int, **values: Any) -> Placement:
    target = RegisteredTarget("tg", Target(address(deployment, number), 80))
    given = {"was_in_service": True, "targets": (target,), **values}
    return Placement(task_id_of(deployment, number), deployment.id, **given)


def health(*states: tuple[Deployment, int, TargetState]) -> dict[str, list[TargetHealth]]:
    return {
        "tg": [
            TargetHealth(Target(address(deployment, number), 80), state)
            for deployment, number, state in states
        ]
    }


def told(state: ServiceState, tasks: list[TaskRecord], targets: Any, now: datetime = NOW) -> str:
    """The round's decisions: kind and cause, tasks by definition and number."""
    lines = []
    for decision in decide(state, tasks, targets, now):
        cause = decision.cause.removeprefix("(service web) ")
        for task_id, name in NAMES.items():
            cause = cause.replace(task_id, name)
        lines.append(f"{type(decision).__name__}: {cause}\n")
    return "".join(lines)


TWO_OLD = [task(OLD, 0), task(OLD, 1)]
OLD_HEALTHY = [(OLD, 0, HEALTHY), (OLD, 1, HEALTHY)]


def test_a_new_service_starts_its_tasks() -> None:
    assert told(service(NEW), [], {}) == (
        "StartTask: has started 1 tasks: (task web:2#0).\n"
        "StartTask: has started 1 tasks: (task web:2#1).\n"
    )


def test_running_tasks_are_registered_and_then_waited_for() -> None:
    new = replace(NEW, next_ordinal=2)
    waiting = [placed(new, n, was_in_service=False, targets=()) for n in (0, 1)]
    state = service(new, placements=tuple(waiting))
    tasks = [task(new, 0), task(new, 1, last_status=TaskStatus.PENDING)]
    assert told(state, tasks, {"tg": []}) == (
        "RegisterTargets: registered 1 targets in (target-group tg)\n"
    )
    registered = service(new, placements=(placed(new, 0, was_in_service=False), waiting[1]))
    assert told(registered, tasks, health((new, 0, INITIAL))) == ""
    assert told(registered, tasks, health((new, 0, HEALTHY))) == (
        "TaskInService: (task web:2#0) is in service.\n"
    )


def test_a_deployment_completes_when_all_are_healthy() -> None:
    new = replace(NEW, next_ordinal=2)
    state = service(new, placements=(placed(new, 0), placed(new, 1)))
    tasks = [task(new, 0), task(new, 1)]
    healthy = health((new, 0, HEALTHY), (new, 1, HEALTHY))
    assert told(state, tasks, healthy) == (
        "CompleteDeployment: (deployment ecs-svc/2) deployment completed.\n"
        "ReachSteadyState: has reached a steady state.\n"
    )
    for decision in decide(state, tasks, healthy, NOW):
        state = applied(state, decision, NOW)
    assert told(state, tasks, healthy) == ""
    assert state.last_completed == state.primary
    assert state.primary.rollout_state_reason == "ECS deployment ecs-svc/2 completed."
    assert from_document(to_document(state)) == state


def test_an_update_starts_new_tasks_and_leaves_the_old_ones() -> None:
    state = service(NEW, OLD, placements=(placed(OLD, 0), placed(OLD, 1)))
    assert told(state, TWO_OLD, health(*OLD_HEALTHY)) == (
        "StartTask: has started 1 tasks: (task web:2#0).\n"
        "StartTask: has started 1 tasks: (task web:2#1).\n"
    )


def test_each_healthy_new_task_lets_one_old_one_drain() -> None:
    new = replace(NEW, next_ordinal=2)
    state = service(
        new, OLD,
        placements=(
            placed(OLD, 0), placed(OLD, 1), placed(new, 0),
            placed(new, 1, was_in_service=False),
        ),
    )  # fmt: skip
    tasks = [*TWO_OLD, task(new, 0), task(new, 1)]
    found = health(*OLD_HEALTHY, (new, 0, HEALTHY), (new, 1, INITIAL))
    assert told(state, tasks, found) == (
        "DrainTask: has begun draining connections on 1 tasks.\n"
        "DeregisterTargets: deregistered 1 targets in (target-group tg)\n"
    )


def test_a_drained_task_is_stopped_and_the_deployment_goes_on() -> None:
    new = replace(NEW, next_ordinal=2)
    draining = placed(OLD, 0, stage=Stage.DRAINING, stop_reason="why")
    state = service(new, OLD, placements=(draining, placed(new, 0), placed(new, 1)))
    tasks = [task(OLD, 0), task(new, 0), task(new, 1)]
    both = [(new, 0, HEALTHY), (new, 1, HEALTHY)]
    assert told(state, tasks, health(*both, (OLD, 0, DRAINING))) == ""
    assert told(state, tasks, health(*both)) == (
        "StopTask: has stopped 1 running tasks: (task web:1#0).\n"
    )
    stopping = replace(draining, stage=Stage.STOPPING)
    state = replace(state, placements=(stopping, *state.placements[1:]))
    tasks[0] = task(OLD, 0, last_status=TaskStatus.STOPPED, stopped_reason="why")
    assert told(state, tasks, health(*both)) == (
        "TaskEnded: (task web:1#0) has stopped: why\n"
        "ForgetTask: (task web:1#0) has no target left.\n"
        "RetireDeployment: (deployment ecs-svc/1) has no task left.\n"
        "CompleteDeployment: (deployment ecs-svc/2) deployment completed.\n"
        "ReachSteadyState: has reached a steady state.\n"
    )


def test_without_room_old_tasks_go_down_to_the_minimum_first() -> None:
    tight = DeploymentConfiguration(minimum_healthy_percent=50, maximum_percent=100)
    state = service(NEW, OLD, placements=(placed(OLD, 0), placed(OLD, 1)), configuration=tight)
    assert told(state, TWO_OLD, health(*OLD_HEALTHY)) == (
        "DrainTask: has begun draining connections on 1 tasks.\n"
        "DeregisterTargets: deregistered 1 targets in (target-group tg)\n"
    )


def test_limits_are_rounded_as_aws_rounds_them() -> None:
    limits = DeploymentConfiguration(minimum_healthy_percent=50, maximum_percent=150)
    state = service(NEW, desired_count=3, configuration=limits)
    assert (state.minimum_healthy, state.maximum_tasks) == (2, 4)


def test_limits_with_which_nothing_moves_are_told_once() -> None:
    blocked = DeploymentConfiguration(minimum_healthy_percent=100, maximum_percent=150)
    state = service(NEW, OLD, desired_count=1, placements=(placed(OLD, 0),), configuration=blocked)
    found = health((OLD, 0, HEALTHY))
    assert told(state, TWO_OLD[:1], found) == (
        "ReportTrouble: was unable to stop or start tasks during a deployment because of the "
        "service deployment configuration. Update the minimumHealthyPercent or maximumPercent "
        "value and try again.\n"
    )
    [decision] = decide(state, TWO_OLD[:1], found, NOW)
    assert told(applied(state, decision, NOW), TWO_OLD[:1], found) == ""


def sick(deployment: Deployment, number: int) -> Placement:
    return placed(deployment, number, stop_reason="Task failed ELB health checks")


def test_an_unhealthy_task_stays_while_its_replacement_starts() -> None:
    old = replace(OLD, next_ordinal=2, has_health_check=True)
    state = service(old, placements=(placed(old, 0), placed(old, 1)), steady=True)
    tasks = [
        task(old, 0, health_status=HealthStatus.UNHEALTHY),
        task(old, 1, health_status=HealthStatus.HEALTHY),
    ]
    found = health(*OLD_HEALTHY)
    assert told(state, tasks, found) == (
        "TaskUnhealthy: (task web:1#0) failed container health checks.\n"
        "StartTask: has started 1 tasks: (task web:1#2).\n"
    )
    for decision in decide(state, tasks, found, NOW):
        state = applied(state, decision, NOW)
    assert not state.steady
    assert state.primary.failed_in_a_row == 0
    assert from_document(to_document(state)) == state
    assert told(state, tasks, found) == ""


def test_all_unhealthy_tasks_stay_until_each_has_a_healthy_replacement() -> None:
    old = replace(OLD, next_ordinal=2)
    state = service(old, placements=(placed(old, 0), placed(old, 1)))
    both = [(OLD, 0, UNHEALTHY), (OLD, 1, UNHEALTHY)]
    why = "is unhealthy in (target-group tg) due to (reason Health checks failed)"
    assert told(state, TWO_OLD, health(*both)) == (
        f"TaskUnhealthy: (task web:1#0) (port 80) {why}\n"
        f"TaskUnhealthy: (task web:1#1) (port 80) {why}\n"
        "StartTask: has started 1 tasks: (task web:1#2).\n"
        "StartTask: has started 1 tasks: (task web:1#3).\n"
    )
    old = replace(OLD, next_ordinal=4)
    state = service(old, placements=(sick(old, 0), sick(old, 1), placed(old, 2), placed(old, 3)))
    tasks = [*TWO_OLD, task(old, 2), task(old, 3)]
    assert told(state, tasks, health(*both, (OLD, 2, INITIAL), (OLD, 3, INITIAL))) == ""
    assert told(state, tasks, health(*both, (OLD, 2, HEALTHY), (OLD, 3, INITIAL))) == (
        "DrainTask: has begun draining connections on 1 tasks.\n"
        "DeregisterTargets: deregistered 1 targets in (target-group tg)\n"
    )
    for decision in decide(state, tasks, health(*both, (OLD, 2, HEALTHY)), NOW):
        state = applied(state, decision, NOW)
    assert state.placements[0].stage is Stage.DRAINING
    assert state.placements[0].stop_reason == "Task failed ELB health checks"


def test_a_replacement_that_never_gets_healthy_is_taken_out_and_tried_again_later() -> None:
    old = replace(OLD, next_ordinal=3)
    fresh = placed(old, 2, was_in_service=False)
    state = service(old, desired_count=1, placements=(sick(old, 0), fresh))
    tasks = [task(old, 0), task(old, 2)]
    found = health((OLD, 0, UNHEALTHY), (OLD, 2, UNHEALTHY))
    assert told(state, tasks, found) == (
        "TaskFailed: (task web:1#2) (port 80) is unhealthy in (target-group tg) due to (reason "
        "Health checks failed)\n"
        "DrainTask: has begun draining connections on 1 tasks.\n"
        "DeregisterTargets: deregistered 1 targets in (target-group tg)\n"
    )
    waiting = replace(old, failed_in_a_row=3, last_failure_at=NOW)
    state = service(waiting, desired_count=1, placements=(sick(old, 0),))
    assert "StartTask" not in told(state, tasks, found, NOW + timedelta(seconds=3))
    assert "StartTask" in told(state, tasks, found, NOW + timedelta(seconds=4))


def test_a_task_that_recovers_keeps_its_place() -> None:
    old = replace(OLD, next_ordinal=3)
    fresh = placed(old, 2, was_in_service=False)
    state = service(old, desired_count=1, placements=(sick(old, 0), fresh))
    tasks = [task(old, 0), task(old, 2)]
    found = health((OLD, 0, HEALTHY), (OLD, 2, INITIAL))
    assert told(state, tasks, found) == (
        "TaskInService: (task web:1#0) is in service.\n"
        "DrainTask: has begun draining connections on 1 tasks.\n"
        "DeregisterTargets: deregistered 1 targets in (target-group tg)\n"
    )
    for decision in decide(state, tasks, found, NOW):
        state = applied(state, decision, NOW)
    assert [each.stage for each in state.placements] == [Stage.WANTED, Stage.DRAINING]
    assert not state.placements[0].is_replaced


def test_without_room_unhealthy_tasks_are_taken_out_one_by_one() -> None:
    tight = DeploymentConfiguration(minimum_healthy_percent=50, maximum_percent=100)
    old = replace(OLD, next_ordinal=2)
    state = service(old, placements=(placed(old, 0), placed(old, 1)), configuration=tight)
    found = health((OLD, 0, UNHEALTHY), (OLD, 1, UNHEALTHY))
    assert told(state, TWO_OLD, found) == (
        "TaskUnhealthy: (task web:1#0) (port 80) is unhealthy in (target-group tg) due to (reason "
        "Health checks failed)\n"
        "TaskUnhealthy: (task web:1#1) (port 80) is unhealthy in (target-group tg) due to (reason "
        "Health checks failed)\n"
        "DrainTask: has begun draining connections on 1 tasks.\n"
        "DeregisterTargets: deregistered 1 targets in (target-group tg)\n"
    )
    for decision in decide(state, TWO_OLD, found, NOW):
        state = applied(state, decision, NOW)
    assert told(state, TWO_OLD, health((OLD, 0, DRAINING), (OLD, 1, UNHEALTHY))) == ""
    fresh = placed(replace(OLD, next_ordinal=3), 2, was_in_service=False)
    state = replace(state, placements=(state.placements[1], fresh))
    tasks = [TWO_OLD[1], task(OLD, 2)]
    assert told(state, tasks, health((OLD, 1, UNHEALTHY), (OLD, 2, INITIAL))) == ""
    assert told(state, tasks, health((OLD, 1, UNHEALTHY), (OLD, 2, HEALTHY))) == (
        "TaskInService: (task web:1#2) is in service.\n"
        "DrainTask: has begun draining connections on 1 tasks.\n"
        "DeregisterTargets: deregistered 1 targets in (target-group tg)\n"
    )


def test_during_a_deployment_an_unhealthy_task_is_taken_out_at_once() -> None:
    new = replace(NEW, next_ordinal=2)
    state = service(new, placements=(placed(new, 0), placed(new, 1)))
    tasks = [task(new, 0), task(new, 1)]
    assert told(state, tasks, health((new, 0, UNHEALTHY), (new, 1, HEALTHY))) == (
        "TaskFailed: (task web:2#0) (port 80) is unhealthy in (target-group tg) due to (reason "
        "Health checks failed)\n"
        "DrainTask: has begun draining connections on 1 tasks.\n"
        "DeregisterTargets: deregistered 1 targets in (target-group tg)\n"
    )


def test_the_grace_period_forgives() -> None:
    old = replace(OLD, next_ordinal=2)
    state = service(old, placements=(placed(old, 0), placed(old, 1)), grace_seconds=60)
    found = health((OLD, 0, UNHEALTHY), (OLD, 1, HEALTHY))
    assert told(state, TWO_OLD, found, NOW + timedelta(seconds=59)) == ""
    assert "TaskUnhealthy" in told(state, TWO_OLD, found, NOW + timedelta(seconds=60))
    assert next_look(state, TWO_OLD, NOW + timedelta(seconds=50)) == NOW + timedelta(seconds=60)


def test_a_dead_task_is_deregistered_and_replaced() -> None:
    old = replace(OLD, next_ordinal=2)
    state = service(old, placements=(placed(old, 0), placed(old, 1)))
    gone = task(old, 0, last_status=TaskStatus.STOPPED, stopped_reason="it died")
    later = NOW + timedelta(seconds=1)
    assert told(state, [gone, task(old, 1)], health(*OLD_HEALTHY), later) == (
        "TaskFailed: (task web:1#0) failed: it died\n"
        "TaskEnded: (task web:1#0) has stopped: it died\n"
        "DeregisterTargets: deregistered 1 targets in (target-group tg)\n"
    )


def test_what_a_user_stopped_is_no_failure() -> None:
    old = replace(OLD, next_ordinal=2)
    state = service(old, placements=(placed(old, 0), placed(old, 1)))
    gone = task(
        old, 0, last_status=TaskStatus.STOPPED, stopped_reason="bye", stop_code="UserInitiated"
    )
    assert told(state, [gone, task(old, 1)], health((OLD, 1, HEALTHY))) == (
        "TaskEnded: (task web:1#0) has stopped: bye\n"
        "DeregisterTargets: deregistered 1 targets in (target-group tg)\n"
        "StartTask: has started 1 tasks: (task web:1#2).\n"
        "ForgetTask: (task web:1#0) has no target left.\n"
    )


BREAKER = DeploymentConfiguration(breaker_enabled=True, breaker_rollback=True)


@pytest.mark.parametrize(
    ("desired", "threshold"), [(1, 3), (6, 3), (7, 4), (25, 13), (400, 200), (800, 200)]
)
def test_the_breakers_threshold(desired: int, threshold: int) -> None:
    assert service(NEW, desired_count=desired).failure_threshold == threshold


def test_the_breaker_rolls_back() -> None:
    new = replace(NEW, next_ordinal=3, failed_tasks=3, failed_in_a_row=3, last_failure_at=NOW)
    state = service(new, OLD, placements=(placed(OLD, 0), placed(OLD, 1)), configuration=BREAKER)
    assert told(state, TWO_OLD, health(*OLD_HEALTHY)) == (
        "FailDeployment: (deployment ecs-svc/2) deployment failed: tasks failed to start.\n"
        "RollBackDeployment: rolling back to deployment ecs-svc/1.\n"
        "RetireDeployment: (deployment ecs-svc/2) has no task left.\n"
        "CompleteDeployment: (deployment ecs-svc/1) deployment completed.\n"
        "ReachSteadyState: has reached a steady state.\n"
    )


def test_without_rollback_the_old_tasks_stay_and_no_new_one_starts() -> None:
    new = replace(NEW, next_ordinal=3, failed_tasks=3, failed_in_a_row=3, last_failure_at=NOW)
    alone = DeploymentConfiguration(breaker_enabled=True)
    state = service(new, OLD, placements=(placed(OLD, 0), placed(OLD, 1)), configuration=alone)
    decisions = decide(state, TWO_OLD, health(*OLD_HEALTHY), NOW)
    for decision in decisions:
        state = applied(state, decision, NOW)
    assert state.primary.rollout_state is RolloutState.FAILED
    assert state.primary.rollout_state_reason == (
        "ECS deployment circuit breaker: tasks failed to start."
    )
    assert told(state, TWO_OLD, health(*OLD_HEALTHY), NOW + timedelta(hours=1)) == ""


def test_failing_tasks_are_started_ever_later() -> None:
    assert [back_off(n).total_seconds() for n in (0, 1, 2, 3, 4, 40)] == [0, 1, 2, 4, 8, 1620]
    new = replace(NEW, failed_in_a_row=4, last_failure_at=NOW)
    state = service(new)
    assert told(state, [], {}) == (
        "ReportTrouble: is unable to consistently start tasks successfully. For more information, "
        "see the Troubleshooting section of the Amazon ECS Developer Guide.\n"
    )
    assert next_look(state, [], NOW) == NOW + timedelta(seconds=8)
    assert "StartTask" in told(state, [], {}, NOW + timedelta(seconds=8))


def test_scaling_down_takes_those_out_of_service_first() -> None:
    old = replace(OLD, next_ordinal=2)
    state = service(old, desired_count=1, placements=(placed(old, 0), placed(old, 1)))
    found = health((OLD, 0, HEALTHY), (OLD, 1, INITIAL))
    [drain, _] = decide(state, TWO_OLD, found, NOW)
    assert NAMES[drain.task_id] == "web:1#1"  # type: ignore[union-attr]


def test_a_deleted_service_drains_and_ends() -> None:
    state = service(OLD, status=ServiceStatus.DRAINING, desired_count=0, placements=())
    assert told(state, [], {}) == "EndService: has no task left and is INACTIVE.\n"
    state = replace(state, placements=(placed(OLD, 0), placed(OLD, 1, targets=())))
    assert told(state, TWO_OLD, health((OLD, 0, HEALTHY))) == (
        "DrainTask: has begun draining connections on 1 tasks.\n"
        "DeregisterTargets: deregistered 1 targets in (target-group tg)\n"
        "StopTask: has stopped 1 running tasks: (task web:1#1).\n"
    )


def test_without_any_health_check_a_task_counts_after_a_while() -> None:
    new = replace(NEW, next_ordinal=1)
    state = service(
        new, desired_count=1, load_balancers=(),
        placements=(placed(new, 0, targets=(), was_in_service=False),),
    )  # fmt: skip
    tasks = [task(new, 0)]
    assert told(state, tasks, {}, NOW + timedelta(seconds=39)) == ""
    assert "CompleteDeployment" in told(state, tasks, {}, NOW + timedelta(seconds=40))
    assert next_look(state, tasks, NOW) == NOW + timedelta(seconds=40)


def test_targets_are_addresses_or_host_ports() -> None:
    state = service(NEW)
    wanted = ServiceLoadBalancer("tg", "app", 80, "instance")
    bindings = (NetworkBinding(81, 32769), NetworkBinding(80, 32768))
    containers = (ContainerRecord("app", "app", network_bindings=bindings),)
    running = task(NEW, 0, containers=containers)
    assert target_of(state, wanted, running) == Target("i-1", 32768)
    assert target_of(state, wanted, task(NEW, 0)) is None
    assert target_of(state, replace(wanted, target_type="ip"), running) == Target("10.0.2.0", 80)
    assert (
        target_of(state, replace(wanted, target_type="ip"), replace(running, private_ipv4=None))
        is None
    )


def test_what_is_outstanding_is_what_the_world_lacks() -> None:
    old = replace(OLD, next_ordinal=4)
    state = service(
        old,
        placements=(
            placed(old, 0, stage=Stage.DRAINING),
            placed(old, 1, stage=Stage.STOPPING, targets=(), stop_reason="why"),
            placed(old, 2, targets=()),
            placed(old, 3),
        ),
    )
    tasks = [task(old, number) for number in (0, 1, 3)]
    found = outstanding(state, tasks, health((old, 0, HEALTHY)))
    assert [type(effect).__name__ for effect in found] == [
        "Deregister", "Stop", "Start", "Register",
    ]  # fmt: skip
    done = [
        task(old, 0), task(old, 1, desired_status=TaskStatus.STOPPED), task(old, 2), task(old, 3),
    ]  # fmt: skip
    assert outstanding(state, done, health((old, 0, DRAINING), (old, 3, INITIAL))) == []


def test_an_address_that_is_used_again_is_not_taken_from_its_new_task() -> None:
    old = replace(OLD, next_ordinal=2)
    ended = placed(old, 0, stage=Stage.GONE)
    heir = placed(old, 1, targets=ended.targets)
    state = service(old, desired_count=1, placements=(ended, heir))
    tasks = [task(old, 0, last_status=TaskStatus.STOPPED), task(old, 1)]
    found = health((old, 0, HEALTHY))
    assert outstanding(state, tasks, found) == []
    assert told(state, tasks, found).startswith("ForgetTask: (task web:1#0) has no target left.\n")
