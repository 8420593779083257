"""Safety and progress of the service scheduler in a simulated world.

The world starts tasks after a while, fails some, answers health checks late, and drains targets
slowly. The loop is `decide`, `applied`, `outstanding`, as in `service_loop.py`; a restart is the
same thing as going on, since nothing but the service's state and the world is kept.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from penstock.workloads.ecs.outstanding import Deregister, Register, Start, Stop, outstanding
from penstock.workloads.ecs.scheduler import decide
from penstock.workloads.ecs.service_decisions import applied
from penstock.workloads.ecs.service_health import is_healthy
from penstock.workloads.ecs.service_state import (
    Deployment,
    DeploymentConfiguration,
    RolloutState,
    ServiceLoadBalancer,
    ServiceState,
    ServiceStatus,
    Stage,
    from_document,
    to_document,
)
from penstock.workloads.load_balancing.targets import Target, TargetHealth, TargetState
from penstock.workloads.task_records import (
    ContainerRecord,
    HealthStatus,
    StartTask,
    TaskRecord,
    TaskStatus,
)

START = datetime(2026, 1, 1, tzinfo=UTC)
GROUP = "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/web/1"
CLUSTER = "arn:aws:ecs:us-east-1:123456789012:cluster/main"
SECOND = timedelta(seconds=1)
Draw = Callable[[], float]


@dataclass
class World:
    """Tasks and targets, moved on a second at a time. `behaviours`: task definition → what its
    tasks do: `good`, `dies` before it runs, `sick` (never healthy)."""

    behaviours: dict[str, str]
    draw: Draw
    now: datetime = START
    tasks: dict[str, TaskRecord] = field(default_factory=dict)
    due: dict[str, datetime] = field(default_factory=dict)
    targets: dict[Target, TargetHealth] = field(default_factory=dict)
    target_due: dict[Target, datetime] = field(default_factory=dict)
    starts: list[str] = field(default_factory=list)

    def later(self) -> datetime:
        return self.now + SECOND * (1 + math.floor(self.draw() * 8))

    def start(self, wanted: StartTask) -> None:
        if wanted.task_id in self.tasks:
            return
        self.starts.append(wanted.task_id)
        self.tasks[wanted.task_id] = TaskRecord(
            wanted.task_id, f"arn:{wanted.task_id}", CLUSTER, wanted.task_definition_arn,
            wanted.group, wanted.started_by, TaskStatus.PENDING, TaskStatus.RUNNING,
            HealthStatus.UNKNOWN, (ContainerRecord("app", "app"),), self.now,
            private_ipv4=f"10.0.{len(self.starts) // 250}.{len(self.starts) % 250}",
        )  # fmt: skip
        self.due[wanted.task_id] = self.later()

    def stop(self, task_id: str) -> None:
        task = self.tasks[task_id]
        if task.desired_status is TaskStatus.RUNNING:
            self.tasks[task_id] = replace(task, desired_status=TaskStatus.STOPPED)
            self.due[task_id] = self.later()

    def register(self, target: Target) -> None:
        self.targets[target] = TargetHealth(target, TargetState.INITIAL)
        self.target_due[target] = self.later()

    def deregister(self, target: Target) -> None:
        if self.targets[target].state is not TargetState.DRAINING:
            self.targets[target] = TargetHealth(target, TargetState.DRAINING)
            self.target_due[target] = self.later()

    def turn_all(self, state: TargetState) -> None:
        """Let every target that is not draining pass its health checks, or fail them."""
        for target, found in self.targets.items():
            if found.state is not TargetState.DRAINING:
                self.targets[target] = TargetHealth(target, state)
                self.target_due.pop(target, None)

    def serving(self) -> int:
        """How many running tasks a load balancer sends requests to, be they healthy or not."""
        running = {
            task.private_ipv4
            for task in self.tasks.values()
            if task.last_status is TaskStatus.RUNNING
        }
        return sum(
            found.state is not TargetState.DRAINING and target.id in running
            for target, found in self.targets.items()
        )

    def kill(self, task_id: str) -> None:
        self.tasks[task_id] = replace(
            self.tasks[task_id], last_status=TaskStatus.STOPPED, desired_status=TaskStatus.STOPPED,
            stop_code="EssentialContainerExited", stopped_reason="it died",
        )  # fmt: skip
        self.due.pop(task_id, None)

    def tick(self) -> None:
        self.now += SECOND
        for task_id in [one for one, due in self.due.items() if due <= self.now]:
            del self.due[task_id]
            task = self.tasks[task_id]
            if task.desired_status is TaskStatus.STOPPED:
                self.tasks[task_id] = replace(task, last_status=TaskStatus.STOPPED)
            elif self.behaviours[task.task_definition_arn] == "dies":
                self.kill(task_id)
            else:
                self.tasks[task_id] = replace(
                    task, last_status=TaskStatus.RUNNING, started_at=self.now
                )
        for target in [one for one, due in self.target_due.items() if due <= self.now]:
            del self.target_due[target]
            if self.targets[target].state is TargetState.DRAINING:
                del self.targets[target]
            elif self.targets[target].state is TargetState.INITIAL:
                self.targets[target] = TargetHealth(target, self.health_of(target))

    def health_of(self, target: Target) -> TargetState:
        task = next(task for task in self.tasks.values() if task.private_ipv4 == target.id)
        good = self.behaviours[task.task_definition_arn] == "good"
        return TargetState.HEALTHY if good else TargetState.UNHEALTHY


@dataclass
class Simulation:
    """One service in its world."""

    world: World
    service: ServiceState
    balanced: bool
    told: list[str] = field(default_factory=list)
    quiet: bool = True
    """Whether nothing was killed: then the minimum must hold."""

    def targets(self) -> dict[str, list[TargetHealth]]:
        return {GROUP: list(self.world.targets.values())}

    def healthy(self) -> int:
        return sum(
            each.stage is Stage.WANTED
            and each.task_id in self.world.tasks
            and is_healthy(
                self.service,
                each,
                self.world.tasks[each.task_id],
                self.targets(),
                self.world.now,
            )
            for each in self.service.placements
        )

    def turn(self) -> None:
        """What the loop does once it is woken: look, decide, store, act."""
        tasks = list(self.world.tasks.values())
        before = self.healthy()
        decisions = decide(self.service, tasks, self.targets(), self.world.now)
        assert decisions == decide(self.service, tasks, self.targets(), self.world.now)
        for decision in decisions:
            assert decision.cause.startswith("(service web) ")
            if decision.tells:
                self.told.append(decision.cause)
            self.service = applied(self.service, decision, self.world.now)
        self.service = from_document(to_document(self.service))  # as it is stored
        minimum = self.service.minimum_healthy
        assert self.healthy() >= min(before, minimum), "took out more than the minimum allows"
        for effect in outstanding(self.service, tasks, self.targets()):
            match effect:
                case Start(task):
                    self.world.start(task)
                case Stop(task_id):
                    self.check_drained(task_id)
                    self.world.stop(task_id)
                case Register(registered):
                    self.world.register(registered.target)
                case Deregister(registered):
                    self.world.deregister(registered.target)

    def check_drained(self, task_id: str) -> None:
        address = self.world.tasks[task_id].private_ipv4
        assert all(target.id != address for target in self.world.targets), "stopped undrained"

    def alive(self) -> int:
        return sum(t.last_status is not TaskStatus.STOPPED for t in self.world.tasks.values())

    def run(self, seconds: int, until: Callable[[], bool] = lambda: False) -> bool:
        for _ in range(seconds):
            self.turn()
            most = max(self.service.maximum_tasks, self.most_before)
            assert self.alive() <= most, "more tasks than the maximum"
            if until():
                return True
            self.world.tick()
        return until()

    last_number: int = 2 * 10**18
    most_before: int = 0
    """Tasks that stood before the desired count went down."""

    def deploy(self, definition: str, *, check: bool = False) -> None:
        self.last_number += 1
        new = Deployment(
            f"ecs-svc/{self.last_number}", definition, check, self.world.now, self.world.now
        )
        self.service = replace(
            self.service, deployments=(new, *self.service.deployments), steady=False
        )

    def is_steady(self) -> bool:
        primary = self.service.primary
        return (
            self.service.steady
            and primary.rollout_state is RolloutState.COMPLETED
            and self.healthy() == self.service.desired_count == self.alive()
            and len(self.service.deployments) == 1
        )


def simulate(desired: int, limits: tuple[int, int], balanced: bool, draw: Draw) -> Simulation:
    first = Deployment("ecs-svc/1000000000000000001", "good:1", False, START, START)
    balancers = (ServiceLoadBalancer(GROUP, "app", 80, "ip"),) if balanced else ()
    service = ServiceState(
        "arn:aws:ecs:us-east-1:123456789012:service/main/web", "web", CLUSTER, "i-1", desired,
        (first,), START, configuration=DeploymentConfiguration(*limits, True, True),
        load_balancers=balancers,
    )  # fmt: skip
    behaviours = {"good:1": "good", "good:2": "good", "dies:3": "dies", "sick:4": "sick"}
    return Simulation(World(behaviours, draw), service, balanced)


limits = st.sampled_from([(100, 200), (50, 200), (50, 100), (0, 100), (0, 200), (100, 150)])
desired_counts = st.integers(1, 6)
slow = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def possible(desired: int, limit: tuple[int, int]) -> bool:
    """Whether a rolling update can go on at all: one task more fits, or one less is allowed."""
    return desired * limit[1] // 100 > desired or math.ceil(desired * limit[0] / 100) < desired


@slow
@given(desired_counts, limits, st.booleans(), st.randoms(use_true_random=False))
def test_a_healthy_version_always_completes(desired, limit, balanced, random) -> None:  # type: ignore[no-untyped-def]
    it = simulate(desired, limit, balanced, random.random)
    assert it.run(200, it.is_steady), it.told
    it.deploy("good:2")
    done = it.run(700, it.is_steady)
    if possible(desired, limit):
        assert done, it.told
        running = [t for t in it.world.tasks.values() if t.last_status is TaskStatus.RUNNING]
        assert {task.task_definition_arn for task in running} == {"good:2"}
        assert it.world.targets.keys() == (
            {Target(t.private_ipv4 or "", 80) for t in running} if balanced else set()
        )
    else:
        assert "was unable to stop or start tasks during a deployment" in it.told[-1]
    assert len(it.world.starts) == len(set(it.world.starts))


@slow
@given(
    desired_counts,
    limits,
    st.sampled_from(["dies:3", "sick:4"]),
    st.randoms(use_true_random=False),
)
def test_a_bad_version_fails_and_is_rolled_back(desired, limit, bad, random) -> None:  # type: ignore[no-untyped-def]
    it = simulate(desired, limit, True, random.random)
    assert it.run(200, it.is_steady)
    if not possible(desired, limit):
        return
    it.deploy(bad)
    assert it.run(1500, it.is_steady), it.told
    failed = [text for text in it.told if "deployment failed: tasks failed to start." in text]
    assert len(failed) == 1
    assert it.service.primary.id == "ecs-svc/1000000000000000001"
    assert {
        t.task_definition_arn
        for t in it.world.tasks.values()
        if t.last_status is TaskStatus.RUNNING
    } == {"good:1"}


@slow
@given(desired_counts, limits, st.booleans(), st.randoms(use_true_random=False))
def test_tasks_that_become_unhealthy_serve_until_they_are_replaced(  # type: ignore[no-untyped-def]
    desired, limit, lasting, random
) -> None:
    """All fail their checks at once; those started after do so too (`lasting`), or do not."""
    it = simulate(desired, limit, True, random.random)
    assert it.run(200, it.is_steady)
    first = set(it.world.starts)
    least = desired if it.service.maximum_tasks > desired else desired - 1
    it.world.turn_all(TargetState.UNHEALTHY)
    it.world.behaviours["good:1"] = "sick" if lasting else "good"

    def is_short() -> bool:
        return bool(it.world.serving() < least)

    if lasting:
        assert not it.run(1000, is_short), it.told
        tries = len(it.world.starts) - desired
        assert 3 <= tries <= 12 + desired, "retried in a hot loop, or not at all"
        it.world.behaviours["good:1"] = "good"
        it.world.turn_all(TargetState.HEALTHY)
        assert it.run(1700, lambda: is_short() or it.is_steady())
        assert it.is_steady(), it.told
    else:
        assert it.run(400, lambda: is_short() or it.is_steady())
        assert it.is_steady(), it.told
        assert len(it.world.starts) == 2 * desired
        assert not first & {
            task_id
            for task_id, task in it.world.tasks.items()
            if task.last_status is not TaskStatus.STOPPED
        }
    assert it.service.primary.rollout_state is RolloutState.COMPLETED


@slow
@given(
    st.lists(
        st.one_of(
            st.sampled_from(["good:1", "good:2", "dies:3", "sick:4", "kill", "look"]),
            st.integers(0, 6),
        ),
        max_size=8,
    ),
    st.lists(st.integers(1, 30), min_size=8, max_size=8),
    limits,
    st.booleans(),
    st.randoms(use_true_random=False),
)
def test_whatever_happens_it_ends_well(happenings, pauses, limit, balanced, random) -> None:  # type: ignore[no-untyped-def]
    """Versions, counts and deaths at any moment: at last a good version stands; then the service
    is deleted and leaves nothing."""
    it = simulate(2, limit, balanced, random.random)
    for what, pause in zip(happenings, pauses, strict=False):
        it.most_before = max(it.alive(), it.service.maximum_tasks)
        if isinstance(what, int):
            it.service = replace(it.service, desired_count=what, steady=False)
        elif what == "kill" and it.world.tasks:
            it.world.kill(sorted(it.world.tasks)[0])
        elif ":" in what:
            it.deploy(what)
        it.run(pause)
    it.most_before = max(it.alive(), it.service.maximum_tasks)
    it.service = replace(
        it.service,
        desired_count=max(it.service.desired_count, 1),
        configuration=DeploymentConfiguration(50, 200),
    )
    it.deploy("good:2")
    assert it.run(4000, it.is_steady), it.told
    assert len(it.world.starts) == len(set(it.world.starts))
    it.service = replace(it.service, status=ServiceStatus.DRAINING, desired_count=0)
    it.most_before = it.alive()
    assert it.run(300, lambda: it.service.status is ServiceStatus.INACTIVE)
    assert it.alive() == 0
    assert it.world.targets == {}
