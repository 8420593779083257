"""Registering and deregistering targets, and how healthy they are.

Source: https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_RegisterTargets.html
"""

from collections.abc import Iterable, Mapping
from ipaddress import IPv4Address, IPv4Network
from typing import Any

from penstock.aws.errors import ServiceError
from penstock.aws.service import Call, Request, Response
from penstock.workloads.container_instance import ec2_instance_id
from penstock.workloads.load_balancing.errors import (
    invalid,
    refused,
    target_group_not_found,
)
from penstock.workloads.load_balancing.health import NOT_REGISTERED
from penstock.workloads.load_balancing.load_balancing import LoadBalancing
from penstock.workloads.load_balancing.records import TargetGroup
from penstock.workloads.load_balancing.targets import Target, TargetHealth

_NETWORKS = tuple(
    map(IPv4Network, ("10.0.0.0/8", "100.64.0.0/10", "172.16.0.0/12", "192.168.0.0/16"))
)
"""As on AWS. The load balancer stands in the host's network: its loopback and the link-local
addresses would be whatever listens there for this machine alone."""


async def register_targets(load_balancing: LoadBalancing, call: Call, request: Request) -> Response:
    """Register targets; their checks begin when the group is in use."""
    group = await _group(load_balancing, request)
    targets = _targets(group, request["Targets"])
    for target in targets:
        _validate(load_balancing, group, target)
    await load_balancing.register_targets(group.arn, targets)
    return {}


async def deregister_targets(
    load_balancing: LoadBalancing, call: Call, request: Request
) -> Response:
    """Begin draining targets; without a port, all of that id."""
    group = await _group(load_balancing, request)
    registered = await load_balancing.target_health(group.arn)
    targets = []
    for given in request["Targets"]:
        if "Port" in given:
            targets.append(Target(given["Id"], given["Port"]))
        else:
            targets += [one.target for one in registered if one.target.id == given["Id"]]
    await load_balancing.deregister_targets(group.arn, targets)
    return {}


async def describe_target_health(
    load_balancing: LoadBalancing, call: Call, request: Request
) -> Response:
    """Return a group's targets, or those asked for, with their health."""
    group = await _group(load_balancing, request)
    found = await load_balancing.target_health(group.arn)
    if request.get("Targets"):
        by_target = {one.target: one for one in found}
        found = [
            by_target.get(target, _not_registered(target))
            for target in _targets(group, request["Targets"])
        ]
    return {"TargetHealthDescriptions": [_shape(group, one) for one in found]}


async def _group(load_balancing: LoadBalancing, request: Request) -> TargetGroup:
    group = await load_balancing.target_group(request["TargetGroupArn"])
    if group is None:
        raise target_group_not_found(request["TargetGroupArn"])
    return group


def _targets(group: TargetGroup, given: Iterable[Mapping[str, Any]]) -> list[Target]:
    return [Target(one["Id"], one.get("Port", group.port)) for one in given]


def _validate(load_balancing: LoadBalancing, group: TargetGroup, target: Target) -> None:
    if group.target_type == "ip":
        try:
            address = IPv4Address(target.id)
        except ValueError:
            # AWS's text: aws-cdk and terraform-provider-aws issues
            raise invalid(f"The IP address '{target.id}' is not a valid IPv4 address") from None
        if not any(address in network for network in _NETWORKS):  # text unverified
            raise invalid(
                f"The IP address '{target.id}' is not within 10.0.0.0/8, 100.64.0.0/10, "
                "172.16.0.0/12 or 192.168.0.0/16, and can't be registered"
            )
        return
    if target.port in load_balancing.place.own_ports:
        raise refused(
            f"Port {target.port} of this host is Penstock's own; expected an application's."
        )
    mine = ec2_instance_id(load_balancing.place.instance_id)
    if target.id != mine:
        # AWS's text: terraform-provider-aws issues
        raise ServiceError(
            "InvalidTargetException",
            f"The following targets are not in a running state and cannot be registered: "
            f"'{target.id}'" if target.id.startswith("i-")
            else f"Instance ID '{target.id}' is not valid",
        )  # fmt: skip


def _not_registered(target: Target) -> TargetHealth:
    return TargetHealth(
        target, NOT_REGISTERED.state, NOT_REGISTERED.reason, NOT_REGISTERED.description
    )


def _shape(group: TargetGroup, one: TargetHealth) -> dict[str, Any]:
    health: dict[str, Any] = {"State": str(one.state)}
    if one.reason:
        health["Reason"] = one.reason
    if one.description:
        health["Description"] = one.description
    port = group.health_check.port
    return {
        "Target": {"Id": one.target.id, "Port": one.target.port},
        "HealthCheckPort": str(one.target.port) if port == "traffic-port" else port,
        "TargetHealth": health,
    }
