"""Operations on tasks.

Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RunTask.html
Texts: moto's ecs/models.py and AWS's users' reports; those of overrides, counts and what is refused
are unverified.
"""

from collections.abc import Mapping
from typing import Any

from penstock.arns import resource_of
from penstock.aws.errors import ServiceError
from penstock.aws.pagination import page
from penstock.aws.service import Call, Request, Response
from penstock.ids import derived_uuid, new_uuid
from penstock.workloads.ecs.api.container_instances import container_instance_arn
from penstock.workloads.ecs.api.names import given_tags, invalid
from penstock.workloads.ecs.api.task_shapes import described
from penstock.workloads.ecs.clusters import Cluster
from penstock.workloads.ecs.ecs import Ecs
from penstock.workloads.ecs.task_definitions import TaskDefinition
from penstock.workloads.task_records import StartTask, TaskRecord

_MOST_AT_ONCE = 10
_TASKS_PRINCIPAL = "ecs-tasks.amazonaws.com"
_REFUSED = {
    "capacityProviderStrategy": "there are no capacity providers; use launchType",
    "enableExecuteCommand": "there is no ECS Exec",
    "placementConstraints": "there is one container instance, this host",
    "volumeConfigurations": "there is no EBS",
}
_REFUSED_OF_TASK = ("inferenceAcceleratorOverrides", "ephemeralStorage")
_REFUSED_OF_CONTAINER = ("environmentFiles", "resourceRequirements")


async def run_task(ecs: Ecs, call: Call, request: Request) -> Response:
    """Start tasks; with a clientToken, the same call again returns the same tasks."""
    cluster = await ecs.clusters.active(request.get("cluster"))
    count = request.get("count", 1)
    if not 1 <= count <= _MOST_AT_ONCE:
        raise invalid(f"Count must be between 1 and {_MOST_AT_ONCE}, found {count}.")
    return await _start(ecs, call, request, cluster, count)


async def start_task(ecs: Ecs, call: Call, request: Request) -> Response:
    """Start a task on each container instance named: this host."""
    cluster = await ecs.clusters.active(request.get("cluster"))
    own = container_instance_arn(ecs, cluster)
    failures = [
        {"arn": name, "reason": "MISSING"}
        for name in request["containerInstances"]
        if name not in {own, own.rpartition("/")[2]}
    ]
    count = len(request["containerInstances"]) - len(failures)
    if not count:
        return {"tasks": [], "failures": failures}
    started = await _start(ecs, call, request, cluster, count)
    return {**started, "failures": failures}


async def stop_task(ecs: Ecs, call: Call, request: Request) -> Response:
    """Ask for a task's end."""
    cluster = await ecs.clusters.active(request.get("cluster"))
    task = await _of_cluster(ecs, cluster, request["task"])
    if task is None:
        raise invalid("The referenced task was not found.")
    reason = request.get("reason") or "Task stopped by user"
    stopped = await ecs.tasks.stop(task.task_id, reason, "UserInitiated")
    return {"task": await described(ecs, cluster, stopped or task, with_tags=False)}


async def describe_tasks(ecs: Ecs, call: Call, request: Request) -> Response:
    """Return tasks by id or ARN."""
    cluster = await ecs.clusters.active(request.get("cluster"))
    with_tags = "TAGS" in request.get("include", ())
    found, failures = [], []
    for name in request["tasks"]:
        task = await _of_cluster(ecs, cluster, name)
        if task is None:
            arn = ecs.tasks.arn(cluster.arn, name.rpartition("/")[2])
            failures.append({"arn": arn, "reason": "MISSING"})
        else:
            found.append(await described(ecs, cluster, task, with_tags=with_tags))
    return {"tasks": found, "failures": failures}


async def list_tasks(ecs: Ecs, call: Call, request: Request) -> Response:
    """Return the ARNs of a cluster's tasks that pass every filter."""
    cluster = await ecs.clusters.active(request.get("cluster"))
    instance = request.get("containerInstance")
    own = container_instance_arn(ecs, cluster)
    tasks = await ecs.tasks.of_cluster(cluster.arn)
    if instance is not None and instance not in {own, own.rpartition("/")[2]}:
        tasks = []
    if request.get("daemonName"):
        tasks = []
    shown, token = page(
        sorted(task.arn for task in tasks if _passes(task, request)),
        request.get("nextToken"),
        request.get("maxResults", 100),
        key=str,
        error_code="InvalidParameterException",
    )
    return {"taskArns": shown, "nextToken": token}


def check_network(definition: TaskDefinition, configuration: Mapping[str, Any] | None) -> None:
    """Raise InvalidParameterException unless there is a network configuration for awsvpc alone."""
    needed = definition.network_mode == "awsvpc"
    if needed and not configuration:
        raise invalid(
            "Network Configuration must be provided when networkMode 'awsvpc' is specified."
        )
    if configuration and not needed:
        raise invalid(
            "Network Configuration is not valid for the given networkMode of this task definition."
        )


