"""AWS::ECS::Service: running tasks. It is ready when its deployment has completed.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-ecs-service.html
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from penstock.arns import resource_of
from penstock.aws import models
from penstock.aws import tags as tagging
from penstock.aws.errors import ServiceError
from penstock.aws.in_process import InProcess
from penstock.aws.service import Response
from penstock.stacks.handlers.api_shapes import (
    UnknownProperty,
    merged_tags,
    to_properties,
    to_request,
)
from penstock.stacks.handlers.handler import (
    Failed,
    HandlerErrorCode,
    InProgress,
    Progress,
    ResourceRequest,
    Succeeded,
    Support,
)
from penstock.stacks.handlers.physical_name import physical_name
from penstock.stacks.planning.unsupported import refused_property

_LONGEST_NAME = 255
_LOOK_AGAIN_SECONDS = 1.0
_BREAKER = "Error occurred during operation 'ECS Deployment Circuit Breaker was triggered'."
_CREATED = frozenset(
    {
        "AvailabilityZoneRebalancing", "CapacityProviderStrategy", "Cluster",
        "DeploymentConfiguration", "DeploymentController", "DesiredCount", "EnableECSManagedTags",
        "EnableExecuteCommand", "HealthCheckGracePeriodSeconds", "LaunchType", "LoadBalancers",
        "NetworkConfiguration", "PlacementConstraints", "PlatformVersion", "PropagateTags", "Role",
        "SchedulingStrategy", "ServiceConnectConfiguration", "ServiceRegistries", "TaskDefinition",
        "VolumeConfigurations", "VpcLatticeConfigurations",
    }
)  # fmt: skip
_OWN = frozenset({"ServiceName", "PlacementStrategies", "Tags", "ForceNewDeployment"})
_NOT_UPDATED = frozenset({"Cluster", "LaunchType", "Role", "SchedulingStrategy"})
_COMPARED = frozenset(
    {
        "Cluster", "DeploymentConfiguration", "DesiredCount", "EnableECSManagedTags",
        "HealthCheckGracePeriodSeconds", "LaunchType", "LoadBalancers", "PropagateTags",
        "SchedulingStrategy", "ServiceName", "TaskDefinition",
    }
)  # fmt: skip
"""What DescribeServices tells in the template's words."""
_UNSET: Mapping[str, Any] = {
    "DeploymentConfiguration": {
        "maximumPercent": 200,
        "minimumHealthyPercent": 100,
        "deploymentCircuitBreaker": {"enable": False, "rollback": False},
    },
    "EnableECSManagedTags": False,
    "LoadBalancers": [],
    "PropagateTags": "NONE",
}
"""What an update sends for a property that the template no longer has."""
_CODES = {
    "AccessDenied": HandlerErrorCode.ACCESS_DENIED,
    "AccessDeniedException": HandlerErrorCode.ACCESS_DENIED,
    "ClientException": HandlerErrorCode.INVALID_REQUEST,
    "ClusterNotFoundException": HandlerErrorCode.NOT_FOUND,
    "InvalidParameterException": HandlerErrorCode.INVALID_REQUEST,
    "ServiceNotActiveException": HandlerErrorCode.NOT_FOUND,
    "ServiceNotFoundException": HandlerErrorCode.NOT_FOUND,
    "UnsupportedFeatureException": HandlerErrorCode.INVALID_REQUEST,
    "ValidationException": HandlerErrorCode.INVALID_REQUEST,
}
_GONE = frozenset({"ClusterNotFoundException", "ServiceNotFoundException"})


