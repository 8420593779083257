"""A pipeline that deploys a small development stack, and a server that dies where it is told to.

The stack has what the example's has: two tasks with a health check behind a load balancer, their
log, their role. Docker's events, recorded as they happen, and HTTP say what was made; the
server's own word is compared with them.
"""

import json
import subprocess
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.delivery import (
    BUCKET,
    ENDED,
    action_states,
    commit_files,
    create_foundations,
    create_role,
    executions,
    push,
    role_arn,
    source_action,
)
from tests.deployment import events, outputs, stack
from tests.faults.mortal_server import MortalServer

NAME = "web"
TASKS = 2
TAKEN = "/taken"
RESOURCES = {
    "Logs", "Cluster", "Role", "LoadBalancer", "TargetGroup", "Listener", "TaskDefinition",
    "Service",
}  # fmt: skip
SCRIPT = """mkdir /www
echo '{"version": "${Version}"}' > /www/index.html
httpd -p 8080 -h /www
trap 'exit 0' TERM
n=0
while true; do n=$((n + 1)); echo "line $n of ${Version}"; sleep 0.1; done
"""
TEMPLATE: dict[str, Any] = {
    "Parameters": {
        "Version": {"Type": "String"},
        "Breaks": {"Type": "String", "Default": "no", "AllowedValues": ["yes", "no"]},
    },
    "Conditions": {"Breaks": {"Fn::Equals": [{"Ref": "Breaks"}, "yes"]}},
    "Resources": {
        "Logs": {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": "/web"}},
        "Cluster": {"Type": "AWS::ECS::Cluster", "Properties": {"ClusterName": NAME}},
        "Role": {
            "Type": "AWS::IAM::Role",
            "Properties": {
                "RoleName": "web-task",
                "AssumeRolePolicyDocument": {
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            "Effect": "Allow",
                            "Principal": {"Service": "ecs-tasks.amazonaws.com"},
                            "Action": "sts:AssumeRole",
                        }
                    ],
                },
                "Policies": [
                    {
                        "PolicyName": "log",
                        "PolicyDocument": {
                            "Version": "2012-10-17",
                            "Statement": [{"Effect": "Allow", "Action": "logs:*", "Resource": "*"}],
                        },
                    }
                ],
            },
        },
        "LoadBalancer": {
            "Type": "AWS::ElasticLoadBalancingV2::LoadBalancer",
            "Properties": {"Name": NAME, "Subnets": ["subnet-a", "subnet-b"]},
        },
        "TargetGroup": {
            "Type": "AWS::ElasticLoadBalancingV2::TargetGroup",
            "Properties": {
                "Name": NAME,
                "VpcId": "vpc-1",
                "Protocol": "HTTP",
                "Port": 80,
                "HealthCheckPath": "/",
                "HealthCheckIntervalSeconds": 5,
                "HealthCheckTimeoutSeconds": 2,
                "HealthyThresholdCount": 2,
                "UnhealthyThresholdCount": 2,
                "TargetGroupAttributes": [
                    {"Key": "deregistration_delay.timeout_seconds", "Value": "2"}
                ],
            },
        },
        "Listener": {
            "Type": "AWS::ElasticLoadBalancingV2::Listener",
            "Properties": {
                "LoadBalancerArn": {"Ref": "LoadBalancer"},
                "Protocol": "HTTP",
                "Port": 80,
                "DefaultActions": [{"Type": "forward", "TargetGroupArn": {"Ref": "TargetGroup"}}],
            },
        },
        "TaskDefinition": {
            "Type": "AWS::ECS::TaskDefinition",
            "Properties": {
                "Family": NAME,
                "TaskRoleArn": {"Fn::GetAtt": ["Role", "Arn"]},
                "ExecutionRoleArn": {"Fn::GetAtt": ["Role", "Arn"]},
                "ContainerDefinitions": [
                    {
                        "Name": "app",
                        "Image": "busybox:1.35",
                        "Memory": 64,
                        "StopTimeout": 2,
                        "EntryPoint": ["sh", "-c"],
                        "Command": [{"Fn::Sub": SCRIPT}],
                        "PortMappings": [{"ContainerPort": 8080}],
                        "HealthCheck": {
                            "Command": ["CMD-SHELL", "wget -q -O /dev/null 127.0.0.1:8080"],
                            "Interval": 5,
                            "Timeout": 2,
                            "Retries": 2,
                        },
                        "LogConfiguration": {
                            "LogDriver": "awslogs",
                            "Options": {
                                "awslogs-group": {"Ref": "Logs"},
                                "awslogs-region": {"Ref": "AWS::Region"},
                                "awslogs-stream-prefix": "web",
                            },
                        },
                    }
                ],
            },
        },
        "Service": {
            "Type": "AWS::ECS::Service",
            "DependsOn": "Listener",
            "Properties": {
                "ServiceName": NAME,
                "Cluster": {"Ref": "Cluster"},
                "TaskDefinition": {"Ref": "TaskDefinition"},
                "DesiredCount": TASKS,
                "DeploymentConfiguration": {"MinimumHealthyPercent": 100, "MaximumPercent": 200},
                "LoadBalancers": [
                    {
                        "ContainerName": "app",
                        "ContainerPort": 8080,
                        "TargetGroupArn": {"Ref": "TargetGroup"},
                    }
                ],
            },
        },
        "Broken": {
            "Type": "AWS::Logs::LogGroup",
            "Condition": "Breaks",
            "DependsOn": "Service",
            "Properties": {"LogGroupName": TAKEN},
        },
    },
    "Outputs": {"PublicURL": {"Value": {"Fn::Sub": "http://${LoadBalancer.DNSName}/"}}},
}