def launch_type(definition: TaskDefinition, asked: str | None) -> str:
    """Return the launch type; raise InvalidParameterException where the definition has it not."""
    wanted = asked or "EC2"
    if wanted not in definition.document["compatibilities"]:
        raise invalid(f"Task definition does not support launch_type {wanted}.")
    return wanted


async def check_roles(call: Call, definition: TaskDefinition) -> None:
    """Raise AccessDeniedException unless the caller may pass the task definition's roles."""
    for name in ("taskRoleArn", "executionRoleArn"):
        role = definition.document.get(name)
        if role:
            await call.authorize(
                call.principal, "iam:PassRole", role, {"iam:PassedToService": _TASKS_PRINCIPAL}
            )


async def _start(
    ecs: Ecs, call: Call, request: Request, cluster: Cluster, count: int
) -> dict[str, Any]:
    definition = await ecs.task_definitions.usable(request["taskDefinition"])
    for name, why in _REFUSED.items():
        if request.get(name):
            raise invalid(f"Penstock does not support {name}: {why}.")
    kind = launch_type(definition, request.get("launchType"))
    check_network(definition, request.get("networkConfiguration"))
    overrides = request.get("overrides", {})
    _check_overrides(definition, overrides)
    await check_roles(call, definition)
    group = request.get("group") or f"family:{definition.family}"
    if group.startswith("service:"):
        raise invalid(f"Invalid group: service: is kept for the tasks of services, found {group}.")
    tags = given_tags(call, request.get("tags", ()), _propagated(request, definition))
    if request.get("enableECSManagedTags"):
        tags["aws:ecs:clusterName"] = cluster.name
    token = request.get("clientToken") or new_uuid()
    tasks = []
    for index in range(count):
        task_id = derived_uuid("ecs-task", cluster.arn, token, str(index)).replace("-", "")
        wanted = StartTask(
            task_id, cluster.arn, definition.arn, group, request.get("startedBy"), kind,
            overrides, tags,
        )  # fmt: skip
        task = await ecs.tasks.start(wanted)
        if (task.task_definition_arn, task.overrides) != (definition.arn, overrides):
            raise ServiceError(
                "ConflictException",
                f"The clientToken {token} was used with other parameters before; use another one.",
                resourceIds=[task.arn],
            )
        tasks.append(await described(ecs, cluster, task, with_tags=True))
    return {"tasks": tasks, "failures": []}


def _propagated(request: Request, definition: TaskDefinition) -> Mapping[str, str]:
    match request.get("propagateTags", "NONE"):
        case "TASK_DEFINITION":
            return definition.tags
        case "SERVICE":
            raise invalid("Tags can be propagated from a service to the tasks of services alone.")
    return {}


def _check_overrides(definition: TaskDefinition, overrides: Mapping[str, Any]) -> None:
    names = {container["name"] for container in definition.containers}
    refused = [name for name in _REFUSED_OF_TASK if overrides.get(name)]
    for container in overrides.get("containerOverrides", ()):
        if container.get("name") not in names:
            raise invalid(
                f"Override for container named {container.get('name')} is not a container in the "
                "TaskDefinition."
            )
        refused += [name for name in _REFUSED_OF_CONTAINER if container.get(name)]
    if refused:
        raise invalid(f"Penstock does not support overrides of {', '.join(sorted(set(refused)))}.")


async def _of_cluster(ecs: Ecs, cluster: Cluster, name: str) -> TaskRecord | None:
    named = resource_of(name, "task/")
    if named is not None and named.partition("/")[0] != cluster.name:
        return None
    task = await ecs.tasks.get(name)
    return task if task is not None and task.cluster_arn == cluster.arn else None


def _passes(task: TaskRecord, request: Request) -> bool:
    family = (resource_of(task.task_definition_arn, "task-definition/") or "").partition(":")[0]
    found = {
        "family": family,
        "startedBy": task.started_by,
        "launchType": task.launch_type,
        "serviceName": task.group.removeprefix("service:"),
        "desiredStatus": task.desired_status,
    }
    wanted = {"desiredStatus": "RUNNING", **request}
    if "serviceName" in request and not task.group.startswith("service:"):
        return False
    service = wanted.get("serviceName")
    if service is not None:
        wanted["serviceName"] = service.rpartition("/")[2]
    return all(wanted.get(name) in (None, value) for name, value in found.items())


OPERATIONS = {
    "DescribeTasks": describe_tasks,
    "ListTasks": list_tasks,
    "RunTask": run_task,
    "StartTask": start_task,
    "StopTask": stop_task,
}
