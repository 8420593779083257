"""Reviews as approvals show them: a small update of the example, its first release, and others.

Changes are in the shape of DescribeChangeSet with property values.
"""

import json
from datetime import UTC, datetime
from typing import Any

from penstock.pipelines.review import (
    Commit,
    ParameterChange,
    Review,
    ReviewedChangeSet,
    SourceChange,
)

HOSTILE = "<script>alert('x')</script><img src=x onerror=alert(1)>"
UUID = "0b1c2d3e-1111-4222-8333-444455556666"
PLACE = "arn:aws:cloudformation:us-east-1:123456789012"
STACK_ID = f"{PLACE}:stack/todobackend-prod/{UUID}"
CHANGE_SET_ARN = f"{PLACE}:changeSet/todobackend-release/{UUID}"
DIGEST = f"sha256:{'3f9a' * 16}"
IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/todobackend"
BEFORE_VERSION, AFTER_VERSION = "0.1.0-7c1e2a90", "0.2.0-d4b81f35"
MADE = datetime(2026, 1, 2, 3, 0, 0, tzinfo=UTC)


def containers(version: str) -> str:
    """ContainerDefinitions as a change set gives them: one JSON text."""
    return json.dumps(
        [
            {
                "Name": "todobackend",
                "Image": f"{IMAGE}:{version}",
                "Environment": [
                    {"Name": "DATABASE_HOST", "Value": "database.internal"},
                    {"Name": "VERSION", "Value": version},
                ],
                "PortMappings": [{"ContainerPort": "8000"}],
            }
        ]
    )


def change(
    action: str, logical_id: str, resource_type: str, *details: Any, **more: Any
) -> dict[str, Any]:
    """Return a ResourceChange."""
    named = {"Action": action, "LogicalResourceId": logical_id, "ResourceType": resource_type}
    return {"Type": "Resource", "ResourceChange": {**named, "Details": list(details), **more}}


def detail(
    name: str,
    before: str | None,
    after: str | None,
    recreation: str = "Never",
    source: str = "DirectModification",
    entity: str | None = None,
) -> dict[str, Any]:
    """Return a ResourceChangeDetail of a property."""
    kind = "Add" if before is None else "Remove" if after is None else "Modify"
    target = {"Attribute": "Properties", "Name": name, "RequiresRecreation": recreation}
    target |= {"Path": f"/Properties/{name}", "AttributeChangeType": kind}
    values = {"BeforeValue": before, "AfterValue": after}
    target |= {key: value for key, value in values.items() if value is not None}
    found: dict[str, Any] = {"Target": target, "Evaluation": "Static", "ChangeSource": source}
    return found if entity is None else {**found, "CausingEntity": entity}


def change_set(changes: list[dict[str, Any]], **more: Any) -> ReviewedChangeSet:
    """Return a change set for `todobackend-prod` that can be executed."""
    given: dict[str, Any] = {
        "action_name": "ExecuteChangeSet",
        "stack_name": "todobackend-prod",
        "stack_id": STACK_ID,
        "name": "todobackend-release",
        "arn": CHANGE_SET_ARN,
        "kind": "UPDATE",
        "digest": DIGEST,
        "status": "AVAILABLE",
        "status_reason": "",
        "created_at": MADE,
    }
    return ReviewedChangeSet(**given | {"changes": changes} | more)


TASK = detail(
    "ContainerDefinitions", containers(BEFORE_VERSION), containers(AFTER_VERSION), "Always",
    "ParameterReference", "Version",
)  # fmt: skip
SERVICE = detail(
    "TaskDefinition",
    "arn:aws:ecs:us-east-1:123456789012:task-definition/todobackend-prod:4",
    "{{changeSet:KNOWN_AFTER_APPLY}}",
    "Never",
    "ResourceReference",
    "TaskDefinition",
)
POLICY = json.dumps(
    {"Statement": [{"Effect": "Allow", "Action": f"s3:Get{n}", "Resource": "*"} for n in range(9)]}
)
UPDATE = change_set(
    [
        change("Modify", "Service", "AWS::ECS::Service", SERVICE, Replacement="False",
               PhysicalResourceId="arn:aws:ecs:us-east-1:123456789012:service/prod/todobackend"),
        change("Modify", "TaskDefinition", "AWS::ECS::TaskDefinition", TASK, Replacement="True",
               PolicyAction="ReplaceAndDelete",
               PhysicalResourceId="arn:aws:ecs:us-east-1:123456789012:task-definition/"
                                  "todobackend-prod:4"),
        change("Modify", "LogGroup", "AWS::Logs::LogGroup", detail("RetentionInDays", "7", "30"),
               Replacement="False", PhysicalResourceId="todobackend-prod"),
    ],
    parameters=[
        ParameterChange("Version", BEFORE_VERSION, AFTER_VERSION),
        ParameterChange("Environment", "prod", "prod"),
        ParameterChange("DatabasePassword", "****", "**** (another value)"),
    ],
)  # fmt: skip


