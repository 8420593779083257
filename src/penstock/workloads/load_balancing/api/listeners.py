"""Operations on listeners.

Source: https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateListener.html
Texts: see `errors.py`; one that names no source beside it is unverified.
"""

from collections.abc import Mapping
from typing import Any

import msgspec
import sqlalchemy as sa

from penstock import ids
from penstock.arns import arn, parse_arn
from penstock.aws.errors import ServiceError
from penstock.aws.service import Call, Request, Response
from penstock.workloads.load_balancing import addresses, store
from penstock.workloads.load_balancing.actions import actions, target_group_arns
from penstock.workloads.load_balancing.api.paging import paged
from penstock.workloads.load_balancing.api.tags import given_tags
from penstock.workloads.load_balancing.api.target_groups import associate
from penstock.workloads.load_balancing.errors import (
    invalid,
    listener_not_found,
    refused,
)
from penstock.workloads.load_balancing.load_balancing import LoadBalancing
from penstock.workloads.load_balancing.records import Listener, LoadBalancer, Rule

_TLS_MEMBERS = ("Certificates", "SslPolicy", "AlpnPolicy", "MutualAuthentication")


async def create_listener(load_balancing: LoadBalancing, call: Call, request: Request) -> Response:
    """Make a listener; its port must be free on this machine."""
    for member in ("Protocol", "Port"):
        if member not in request:
            raise invalid(f"A listener {member.lower()} must be specified")
    _validate(request)
    chosen = actions(request["DefaultActions"])
    tags = given_tags(call, request)
    await load_balancing.settled()  # a port that was given up is free only then

    def create(connection: sa.Connection) -> Listener:
        balancer = store.load_balancer(connection, request["LoadBalancerArn"])
        _, _, *parts = parse_arn(balancer.arn).resource.split("/")
        number = ids.new_uuid().replace("-", "")[:16]
        made = Listener(
            arn=arn(
                "elasticloadbalancing",
                call.region,
                call.account_id,
                f"listener/app/{'/'.join(parts)}/{number}",
            ),
            load_balancer_arn=balancer.arn,
            port=request["Port"],
            protocol=request["Protocol"],
            actions=chosen,
        )
        _check_port(connection, balancer, made.port)
        associate(connection, target_group_arns(chosen), balancer)
        store.add(connection, made, call.now, tags)
        return made

    return {"Listeners": [_shape(await load_balancing.change(create))]}


async def describe_listeners(
    load_balancing: LoadBalancing, call: Call, request: Request
) -> Response:
    """Return a load balancer's listeners, or those asked for by ARN."""
    arns, balancer = request.get("ListenerArns"), request.get("LoadBalancerArn")
    if not arns and not balancer:
        # AWS's text: moto elbv2
        raise invalid("You must specify either listener ARNs or a load balancer ARN")

    def read(connection: sa.Connection) -> list[Listener]:
        if balancer:
            store.load_balancer(connection, balancer)
        return store.every(connection, Listener)

    found = await load_balancing.look(read)
    if balancer:
        found = [one for one in found if one.load_balancer_arn == balancer]
    if arns:
        found = [one for one in found if one.arn in arns]
        if len(found) < len(set(arns)):
            raise ServiceError("ListenerNotFoundException", "One or more listeners not found")
    chosen, following = paged(found, request)
    return {"Listeners": [_shape(one) for one in chosen], **following}


async def modify_listener(load_balancing: LoadBalancing, call: Call, request: Request) -> Response:
    """Change a listener's port or default actions, without a dropped connection."""
    _validate(request)
    given = request.get("DefaultActions")
    await load_balancing.settled()

    def modify(connection: sa.Connection) -> Listener:
        found = find_listener(connection, request["ListenerArn"])
        balancer = store.load_balancer(connection, found.load_balancer_arn)
        after = msgspec.structs.replace(
            found,
            port=request.get("Port", found.port),
            protocol=request.get("Protocol", found.protocol),
            actions=actions(given) if given else found.actions,
        )
        if after.port != found.port:
            _check_port(connection, balancer, after.port)
        associate(connection, target_group_arns(after.actions), balancer)
        store.replace(connection, after, call.now)
        return after

    return {"Listeners": [_shape(await load_balancing.change(modify))]}


async def delete_listener(load_balancing: LoadBalancing, call: Call, request: Request) -> Response:
    """Remove a listener with its rules."""

    def delete(connection: sa.Connection) -> None:
        found = find_listener(connection, request["ListenerArn"])
        for rule in store.every(connection, Rule):
            if rule.listener_arn == found.arn:
                store.remove(connection, rule)
        store.remove(connection, found)

    await load_balancing.change(delete)
    return {}


def find_listener(connection: sa.Connection, listener_arn: str) -> Listener:
    """Return a listener; ServiceError when there is none of that ARN."""
    found = store.find(connection, Listener, listener_arn)
    if found is None:
        raise listener_not_found(listener_arn)
    return found


def _check_port(connection: sa.Connection, balancer: LoadBalancer, port: int) -> None:
    """Raise ServiceError unless the port can be bound."""
    listeners = store.every(connection, Listener)
    mine = [one.port for one in listeners if one.load_balancer_arn == balancer.arn]
    if port in mine:
        # AWS's text: terraform-provider-aws issues
        raise ServiceError(
            "DuplicateListenerException",
            f"A listener already exists on this port for this load balancer '{balancer.arn}'",
        )
    if port in balancer.ports:
        return
    balancers = store.every(connection, LoadBalancer)
    beside = {one.arn: one for one in balancers if one.address == balancer.address}
    bound = {
        beside[one.load_balancer_arn].ports.get(one.port, one.port)
        for one in listeners
        if one.load_balancer_arn in beside
    } | {other for one in beside.values() for other in one.ports.values()}
    if port not in bound and addresses.is_free(balancer.address, port):
        return
    raise refused(
        f"Port {port} of {balancer.address} is taken on this machine. Expected a free port; "
        "end what listens there, or choose another port for the listener."
    )


def _validate(request: Mapping[str, Any]) -> None:
    if request.get("Protocol", "HTTP") != "HTTP" or any(map(request.get, _TLS_MEMBERS)):
        raise refused(
            "Penstock has listeners of protocol HTTP, without certificates; found "
            f"{request.get('Protocol', 'a certificate or policy')}."
        )


def _shape(listener: Listener) -> dict[str, Any]:
    return {
        "ListenerArn": listener.arn,
        "LoadBalancerArn": listener.load_balancer_arn,
        "Port": listener.port,
        "Protocol": listener.protocol,
        "DefaultActions": list(listener.actions),
    }
