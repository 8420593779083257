"""What a service may ask for: AWS's rules, and what Penstock does not do. Pure.

Texts: as AWS's users print them in reports; those marked so are unverified.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from penstock.aws.errors import ServiceError
from penstock.workloads.ecs.service_state import DeploymentConfiguration

_NAME = re.compile(r"[A-Za-z0-9_-]{1,255}")
_REFUSED = {
    "serviceRegistries": "there is no service discovery",
    "capacityProviderStrategy": "there are no capacity providers; use launchType",
    "volumeConfigurations": "there is no EBS",
    "vpcLatticeConfigurations": "there is no VPC Lattice",
    "gatewayConnectors": "there are no gateway connectors",
    "monitoring": "there is no monitoring of services",
    "placementConstraints": "there is one container instance, this host",
    "enableExecuteCommand": "there is no ECS Exec",
}
_REFUSED_OF_DEPLOYMENTS = {
    "alarms": "there are no CloudWatch alarms",
    "lifecycleHooks": "deployments have no lifecycle hooks",
    "bakeTimeInMinutes": "deployments are rolling updates",
    "linearConfiguration": "deployments are rolling updates",
    "canaryConfiguration": "deployments are rolling updates",
    "earlySuccessCriteria": "a deployment succeeds when all of its tasks are healthy",
}
_NETWORK_ROLE = "You cannot specify an IAM role for services that require a service linked role."


def invalid(message: str) -> ServiceError:
    """Return an InvalidParameterException."""
    return ServiceError("InvalidParameterException", message)


def check_name(name: str) -> None:
    """Raise InvalidParameterException for what is no name of a service. Text: unverified."""
    if not _NAME.fullmatch(name):
        raise invalid(
            f"Invalid service name {name!r}: expected up to 255 letters, numbers, underscores and "
            "hyphens."
        )


def check_supported(request: Mapping[str, Any]) -> None:
    """Raise UnsupportedFeatureException for what would have no effect here."""
    for member, why in _REFUSED.items():
        if request.get(member):
            raise _refused(member, why)
    if (request.get("serviceConnectConfiguration") or {}).get("enabled"):
        raise _refused("serviceConnectConfiguration", "there is no Service Connect")
    controller = (request.get("deploymentController") or {}).get("type", "ECS")
    if controller != "ECS":
        raise _refused(f"deploymentController {controller}", "use ECS, the rolling update")
    strategy = request.get("schedulingStrategy", "REPLICA")
    if strategy != "REPLICA":
        raise _refused(f"schedulingStrategy {strategy}", "use REPLICA with a desiredCount")
    _check_deployments(request.get("deploymentConfiguration") or {})


def _check_deployments(configuration: Mapping[str, Any]) -> None:
    for member, why in _REFUSED_OF_DEPLOYMENTS.items():
        value = configuration.get(member)
        if value and not (member == "alarms" and not value.get("enable")):
            raise _refused(f"deploymentConfiguration.{member}", why)
    strategy = configuration.get("strategy", "ROLLING")
    if strategy != "ROLLING":
        raise _refused(f"the deployment strategy {strategy}", "use ROLLING")


def configured(
    before: DeploymentConfiguration, given: Mapping[str, Any] | None
) -> DeploymentConfiguration:
    """Return a deployment configuration with a request's members; those absent stay.

    Raises InvalidParameterException for percentages with which nothing could be deployed.
    """
    values = given or {}
    breaker = values.get("deploymentCircuitBreaker")
    after = replace(
        before,
        minimum_healthy_percent=values.get("minimumHealthyPercent", before.minimum_healthy_percent),
        maximum_percent=values.get("maximumPercent", before.maximum_percent),
    )
    if breaker is not None:
        after = replace(
            after, breaker_enabled=breaker["enable"], breaker_rollback=breaker["rollback"]
        )
    least, most = after.minimum_healthy_percent, after.maximum_percent
    if not 0 <= least <= 100 or not 100 <= most <= 1000:  # text unverified
        raise invalid(
            f"Invalid deployment configuration: expected minimumHealthyPercent of 0 to 100 and "
            f"maximumPercent of 100 to 1000, found {least} and {most}."
        )
    if least == most == 100:
        raise invalid(
            "Both maximumPercent and minimumHealthyPercent cannot be 100 as this will block "
            "deployments."
        )
    return after


def check_load_balancer(
    wanted: Mapping[str, Any], definition: Mapping[str, Any], target_type: str
) -> None:
    """Raise InvalidParameterException unless a task can be registered as `wanted` says.

    `wanted` is the API's LoadBalancer, `definition` its TaskDefinition.
    """
    name, port = wanted.get("containerName"), wanted.get("containerPort")
    if not name:
        raise invalid("Container Name can not be blank.")
    if port is None:
        raise invalid("Container Port can not be blank.")
    container = next(
        (each for each in definition["containerDefinitions"] if each["name"] == name), None
    )
    if container is None:
        raise invalid(f"The container {name} does not exist in the task definition.")
    ports = [each.get("containerPort") for each in container.get("portMappings", ())]
    if port not in ports:
        raise invalid(f"The container {name} did not have a container port {port} defined.")
    mode = definition["networkMode"]
    if (mode == "awsvpc") != (target_type == "ip"):
        raise invalid(
            f"The provided target group {wanted['targetGroupArn']} has target type {target_type}, "
            f"which is incompatible with the {mode} network mode specified in the task definition."
        )


def check_role(role: str | None, *, balanced: bool, network_mode: str) -> None:
    """Raise InvalidParameterException for a role that a service cannot have."""
    if role and not balanced:
        raise invalid("A role was passed, but no load balancers were present.")
    if role and network_mode == "awsvpc":
        raise invalid(_NETWORK_ROLE)


def check_counts(desired_count: int | None, grace_seconds: int | None, *, balanced: bool) -> None:
    """Raise InvalidParameterException for counts that make no sense; None is not given."""
    if desired_count is not None and desired_count < 0:
        raise invalid("Desired count cannot be negative.")  # unverified
    if grace_seconds is not None and not balanced:
        raise invalid(
            "Health check grace period is only valid for services configured to use load balancers"
        )


def _refused(what: str, why: str) -> ServiceError:
    return ServiceError("UnsupportedFeatureException", f"Penstock does not support {what}: {why}.")