TASK_POLICY = "arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy"


def added(logical_id: str, resource_type: str, **properties: Any) -> dict[str, Any]:
    """Return the addition of a resource."""
    context = json.dumps({"Properties": properties})
    return change("Add", logical_id, resource_type, AfterContext=context)


CREATE = change_set(
    [
        added("Cluster", "AWS::ECS::Cluster"),
        added("LogGroup", "AWS::Logs::LogGroup", RetentionInDays="30"),
        added("TaskRole", "AWS::IAM::Role", AssumeRolePolicyDocument=json.loads(POLICY)),
        added("ExecutionRole", "AWS::IAM::Role", Path="/", ManagedPolicyArns=[TASK_POLICY]),
        added("DatabasePassword", "AWS::SecretsManager::Secret",
              GenerateSecretString={"PasswordLength": "32", "ExcludePunctuation": "true"}),
        added("TaskDefinition", "AWS::ECS::TaskDefinition", Family="todobackend-prod", Cpu="256",
              Memory="512", NetworkMode="awsvpc",
              ContainerDefinitions=json.loads(containers(AFTER_VERSION))),
        added("LoadBalancer", "AWS::ElasticLoadBalancingV2::LoadBalancer", Scheme="internal"),
        added("TargetGroup", "AWS::ElasticLoadBalancingV2::TargetGroup", Port="8000",
              Protocol="HTTP", HealthCheckPath="/health"),
        added("Listener", "AWS::ElasticLoadBalancingV2::Listener", Port="8081", Protocol="HTTP",
              LoadBalancerArn="{{changeSet:KNOWN_AFTER_APPLY}}"),
        added("Service", "AWS::ECS::Service", DesiredCount="2", LaunchType="FARGATE",
              TaskDefinition="{{changeSet:KNOWN_AFTER_APPLY}}"),
    ],
    kind="CREATE",
    parameters=[ParameterChange("Version", None, AFTER_VERSION),
                ParameterChange("Environment", None, "prod")],
)  # fmt: skip
EMPTY = change_set(
    [],
    empty=True,
    status="FAILED",
    status_reason="The submitted information didn't contain changes. Submit different information "
    "to create a change set.",
)
APP = SourceChange(
    action_name="App",
    provider="CodeCommit",
    repository="todobackend",
    revision_id="d4b81f35" * 5,
    summary="Answer with the release's version",
    previous_revision_id="7c1e2a90" * 5,
    commits=[
        Commit("d4b81f35" * 5, "Ann Example", MADE, "Answer with the release's version"),
        Commit("9a0b1c2d" * 5, "Bob Example", MADE, "Keep finished items below the open ones"),
    ],
)
DEPLOYMENT = SourceChange(
    action_name="Deployment",
    provider="CodeCommit",
    repository="todobackend-aws",
    revision_id="1122aabb" * 5,
    summary="Run two copies in production",
    previous_revision_id="1122aabb" * 5,
    note="The same revision as in the last release.",
)
RELEASE = Review(
    sources=[APP, DEPLOYMENT],
    change_sets=[UPDATE],
    previous_execution_id="99999999-2222-3333-4444-555555555555",
    previous_released_at=datetime(2025, 12, 29, 9, 0, 0, tzinfo=UTC),
)
FIRST_RELEASE = Review(sources=[APP], change_sets=[CREATE])
NOTHING_CHANGES = Review(sources=[DEPLOYMENT], change_sets=[EMPTY])
HOSTILE_REVIEW = Review(
    sources=[
        SourceChange(
            action_name="App",
            provider="CodeCommit",
            repository=HOSTILE,
            revision_id="d4b81f35" * 5,
            summary=HOSTILE,
            url="javascript:alert(1)",
            commits=[Commit("d4b81f35" * 5, HOSTILE, MADE, HOSTILE)],
            note=HOSTILE,
        )
    ],
    change_sets=[
        change_set(
            [
                change("Modify", HOSTILE, HOSTILE, detail("Name", HOSTILE, HOSTILE + "!"),
                       detail("Other", "x" * 300 + HOSTILE, None),
                       Replacement="False", PhysicalResourceId=HOSTILE),
                added("Added", "AWS::SSM::Parameter", Value=HOSTILE),
            ],
            parameters=[ParameterChange(HOSTILE, HOSTILE, None)],
            status_reason=HOSTILE,
        )
    ],
    notes=[HOSTILE],
)  # fmt: skip
