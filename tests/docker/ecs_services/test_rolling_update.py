"""A service of two behind a load balancer: updated under load, killed with its server, rolled back.

Read from Docker and over HTTP: who answers, from which containers, and what is left at the end.
"""

import subprocess
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.load import Load
from tests.server_process import ServerProcess

pytestmark = [pytest.mark.docker, pytest.mark.slow, pytest.mark.timeout(400)]

SERVICE = {"cluster": "main", "service": "web"}


class World:
    """A load balancer with a target group, and a cluster."""

    def __init__(self, server: ServerProcess) -> None:
        self.server = server
        self.ecs, self.elb = server.client("ecs"), server.client("elbv2")
        self.ecs.create_cluster(clusterName="main")
        balancer = self.elb.create_load_balancer(
            Name="web", Subnets=["subnet-a", "subnet-b"], Type="application"
        )["LoadBalancers"][0]
        group = self.elb.create_target_group(
            Name="web", Protocol="HTTP", Port=80, VpcId="vpc-1", TargetType="instance",
            HealthCheckPath="/", HealthCheckIntervalSeconds=5, HealthCheckTimeoutSeconds=2,
            HealthyThresholdCount=2, UnhealthyThresholdCount=2,
        )["TargetGroups"][0]  # fmt: skip
        self.group = group["TargetGroupArn"]
        self.elb.modify_target_group_attributes(
            TargetGroupArn=self.group,
            Attributes=[{"Key": "deregistration_delay.timeout_seconds", "Value": "5"}],
        )
        self.elb.create_listener(
            LoadBalancerArn=balancer["LoadBalancerArn"], Protocol="HTTP", Port=80,
            DefaultActions=[{"Type": "forward", "TargetGroupArn": self.group}],
        )  # fmt: skip
        [balancer] = self.elb.describe_load_balancers(Names=["web"])["LoadBalancers"]
        self.url = f"http://{balancer['DNSName']}/"

    def register(self, script: str) -> str:
        container = {
            "name": "app", "image": "busybox:1.35", "memory": 64, "stopTimeout": 2,
            "entryPoint": ["sh", "-c"], "command": [script],
            "portMappings": [{"containerPort": 8080, "hostPort": 0}],
        }  # fmt: skip
        made = self.ecs.register_task_definition(family="web", containerDefinitions=[container])
        return str(made["taskDefinition"]["taskDefinitionArn"])

    def version(self, name: str) -> str:
        serve = "exec httpd -f -p 8080 -h /www"
        document = f'{{"version": "{name}"}}'
        return self.register(f"mkdir /www; echo '{document}' > /www/index.html; {serve}")

    def described(self) -> dict[str, Any]:
        [found] = self.ecs.describe_services(cluster="main", services=["web"])["services"]
        return dict(found)

    def until(self, holds: Callable[[dict[str, Any]], bool], seconds: float = 120) -> Any:
        deadline = time.monotonic() + seconds
        while not holds(found := self.described()):
            said = [event["message"] for event in found["events"]]
            assert time.monotonic() < deadline, (found["deployments"], said, self.server.log())
            time.sleep(0.3)
        return found

    def containers(self) -> set[str]:
        """The ids of the service's running containers, as the engine lists them."""
        arns = self.ecs.list_tasks(cluster="main", serviceName="web")["taskArns"]
        tasks = self.ecs.describe_tasks(cluster="main", tasks=arns)["tasks"] if arns else []
        known = {c["runtimeId"] for task in tasks for c in task["containers"]}
        listed = subprocess.run(
            ["docker", "ps", "-q", "--no-trunc"], capture_output=True, text=True, check=True
        ).stdout.split()
        return known & set(listed)


def completed(found: dict[str, Any]) -> bool:
    states = [each["rolloutState"] for each in found["deployments"]]
    return states == ["COMPLETED"] and found["runningCount"] == found["desiredCount"]


@pytest.fixture(scope="module")
def world(server: ServerProcess) -> World:
    world = World(server)
    world.ecs.create_service(
        cluster="main", serviceName="web", taskDefinition=world.version("one"), desiredCount=2,
        loadBalancers=[
            {"targetGroupArn": world.group, "containerName": "app", "containerPort": 8080}
        ],
        deploymentConfiguration={"deploymentCircuitBreaker": {"enable": True, "rollback": True}},
    )  # fmt: skip
    world.until(completed)
    return world


def test_an_update_under_load_fails_no_request(world: World) -> None:
    before = world.containers()
    assert len(before) == 2
    with Load(world.url, "version", pause_seconds=0.01) as load:
        load.wait_for(100, 30)
        world.ecs.update_service(**SERVICE, taskDefinition=world.version("two"))
        world.until(completed)
        load.wait_for(load.requests + 100, 30)
    assert load.failures == []
    assert load.answers.keys() == {"one", "two"}
    after = world.containers()
    assert len(after) == 2
    assert before.isdisjoint(after)


def test_a_killed_server_goes_on_with_the_deployment(world: World) -> None:
    world.ecs.update_service(**SERVICE, taskDefinition=world.version("three"))
    time.sleep(2)
    world.server.kill()
    world.server.start()
    found = world.until(completed)
    started = [e["message"] for e in found["events"] if "has started" in e["message"]]
    assert len(started) == len(set(started)) == 6  # two of each version
    with Load(world.url, "version", pause_seconds=0.01) as load:
        load.wait_for(50, 30)
    assert (load.failures, load.answers.keys()) == ([], {"three"})


def test_a_version_that_is_never_healthy_is_rolled_back(world: World) -> None:
    good = world.described()["taskDefinition"]
    before = world.containers()
    bad = world.register("mkdir /www; exec httpd -f -p 8080 -h /www")  # answers 404
    with Load(world.url, "version", pause_seconds=0.01) as load:
        world.ecs.update_service(**SERVICE, taskDefinition=bad)
        found = world.until(lambda service: service["taskDefinition"] == good, 200)
        found = world.until(completed)
    assert (load.failures, load.answers.keys()) == ([], {"three"})
    assert world.containers() == before
    messages = [event["message"] for event in found["events"]]
    assert any("deployment failed: tasks failed to start." in text for text in messages)
    assert any("rolling back to deployment" in text for text in messages)


def test_a_deleted_service_leaves_nothing(world: World) -> None:
    world.ecs.delete_service(**SERVICE, force=True)
    world.until(lambda found: found["status"] == "INACTIVE")
    assert world.containers() == set()
    health = world.elb.describe_target_health(TargetGroupArn=world.group)
    assert health["TargetHealthDescriptions"] == []
