"""A service in the API's shape.

Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Service.html
"""

from collections.abc import Sequence
from typing import Any

from penstock.workloads.ecs.api.names import shown_tags
from penstock.workloads.ecs.service_state import (
    Deployment,
    DeploymentConfiguration,
    ServiceState,
    Stage,
)
from penstock.workloads.ecs.services import DescribedService
from penstock.workloads.task_records import TaskRecord, TaskStatus

_PENDING = {TaskStatus.PROVISIONING, TaskStatus.PENDING, TaskStatus.ACTIVATING}


def described(service: DescribedService, *, with_tags: bool) -> dict[str, Any]:
    """Return a service as DescribeServices tells it."""
    state, settings = service.state, service.state.settings
    shown: dict[str, Any] = {
        "serviceArn": state.arn,
        "serviceName": state.name,
        "clusterArn": state.cluster_arn,
        "loadBalancers": [
            {
                "targetGroupArn": each.target_group_arn,
                "containerName": each.container_name,
                "containerPort": each.container_port,
            }
            for each in state.load_balancers
        ],
        "serviceRegistries": [],
        "status": state.status,
        "desiredCount": state.desired_count,
        "runningCount": _running(service.tasks),
        "pendingCount": _pending(service.tasks),
        "launchType": settings.get("launchType"),
        "platformVersion": settings.get("platformVersion"),
        "taskDefinition": state.primary.task_definition_arn if state.deployments else None,
        "deploymentConfiguration": _configuration(state.configuration),
        "deployments": [
            _deployment(service, each, primary=index == 0)
            for index, each in enumerate(state.deployments)
        ],
        "roleArn": settings.get("roleArn"),
        "events": [
            {"id": each.id, "createdAt": each.created_at, "message": each.message}
            for each in service.events
        ],
        "createdAt": state.created_at,
        "placementConstraints": [],
        "placementStrategy": settings.get("placementStrategy", []),
        "networkConfiguration": settings.get("networkConfiguration"),
        "healthCheckGracePeriodSeconds": state.grace_seconds if state.load_balancers else None,
        "schedulingStrategy": "REPLICA",
        "deploymentController": {"type": "ECS"},
        "tags": shown_tags(service.tags) if with_tags else [],
        "createdBy": settings.get("createdBy"),
        "enableECSManagedTags": settings.get("enableECSManagedTags", False),
        "propagateTags": settings.get("propagateTags", "NONE"),
        "enableExecuteCommand": False,
        "availabilityZoneRebalancing": settings.get("availabilityZoneRebalancing"),
    }
    return {name: value for name, value in shown.items() if value is not None}


def _configuration(configuration: DeploymentConfiguration) -> dict[str, Any]:
    return {
        "deploymentCircuitBreaker": {
            "enable": configuration.breaker_enabled,
            "rollback": configuration.breaker_rollback,
        },
        "maximumPercent": configuration.maximum_percent,
        "minimumHealthyPercent": configuration.minimum_healthy_percent,
        "strategy": "ROLLING",
    }


def _deployment(service: DescribedService, deployment: Deployment, *, primary: bool) -> Any:
    state = service.state
    of_it = [task for task in service.tasks if task.started_by == deployment.id]
    settings = state.settings
    shown = {
        "id": deployment.id,
        "status": "PRIMARY" if primary else "ACTIVE",
        "taskDefinition": deployment.task_definition_arn,
        "desiredCount": state.desired_count if primary else _wanted(state, deployment),
        "pendingCount": _pending(of_it),
        "runningCount": _running(of_it),
        "failedTasks": deployment.failed_tasks,
        "createdAt": deployment.created_at,
        "updatedAt": deployment.updated_at,
        "launchType": settings.get("launchType"),
        "platformVersion": settings.get("platformVersion"),
        "networkConfiguration": settings.get("networkConfiguration"),
        "rolloutState": deployment.rollout_state,
        "rolloutStateReason": deployment.rollout_state_reason,
    }
    return {name: value for name, value in shown.items() if value is not None}


def _wanted(state: ServiceState, deployment: Deployment) -> int:
    return sum(
        each.stage is Stage.WANTED and each.deployment_id == deployment.id
        for each in state.placements
    )


def _running(tasks: Sequence[TaskRecord]) -> int:
    return sum(task.last_status is TaskStatus.RUNNING for task in tasks)


def _pending(tasks: Sequence[TaskRecord]) -> int:
    return sum(task.last_status in _PENDING for task in tasks)
