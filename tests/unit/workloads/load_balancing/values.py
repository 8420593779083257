"""Groups, listeners and rules to begin a test with."""

from typing import Any

from penstock.workloads.load_balancing.records import HealthCheck, Listener, Rule, TargetGroup

_ARN = "arn:aws:elasticloadbalancing:us-east-1:123456789012:"
CHECK = HealthCheck("HTTP", "traffic-port", "/health", 10, 5, 3, 2, "200-299")
DELAY = {"deregistration_delay.timeout_seconds": "300"}


def group(name: str = "web", **changes: Any) -> TargetGroup:
    values = {
        "name": name,
        "arn": f"{_ARN}targetgroup/{name}/0123456789abcdef",
        "protocol": "HTTP",
        "port": 80,
        "vpc_id": "vpc-1",
        "target_type": "ip",
        "health_check": CHECK,
        "attributes": DELAY,
    }
    return TargetGroup(**{**values, **changes})


def forward(*groups: tuple[TargetGroup, int]) -> dict[str, Any]:
    weighted = [{"TargetGroupArn": one.arn, "Weight": weight} for one, weight in groups]
    return {"Type": "forward", "ForwardConfig": {"TargetGroups": weighted}}


def fixed(status: str, body: str = "") -> dict[str, Any]:
    config = {"StatusCode": status, "MessageBody": body}
    return {"Type": "fixed-response", "FixedResponseConfig": config}


def listener(*actions: dict[str, Any]) -> Listener:
    balancer = f"{_ARN}loadbalancer/app/lb/1111111111111111"
    arn = f"{_ARN}listener/app/lb/1111111111111111/2222222222222222"
    return Listener(arn, balancer, 80, "HTTP", tuple(actions))


def rule(priority: int, condition: dict[str, Any], *actions: dict[str, Any]) -> Rule:
    return Rule(f"rule {priority}", listener().arn, priority, (condition,), tuple(actions))
