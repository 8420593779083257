"""Operations on load balancers.

Source: https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateLoadBalancer.html
Texts: see `errors.py`; one that names no source beside it is unverified.
"""

from typing import Any

import msgspec
import sqlalchemy as sa

from penstock import ids
from penstock.arns import arn
from penstock.aws.errors import ServiceError
from penstock.aws.service import Call, Request, Response
from penstock.workloads.load_balancing import addresses, attributes, store
from penstock.workloads.load_balancing.api.names import valid_name
from penstock.workloads.load_balancing.api.paging import paged
from penstock.workloads.load_balancing.api.tags import given_tags
from penstock.workloads.load_balancing.errors import invalid, refused
from penstock.workloads.load_balancing.load_balancing import LoadBalancing
from penstock.workloads.load_balancing.records import Listener, LoadBalancer, Rule

_HOSTED_ZONE = "Z35SXDOTRQ7X7K"
"""AWS's hosted zone of application load balancers in us-east-1. Source:
https://docs.aws.amazon.com/general/latest/gr/elb.html"""
_UNSUPPORTED = ("CustomerOwnedIpv4Pool", "EnablePrefixForIpv6SourceNat", "IpamPools")


async def create_load_balancer(
    load_balancing: LoadBalancing, call: Call, request: Request
) -> Response:
    """Make a load balancer; the same request again returns the one that is there."""
    name = request["Name"]
    valid_name("Load balancer", name)
    _validate(request)
    tags = given_tags(call, request)
    wanted = {
        "scheme": request.get("Scheme", "internet-facing"),
        "subnets": _subnets(request),
        "security_groups": tuple(request.get("SecurityGroups", ())),
    }
    number = ids.new_uuid().replace("-", "")[:16]
    new_arn = arn(
        "elasticloadbalancing", call.region, call.account_id, f"loadbalancer/app/{name}/{number}"
    )

    def create(connection: sa.Connection) -> tuple[LoadBalancer, bool]:
        existing = store.every(connection, LoadBalancer)
        for one in existing:
            if one.name == name:
                same = all(getattr(one, field) == value for field, value in wanted.items())
                if same and store.tags(connection, one.arn) == tags:
                    return one, False
                raise ServiceError(
                    "DuplicateLoadBalancerNameException",
                    f"A load balancer with the same name '{name}' exists, but with different "
                    "settings",
                )
        shared = load_balancing.place.address
        address = shared or addresses.own_address(new_arn, {one.address for one in existing})
        made = LoadBalancer(
            name=name,
            arn=new_arn,
            address=address,
            ports=_ports(new_arn, address, existing),
            created_at=call.now,
            attributes=dict(attributes.LOAD_BALANCER),
            **wanted,
        )
        store.add(connection, made, call.now, tags)
        return made, True

    made, _ = await load_balancing.change(create)
    return {"LoadBalancers": [shape(load_balancing, made)]}


async def describe_load_balancers(
    load_balancing: LoadBalancing, call: Call, request: Request
) -> Response:
    """Return load balancers: those asked for by ARN or by name, or all."""
    found = await load_balancing.look(lambda c: store.every(c, LoadBalancer))
    arns, names = request.get("LoadBalancerArns"), request.get("Names")
    if arns:
        found = [one for one in found if one.arn in arns]
        if len(found) < len(set(arns)):
            raise ServiceError(
                "LoadBalancerNotFoundException", "One or more load balancers not found"
            )
    if names:
        found = [one for one in found if one.name in names]
        missing = [name for name in names if name not in {one.name for one in found}]
        if missing:
            raise ServiceError(
                "LoadBalancerNotFoundException",
                f"Load balancers '[{', '.join(missing)}]' not found",
            )
    chosen, following = paged(found, request)
    return {"LoadBalancers": [shape(load_balancing, one) for one in chosen], **following}


