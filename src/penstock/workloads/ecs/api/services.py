"""Operations on services.

Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_CreateService.html
"""

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import msgspec

from penstock.arns import resource_of
from penstock.aws.pagination import page
from penstock.aws.service import Call, Request, Response
from penstock.workloads.ecs import service_rules
from penstock.workloads.ecs.api.names import given_tags, invalid
from penstock.workloads.ecs.api.service_shapes import described
from penstock.workloads.ecs.api.tasks import check_network, check_roles, launch_type
from penstock.workloads.ecs.clusters import Cluster
from penstock.workloads.ecs.ecs import Ecs
from penstock.workloads.ecs.service_state import (
    DeploymentConfiguration,
    ServiceLoadBalancer,
    ServiceState,
)
from penstock.workloads.ecs.stored_services import StoredService, found_or_missing
from penstock.workloads.ecs.task_definitions import TaskDefinition

_MOST_DESCRIBED = 10
_DIGEST = "requestDigest"
_KEPT = (
    "availabilityZoneRebalancing", "enableECSManagedTags", "networkConfiguration",
    "placementStrategy", "platformVersion", "propagateTags",
)  # fmt: skip
_DEPLOYING = ("networkConfiguration", "platformVersion")
"""Settings whose change begins a deployment."""


async def create_service(ecs: Ecs, call: Call, request: Request) -> Response:
    """Make a service and begin its first deployment; the same request again returns it."""
    service_rules.check_name(request["serviceName"])
    service_rules.check_supported(request)
    cluster = await ecs.clusters.active(request.get("cluster"))
    if not request.get("taskDefinition"):
        raise invalid("TaskDefinition can not be blank.")
    if "desiredCount" not in request:  # text unverified
        raise invalid("The desiredCount is required when schedulingStrategy is REPLICA.")
    definition = await ecs.task_definitions.usable(request["taskDefinition"])
    kind = launch_type(definition, request.get("launchType"))
    check_network(definition, request.get("networkConfiguration"))
    await check_roles(call, definition)
    balancers = await _load_balancers(ecs, definition, request.get("loadBalancers", ()))
    mode, grace = definition.network_mode, request.get("healthCheckGracePeriodSeconds")
    service_rules.check_role(request.get("role"), balanced=bool(balancers), network_mode=mode)
    service_rules.check_counts(request["desiredCount"], grace, balanced=bool(balancers))
    tags = given_tags(call, request.get("tags", ()))
    settings = {name: request[name] for name in _KEPT if name in request}
    settings |= {"launchType": kind, "createdBy": call.principal.arn, _DIGEST: _digest(request)}
    if request.get("role"):
        settings["roleArn"] = request["role"]
    deployment = ecs.services.new_deployment(definition)
    state = replace(
        ecs.services.new_state(
            cluster, request["serviceName"], request["desiredCount"], deployment, balancers
        ),
        configuration=service_rules.configured(
            DeploymentConfiguration(), request.get("deploymentConfiguration")
        ),
        grace_seconds=grace or 0,
        settings=settings,
        task_tags=_task_tags(request["serviceName"], cluster, definition, settings, tags),
    )
    stored = await ecs.services.create(
        cluster, state, tags, lambda there: there.settings.get(_DIGEST) == settings[_DIGEST]
    )
    return {"service": await _described(ecs, stored, with_tags=True)}


async def update_service(ecs: Ecs, call: Call, request: Request) -> Response:
    """Change a service; a new task definition, or force, begins a deployment."""
    service_rules.check_supported(request)
    cluster = await ecs.clusters.active(request.get("cluster"))
    name = _name(cluster, request["service"])
    stored = found_or_missing(await ecs.services.get(cluster, name))
    wanted = request.get("taskDefinition")
    definition: TaskDefinition | None = None
    if wanted:
        definition = await ecs.task_definitions.usable(wanted)
        launch_type(definition, str(stored.state.settings.get("launchType", "EC2")))
        await check_roles(call, definition)
    elif stored.state.deployments:
        definition = await ecs.task_definitions.get(stored.state.primary.task_definition_arn)
    balancers = stored.state.load_balancers
    given = request.get("loadBalancers")
    if given is None:
        given = [_balancer_shape(each) for each in balancers]
    if definition is not None and (wanted or "loadBalancers" in request):
        balancers = await _load_balancers(ecs, definition, given)
    grace = request.get("healthCheckGracePeriodSeconds")
    service_rules.check_counts(request.get("desiredCount"), grace, balanced=bool(balancers))

    def change(state: ServiceState) -> ServiceState:
        settings = _updated_settings(state.settings, request)
        if wanted and definition is not None:
            check_network(definition, settings.get("networkConfiguration"))
        after = replace(
            state,
            desired_count=request.get("desiredCount", state.desired_count),
            configuration=service_rules.configured(
                state.configuration, request.get("deploymentConfiguration")
            ),
            grace_seconds=state.grace_seconds if grace is None else grace,
            load_balancers=balancers,
            settings=settings,
        )
        if definition is not None and _begins_deployment(state, after, definition, request):
            after = replace(
                after,
                deployments=(ecs.services.new_deployment(definition), *state.deployments),
                task_tags=_task_tags(state.name, cluster, definition, settings, stored.tags),
            )
        return after if after == state else replace(after, steady=False)

    changed = await ecs.services.change(cluster, name, change)
    return {"service": await _described(ecs, changed, with_tags=True)}


