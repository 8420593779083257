"""Attributes of load balancers, target groups and listeners: defaults, and which are honoured.

An attribute that does nothing here is taken at AWS's default only. Source:
https://docs.aws.amazon.com/elasticloadbalancing/latest/application/edit-load-balancer-attributes.html
Texts are unverified.
"""

from collections.abc import Callable, Iterable, Mapping

from penstock.workloads.load_balancing.errors import invalid, refused

Valid = Callable[[str], bool]


def _number(least: int, most: int) -> Valid:
    return lambda text: text.isascii() and text.isdecimal() and least <= int(text) <= most


def _one_of(*values: str) -> Valid:
    return lambda text: text in values


_FLAG = _one_of("true", "false")

LOAD_BALANCER: Mapping[str, str] = {
    "access_logs.s3.bucket": "",
    "access_logs.s3.enabled": "false",
    "access_logs.s3.prefix": "",
    "client_keep_alive.seconds": "3600",
    "connection_logs.s3.bucket": "",
    "connection_logs.s3.enabled": "false",
    "connection_logs.s3.prefix": "",
    "deletion_protection.enabled": "false",
    "idle_timeout.timeout_seconds": "60",
    "load_balancing.cross_zone.enabled": "true",
    "routing.http.desync_mitigation_mode": "defensive",
    "routing.http.drop_invalid_header_fields.enabled": "false",
    "routing.http.preserve_host_header.enabled": "false",
    "routing.http.x_amzn_tls_version_and_cipher_suite.enabled": "false",
    "routing.http.xff_client_port.enabled": "false",
    "routing.http.xff_header_processing.mode": "append",
    "routing.http2.enabled": "true",
    "waf.fail_open.enabled": "false",
    "zonal_shift.config.enabled": "false",
}
TARGET_GROUP: Mapping[str, str] = {
    "deregistration_delay.timeout_seconds": "300",
    "load_balancing.algorithm.anomaly_mitigation": "off",
    "load_balancing.algorithm.type": "round_robin",
    "load_balancing.cross_zone.enabled": "use_load_balancer_configuration",
    "slow_start.duration_seconds": "0",
    "stickiness.app_cookie.cookie_name": "",
    "stickiness.app_cookie.duration_seconds": "86400",
    "stickiness.enabled": "false",
    "stickiness.lb_cookie.duration_seconds": "86400",
    "stickiness.type": "lb_cookie",
    "target_group_health.dns_failover.minimum_healthy_targets.count": "1",
    "target_group_health.dns_failover.minimum_healthy_targets.percentage": "off",
    "target_group_health.unhealthy_state_routing.minimum_healthy_targets.count": "1",
    "target_group_health.unhealthy_state_routing.minimum_healthy_targets.percentage": "off",
}
_HONOURED: Mapping[str, Valid] = {
    "deletion_protection.enabled": _FLAG,
    "idle_timeout.timeout_seconds": _number(1, 4000),
    "routing.http2.enabled": _FLAG,  # HTTP/2 is for HTTPS listeners, which there are none of
    "deregistration_delay.timeout_seconds": _number(0, 3600),
    "load_balancing.algorithm.type": _one_of("round_robin", "least_outstanding_requests"),
    "stickiness.type": _one_of("lb_cookie", "app_cookie"),
    "stickiness.lb_cookie.duration_seconds": _number(1, 604_800),
    "stickiness.app_cookie.duration_seconds": _number(1, 604_800),
}


def changed(
    kind: str,
    defaults: Mapping[str, str],
    before: Mapping[str, str],
    given: Iterable[Mapping[str, str]],
) -> dict[str, str]:
    """Return `before` with a request's attributes; ServiceError for those that can't be.

    `kind` is how AWS's texts call what has them: `Load balancer`, `Target group`.
    """
    after = dict(before)
    for attribute in given:
        key, value = attribute.get("Key", ""), attribute.get("Value", "")
        if key not in defaults:
            # AWS's text: terraform-provider-aws and aws-load-balancer-controller issues
            raise invalid(f"{kind} attribute key '{key}' is not recognized")
        valid = _HONOURED.get(key)
        if valid is not None and not valid(value):
            raise invalid(f"{kind} attribute value '{value}' is not valid for '{key}'")
        if valid is None and value != defaults[key]:
            raise refused(
                f"Penstock does not offer {key} of {value!r}, only AWS's default "
                f"{defaults[key]!r}; leave it out."
            )
        after[key] = value
    return after


def to_pairs(attributes: Mapping[str, str]) -> list[dict[str, str]]:
    """Return attributes as the API lists them."""
    return [{"Key": key, "Value": attributes[key]} for key in sorted(attributes)]
