"""Services through boto3: a real scheduler; the engine's side of tasks is moved by the test."""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from botocore.exceptions import ClientError
from tests.databases import opened_database
from tests.service_world import GROUP, UNUSED, Balancing, all_tasks, move_tasks

from penstock.aws.service import Service
from penstock.clock import utc_now
from penstock.storage.outbox import Outbox
from penstock.workloads.ecs.api import service
from penstock.workloads.ecs.clusters import Clusters
from penstock.workloads.ecs.ecs import Ecs
from penstock.workloads.ecs.services import Services
from penstock.workloads.ecs.task_definitions import TaskDefinitions
from penstock.workloads.ecs.tasks import Tasks
from penstock.workloads.load_balancing.targets import TargetState
from penstock.workloads.task_records import TaskRecord

PLACE = {"account_id": "123456789012", "region": "us-east-1"}
CLUSTER = "arn:aws:ecs:us-east-1:123456789012:cluster/main"
BALANCER = {"targetGroupArn": GROUP, "containerName": "app", "containerPort": 80}


class ServicesServer:
    """A server with ECS alone, and the hands that move its world."""

    def __init__(self, aws_server: Any, directory: Path) -> None:
        self.directory = directory
        self.bad: set[str] = set()
        """Task definitions whose tasks never start."""
        self.sick: set[str] = set()
        """Those whose targets are unhealthy."""
        self.aws: Any = aws_server(self._build)
        self.ecs = self.aws.client("ecs")
        self.ecs.create_cluster(clusterName="main")

    async def _build(self, stack: contextlib.AsyncExitStack) -> list[Service]:
        self.database = stack.enter_context(opened_database(self.directory))
        definitions = TaskDefinitions(self.database, utc_now, **PLACE)
        self.balancing = Balancing(self.database)
        tasks = Tasks(self.database, utc_now, definitions, Mock(), Mock(), **PLACE)
        services = Services(
            self.database, Outbox(self.database), tasks, self.balancing, utc_now,
            instance_id="test", **PLACE,
        )  # fmt: skip
        await services.start()
        stack.push_async_callback(services.close)
        clusters = Clusters(self.database, utc_now, **PLACE)
        return [service(Ecs(clusters, definitions, tasks, services, "test"))]

    def move(self) -> None:
        async def move() -> None:
            sick = set()

            def starts(task: TaskRecord) -> bool:
                return task.task_definition_arn not in self.bad

            await move_tasks(self.database, CLUSTER, starts)
            for task in await self.tasks():
                if task.task_definition_arn in self.sick:
                    sick |= {b.host_port for c in task.containers for b in c.network_bindings}
            await self.balancing.move(
                lambda target: TargetState.UNHEALTHY if target.port in sick else TargetState.HEALTHY
            )

        self.aws.run(move())

    async def tasks(self) -> list[TaskRecord]:

        return await self.database.read(lambda c: all_tasks(c, CLUSTER))

    @contextlib.contextmanager
    def moving(self) -> Iterator[None]:
        """Let the world move by itself."""
        ended = threading.Event()

        def go() -> None:
            while not ended.wait(0.02):
                self.move()

        thread = threading.Thread(target=go)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()

    def until(self, holds: Callable[[dict[str, Any]], bool], name: str = "web") -> dict[str, Any]:
        """Move the world until the service is as wanted; return it."""
        for _ in range(300):
            [found] = self.ecs.describe_services(cluster="main", services=[name])["services"]
            if holds(found):
                return dict(found)
            self.move()
            time.sleep(0.02)
        raise AssertionError(found)

    def register(self, **container: Any) -> str:
        found = self.ecs.register_task_definition(
            family="web",
            containerDefinitions=[
                {
                    "name": "app",
                    "image": "busybox",
                    "memory": 64,
                    "portMappings": [{"containerPort": 80}],
                    **container,
                }
            ],
        )
        return str(found["taskDefinition"]["taskDefinitionArn"])

    def create(self, definition: str, **more: Any) -> dict[str, Any]:
        arguments: dict[str, Any] = {
            "cluster": "main", "serviceName": "web", "taskDefinition": definition,
            "desiredCount": 2, "loadBalancers": [BALANCER], **more,
        }  # fmt: skip
        return dict(self.ecs.create_service(**arguments)["service"])


@pytest.fixture
def server(aws_server: Any, tmp_path: Path) -> ServicesServer:
    return ServicesServer(aws_server, tmp_path)


