"""Operations on listeners' rules.

Source: https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateRule.html
Texts: see `errors.py`; one that names no source beside it is unverified.
"""

from typing import Any

import msgspec
import sqlalchemy as sa

from penstock import ids
from penstock.arns import arn, parse_arn
from penstock.aws.errors import ServiceError
from penstock.aws.pagination import page
from penstock.aws.service import Call, Request, Response
from penstock.workloads.load_balancing import store
from penstock.workloads.load_balancing.actions import actions, target_group_arns
from penstock.workloads.load_balancing.api.listeners import find_listener
from penstock.workloads.load_balancing.api.tags import given_tags
from penstock.workloads.load_balancing.api.target_groups import associate
from penstock.workloads.load_balancing.conditions import conditions
from penstock.workloads.load_balancing.errors import (
    invalid,
    refused,
    rule_not_found,
)
from penstock.workloads.load_balancing.load_balancing import LoadBalancing
from penstock.workloads.load_balancing.records import Listener, Rule

_MOST = 400
_DEFAULT = "default"


async def create_rule(load_balancing: LoadBalancing, call: Call, request: Request) -> Response:
    """Add a rule to a listener."""
    _validate(request)
    chosen, tested = actions(request["Actions"]), conditions(request["Conditions"])
    tags = given_tags(call, request)

    def create(connection: sa.Connection) -> Rule:
        listener = find_listener(connection, request["ListenerArn"])
        _validate_priorities(connection, listener.arn, {"": request["Priority"]})
        resource = parse_arn(listener.arn).resource.removeprefix("listener/")
        number = ids.new_uuid().replace("-", "")[:16]
        made = Rule(
            arn=arn(
                "elasticloadbalancing",
                call.region,
                call.account_id,
                f"listener-rule/{resource}/{number}",
            ),
            listener_arn=listener.arn,
            priority=request["Priority"],
            conditions=tested,
            actions=chosen,
        )
        associate(
            connection,
            target_group_arns(chosen),
            store.load_balancer(connection, listener.load_balancer_arn),
        )
        store.add(connection, made, call.now, tags)
        return made

    return {"Rules": [_shape(await load_balancing.change(create))]}


async def describe_rules(load_balancing: LoadBalancing, call: Call, request: Request) -> Response:
    """Return a listener's rules in order of priority, the default one last; or some by ARN."""
    arns, listener_arn = request.get("RuleArns"), request.get("ListenerArn")
    if bool(arns) == bool(listener_arn):
        # AWS's text: moto elbv2
        raise invalid(
            "A listener rule ARN and a listener ARN cannot be specified at the same time" if arns
            else "You must specify either listener rule ARNs or a listener ARN"
        )  # fmt: skip

    def read(connection: sa.Connection) -> list[dict[str, Any]]:
        rules = sorted(store.every(connection, Rule), key=lambda rule: rule.priority)
        if arns:
            listeners = store.every(connection, Listener)
            shapes = [*map(_shape, rules), *map(_default, listeners)]
            found = [one for one in shapes if one["RuleArn"] in arns]
            if len(found) < len(set(arns)):
                raise ServiceError("RuleNotFoundException", "One or more rules not found")
            return found
        listener = find_listener(connection, listener_arn or "")
        mine = [_shape(rule) for rule in rules if rule.listener_arn == listener.arn]
        return [*mine, _default(listener)]

    numbered = list(enumerate(await load_balancing.look(read)))
    chosen, following = page(
        numbered,
        request.get("Marker"),
        request.get("PageSize", _MOST),
        lambda one: one[0],
        error_code="ValidationError",
    )
    marker = {"NextMarker": following} if following else {}
    return {"Rules": [one for _, one in chosen], **marker}


