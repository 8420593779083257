"""Operations on clusters.

Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_CreateCluster.html
"""

from typing import Any

from penstock.aws.pagination import page
from penstock.aws.service import Call, Request, Response
from penstock.workloads.ecs.api.names import given_tags, invalid, shown_tags
from penstock.workloads.ecs.clusters import ACTIVE, DEFAULT, Cluster
from penstock.workloads.ecs.ecs import Ecs

_DEFAULT_SETTINGS = [{"name": "containerInsights", "value": "disabled"}]


async def create_cluster(ecs: Ecs, call: Call, request: Request) -> Response:
    """Make a cluster; one of the name is returned as it is."""
    _refuse_what_is_absent(request)
    tags = given_tags(call, request.get("tags", ()))
    settings = request.get("settings") or _DEFAULT_SETTINGS
    cluster = await ecs.clusters.create(request.get("clusterName") or DEFAULT, settings, tags)
    return {"cluster": await _described(ecs, cluster, {"SETTINGS", "TAGS"})}


async def describe_clusters(ecs: Ecs, call: Call, request: Request) -> Response:
    """Return clusters by name or ARN, `default` when none is named."""
    include = set(request.get("include", ()))
    found, failures = [], []
    for name in request.get("clusters") or [DEFAULT]:
        cluster = await ecs.clusters.get(name)
        if cluster is None:
            arn = name if name.startswith("arn:") else ecs.clusters.arn(name)
            failures.append({"arn": arn, "reason": "MISSING"})
        else:
            found.append(await _described(ecs, cluster, include))
    return {"clusters": found, "failures": failures}


async def list_clusters(ecs: Ecs, call: Call, request: Request) -> Response:
    """Return the ARNs of the ACTIVE clusters."""
    shown, token = page(
        [cluster.arn for cluster in await ecs.clusters.all()],
        request.get("nextToken"),
        request.get("maxResults", 100),
        key=str,
        error_code="InvalidParameterException",
    )
    return {"clusterArns": shown, "nextToken": token}


async def delete_cluster(ecs: Ecs, call: Call, request: Request) -> Response:
    """Make a cluster INACTIVE."""
    cluster = await ecs.clusters.delete(request["cluster"])
    return {"cluster": await _described(ecs, cluster, set())}


async def update_cluster(ecs: Ecs, call: Call, request: Request) -> Response:
    """Change a cluster's settings."""
    _refuse_what_is_absent(request)
    cluster = await ecs.clusters.update(request["cluster"], request.get("settings", ()))
    return {"cluster": await _described(ecs, cluster, {"SETTINGS", "TAGS"})}


async def update_cluster_settings(ecs: Ecs, call: Call, request: Request) -> Response:
    """Change a cluster's settings."""
    cluster = await ecs.clusters.update(request["cluster"], request["settings"])
    return {"cluster": await _described(ecs, cluster, {"SETTINGS", "TAGS"})}


def _refuse_what_is_absent(request: Request) -> None:
    """Refuse what would have no effect here rather than drop it."""
    for member in ("configuration", "serviceConnectDefaults"):
        if request.get(member):
            raise invalid(f"Penstock has no {member} of clusters; leave it out.")
    providers = set(request.get("capacityProviders", ()))
    providers |= {
        item["capacityProvider"] for item in request.get("defaultCapacityProviderStrategy", ())
    }
    if providers:
        raise invalid(
            f"Penstock has no capacity providers, found {', '.join(sorted(providers))}: every task "
            "runs on this host. Leave them out and use launchType."
        )


async def _described(ecs: Ecs, cluster: Cluster, include: set[str]) -> dict[str, Any]:
    counts = await ecs.clusters.counts(cluster)
    return {
        "clusterArn": cluster.arn,
        "clusterName": cluster.name,
        "status": cluster.status,
        "registeredContainerInstancesCount": int(cluster.status == ACTIVE),
        "runningTasksCount": counts.running_tasks,
        "pendingTasksCount": counts.pending_tasks,
        "activeServicesCount": counts.active_services,
        "statistics": [],
        "tags": shown_tags(cluster.tags) if "TAGS" in include else [],
        "settings": list(cluster.settings) if "SETTINGS" in include else [],
        "capacityProviders": [],
        "defaultCapacityProviderStrategy": [],
    }


OPERATIONS = {
    "CreateCluster": create_cluster,
    "DeleteCluster": delete_cluster,
    "DescribeClusters": describe_clusters,
    "ListClusters": list_clusters,
    "UpdateCluster": update_cluster,
    "UpdateClusterSettings": update_cluster_settings,
}