@dataclass
class Recorder:
    """Docker's events of one instance's containers, written down by `docker events`."""

    file: Path
    process: subprocess.Popen[bytes] | None = None
    position: int = 0

    def begin(self, instance_id: str) -> None:
        """Record from now on."""
        kinds = [f"--filter=event={kind}" for kind in ("create", "start", "die")]
        label = f"--filter=label=penstock.instance={instance_id}"
        with self.file.open("wb") as out:
            self.process = subprocess.Popen(
                ["docker", "events", "--format", "{{json .}}", label, *kinds], stdout=out
            )

    def end(self) -> None:
        """Stop recording."""
        if self.process is not None:
            self.process.terminate()
            self.process.wait(10)

    def mark(self) -> None:
        """Count from here."""
        self.position = self.file.stat().st_size

    def counts(self, action: str) -> Counter[str]:
        """Container name → how often this happened to it since the mark, of tasks' own ones."""
        with self.file.open("rb") as recorded:
            recorded.seek(self.position)
            found = [json.loads(line) for line in recorded.read().splitlines()]
        attributes = [each["Actor"]["Attributes"] for each in found if each["Action"] == action]
        return Counter(
            each["name"]
            for each in attributes
            if each.get("penstock.kind") == "ecs" and not each["name"].endswith("-sandbox")
        )


