"""Actions of listeners and rules: what AWS takes, with its defaults filled in. Pure.

Source: https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_Action.html
Texts are unverified unless said otherwise.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from penstock.workloads.load_balancing.errors import invalid, refused
from penstock.workloads.load_balancing.records import Shape

_KINDS = ("forward", "redirect", "fixed-response")
_STATUS_CODE = re.compile(r"[245][0-9][0-9]")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_REDIRECT_DEFAULTS = {
    "Protocol": "#{protocol}",
    "Port": "#{port}",
    "Host": "#{host}",
    "Path": "/#{path}",
    "Query": "#{query}",
}
_CONTENT_TYPES = (
    "text/plain", "text/css", "text/html", "application/javascript", "application/json",
)  # fmt: skip


def actions(given: Sequence[Mapping[str, Any]]) -> tuple[Shape, ...]:
    """Return a request's actions as they are stored; ServiceError for what can't be done."""
    for action in given:
        if action["Type"] not in _KINDS:
            raise refused(
                f"Penstock has actions of type {', '.join(_KINDS)}; found {action['Type']}."
            )
    if len(given) != 1:
        raise invalid(
            "An action must be specified" if not given
            else "You must specify exactly one of forward, redirect or fixed-response actions"
        )  # fmt: skip
    (action,) = given
    order = {"Order": action["Order"]} if "Order" in action else {}
    match action["Type"]:
        case "forward":
            return ({"Type": "forward", **order, **_forward(action)},)
        case "redirect":
            return ({"Type": "redirect", **order, "RedirectConfig": _redirect(action)},)
        case _:
            fixed = _fixed_response(action)
            return ({"Type": "fixed-response", **order, "FixedResponseConfig": fixed},)


def target_group_arns(chosen: Sequence[Shape]) -> list[str]:
    """Return the groups that stored actions name."""
    return [
        group["TargetGroupArn"]
        for action in chosen
        for group in action.get("ForwardConfig", {}).get("TargetGroups", ())
    ]


def _forward(action: Mapping[str, Any]) -> Shape:
    config = action.get("ForwardConfig") or {}
    alone = action.get("TargetGroupArn")
    groups = [
        {"TargetGroupArn": group["TargetGroupArn"], "Weight": group.get("Weight", 1)}
        for group in config.get("TargetGroups") or ([{"TargetGroupArn": alone}] if alone else [])
    ]
    if not groups:
        raise invalid("A target group ARN must be specified")
    if alone and [group["TargetGroupArn"] for group in groups] != [alone]:
        raise invalid(
            "You cannot specify both a TargetGroupArn and a ForwardConfig with different groups"
        )
    if any(not 0 <= group["Weight"] <= 999 for group in groups) or len(groups) > 5:
        raise invalid("A forward action has at most 5 target groups, with weights from 0 to 999")
    stickiness = config.get("TargetGroupStickinessConfig") or {}
    if stickiness.get("Enabled"):
        raise refused("Penstock has no stickiness between target groups; leave it out.")
    forward = {"TargetGroups": groups, "TargetGroupStickinessConfig": {"Enabled": False}}
    first = {"TargetGroupArn": groups[0]["TargetGroupArn"]} if len(groups) == 1 else {}
    return {**first, "ForwardConfig": forward}


def _redirect(action: Mapping[str, Any]) -> Shape:
    given = action.get("RedirectConfig")
    if not given:
        raise invalid("A redirect action must have a RedirectConfig")
    config = {**_REDIRECT_DEFAULTS, **given}
    if all(config[name] == value for name, value in _REDIRECT_DEFAULTS.items()):
        # AWS's text: terraform-provider-aws#7369 and others
        raise invalid("InvalidLoadBalancerAction: The redirect configuration is not valid because "
                      "it creates a loop.")  # fmt: skip
    if config["Protocol"] not in {"HTTP", "HTTPS", "#{protocol}"}:
        raise invalid(
            f"Redirect protocol '{config['Protocol']}' must be one of HTTP, HTTPS or #{{protocol}}"
        )
    if any(_CONTROL.search(config[name]) for name in _REDIRECT_DEFAULTS):
        raise invalid("A redirect's parts can't have control characters")
    if not config["Path"].startswith("/"):
        raise invalid("The path parameter must start with a '/'")
    return config


def _fixed_response(action: Mapping[str, Any]) -> Shape:
    config = dict(action.get("FixedResponseConfig") or {})
    if not _STATUS_CODE.fullmatch(config.get("StatusCode", "")):
        raise invalid("A fixed-response action must have a status code of 2XX, 4XX or 5XX")
    if config.get("ContentType") not in {None, "", *_CONTENT_TYPES}:
        raise invalid(f"Content type must be one of {', '.join(_CONTENT_TYPES)}")
    if "\0" in (config.get("MessageBody") or ""):
        raise invalid("The message body cannot have NUL characters")
    if len(config.get("MessageBody") or "") > 1024:
        raise invalid("The message body cannot be longer than 1024 characters")
    return config
