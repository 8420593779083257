"""SIGKILL the server all along the way from a push to a running stack; it ends as without.

A release meets every place of its list: the server dies at the first one that is reached, its
successor at the next, and so on to the end. `make test` meets one place of each kind so; with
PENSTOCK_TEST_EACH_DEATH=1 every place is met, all in one journey and then each alone, which
takes about an hour. The places: CloudFormation called by the action; the operation stored; each
call that makes, changes or removes something of a resource, before it and after its effect but
before its result is stored; a task's containers made, started, signalled, removed; targets
registered and deregistered; HAProxy made, reloaded, told; phases begun; the action's end stored.

While the server is dead the load balancer answers, and Docker itself says how often each task's
container was started.
"""

import itertools
import os
import re
import sys
import time
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from tests.delivery import build_log
from tests.deployment import resources
from tests.faults.development_plant import NAME, RESOURCES, TAKEN, TASKS, Plant, Recorder
from tests.load import Load
from tests.server_process import ServerProcess

pytestmark = [pytest.mark.docker, pytest.mark.faults, pytest.mark.slow, pytest.mark.timeout(600)]

EACH = bool(os.environ.get("PENSTOCK_TEST_EACH_DEATH"))

OPERATION = "penstock.storage.stack_operations:insert"
PHASE = "penstock.stacks.operations.phases:begin"
CALL = "penstock.aws.in_process:InProcess.call"
ACTION = "penstock.pipelines.actions.cloudformation_conversation:Conversation.succeeded"
ACTION_END = "penstock.storage.action_executions:finish:committed"
PREPARE = "penstock.containers.docker_runner:DockerRunner.prepare"
START = "penstock.containers.docker_runner:DockerRunner.start_container"
SIGNAL = "penstock.containers.docker_runner:DockerRunner.kill"
REMOVE = "penstock.containers.docker_runner:DockerRunner.remove"
BALANCING = "penstock.workloads.load_balancing.load_balancing:LoadBalancing"
PROXY = "penstock.workloads.load_balancing.proxy:Proxy"
TELL = "penstock.workloads.load_balancing.control:Control.tell"
ROLLBACK_BEGINS = f"{PHASE}:before:1:REVERT"


def around(*places: str) -> list[str]:
    """Before and after the first call of each."""
    return [f"{place}:{moment}:1" for place in places for moment in ("before", "after")]


def calls(*operations: str) -> list[str]:
    """Before and after the first call of each operation by the stack or the action."""
    return [f"{CALL}:{when}:1:{name}" for name in operations for when in ("before", "after")]


STORED = [f"{OPERATION}:before:1", f"{OPERATION}:committed:1"]
CREATE = [
    *calls("CreateStack"),
    *STORED,
    *calls(
        "CreateLogGroup", "CreateCluster", "CreateRole", "PutRolePolicy", "CreateLoadBalancer",
        "CreateTargetGroup", "ModifyTargetGroupAttributes", "CreateListener",
        "RegisterTaskDefinition", "CreateService",
    ),
    *around(f"{PROXY}._create", PREPARE, START),
    *around(f"{BALANCING}.register_targets", TELL),
    *around(ACTION),
    f"{ACTION_END}:2",
]  # fmt: skip
RELOAD = around(f"{PROXY}._reload")
REPLACE = [
    *calls("UpdateService"),
    *around(PREPARE, START, f"{BALANCING}.register_targets", TELL),
    *around(f"{BALANCING}.deregister_targets", SIGNAL, REMOVE),
    *calls("DeregisterTaskDefinition"),
]
UPDATE = [
    *calls("UpdateStack"),
    *STORED,
    *calls("RegisterTaskDefinition"),
    *REPLACE,
    f"{PHASE}:before:1:CLEANUP",
    *around(ACTION),
    f"{ACTION_END}:2",
]
DELETE = [
    *STORED,
    *calls(
        "DeleteService", "DeregisterTaskDefinition", "DeleteListener", "DeleteTargetGroup",
        "DeleteLoadBalancer", "DeleteRolePolicy", "DeleteRole", "DeleteCluster", "DeleteLogGroup",
    ),
    *around(f"{BALANCING}.deregister_targets", SIGNAL, REMOVE),
]  # fmt: skip


