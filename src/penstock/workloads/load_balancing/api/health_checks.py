"""A target group's health check out of a request, over AWS's defaults or what was set before.

Source: https://docs.aws.amazon.com/elasticloadbalancing/latest/application/target-group-health-checks.html
Texts: see `errors.py`; one that names no source beside it is unverified.
"""

import re

from penstock.aws.service import Request
from penstock.workloads.load_balancing.errors import invalid
from penstock.workloads.load_balancing.records import HealthCheck

DEFAULT = HealthCheck(
    protocol="HTTP",
    port="traffic-port",
    path="/",
    interval_seconds=30,
    timeout_seconds=5,
    healthy_threshold=5,
    unhealthy_threshold=2,
    matcher="200",
)
_CODES = re.compile(r"[2-4][0-9]{2}(-[2-4][0-9]{2})?(,[2-4][0-9]{2}(-[2-4][0-9]{2})?)*")
_PATH = re.compile(r"/[!-~]*")


def health_check(request: Request, before: HealthCheck = DEFAULT) -> HealthCheck:
    """Return the health check that a request asks for; ServiceError for what AWS refuses."""
    check = HealthCheck(
        protocol=request.get("HealthCheckProtocol", before.protocol),
        port=request.get("HealthCheckPort", before.port),
        path=request.get("HealthCheckPath", before.path),
        interval_seconds=request.get("HealthCheckIntervalSeconds", before.interval_seconds),
        timeout_seconds=request.get("HealthCheckTimeoutSeconds", before.timeout_seconds),
        healthy_threshold=request.get("HealthyThresholdCount", before.healthy_threshold),
        unhealthy_threshold=request.get("UnhealthyThresholdCount", before.unhealthy_threshold),
        matcher=_matcher(request, before),
    )
    if check.timeout_seconds >= check.interval_seconds:
        # AWS's text: terraform-provider-aws#2251
        raise invalid(
            f"Health check interval must be greater than the timeout. Found interval "
            f"{check.interval_seconds} and timeout {check.timeout_seconds}"
        )
    if check.port != "traffic-port" and not (check.port.isdecimal() and _is_port(check.port)):
        raise invalid(f"Health check port '{check.port}' must be in range [1-65535] or "
                      "'traffic-port'")  # fmt: skip
    if not _PATH.fullmatch(check.path):
        raise invalid(f"Health check path '{check.path}' must start with '/' and hold no spaces")
    return check


def _matcher(request: Request, before: HealthCheck) -> str:
    given = request.get("Matcher")
    if given is None:
        return before.matcher
    if "GrpcCode" in given or "HttpCode" not in given:
        raise invalid("A matcher of HTTP targets must have an HttpCode")
    codes: str = given["HttpCode"].replace(" ", "")
    if not _CODES.fullmatch(codes):
        raise invalid(
            f"Health check matcher HTTP code '{codes}' must be within '200-499' inclusive"
        )
    return codes


def _is_port(text: str) -> bool:
    return 1 <= int(text) <= 65535
