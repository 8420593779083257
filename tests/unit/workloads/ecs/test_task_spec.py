"""From a task definition to what the runner makes."""

from datetime import UTC, datetime
from typing import Any

from penstock.containers.task import NO_HEALTH_CHECK, HealthCheck, PublishedPort, TaskSpec
from penstock.workloads.ecs.registration import registered
from penstock.workloads.ecs.task_definition import TaskDefinition
from penstock.workloads.ecs.task_spec import Given, Place, plan, role, task_spec
from penstock.workloads.task_records import HealthStatus, TaskRecord, TaskStatus

NOW = datetime(2026, 1, 1, tzinfo=UTC)
PLACE = Place("inst", "us-east-1", 2.0)
MAIN: dict[str, Any] = {"name": "main", "image": "app", "memory": 64}


def definition(*containers: dict[str, Any], **more: Any) -> TaskDefinition:
    request = {"family": "app", "containerDefinitions": list(containers), **more}
    document = registered(request, account_id="123456789012", region="us-east-1")
    return TaskDefinition("app", 1, "arn:def", "ACTIVE", document, NOW, "me")


def task(**more: Any) -> TaskRecord:
    values: dict[str, Any] = {
        "task_id": "t1", "arn": "arn:task", "task_definition_arn": "arn:def",
        "cluster_arn": "arn:aws:ecs:us-east-1:123456789012:cluster/dev", "group": "family:app",
        "started_by": None, "last_status": TaskStatus.PENDING,
        "desired_status": TaskStatus.RUNNING, "health_status": HealthStatus.UNKNOWN,
        "containers": (), "created_at": NOW, **more,
    }  # fmt: skip
    return TaskRecord(**values)


def spec(
    *containers: dict[str, Any], overrides: Any = None, given: Given | None = None, **more: Any
) -> TaskSpec:
    made = task(overrides=overrides or {})
    return task_spec(made, definition(*containers, **more), given or Given(), PLACE)


def test_entrypoint_and_command_are_the_images_own_unless_given() -> None:
    [container] = spec(MAIN).containers
    assert (container.command, container.entrypoint, container.arguments) == (None, None, None)
    [container] = spec({**MAIN, "command": ["serve"]}).containers
    assert (container.entrypoint, container.arguments) == (None, ["serve"])
    overrides = {"containerOverrides": [{"name": "main", "command": ["migrate"]}]}
    [container] = spec({**MAIN, "command": ["serve"]}, overrides=overrides).containers
    assert container.arguments == ["migrate"]


def test_variables_in_their_order() -> None:
    overrides = {"containerOverrides": [
        {"name": "main", "environment": [{"name": "B", "value": "override"}]}
    ]}  # fmt: skip
    environment = [{"name": name, "value": "definition"} for name in "ABC"]
    given = Given(secrets={"main": {"C": "secret"}})
    [container] = spec(
        {**MAIN, "environment": environment}, overrides=overrides, given=given
    ).containers
    assert container.environment == {
        "AWS_DEFAULT_REGION": "us-east-1", "AWS_REGION": "us-east-1",
        "AWS_EXECUTION_ENV": "AWS_ECS_EC2", "A": "definition", "B": "override", "C": "secret",
    }  # fmt: skip


def test_ports_are_published_in_bridge_mode_alone() -> None:
    main = {**MAIN, "portMappings": [{"containerPort": 80}, {"containerPort": 90, "hostPort": 91}]}
    assert spec(main).ports == [PublishedPort(80, 0), PublishedPort(90, 91)]
    main = {**MAIN, "portMappings": [{"containerPort": 80}]}
    assert spec(main, networkMode="awsvpc").ports == ()
    assert not spec(MAIN, networkMode="none").outside


def test_the_images_own_health_check_does_not_count() -> None:
    [container] = spec(MAIN).containers
    assert container.health_check == NO_HEALTH_CHECK
    check = {"command": ["CMD", "true"], "interval": 10, "startPeriod": 3}
    [container] = spec({**MAIN, "healthCheck": check}).containers
    assert container.health_check == HealthCheck(("CMD", "true"), 10, 5, 3, 3)


def test_volumes_of_the_task_of_everybody_and_of_a_path() -> None:
    names = ["own", "shared", "path"]
    mounts = [{"sourceVolume": name, "containerPath": f"/{name}"} for name in names]
    made = spec(
        {**MAIN, "mountPoints": mounts},
        volumes=[
            {"name": "own"},
            {"name": "shared",
             "dockerVolumeConfiguration": {"scope": "shared", "autoprovision": True}},
            {"name": "path", "host": {"sourcePath": "/srv/data"}},
        ],
    )  # fmt: skip
    own, shared, path = made.volumes
    assert (own.name, own.of_task) == ("penstock-inst-t1-volume-own", True)
    assert (shared.name, shared.of_task) == ("penstock-inst-volume-dev.shared", False)
    assert shared.labels == {"penstock.volume": "shared", "penstock.cluster": "dev"}
    assert path.name.startswith("penstock-inst-path-dev-")
    assert path.labels == {"penstock.volume": "/srv/data", "penstock.cluster": "dev"}
    mounted = {mount.path: mount.volume for mount in made.containers[0].mounts}
    assert mounted["/shared"] == shared.name


def test_sizes() -> None:
    fargate = {"requiresCompatibilities": ["FARGATE"], "networkMode": "awsvpc", "cpu": "256",
               "memory": "512"}  # fmt: skip
    [container] = spec({"name": "main", "image": "app"}, **fargate).containers
    assert (container.memory_bytes, container.cpus) == (512 * 1024**2, 0.25)
    [container] = spec({**MAIN, "cpu": 100, "memoryReservation": 32}).containers
    assert (container.memory_bytes, container.memory_reservation_bytes) == (2**26, 2**25)
    assert (container.cpu_shares, container.cpus) == (100, None)


def test_links_are_names_of_the_one_namespace_and_an_order() -> None:
    db = {**MAIN, "name": "db"}
    main = {**MAIN, "links": ["db:database"],
            "extraHosts": [{"hostname": "x", "ipAddress": "10.0.0.1"}]}  # fmt: skip
    assert spec(db, main).hosts == {"database": "127.0.0.1", "x": "10.0.0.1"}
    [dependency] = plan(definition(db, main))["main"].depends_on
    assert (dependency.name, dependency.condition) == ("db", "START")


def test_an_overrides_role_comes_first() -> None:
    own = definition(MAIN, taskRoleArn="arn:aws:iam::123456789012:role/own")
    assert role(task(), own, "taskRoleArn") == "arn:aws:iam::123456789012:role/own"
    other = task(overrides={"taskRoleArn": "arn:aws:iam::123456789012:role/other"})
    assert role(other, own, "taskRoleArn") == "arn:aws:iam::123456789012:role/other"
    assert role(task(), own, "executionRoleArn") is None