def journeys(places: Sequence[str], few: Sequence[str]) -> pytest.MarkDecorator:
    """Parameters: all the deaths that a release is to survive."""
    if not EACH:
        return pytest.mark.parametrize("deaths", [counted_anew(few)], ids=["one by one"])
    together = counted_anew(places)
    return pytest.mark.parametrize(
        "deaths", [together, *([place] for place in places)], ids=["one by one", *places]
    )


def counted_anew(places: Sequence[str]) -> list[str]:
    """The places for many servers in turn, each of which counts calls from one."""
    return [place.replace(f"{ACTION_END}:2", f"{ACTION_END}:1") for place in places]


def late(deaths: Sequence[str]) -> str | None:
    """Not for the first server: the source's action ends there."""
    return f"{ACTION_END}:1" if len(deaths) > 1 else None


def few_of(places: Sequence[str], *words: str) -> list[str]:
    """The places that have one of the words in them."""
    found = [place for place in places if any(word in place for word in words)]
    assert all(any(word in place for place in places) for word in words)
    return found


@pytest.fixture(scope="module")
def plant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plant]:
    place = tmp_path_factory.mktemp("plant")
    server = ServerProcess(
        place / "data", command=(sys.executable, "-m", "tests.faults.crashing_server")
    )
    plant = Plant(server, place / "tree", Recorder(place / "events"))
    try:
        plant.build()
        yield plant
    finally:
        plant.recorder.end()
        if server.running:
            server.kill()
        server.remove_engine_objects()


VERSIONS = (f"v{number}" for number in itertools.count(1))


@journeys(
    CREATE,
    few_of(
        CREATE, "after:1:CreateStack", f"{OPERATION}:committed",
        "after:1:CreateLogGroup", "after:1:CreateCluster", "after:1:PutRolePolicy",
        "after:1:CreateLoadBalancer", "after:1:CreateTargetGroup", "after:1:CreateListener",
        "1:RegisterTaskDefinition", "1:CreateService", "_create:after", "prepare",
        "start_container", "register_targets:after", "tell:after", "succeeded:after", "finish",
    ),
)  # fmt: skip
def test_a_stack_is_created_once(plant: Plant, deaths: list[str]) -> None:
    running(plant)
    if plant.status() is not None:
        plant.delete()
    version, revisions = next(VERSIONS), plant.revisions()
    met(plant, deaths, plant.release(version, deaths, late=late(deaths)))
    holds(plant, version)
    assert set(plant.recorder.counts("start").values()) == {1}
    assert plant.recorder.counts("start").total() == TASKS
    assert plant.revisions() == revisions + 1


@pytest.mark.parametrize("signal", ["SIGTERM", "SIGKILL"])
def test_a_running_stack_goes_on_without_its_server(plant: Plant, signal: str) -> None:
    ensure(plant)
    server = plant.server
    before = api(plant)
    plant.recorder.mark()
    with Load(plant.url, "version", pause_seconds=0.02) as load:
        load.wait_for(20, 10)
        if signal == "SIGTERM":
            assert server.stop() == 0
        else:
            server.kill()
        load.wait_for(load.requests + 100, 30)
        time.sleep(1)
        plant.start()
        plant.until(lambda: api(plant) == before, 20)
        load.wait_for(load.requests + 100, 30)
    assert load.failures == []
    assert api(plant) == before
    for action in ("create", "start", "die"):
        assert plant.recorder.counts(action).total() == 0

    (group,) = {name for name in plant.inventory()["log groups"] if name != TAKEN}
    for arn in plant.inventory()["tasks"]:
        logs = {"groupName": group, "streamName": f"web/app/{arn.split('/')[-1]}"}

        def lines(logs: dict[str, str] = logs) -> list[int]:
            said = build_log(server, {"logs": logs})
            return [int(number) for number in re.findall(r"^line (\d+) of", said, re.MULTILINE)]

        until = len(lines()) + 20
        plant.until(lambda: len(lines()) > until, 30)  # noqa: B023 - called in this round
        found = lines()
        assert found == list(range(1, len(found) + 1)), "no line is lost, and none twice"


