"""Attributes of load balancers and target groups."""

import msgspec
import sqlalchemy as sa

from penstock.aws.service import Call, Request, Response
from penstock.workloads.load_balancing import attributes, store
from penstock.workloads.load_balancing.load_balancing import LoadBalancing
from penstock.workloads.load_balancing.records import LoadBalancer, TargetGroup


async def describe_load_balancer_attributes(
    load_balancing: LoadBalancing, call: Call, request: Request
) -> Response:
    """Return a load balancer's attributes."""
    arn = request["LoadBalancerArn"]
    found = await load_balancing.look(lambda c: store.load_balancer(c, arn))
    return {"Attributes": attributes.to_pairs(found.attributes)}


async def modify_load_balancer_attributes(
    load_balancing: LoadBalancing, call: Call, request: Request
) -> Response:
    """Change some of a load balancer's attributes."""

    def modify(connection: sa.Connection) -> LoadBalancer:
        found = store.load_balancer(connection, request["LoadBalancerArn"])
        after = attributes.changed(
            "Load balancer", attributes.LOAD_BALANCER, found.attributes, request["Attributes"]
        )
        changed = msgspec.structs.replace(found, attributes=after)
        store.replace(connection, changed, call.now)
        return changed

    changed = await load_balancing.change(modify)
    return {"Attributes": attributes.to_pairs(changed.attributes)}


async def describe_target_group_attributes(
    load_balancing: LoadBalancing, call: Call, request: Request
) -> Response:
    """Return a target group's attributes."""
    arn = request["TargetGroupArn"]
    found = await load_balancing.look(lambda c: store.target_group(c, arn))
    return {"Attributes": attributes.to_pairs(found.attributes)}


async def modify_target_group_attributes(
    load_balancing: LoadBalancing, call: Call, request: Request
) -> Response:
    """Change some of a target group's attributes."""

    def modify(connection: sa.Connection) -> TargetGroup:
        found = store.target_group(connection, request["TargetGroupArn"])
        after = attributes.changed(
            "Target group", attributes.TARGET_GROUP, found.attributes, request["Attributes"]
        )
        changed = msgspec.structs.replace(found, attributes=after)
        store.replace(connection, changed, call.now)
        return changed

    changed = await load_balancing.change(modify)
    return {"Attributes": attributes.to_pairs(changed.attributes)}