@dataclass
class Plant(MortalServer):
    """A server with the pipeline; it may die at any place and is started again."""

    tree: Path
    recorder: Recorder
    url: str = ""
    commit: str = ""
    """The last one made."""

    def build(self) -> None:
        """Have roles, a repository with the template, and the pipeline."""
        server = self.server.start()
        self.recorder.begin(server.instance_id)
        create_foundations(server)
        create_role(
            server, "deploy", "codepipeline.amazonaws.com", "codecommit:*", "s3:*", "iam:PassRole",
            "cloudformation:*",
        )  # fmt: skip
        create_role(server, "cloudformation", "cloudformation.amazonaws.com", "*")
        server.client("logs").create_log_group(logGroupName=TAKEN)
        server.client("codecommit").create_repository(repositoryName=NAME)
        configuration = {
            "ActionMode": "CREATE_UPDATE",
            "StackName": NAME,
            "TemplatePath": "App::stack.yml",
            "TemplateConfiguration": "App::dev.json",
            "Capabilities": "CAPABILITY_NAMED_IAM",
            "RoleArn": role_arn("cloudformation"),
        }
        action = {
            "name": "Deploy",
            "actionTypeId": {
                "category": "Deploy", "owner": "AWS", "provider": "CloudFormation", "version": "1",
            },
            "configuration": configuration,
            "inputArtifacts": [{"name": "App"}],
            "runOrder": 1,
        }  # fmt: skip
        server.client("codepipeline").create_pipeline(
            pipeline={
                "name": NAME,
                "roleArn": role_arn("deploy"),
                "artifactStore": {"type": "S3", "location": BUCKET},
                "stages": [
                    {"name": "Source", "actions": [source_action(NAME, "App")]},
                    {"name": "Dev", "actions": [action]},
                ],
            }
        )

    def said(self) -> str:
        """The stack's events."""
        return events(self.server, NAME)

    def push(self, version: str, *, breaks: bool = False) -> Callable[[], None]:
        """Commit a version; return what pushes it."""
        parameters = {"Version": version, "Breaks": "yes" if breaks else "no"}
        self.commit = commit_files(
            self.tree,
            {
                "stack.yml": yaml.safe_dump(TEMPLATE),
                "dev.json": json.dumps({"Parameters": parameters}),
                "marker": str(time.time_ns()),
            },
            version,
        )
        return lambda: push(self.server, self.tree, NAME)

    def delivered(self) -> bool:
        """Tell whether the execution of the last commit has ended."""
        return any(e["status"] in ENDED for e in self.executions())

    def executions(self) -> list[dict[str, Any]]:
        """The executions of the last commit."""
        return [
            each
            for each in executions(self.server, NAME)
            if self.commit in {r.get("revisionId") for r in each.get("sourceRevisions", [])}
        ]

    def release(
        self,
        version: str,
        crashes: Sequence[str] = (),
        *,
        first: str | None = None,
        late: str | None = None,
        breaks: bool = False,
        while_dead: Callable[[], None] = lambda: None,
    ) -> list[str]:
        """Push a version through the pipeline, over these deaths; return those not reached."""
        self.recorder.mark()
        left = self.survive(
            crashes,
            self.push(version, breaks=breaks),
            self.delivered,
            while_dead=while_dead,
            first=first,
            late=late,
        )
        (execution,) = self.executions()
        expected = "Failed" if breaks else "Succeeded"
        said = action_states(self.server, NAME), events(self.server, NAME)
        assert execution["status"] == expected, said
        self.url = outputs(self.server, NAME)["PublicURL"]
        return left

    def status(self) -> str | None:
        """The stack's status; None where there is none."""
        found = self.server.client("cloudformation").list_stacks()["StackSummaries"]
        live = [e["StackStatus"] for e in found if e["StackStatus"] != "DELETE_COMPLETE"]
        assert len(live) <= 1, found
        return live[0] if live else None

    def delete(self, crashes: Sequence[str] = ()) -> list[str]:
        """Delete the stack, over these deaths; return those not reached."""
        self.recorder.mark()
        left = self.survive(
            crashes,
            lambda: self.server.client("cloudformation").delete_stack(StackName=NAME),
            lambda: self.status() in {None, "DELETE_FAILED"},
        )
        assert self.status() is None, events(self.server, stack(self.server, NAME)["StackId"])
        return left

    def answer(self) -> str:
        """Which version answers at the stack's URL."""
        with urllib.request.urlopen(self.url, timeout=5) as answer:
            return str(json.load(answer)["version"])

    def inventory(self) -> dict[str, list[str]]:
        """What there is of each kind, as the services list it."""
        ecs, elb = self.server.client("ecs"), self.server.client("elbv2")
        clusters = ecs.list_clusters()["clusterArns"]
        balancers = [b["LoadBalancerArn"] for b in elb.describe_load_balancers()["LoadBalancers"]]
        listeners = [
            listener["Protocol"]
            for arn in balancers
            for listener in elb.describe_listeners(LoadBalancerArn=arn)["Listeners"]
        ]
        targets = [
            health["TargetHealth"]["State"]
            for group in elb.describe_target_groups()["TargetGroups"]
            for health in elb.describe_target_health(TargetGroupArn=group["TargetGroupArn"])[
                "TargetHealthDescriptions"
            ]
        ]
        roles = self.server.client("iam").list_roles()["Roles"]
        groups = self.server.client("logs").describe_log_groups()["logGroups"]
        return {
            "clusters": [arn.split("/")[-1] for arn in clusters],
            "services": [
                arn.split("/")[-1]
                for cluster in clusters
                for arn in ecs.list_services(cluster=cluster)["serviceArns"]
            ],
            "task definitions": ecs.list_task_definitions()["taskDefinitionArns"],
            "tasks": [a for c in clusters for a in ecs.list_tasks(cluster=c)["taskArns"]],
            "load balancers": [arn.split("/")[-2] for arn in balancers],
            "listeners": listeners,
            "targets": targets,
            "roles": sorted(r["RoleName"] for r in roles if r["RoleName"].startswith("web")),
            "log groups": sorted(group["logGroupName"] for group in groups),
        }

    def engine(self) -> set[str]:
        """What of this instance is on the engine."""
        return self.server.engine_objects()

    @property
    def helpers(self) -> set[str]:
        """What is there without any task or load balancer."""
        name = f"penstock-{self.server.instance_id}"
        return {
            f"container {name}-registry",
            f"container {name}-mirror",
            f"network {name}",
            f"volume {name}-registry",
        }

    def until(self, holds: Callable[[], bool], seconds: float) -> None:
        """Wait until it holds."""
        deadline = time.monotonic() + seconds
        while not holds():
            said = self.inventory(), self.engine(), self.server.log()[-3000:]
            assert time.monotonic() < deadline, said
            time.sleep(0.3)

    def revisions(self) -> int:
        """How many task definitions were ever registered."""
        ecs = self.server.client("ecs")
        return sum(
            len(ecs.list_task_definitions(status=status)["taskDefinitionArns"])
            for status in ("ACTIVE", "INACTIVE")
        )
