"""What is stored of load balancers: values, with conditions and actions in the API's own shapes.

Source: https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/Welcome.html
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeVar

import msgspec

T = TypeVar("T")

Shape = dict[str, Any]
"""A structure of the API: an Action, a RuleCondition."""


class LoadBalancer(msgspec.Struct, frozen=True):
    """An application load balancer. `address` is one of this host's, its own unless configured;
    `ports` maps a listener's port to another one that is bound in its place (80 when taken)."""

    name: str
    arn: str
    scheme: str
    subnets: tuple[str, ...]
    security_groups: tuple[str, ...]
    address: str
    ports: dict[int, int]
    created_at: datetime
    attributes: dict[str, str]

    @property
    def dns_name(self) -> str:
        """What `http://…/` reaches: the address, with the port that stands for 80 if one does."""
        return f"{self.address}:{self.ports[80]}" if 80 in self.ports else self.address


class HealthCheck(msgspec.Struct, frozen=True):
    """How targets are checked; `port` is a number or `traffic-port`, times are in seconds."""

    protocol: str
    port: str
    path: str
    interval_seconds: int
    timeout_seconds: int
    healthy_threshold: int
    unhealthy_threshold: int
    matcher: str


class TargetGroup(msgspec.Struct, frozen=True):
    """A target group; `target_type` is `instance` or `ip`."""

    name: str
    arn: str
    protocol: str
    port: int
    vpc_id: str | None
    target_type: str
    health_check: HealthCheck
    attributes: dict[str, str]

    @property
    def deregistration_delay_seconds(self) -> int:
        """How long requests under way may go on after a target was deregistered."""
        return int(self.attributes["deregistration_delay.timeout_seconds"])


class Listener(msgspec.Struct, frozen=True):
    """A port of a load balancer, and what is done when no rule matches."""

    arn: str
    load_balancer_arn: str
    port: int
    protocol: str
    actions: tuple[Shape, ...]


class Rule(msgspec.Struct, frozen=True):
    """A listener's rule; the lowest priority that matches counts."""

    arn: str
    listener_arn: str
    priority: int
    conditions: tuple[Shape, ...]
    actions: tuple[Shape, ...]


def to_document(record: msgspec.Struct) -> dict[str, Any]:
    """Return the JSON document to store."""
    document: dict[str, Any] = msgspec.to_builtins(record, str_keys=True)
    return document


def from_document(document: Mapping[str, Any], kind: type[T]) -> T:
    """Read back what `to_document` made of a record of that class."""
    return msgspec.convert(document, kind, strict=False)


def forwarded_to(actions: tuple[Shape, ...]) -> list[tuple[str, int]]:
    """Return the target groups that `actions` forward to, with their weights."""
    for action in actions:
        if action["Type"] == "forward":
            groups = action["ForwardConfig"]["TargetGroups"]
            return [(group["TargetGroupArn"], group["Weight"]) for group in groups]
    return []