@journeys(
    UPDATE,
    few_of(
        UPDATE, "after:1:UpdateStack", f"{OPERATION}:committed", "after:1:RegisterTaskDefinition",
        "1:UpdateService", "prepare:after", "start_container:after", "LoadBalancing.register",
        "tell:after", "deregister_targets", "kill:after", "remove:before", "CLEANUP",
        "after:1:Deregister", "succeeded:after", "finish",
    ),
)  # fmt: skip
def test_a_version_is_replaced_once_and_always_answers(plant: Plant, deaths: list[str]) -> None:
    before = ensure(plant)
    version, revisions = next(VERSIONS), plant.revisions()
    with Load(plant.url, "version", pause_seconds=0.02) as load:
        left = plant.release(
            version,
            deaths,
            late=late(deaths),
            while_dead=lambda: load.wait_for(load.requests + 20, 10),
        )
        met(plant, deaths, left)
        holds(plant, version)
    assert load.failures == []
    assert set(load.answers) == {before, version}
    assert set(plant.recorder.counts("start").values()) == {1}
    assert plant.recorder.counts("start").total() == TASKS
    assert plant.revisions() == revisions + 1


@journeys(RELOAD, RELOAD)
def test_a_listener_is_added_once_and_the_others_serve(plant: Plant, deaths: list[str]) -> None:
    version = ensure(plant)

    def listeners() -> list[dict[str, Any]]:
        elb = plant.server.client("elbv2")
        (balancer,) = elb.describe_load_balancers()["LoadBalancers"]
        found = elb.describe_listeners(LoadBalancerArn=balancer["LoadBalancerArn"])["Listeners"]
        return [each for each in found if each["Port"] == 8081]

    def add() -> None:
        if listeners():
            return
        elb = plant.server.client("elbv2")
        (group,) = elb.describe_target_groups()["TargetGroups"]
        elb.create_listener(
            LoadBalancerArn=group["LoadBalancerArns"][0],
            Protocol="HTTP",
            Port=8081,
            DefaultActions=[{"Type": "forward", "TargetGroupArn": group["TargetGroupArn"]}],
        )

    with Load(plant.url, "version", pause_seconds=0.02) as load:
        left = plant.survive(
            deaths,
            add,
            lambda: len(plant.deaths) == len(deaths),
            while_dead=lambda: load.wait_for(load.requests + 20, 10),
        )
        met(plant, deaths, left)
        (added,) = listeners()
        plant.server.client("elbv2").delete_listener(ListenerArn=added["ListenerArn"])
        load.wait_for(load.requests + 100, 30)
        holds(plant, version)
    assert load.failures == []


@journeys(
    REPLACE,
    few_of(REPLACE, "1:UpdateService", "prepare:before", "start_container:before", "kill:before",
           "remove:after", "after:1:Deregister"),
)  # fmt: skip
def test_a_failed_release_is_rolled_back_once(plant: Plant, deaths: list[str]) -> None:
    before = ensure(plant)
    version = next(VERSIONS)
    with Load(plant.url, "version", pause_seconds=0.02) as load:
        left = plant.release(
            version,
            deaths,
            first=ROLLBACK_BEGINS,
            breaks=True,
            while_dead=lambda: load.wait_for(load.requests + 20, 10),
        )
        met(plant, [ROLLBACK_BEGINS, *deaths], left)
        holds(plant, before)
    assert load.failures == []
    assert set(load.answers) == {before, version}
    assert plant.status() == "UPDATE_ROLLBACK_COMPLETE"
    assert set(plant.recorder.counts("start").values()) == {1}
    assert plant.recorder.counts("start").total() == 2 * TASKS


