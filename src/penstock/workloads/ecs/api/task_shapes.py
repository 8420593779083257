"""A task in the API's shape.

Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Task.html
"""

from collections.abc import Mapping
from typing import Any

from penstock.ids import derived_uuid
from penstock.workloads.ecs.api.container_instances import container_instance_arn
from penstock.workloads.ecs.api.names import shown_tags
from penstock.workloads.ecs.clusters import Cluster
from penstock.workloads.ecs.ecs import Ecs
from penstock.workloads.task_records import ContainerRecord, TaskRecord


async def described(
    ecs: Ecs, cluster: Cluster, task: TaskRecord, *, with_tags: bool
) -> dict[str, Any]:
    """Return a task as DescribeTasks tells it."""
    definition = await ecs.task_definitions.get(task.task_definition_arn)
    document: Mapping[str, Any] = definition.document if definition else {}
    sizes = {each["name"]: each for each in document.get("containerDefinitions", ())}
    overrides: Mapping[str, Any] = task.overrides
    region = cluster.arn.split(":")[3]
    shown: dict[str, Any] = {
        "taskArn": task.arn,
        "clusterArn": task.cluster_arn,
        "taskDefinitionArn": task.task_definition_arn,
        "group": task.group,
        "startedBy": task.started_by,
        "lastStatus": task.last_status,
        "desiredStatus": task.desired_status,
        "healthStatus": task.health_status,
        "launchType": task.launch_type,
        "availabilityZone": f"{region}a",
        "attachments": _attachments(task),
        "attributes": [],
        "connectivity": "CONNECTED",
        "connectivityAt": task.created_at,
        "containers": [
            _container(task, each, sizes.get(each.name, {})) for each in task.containers
        ],
        "cpu": overrides.get("cpu") or document.get("cpu") or _cpu(sizes),
        "memory": overrides.get("memory") or document.get("memory") or _memory(sizes),
        "createdAt": task.created_at,
        "enableExecuteCommand": False,
        "overrides": {"containerOverrides": [], "inferenceAcceleratorOverrides": [], **overrides},
        "pullStartedAt": task.pull_started_at,
        "pullStoppedAt": task.pull_stopped_at,
        "startedAt": task.started_at,
        "stoppingAt": task.stopping_at,
        "executionStoppedAt": task.execution_stopped_at,
        "stoppedAt": task.stopped_at,
        "stopCode": task.stop_code,
        "stoppedReason": task.stopped_reason,
        "tags": shown_tags(task.tags) if with_tags else [],
        "version": task.version,
    }
    if task.launch_type == "FARGATE":
        shown |= {"platformVersion": "1.4.0", "platformFamily": "Linux"}
    else:
        shown["containerInstanceArn"] = container_instance_arn(ecs, cluster)
    return {name: value for name, value in shown.items() if value is not None}


def _container(
    task: TaskRecord, container: ContainerRecord, definition: Mapping[str, Any]
) -> dict[str, Any]:
    bindings = [
        {
            "bindIP": each.bind_ip,
            "containerPort": each.container_port,
            "hostPort": each.host_port,
            "protocol": each.protocol,
        }
        for each in container.network_bindings
    ]
    shown = {
        "containerArn": _container_arn(task, container.name),
        "taskArn": task.arn,
        "name": container.name,
        "image": container.image,
        "imageDigest": container.image_digest,
        "runtimeId": container.runtime_id,
        "lastStatus": container.last_status,
        "exitCode": container.exit_code,
        "reason": container.reason,
        "healthStatus": container.health_status,
        "networkBindings": bindings,
        "networkInterfaces": _interfaces(task),
        "cpu": str(definition.get("cpu", 0)),
        "memory": _text(definition.get("memory")),
        "memoryReservation": _text(definition.get("memoryReservation")),
    }
    return {name: value for name, value in shown.items() if value is not None}


def _container_arn(task: TaskRecord, name: str) -> str:
    place = task.arn.replace(":task/", ":container/")
    return f"{place}/{derived_uuid('ecs-container', task.arn, name)}"


def _attachment_id(task: TaskRecord) -> str:
    return derived_uuid("ecs-attachment", task.arn)


def _attachments(task: TaskRecord) -> list[dict[str, Any]]:
    if task.network_mode != "awsvpc" or task.private_ipv4 is None:
        return []
    details = [{"name": "privateIPv4Address", "value": task.private_ipv4}]
    return [
        {
            "id": _attachment_id(task),
            "type": "ElasticNetworkInterface",
            "status": "DELETED" if task.stopped_at else "ATTACHED",
            "details": details,
        }
    ]


def _interfaces(task: TaskRecord) -> list[dict[str, str]]:
    if task.network_mode != "awsvpc" or task.private_ipv4 is None:
        return []
    return [{"attachmentId": _attachment_id(task), "privateIpv4Address": task.private_ipv4}]


def _cpu(sizes: Mapping[str, Mapping[str, Any]]) -> str:
    return str(sum(each.get("cpu", 0) for each in sizes.values()))


def _memory(sizes: Mapping[str, Mapping[str, Any]]) -> str:
    return str(
        sum(each.get("memory") or each.get("memoryReservation") or 0 for each in sizes.values())
    )


def _text(number: int | None) -> str | None:
    return None if number is None else str(number)