class EcsService:
    """A service; Ref gives its ARN. Contexts name the deployment that is waited for."""

    support = Support.RUNNING
    properties = _CREATED | _OWN

    def __init__(self, in_process: InProcess) -> None:
        self._in_process = in_process

    async def create(self, request: ResourceRequest, context: Mapping[str, Any] | None) -> Progress:
        """Create the service, then wait until its deployment has completed."""
        try:
            if context is not None:
                return await self._wait(request, context)
            return _waiting(await self._make(request))
        except (ServiceError, UnknownProperty) as error:
            physical_id = request.physical_resource_id or (context or {}).get("arn")
            return _failed(request, error, physical_id)

    async def update(self, request: ResourceRequest, context: Mapping[str, Any] | None) -> Progress:
        """Update the service, then wait until it has what was asked for."""
        try:
            if context is not None:
                return await self._wait(request, context)
            return _waiting(await self._change(request))
        except (ServiceError, UnknownProperty) as error:
            return _failed(request, error, request.physical_resource_id)

    async def delete(self, request: ResourceRequest, context: Mapping[str, Any] | None) -> Progress:
        """Delete the service and wait until its tasks are gone."""
        arn = request.physical_resource_id
        if arn is None:
            return Succeeded("")
        try:
            if context is None:
                place = {"cluster": _cluster(arn), "service": arn}
                await self._call(request, "DeleteService", {**place, "force": True})
            found = await self._find(request, arn)
        except ServiceError as error:
            return Succeeded(arn) if error.code in _GONE else _failed(request, error, arn)
        if found is None or found["status"] == "INACTIVE":
            return Succeeded(arn)
        return InProgress(_LOOK_AGAIN_SECONDS, {"arn": arn}, arn)

    async def read(self, request: ResourceRequest) -> Succeeded | None:
        """Return the service while it is ACTIVE."""
        assert request.physical_resource_id is not None
        try:
            found = await self._find(request, request.physical_resource_id)
        except ServiceError as error:
            if error.code in _GONE:
                return None
            raise
        return None if found is None or found["status"] != "ACTIVE" else _described(found)

    async def actual_properties(self, request: ResourceRequest) -> Mapping[str, Any] | None:
        """Return the service's settings; a cluster or task definition as the template names it."""
        assert request.physical_resource_id is not None
        if await self.read(request) is None:
            return None
        found = await self._find(request, request.physical_resource_id)
        shape = models.load("ecs").operation("DescribeServices").output_shape
        told = to_properties(shape.members["services"].member, found)
        told["Cluster"] = told.get("ClusterArn")
        given = request.properties
        for name in ("Cluster", "TaskDefinition"):
            told[name] = _as_named(given.get(name), told.get(name))
        return {name: told.get(name) for name in given.keys() & _COMPARED}

    async def _make(self, request: ResourceRequest) -> Mapping[str, Any]:
        """Create the service; a crash between this and the answer finds it, since the same request
        returns the same service."""
        wanted = self._request(request, "CreateService", _CREATED)
        wanted["serviceName"] = _name(request)
        if "desiredCount" not in wanted:
            wanted["desiredCount"] = 1
        tags = merged_tags(request, request.properties.get("Tags"))
        wanted["tags"] = tagging.to_pairs(tags, "key", "value")
        answer = await self._call(request, "CreateService", wanted)
        service: Mapping[str, Any] = answer["service"]
        return service

    async def _change(self, request: ResourceRequest) -> Mapping[str, Any]:
        """Send what differs. What a crash interrupted is sent again: it is what is there by then,
        unless a deployment was forced, which begins another one."""
        arn = request.physical_resource_id
        assert arn is not None
        before, after = request.previous_properties, request.properties
        names = {name for name in _CREATED - _NOT_UPDATED if before.get(name) != after.get(name)}
        wanted = self._request(request, "UpdateService", names)
        for name in names - after.keys():
            if name in _UNSET:
                wanted[name[0].lower() + name[1:]] = _UNSET[name]
        if "HealthCheckGracePeriodSeconds" in names - after.keys() and after.get("LoadBalancers"):
            wanted["healthCheckGracePeriodSeconds"] = 0
        forced = after.get("ForceNewDeployment")
        if forced and forced != before.get("ForceNewDeployment"):
            wanted["forceNewDeployment"] = str(forced.get("EnableForceNewDeployment")) in _TRUE
        place = {"cluster": _cluster(arn), "service": arn}
        await self._retag(request, arn)
        answer = await self._call(request, "UpdateService", {**wanted, **place})
        service: Mapping[str, Any] = answer["service"]
        return service

    async def _retag(self, request: ResourceRequest, arn: str) -> None:
        before = merged_tags(
            msgspec.structs.replace(request, tags=request.previous_tags),
            request.previous_properties.get("Tags"),
        )
        after = merged_tags(request, request.properties.get("Tags"))
        added = {key: value for key, value in after.items() if before.get(key) != value}
        removed = sorted(before.keys() - after.keys())
        if removed:
            await self._call(request, "UntagResource", {"resourceArn": arn, "tagKeys": removed})
        if added:
            pairs = tagging.to_pairs(added, "key", "value")
            await self._call(request, "TagResource", {"resourceArn": arn, "tags": pairs})

    async def _wait(self, request: ResourceRequest, context: Mapping[str, Any]) -> Progress:
        arn = str(context["arn"])
        found = await self._find(request, arn)
        if found is None or found["status"] != "ACTIVE":
            message = f"Service {arn} was deleted while it was waited for."
            return Failed(HandlerErrorCode.NOT_STABILIZED, message, arn)
        primary = found["deployments"][0]
        failed = primary["rolloutState"] == "FAILED" or _is_older(primary, context)
        if failed:
            return Failed(HandlerErrorCode.GENERAL_SERVICE_EXCEPTION, _BREAKER, arn)
        settled = len(found["deployments"]) == 1 and primary["rolloutState"] == "COMPLETED"
        if settled and found["runningCount"] == found["desiredCount"]:
            return _described(found)
        return InProgress(_LOOK_AGAIN_SECONDS, context, arn)

    async def _find(self, request: ResourceRequest, arn: str) -> Mapping[str, Any] | None:
        answer = await self._call(
            request, "DescribeServices", {"cluster": _cluster(arn), "services": [arn]}
        )
        return next(iter(answer["services"]), None)

    def _request(
        self, request: ResourceRequest, operation: str, names: set[str] | frozenset[str]
    ) -> dict[str, Any]:
        properties = request.properties
        for name in sorted(properties.keys() - self.properties):
            raise UnknownProperty(f"/{name}")
        given = {name: properties[name] for name in names if name in properties}
        wanted = to_request("ecs", operation, given)
        strategies = properties.get("PlacementStrategies")
        if strategies is not None:
            wanted |= to_request("ecs", operation, {"PlacementStrategy": strategies})
        return wanted

    async def _call(
        self, request: ResourceRequest, operation: str, parameters: Mapping[str, Any]
    ) -> Response:
        return await self._in_process.call(
            request.principal, "ecs", operation, parameters, via=tagging.CLOUDFORMATION
        )