@journeys(
    DELETE,
    few_of(DELETE, f"{OPERATION}:committed", "1:DeleteService", "after:1:Deregister",
           "after:1:DeleteListener", "after:1:DeleteLoadBalancer", "after:1:DeleteTargetGroup",
           "after:1:DeleteRole", "after:1:DeleteCluster", "after:1:DeleteLogGroup", "kill:after",
           "remove:after"),
)  # fmt: skip
def test_a_deleted_stack_leaves_nothing(plant: Plant, deaths: list[str]) -> None:
    ensure(plant)
    met(plant, deaths, plant.delete(deaths))
    found = plant.inventory()
    assert found.pop("log groups") == [TAKEN]
    assert not any(found.values()), found
    assert plant.recorder.counts("create").total() == 0
    plant.until(lambda: plant.engine() == plant.helpers, 15)


def running(plant: Plant) -> None:
    """Have the server run, whatever an earlier test left."""
    if not plant.server.running:
        plant.start()


def ensure(plant: Plant) -> str:
    """Have the stack, complete and answering; return its version."""
    running(plant)
    if plant.status() is None:
        plant.release(next(VERSIONS))
    version = plant.answer()
    holds(plant, version)
    return version


def met(plant: Plant, deaths: Sequence[str], left: Sequence[str]) -> None:
    """Have met every death. What a death elsewhere caught at its effect is not met again."""
    assert len(plant.deaths) + len(left) == len(deaths)
    overtaken = [place for place in left if ":after:" in place and len(deaths) > 1]
    assert list(left) == overtaken


def holds(plant: Plant, version: str) -> None:
    """Hold the stack to be whole, single, and answering with the version."""
    states = {name: each["ResourceStatus"] for name, each in resources(plant.server, NAME).items()}
    assert states.keys() == RESOURCES
    assert all(state in {"CREATE_COMPLETE", "UPDATE_COMPLETE"} for state in states.values()), states
    plant.until(lambda: plant.inventory()["targets"] == ["healthy"] * TASKS, 20)
    found = plant.inventory()
    tasks = [arn.split("/")[-1] for arn in found.pop("tasks")]
    assert len(tasks) == TASKS
    assert len(found.pop("task definitions")) == 1
    assert found == {
        "clusters": [NAME],
        "services": [NAME],
        "load balancers": [NAME],
        "listeners": ["HTTP"],
        "targets": ["healthy"] * TASKS,
        "roles": ["web-task"],
        "log groups": [TAKEN, "/web"],
    }
    name = f"penstock-{plant.server.instance_id}"
    containers = {
        f"container {name}-{task}-{part}" for task in tasks for part in ("app", "sandbox")
    }
    expected = plant.helpers | containers | {f"container {name}-load-balancer"}
    plant.until(lambda: plant.engine() == expected, 15)
    assert {plant.answer() for _ in range(2 * TASKS)} == {version}


def api(plant: Plant) -> dict[str, Any]:
    """What ECS and load balancing tell of the stack."""
    ecs, elb = plant.server.client("ecs"), plant.server.client("elbv2")
    found = plant.inventory()
    (group,) = elb.describe_target_groups()["TargetGroups"]
    health = elb.describe_target_health(TargetGroupArn=group["TargetGroupArn"])
    return {
        "inventory": found,
        "tasks": ecs.describe_tasks(cluster=NAME, tasks=found["tasks"])["tasks"],
        "services": ecs.describe_services(cluster=NAME, services=[NAME])["services"],
        "load balancers": elb.describe_load_balancers()["LoadBalancers"],
        "group": group,
        "health": health["TargetHealthDescriptions"],
        "resources": {
            name: each["PhysicalResourceId"] for name, each in resources(plant.server, NAME).items()
        },
    }
