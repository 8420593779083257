"""Operations on target groups.

Source: https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateTargetGroup.html
Texts: see `errors.py`; one that names no source beside it is unverified.
"""

from collections.abc import Mapping
from typing import Any

import msgspec
import sqlalchemy as sa

from penstock import ids
from penstock.arns import arn
from penstock.aws.errors import ServiceError
from penstock.aws.service import Call, Request, Response
from penstock.storage import load_balancing_targets
from penstock.workloads.load_balancing import attributes, snapshot, store
from penstock.workloads.load_balancing.api.health_checks import health_check
from penstock.workloads.load_balancing.api.names import valid_name
from penstock.workloads.load_balancing.api.paging import paged
from penstock.workloads.load_balancing.api.tags import given_tags
from penstock.workloads.load_balancing.errors import (
    invalid,
    load_balancer_not_found,
    refused,
)
from penstock.workloads.load_balancing.load_balancing import LoadBalancing
from penstock.workloads.load_balancing.records import LoadBalancer, TargetGroup
from penstock.workloads.load_balancing.snapshot import Snapshot

_TARGET_TYPES = ("instance", "ip")


async def create_target_group(
    load_balancing: LoadBalancing, call: Call, request: Request
) -> Response:
    """Make a target group; the same request again returns the one that is there."""
    name = request["Name"]
    valid_name("Target group", name)
    _validate(request)
    tags = given_tags(call, request)
    number = ids.new_uuid().replace("-", "")[:16]
    made = TargetGroup(
        name=name,
        arn=arn(
            "elasticloadbalancing", call.region, call.account_id, f"targetgroup/{name}/{number}"
        ),
        protocol=request["Protocol"],
        port=request["Port"],
        vpc_id=request.get("VpcId"),
        target_type=request.get("TargetType", "instance"),
        health_check=health_check(request),
        attributes=dict(attributes.TARGET_GROUP),
    )

    def create(connection: sa.Connection) -> TargetGroup:
        for one in store.every(connection, TargetGroup):
            if one.name == name:
                same = msgspec.structs.replace(made, arn=one.arn, attributes=one.attributes)
                if one == same and store.tags(connection, one.arn) == tags:
                    return one
                raise ServiceError(
                    "DuplicateTargetGroupNameException",
                    f"A target group with the same name '{name}' exists, but with different "
                    "settings",
                )
        store.add(connection, made, call.now, tags)
        return made

    group = await load_balancing.change(create)
    return {"TargetGroups": [_shape(group, await load_balancing.snapshot())]}


async def describe_target_groups(
    load_balancing: LoadBalancing, call: Call, request: Request
) -> Response:
    """Return target groups: those asked for by ARN, name or load balancer, or all."""
    stored = await load_balancing.snapshot()
    found = list(stored.target_groups.values())
    arns, names = request.get("TargetGroupArns"), request.get("Names")
    balancer = request.get("LoadBalancerArn")
    if arns:
        found = [one for one in found if one.arn in arns]
        if len(found) < len(set(arns)):
            raise _not_all()
    if names:
        found = [one for one in found if one.name in names]
        if len(found) < len(set(names)):
            raise _not_all()
    if balancer:
        if balancer not in {one.arn for one in stored.load_balancers}:
            raise load_balancer_not_found(balancer)
        found = [one for one in found if balancer in stored.users(one.arn)]
    chosen, following = paged(found, request)
    return {"TargetGroups": [_shape(one, stored) for one in chosen], **following}


async def modify_target_group(
    load_balancing: LoadBalancing, call: Call, request: Request
) -> Response:
    """Change how a group's targets are checked."""
    _validate_health_check(request)

    def modify(connection: sa.Connection) -> TargetGroup:
        found = store.target_group(connection, request["TargetGroupArn"])
        after = msgspec.structs.replace(
            found, health_check=health_check(request, found.health_check)
        )
        store.replace(connection, after, call.now)
        return after

    group = await load_balancing.change(modify)
    return {"TargetGroups": [_shape(group, await load_balancing.snapshot())]}