_TRUE = frozenset({"True", "true"})


def _as_named(given: Any, found: Any) -> Any:
    """Return the name that the template gives, where it means the ARN that is found."""
    if given is None or found is None:
        return found
    name = str(found).rpartition("/")[2]
    return given if given in {found, name, name.partition(":")[0]} else found


def _name(request: ResourceRequest) -> str:
    name = request.properties.get("ServiceName")
    return str(name) if name else physical_name(request, _LONGEST_NAME)


def _cluster(arn: str) -> str:
    """The cluster in a service's ARN."""
    return (resource_of(arn, "service/") or "default/").partition("/")[0]


def _waiting(service: Mapping[str, Any]) -> InProgress:
    primary = service["deployments"][0]
    context = {
        "arn": service["serviceArn"],
        "deployment": primary["id"],
        "createdAt": primary["createdAt"].isoformat(),
    }
    return InProgress(_LOOK_AGAIN_SECONDS, context, service["serviceArn"])


def _is_older(primary: Mapping[str, Any], context: Mapping[str, Any]) -> bool:
    """Tell whether the service went back behind the deployment that is waited for."""
    if primary["id"] == context["deployment"]:
        return False
    created: datetime = primary["createdAt"]
    return created < datetime.fromisoformat(context["createdAt"])


def _described(service: Mapping[str, Any]) -> Succeeded:
    arn = service["serviceArn"]
    return Succeeded(arn, {"Name": service["serviceName"], "ServiceArn": arn})


def _failed(
    request: ResourceRequest, error: ServiceError | UnknownProperty, physical_id: str | None
) -> Failed:
    if isinstance(error, UnknownProperty):
        message = refused_property(str(error), request.resource_type)
        return Failed(HandlerErrorCode.INVALID_REQUEST, message, physical_id)
    code = _CODES.get(error.code, HandlerErrorCode.GENERAL_SERVICE_EXCEPTION)
    return Failed(code, error.message, physical_id)