async def delete_service(ecs: Ecs, call: Call, request: Request) -> Response:
    """Let a service drain; with force whatever its desired count is."""
    cluster = await ecs.clusters.active(request.get("cluster"))
    name = _name(cluster, request["service"])
    stored = await ecs.services.delete(cluster, name, force=request.get("force", False))
    return {"service": await _described(ecs, stored, with_tags=False)}


async def describe_services(ecs: Ecs, call: Call, request: Request) -> Response:
    """Return services by name or ARN, INACTIVE ones too."""
    cluster = await ecs.clusters.active(request.get("cluster"))
    if len(request["services"]) > _MOST_DESCRIBED:  # text unverified
        raise invalid(f"services can have at most {_MOST_DESCRIBED} items.")
    with_tags = "TAGS" in request.get("include", ())
    found, failures = [], []
    for given in request["services"]:
        stored = await ecs.services.get(cluster, _name(cluster, given))
        if stored is None:
            arn = given if given.startswith("arn:") else ecs.services.arn(cluster, given)
            failures.append({"arn": arn, "reason": "MISSING"})
        else:
            found.append(await _described(ecs, stored, with_tags=with_tags))
    return {"services": found, "failures": failures}


async def list_services(ecs: Ecs, call: Call, request: Request) -> Response:
    """Return the ARNs of a cluster's services that pass the filters."""
    cluster = await ecs.clusters.active(request.get("cluster"))
    services = await ecs.services.all(cluster)
    kind = request.get("launchType")
    if kind:
        services = [each for each in services if each.state.settings.get("launchType") == kind]
    if request.get("schedulingStrategy", "REPLICA") != "REPLICA":
        services = []
    shown, token = page(
        [each.state.arn for each in services],
        request.get("nextToken"),
        request.get("maxResults", 10),
        key=str,
        error_code="InvalidParameterException",
    )
    return {"serviceArns": shown, "nextToken": token}


async def _load_balancers(
    ecs: Ecs, definition: TaskDefinition, given: Any
) -> tuple[ServiceLoadBalancer, ...]:
    checked = []
    for each in given:
        group = each.get("targetGroupArn")
        if each.get("loadBalancerName"):
            raise invalid(f"The load balancer {each['loadBalancerName']} does not exist.")
        if not group:  # text unverified
            raise invalid("targetGroupArn can not be blank.")
        if each.get("advancedConfiguration"):
            raise invalid("Penstock does not support advancedConfiguration of load balancers.")
        kind = await ecs.services.target_type(group)
        service_rules.check_load_balancer(each, definition.document, kind)
        checked.append(
            ServiceLoadBalancer(group, each["containerName"], each["containerPort"], kind)
        )
    return tuple(checked)


def _balancer_shape(balancer: ServiceLoadBalancer) -> dict[str, Any]:
    return {
        "targetGroupArn": balancer.target_group_arn,
        "containerName": balancer.container_name,
        "containerPort": balancer.container_port,
    }


def _updated_settings(before: Mapping[str, Any], request: Request) -> dict[str, Any]:
    given = {name: request[name] for name in _KEPT if name in request}
    return {**before, **given}


def _begins_deployment(
    before: ServiceState, after: ServiceState, definition: TaskDefinition, request: Request
) -> bool:
    return (
        bool(request.get("forceNewDeployment"))
        or before.primary.task_definition_arn != definition.arn
        or before.load_balancers != after.load_balancers
        or any(before.settings.get(name) != after.settings.get(name) for name in _DEPLOYING)
    )


def _task_tags(
    name: str,
    cluster: Cluster,
    definition: TaskDefinition,
    settings: Mapping[str, Any],
    tags: Mapping[str, str],
) -> Mapping[str, str]:
    """What the service's tasks are tagged with: propagated tags, and ECS's own when managed."""
    source = settings.get("propagateTags", "NONE")
    found = {"SERVICE": tags, "TASK_DEFINITION": definition.tags}.get(source, {})
    propagated = {key: value for key, value in found.items() if not key.startswith("aws:")}
    if settings.get("enableECSManagedTags"):
        propagated |= {"aws:ecs:clusterName": cluster.name, "aws:ecs:serviceName": name}
    return propagated


def _name(cluster: Cluster, given: str) -> str:
    """Return the name in a service's name or ARN; refuse another cluster's."""
    resource = resource_of(given, "service/")
    if resource is None:
        return given
    of_cluster, _, name = resource.rpartition("/")
    if of_cluster and of_cluster != cluster.name:
        raise invalid(
            f"Invalid identifier: Identifier is for cluster {of_cluster}. Your cluster is "
            f"{cluster.name}"
        )
    return name


def _digest(request: Request) -> str:
    return hashlib.sha256(msgspec.json.encode(dict(request), order="sorted")).hexdigest()


async def _described(ecs: Ecs, stored: StoredService, *, with_tags: bool) -> dict[str, Any]:
    return described(await ecs.services.described(stored), with_tags=with_tags)


OPERATIONS = {
    "CreateService": create_service,
    "DeleteService": delete_service,
    "DescribeServices": describe_services,
    "ListServices": list_services,
    "UpdateService": update_service,
}