async def modify_rule(load_balancing: LoadBalancing, call: Call, request: Request) -> Response:
    """Change a rule's conditions or actions."""
    _validate(request)
    if not request.get("Conditions") and not request.get("Actions"):
        # AWS's text: moto elbv2
        raise invalid("Either conditions or actions must be specified")

    def modify(connection: sa.Connection) -> Rule:
        found = _rule(connection, request["RuleArn"])
        given, tested = request.get("Actions"), request.get("Conditions")
        after = msgspec.structs.replace(
            found,
            actions=actions(given) if given else found.actions,
            conditions=conditions(tested) if tested else found.conditions,
        )
        listener = find_listener(connection, found.listener_arn)
        associate(
            connection,
            target_group_arns(after.actions),
            store.load_balancer(connection, listener.load_balancer_arn),
        )
        store.replace(connection, after, call.now)
        return after

    return {"Rules": [_shape(await load_balancing.change(modify))]}


async def delete_rule(load_balancing: LoadBalancing, call: Call, request: Request) -> Response:
    """Remove a rule; a listener's default one goes with its listener alone."""
    await load_balancing.change(lambda c: store.remove(c, _rule(c, request["RuleArn"], "deleted")))
    return {}


async def set_rule_priorities(
    load_balancing: LoadBalancing, call: Call, request: Request
) -> Response:
    """Change the priorities of several rules of one listener at once."""
    wanted = {pair["RuleArn"]: pair["Priority"] for pair in request["RulePriorities"]}

    def change(connection: sa.Connection) -> list[Rule]:
        found = [_rule(connection, rule_arn, "modified") for rule_arn in wanted]
        listeners = {rule.listener_arn for rule in found}
        if len(listeners) > 1:
            raise invalid("All rules must belong to the same listener")
        _validate_priorities(connection, listeners.pop(), wanted)
        changed = [msgspec.structs.replace(rule, priority=wanted[rule.arn]) for rule in found]
        for rule in changed:
            store.replace(connection, rule, call.now)
        return changed

    return {"Rules": [_shape(rule) for rule in await load_balancing.change(change)]}


def _validate(request: Request) -> None:
    if request.get("Transforms") or request.get("ResetTransforms"):
        raise refused("Penstock has no Transforms of rules; leave them out.")


def _validate_priorities(
    connection: sa.Connection, listener_arn: str, wanted: dict[str, int]
) -> None:
    priorities = list(wanted.values())
    for priority in priorities:
        if priorities.count(priority) > 1:
            # AWS's text: moto elbv2
            raise invalid(f"Priority '{priority}' was provided multiple times")
    for rule in store.every(connection, Rule):
        if (
            rule.listener_arn == listener_arn
            and rule.arn not in wanted
            and rule.priority in priorities
        ):
            # AWS's text: terraform-provider-aws and aws-load-balancer-controller issues
            raise ServiceError(
                "PriorityInUseException", f"Priority '{rule.priority}' is currently in use"
            )


def _rule(connection: sa.Connection, rule_arn: str, done: str = "modified") -> Rule:
    found = store.find(connection, Rule, rule_arn)
    if found is None:
        if any(_default_arn(one) == rule_arn for one in store.every(connection, Listener)):
            # AWS's text: moto elbv2 and terraform-provider-aws issues
            raise ServiceError(
                "OperationNotPermittedException",
                f"Default rule '{rule_arn}' cannot be {done}",
            )
        raise rule_not_found(rule_arn)
    return found


def _default_arn(listener: Listener) -> str:
    number = ids.derived_uuid("default rule", listener.arn).replace("-", "")[:16]
    return f"{listener.arn.replace(':listener/', ':listener-rule/')}/{number}"


def _default(listener: Listener) -> dict[str, Any]:
    return {
        "RuleArn": _default_arn(listener),
        "Priority": _DEFAULT,
        "Conditions": [],
        "Actions": list(listener.actions),
        "IsDefault": True,
    }


def _shape(rule: Rule) -> dict[str, Any]:
    return {
        "RuleArn": rule.arn,
        "Priority": str(rule.priority),
        "Conditions": list(rule.conditions),
        "Actions": list(rule.actions),
        "IsDefault": False,
    }
