"""Operations on container instances: this host, as one instance of every cluster.

Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerInstance.html
"""

from collections.abc import Mapping
from typing import Any

from penstock.aws.service import Call, Request, Response
from penstock.ids import derived_uuid
from penstock.workloads.container_instance import ec2_instance_id
from penstock.workloads.ecs.api.names import invalid
from penstock.workloads.ecs.clusters import Cluster
from penstock.workloads.ecs.ecs import Ecs


def container_instance_arn(ecs: Ecs, cluster: Cluster) -> str:
    """Return the ARN of the one container instance of a cluster."""
    name = derived_uuid("container-instance", ecs.instance_id, cluster.arn).replace("-", "")
    return f"{cluster.arn.replace(':cluster/', ':container-instance/')}/{name}"


async def list_container_instances(ecs: Ecs, call: Call, request: Request) -> Response:
    """Return the one container instance's ARN."""
    cluster = await ecs.clusters.active(request.get("cluster"))
    if request.get("filter"):
        raise invalid("Penstock has one container instance; leave out filter.")
    there = request.get("status", "ACTIVE") == "ACTIVE"
    return {"containerInstanceArns": [container_instance_arn(ecs, cluster)] if there else []}


async def describe_container_instances(ecs: Ecs, call: Call, request: Request) -> Response:
    """Return the container instance, by its id or ARN."""
    cluster = await ecs.clusters.active(request.get("cluster"))
    arn = container_instance_arn(ecs, cluster)
    found, failures = [], []
    for name in request["containerInstances"]:
        if name in {arn, arn.rpartition("/")[2]}:
            found.append(await _described(ecs, cluster, arn))
        else:
            prefix, _, _ = arn.rpartition("/")
            named = name if name.startswith("arn:") else f"{prefix}/{name}"
            failures.append({"arn": named, "reason": "MISSING"})
    return {"containerInstances": found, "failures": failures}


async def _described(ecs: Ecs, cluster: Cluster, arn: str) -> Mapping[str, Any]:
    counts = await ecs.clusters.counts(cluster)
    return {
        "containerInstanceArn": arn,
        "ec2InstanceId": ec2_instance_id(ecs.instance_id),
        "status": "ACTIVE",
        "agentConnected": True,
        "runningTasksCount": counts.running_tasks,
        "pendingTasksCount": counts.pending_tasks,
        "attributes": [],
        "attachments": [],
    }


OPERATIONS = {
    "DescribeContainerInstances": describe_container_instances,
    "ListContainerInstances": list_container_instances,
}