async def delete_load_balancer(
    load_balancing: LoadBalancing, call: Call, request: Request
) -> Response:
    """Remove a load balancer with its listeners; one that is gone is no error."""

    def delete(connection: sa.Connection) -> None:
        found = store.find(connection, LoadBalancer, request["LoadBalancerArn"])
        if found is None:
            return
        if found.attributes["deletion_protection.enabled"] == "true":
            raise ServiceError(
                "OperationNotPermittedException",
                f"Load balancer '{found.arn}' cannot be deleted because deletion protection is "
                "enabled",
            )
        mine = [
            one for one in store.every(connection, Listener) if one.load_balancer_arn == found.arn
        ]
        listeners = {one.arn for one in mine}
        for rule in store.every(connection, Rule):
            if rule.listener_arn in listeners:
                store.remove(connection, rule)
        for listener in mine:
            store.remove(connection, listener)
        store.remove(connection, found)

    await load_balancing.change(delete)
    return {}


async def set_security_groups(
    load_balancing: LoadBalancing, call: Call, request: Request
) -> Response:
    """Keep other security groups; they do nothing here."""
    groups = tuple(request["SecurityGroups"])
    await _replaced(load_balancing, call, request["LoadBalancerArn"], security_groups=groups)
    return {"SecurityGroupIds": list(groups)}


async def set_subnets(load_balancing: LoadBalancing, call: Call, request: Request) -> Response:
    """Keep other subnets; they do nothing here."""
    subnets = _subnets(request)
    if not subnets:
        raise invalid("At least two subnets in two different Availability Zones must be specified")
    made = await _replaced(load_balancing, call, request["LoadBalancerArn"], subnets=subnets)
    return {"AvailabilityZones": _zones(load_balancing, made), "IpAddressType": "ipv4"}


def shape(load_balancing: LoadBalancing, one: LoadBalancer) -> dict[str, Any]:
    """Return a load balancer as the API describes it."""
    return {
        "LoadBalancerArn": one.arn,
        "LoadBalancerName": one.name,
        "DNSName": one.dns_name,
        "CanonicalHostedZoneId": _HOSTED_ZONE,
        "CreatedTime": one.created_at,
        "Scheme": one.scheme,
        "State": {"Code": "active" if load_balancing.applied else "provisioning"},
        "Type": "application",
        "AvailabilityZones": _zones(load_balancing, one),
        "SecurityGroups": list(one.security_groups),
        "IpAddressType": "ipv4",
    }


async def _replaced(
    load_balancing: LoadBalancing, call: Call, load_balancer_arn: str, **changes: Any
) -> LoadBalancer:
    def replace(connection: sa.Connection) -> LoadBalancer:
        found = store.load_balancer(connection, load_balancer_arn)
        after = msgspec.structs.replace(found, **changes)
        store.replace(connection, after, call.now)
        return after

    return await load_balancing.change(replace)


def _validate(request: Request) -> None:
    kind = request.get("Type", "application")
    if kind != "application":
        raise refused(f"Penstock has load balancers of type application; found {kind}.")
    if request.get("IpAddressType", "ipv4") != "ipv4":
        raise refused("Penstock has load balancers of IpAddressType ipv4 only.")
    for member in _UNSUPPORTED:
        if request.get(member):
            raise refused(f"Penstock does not offer {member} of load balancers; leave it out.")
    if not _subnets(request):
        # AWS's text: aws-cdk and terraform-provider-aws issues
        raise invalid("At least two subnets in two different Availability Zones must be specified")


def _subnets(request: Request) -> tuple[str, ...]:
    mapped = [mapping.get("SubnetId", "") for mapping in request.get("SubnetMappings", ())]
    return tuple(request.get("Subnets") or mapped)


def _ports(arn: str, address: str, existing: list[LoadBalancer]) -> dict[int, int]:
    """Return what stands for port 80 where that one is taken on this machine, or another load
    balancer's on an address that they share."""
    beside = [one for one in existing if one.address == address]
    if not beside and addresses.is_free(address, 80):
        return {}
    taken = {port for one in beside for port in one.ports.values()}
    return {80: addresses.stand_in(arn, address, 80, taken)}


def _zones(load_balancing: LoadBalancing, one: LoadBalancer) -> list[dict[str, Any]]:
    """Each subnet counts as one of another zone: there is one host, and no zones."""
    region = load_balancing.place.region
    return [
        {"SubnetId": subnet, "ZoneName": f"{region}{chr(ord('a') + index % 6)}"}
        for index, subnet in enumerate(one.subnets)
    ]