async def delete_target_group(
    load_balancing: LoadBalancing, call: Call, request: Request
) -> Response:
    """Remove a target group that nothing forwards to; one that is gone is no error."""
    group_arn = request["TargetGroupArn"]

    def delete(connection: sa.Connection) -> None:
        found = store.find(connection, TargetGroup, group_arn)
        if found is None:
            return
        if snapshot.read(connection).users(group_arn):
            # AWS's text: terraform-provider-aws#636
            raise ServiceError(
                "ResourceInUseException",
                f"Target group '{group_arn}' is currently in use by a listener or a rule",
            )
        load_balancing_targets.remove_group(connection, group_arn)
        store.remove(connection, found)

    await load_balancing.change(delete)
    return {}


def associate(connection: sa.Connection, group_arns: list[str], balancer: LoadBalancer) -> None:
    """Raise ServiceError unless a load balancer may forward to these groups."""
    stored = snapshot.read(connection)
    missing = [one for one in group_arns if one not in stored.target_groups]
    if missing:
        raise ServiceError(
            "TargetGroupNotFoundException", f"Target groups '{', '.join(missing)}' not found"
        )
    elsewhere = [one for one in group_arns if set(stored.users(one)) - {balancer.arn}]
    if elsewhere:
        # AWS's text: terraform-provider-aws and aws-load-balancer-controller issues
        raise ServiceError(
            "TargetGroupAssociationLimitException",
            "The following target groups cannot be associated with more than one load balancer: "
            + ", ".join(elsewhere),
        )


def _shape(group: TargetGroup, stored: Snapshot) -> dict[str, Any]:
    check = group.health_check
    vpc = {} if group.vpc_id is None else {"VpcId": group.vpc_id}
    return {
        "TargetGroupArn": group.arn,
        "TargetGroupName": group.name,
        "Protocol": group.protocol,
        "ProtocolVersion": "HTTP1",
        "Port": group.port,
        **vpc,
        "TargetType": group.target_type,
        "IpAddressType": "ipv4",
        "HealthCheckEnabled": True,
        "HealthCheckProtocol": check.protocol,
        "HealthCheckPort": check.port,
        "HealthCheckPath": check.path,
        "HealthCheckIntervalSeconds": check.interval_seconds,
        "HealthCheckTimeoutSeconds": check.timeout_seconds,
        "HealthyThresholdCount": check.healthy_threshold,
        "UnhealthyThresholdCount": check.unhealthy_threshold,
        "Matcher": {"HttpCode": check.matcher},
        "LoadBalancerArns": stored.users(group.arn),
    }


def _validate(request: Request) -> None:
    kind = request.get("TargetType", "instance")
    if kind not in _TARGET_TYPES:
        raise refused(f"Penstock has targets of type {' and '.join(_TARGET_TYPES)}; found {kind}.")
    for member in ("Protocol", "Port"):
        if member not in request:
            # AWS's text: moto elbv2 ("A protocol must be specified")
            raise invalid(f"A {member.lower()} must be specified")
    if request["Protocol"] != "HTTP":
        raise refused(f"Penstock has target groups of protocol HTTP; found {request['Protocol']}.")
    if request.get("ProtocolVersion", "HTTP1") != "HTTP1":
        raise refused("Penstock has target groups of ProtocolVersion HTTP1 only.")
    if request.get("IpAddressType", "ipv4") != "ipv4":
        raise refused("Penstock has target groups of IpAddressType ipv4 only.")
    if request.get("TargetControlPort"):
        raise refused("Penstock has no TargetControlPort; leave it out.")
    if not request.get("VpcId"):
        # AWS's text: moto elbv2
        raise invalid("A VPC ID must be specified")
    _validate_health_check(request)


def _validate_health_check(request: Mapping[str, Any]) -> None:
    if request.get("HealthCheckEnabled") is False:
        # AWS's text: terraform-provider-aws issues
        raise invalid("Health check enabled must be true for target groups with target type "
                      "'instance' or 'ip'")  # fmt: skip
    if request.get("HealthCheckProtocol", "HTTP") != "HTTP":
        raise refused("Penstock checks targets with HealthCheckProtocol HTTP only.")


def _not_all() -> ServiceError:
    return ServiceError("TargetGroupNotFoundException", "One or more target groups not found")