def completed(found: dict[str, Any]) -> bool:
    return [each["rolloutState"] for each in found["deployments"]] == ["COMPLETED"]


def quick(ecs: Any, name: str) -> Any:
    waiter = ecs.get_waiter(name)
    waiter.config.delay = 0.1
    return waiter


def refused(call: Callable[..., Any], **arguments: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as raised:
        call(**arguments)
    error = raised.value.response["Error"]
    return error["Code"], error["Message"]


def test_a_service_comes_up_and_says_so(server: ServicesServer) -> None:
    definition = server.register()
    made = server.create(definition, tags=[{"key": "team", "value": "a"}])
    assert made["serviceArn"] == "arn:aws:ecs:us-east-1:123456789012:service/main/web"
    assert made["status"] == "ACTIVE"
    assert made["tags"] == [{"key": "team", "value": "a"}]
    [deployment] = made["deployments"]
    assert deployment["status"] == "PRIMARY"
    assert deployment["rolloutState"] == "IN_PROGRESS"
    assert deployment["id"].startswith("ecs-svc/")
    assert deployment["rolloutStateReason"] == f"ECS deployment {deployment['id']} in progress."
    with server.moving():
        quick(server.ecs, "services_stable").wait(cluster="main", services=["web"])
    found = server.until(completed)
    assert (found["runningCount"], found["pendingCount"]) == (2, 0)
    assert found["deployments"][0]["id"] == deployment["id"]
    arns = server.ecs.list_tasks(cluster="main", serviceName="web")["taskArns"]
    tasks = server.ecs.describe_tasks(cluster="main", tasks=arns)["tasks"]
    assert {task["group"] for task in tasks} == {"service:web"}
    assert {task["startedBy"] for task in tasks} == {deployment["id"]}
    ids = sorted(arn.rpartition("/")[2] for arn in arns)
    messages = [event["message"] for event in found["events"]]
    assert messages[:2] == [
        "(service web) has reached a steady state.",
        f"(service web) (deployment {deployment['id']}) deployment completed.",
    ]
    assert sorted(messages[2:]) == sorted(
        [f"(service web) registered 1 targets in (target-group {GROUP})"] * 2
        + [f"(service web) has started 1 tasks: (task {one})." for one in ids]
    )
    assert server.ecs.list_services(cluster="main")["serviceArns"] == [made["serviceArn"]]
    [cluster] = server.ecs.describe_clusters(clusters=["main"])["clusters"]
    assert (cluster["activeServicesCount"], cluster["runningTasksCount"]) == (1, 2)


def test_without_an_engine_tasks_wait_in_provisioning(server: ServicesServer) -> None:
    server.create(server.register())
    deadline = time.monotonic() + 10
    found: dict[str, Any] = {"pendingCount": 0}
    while found["pendingCount"] < 2 and time.monotonic() < deadline:
        [found] = server.ecs.describe_services(cluster="main", services=["web"])["services"]
    assert (found["runningCount"], found["pendingCount"]) == (0, 2)
    assert found["deployments"][0]["rolloutState"] == "IN_PROGRESS"


def test_an_update_replaces_every_task(server: ServicesServer) -> None:
    server.create(server.register())
    server.until(completed)
    old = {task.task_id for task in server.aws.run(server.tasks())}
    second = server.register()
    answer = server.ecs.update_service(cluster="main", service="web", taskDefinition="web")
    assert [each["status"] for each in answer["service"]["deployments"]] == ["PRIMARY", "ACTIVE"]
    found = server.until(completed)
    assert found["taskDefinition"] == second
    running = [t for t in server.aws.run(server.tasks()) if t.last_status == "RUNNING"]
    assert {task.task_definition_arn for task in running} == {second}
    assert old.isdisjoint(task.task_id for task in running)
    messages = [event["message"] for event in found["events"]]
    assert messages.count("(service web) has begun draining connections on 1 tasks.") == 2
    again = server.ecs.update_service(cluster="main", service="web", taskDefinition=second)
    assert len(again["service"]["deployments"]) == 1
    forced = server.ecs.update_service(cluster="main", service="web", forceNewDeployment=True)
    assert len(forced["service"]["deployments"]) == 2
    assert server.until(completed)["deployments"][0]["id"] != found["deployments"][0]["id"]


def test_a_version_that_does_not_start_is_rolled_back(server: ServicesServer) -> None:
    breaker = {"deploymentCircuitBreaker": {"enable": True, "rollback": True}}
    made = server.create(server.register(), deploymentConfiguration=breaker)
    first = server.until(completed)["deployments"][0]["id"]
    bad = server.register()
    server.bad.add(bad)
    answer = server.ecs.update_service(cluster="main", service="web", taskDefinition=bad)
    failed = answer["service"]["deployments"][0]["id"]
    found = server.until(lambda service: service["taskDefinition"] != bad)
    assert found["deployments"][0]["id"] == first
    found = server.until(completed)
    assert found["taskDefinition"] == made["taskDefinition"]
    messages = [event["message"] for event in found["events"]]
    assert f"(service web) (deployment {failed}) deployment failed: tasks failed to start." in (
        messages
    )
    assert f"(service web) rolling back to deployment {first}." in messages


def test_a_first_version_that_is_unhealthy_fails(server: ServicesServer) -> None:
    definition = server.register()
    server.sick.add(definition)
    breaker = {"deploymentCircuitBreaker": {"enable": True, "rollback": True}}
    server.create(definition, deploymentConfiguration=breaker)
    found = server.until(lambda s: s["deployments"][0]["rolloutState"] == "FAILED")
    [deployment] = found["deployments"]
    assert deployment["failedTasks"] >= 3
    assert deployment["rolloutStateReason"] == (
        "ECS deployment circuit breaker: tasks failed to start."
    )
    messages = "\n".join(event["message"] for event in found["events"])
    assert f"is unhealthy in (target-group {GROUP}) due to (reason " in messages


def test_scaling_and_deleting(server: ServicesServer) -> None:
    server.create(server.register())
    server.until(completed)
    server.ecs.update_service(cluster="main", service="web", desiredCount=4)
    server.until(lambda found: found["runningCount"] == 4)
    server.ecs.update_service(cluster="main", service="web", desiredCount=1)
    server.until(lambda found: found["runningCount"] == 1)
    assert refused(server.ecs.delete_service, cluster="main", service="web") == (
        "InvalidParameterException",
        "The service cannot be stopped while it is scaled above 0.",
    )
    answer = server.ecs.delete_service(cluster="main", service="web", force=True)
    assert (answer["service"]["status"], answer["service"]["desiredCount"]) == ("DRAINING", 0)
    assert refused(server.ecs.update_service, cluster="main", service="web", desiredCount=1) == (
        "ServiceNotActiveException",
        "Service was not ACTIVE.",
    )
    with server.moving():
        quick(server.ecs, "services_inactive").wait(cluster="main", services=["web"])
    assert [t for t in server.aws.run(server.tasks()) if t.last_status != "STOPPED"] == []
    assert server.balancing.groups[GROUP].targets == {}
    assert server.ecs.list_services(cluster="main")["serviceArns"] == []
    made = server.create("web", desiredCount=0, loadBalancers=[])
    assert (made["status"], made["events"]) == ("ACTIVE", [])
    assert server.until(completed)["runningCount"] == 0


def test_tags(server: ServicesServer) -> None:
    made = server.create(
        server.register(), desiredCount=1, tags=[{"key": "team", "value": "a"}],
        propagateTags="SERVICE", enableECSManagedTags=True,
    )  # fmt: skip
    arn = made["serviceArn"]
    server.until(completed)
    [task] = server.aws.run(server.tasks())
    assert task.tags == {
        "team": "a", "aws:ecs:clusterName": "main", "aws:ecs:serviceName": "web",
    }  # fmt: skip
    server.ecs.tag_resource(resourceArn=arn, tags=[{"key": "stage", "value": "dev"}])
    server.ecs.untag_resource(resourceArn=arn, tagKeys=["team"])
    tags = [{"key": "stage", "value": "dev"}]
    assert server.ecs.list_tags_for_resource(resourceArn=arn)["tags"] == tags
    found = server.ecs.describe_services(cluster="main", services=[arn], include=["TAGS"])
    assert found["services"][0]["tags"] == tags


def test_the_same_request_again_is_the_same_service(server: ServicesServer) -> None:
    definition = server.register()
    first = server.create(definition)
    assert server.create(definition)["createdAt"] == first["createdAt"]
    arguments = {"cluster": "main", "serviceName": "web", "taskDefinition": definition}
    assert refused(server.ecs.create_service, desiredCount=7, **arguments) == (
        "InvalidParameterException",
        "Creation of service was not idempotent.",
    )


def test_what_is_missing(server: ServicesServer) -> None:
    ecs = server.ecs
    found = ecs.describe_services(cluster="main", services=["none"])
    assert found["services"] == []
    assert found["failures"] == [
        {"arn": "arn:aws:ecs:us-east-1:123456789012:service/main/none", "reason": "MISSING"}
    ]
    for call in (ecs.update_service, ecs.delete_service):
        assert refused(call, cluster="main", service="none") == (
            "ServiceNotFoundException", "Service not found.",
        )  # fmt: skip
        assert refused(call, cluster="none", service="web") == (
            "ClusterNotFoundException", "Cluster not found.",
        )  # fmt: skip
    other = "arn:aws:ecs:us-east-1:123456789012:service/other/web"
    assert refused(ecs.describe_services, cluster="main", services=[other]) == (
        "InvalidParameterException",
        "Invalid identifier: Identifier is for cluster other. Your cluster is main",
    )


NETWORK = {"awsvpcConfiguration": {"subnets": ["subnet-1"]}}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"cluster": "none"}, "Cluster not found."),
        ({"taskDefinition": "none"}, "TaskDefinition not found."),
        (
            {"loadBalancers": [{**BALANCER, "targetGroupArn": GROUP[:-1] + "0"}]},
            f"The target group {GROUP[:-1]}0 does not exist.",
        ),
        (
            {"loadBalancers": [{**BALANCER, "targetGroupArn": UNUSED}]},
            (
                f"The target group with targetGroupArn {UNUSED} does not have an associated "
                "load balancer."
            ),
        ),
        (
            {"loadBalancers": [{**BALANCER, "containerName": "db"}]},
            "The container db does not exist in the task definition.",
        ),
        (
            {"loadBalancers": [{**BALANCER, "containerPort": 81}]},
            "The container app did not have a container port 81 defined.",
        ),
        ({"loadBalancers": [{"targetGroupArn": GROUP}]}, "Container Name can not be blank."),
        (
            {"loadBalancers": [], "role": "ecs"},
            "A role was passed, but no load balancers were present.",
        ),
        (
            {"loadBalancers": [], "healthCheckGracePeriodSeconds": 5},
            "Health check grace period is only valid for services configured to use load balancers",
        ),
        (
            {"networkConfiguration": NETWORK},
            "Network Configuration is not valid for the given networkMode of this task definition.",
        ),
        (
            {"deploymentConfiguration": {"minimumHealthyPercent": 100, "maximumPercent": 100}},
            (
                "Both maximumPercent and minimumHealthyPercent cannot be 100 as this will "
                "block deployments."
            ),
        ),
        (
            {"schedulingStrategy": "DAEMON"},
            "Penstock does not support schedulingStrategy DAEMON: use REPLICA with a desiredCount.",
        ),
        (
            {"deploymentController": {"type": "CODE_DEPLOY"}},
            (
                "Penstock does not support deploymentController CODE_DEPLOY: use ECS, the "
                "rolling update."
            ),
        ),
        (
            {"serviceRegistries": [{"registryArn": "x"}]},
            "Penstock does not support serviceRegistries: there is no service discovery.",
        ),
    ],
)
def test_what_is_refused(server: ServicesServer, changes: Any, message: str) -> None:
    definition = server.register()
    arguments = {
        "cluster": "main", "serviceName": "web", "taskDefinition": definition, "desiredCount": 1,
        "loadBalancers": [BALANCER], **changes,
    }  # fmt: skip
    assert refused(server.ecs.create_service, **arguments)[1] == message
    assert server.ecs.list_services(cluster="main")["serviceArns"] == []


def test_a_task_needs_its_network_and_target_type(server: ServicesServer) -> None:
    definition = server.ecs.register_task_definition(
        family="vpc", networkMode="awsvpc",
        containerDefinitions=[
            {"name": "app", "image": "b", "memory": 64, "portMappings": [{"containerPort": 80}]}
        ],
    )["taskDefinition"]["taskDefinitionArn"]  # fmt: skip
    arguments = {"cluster": "main", "serviceName": "web", "desiredCount": 1}
    assert refused(server.ecs.create_service, taskDefinition=definition, **arguments)[1] == (
        "Network Configuration must be provided when networkMode 'awsvpc' is specified."
    )
    arguments |= {"networkConfiguration": NETWORK, "loadBalancers": [BALANCER]}
    assert refused(server.ecs.create_service, taskDefinition=definition, **arguments)[1] == (
        f"The provided target group {GROUP} has target type instance, which is incompatible with "
        "the awsvpc network mode specified in the task definition."
    )
