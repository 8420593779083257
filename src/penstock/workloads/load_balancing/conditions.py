"""Conditions of rules: what AWS takes, in the form with a configuration each. Pure.

Source: https://docs.aws.amazon.com/elasticloadbalancing/latest/application/rule-condition-types.html
Texts are unverified unless said otherwise.
"""

import re
from collections.abc import Mapping, Sequence
from ipaddress import ip_network
from typing import Any

from penstock.workloads.load_balancing.errors import invalid, refused
from penstock.workloads.load_balancing.records import Shape

_CONFIGS = {
    "path-pattern": "PathPatternConfig",
    "host-header": "HostHeaderConfig",
    "http-header": "HttpHeaderConfig",
    "http-request-method": "HttpRequestMethodConfig",
    "query-string": "QueryStringConfig",
    "source-ip": "SourceIpConfig",
}
_WITH_VALUES = ("path-pattern", "host-header")
_ONCE = ("path-pattern", "host-header", "http-request-method", "source-ip")
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,40}")
_METHOD = re.compile(r"[A-Z_-]{1,40}")
_LONGEST = 128
_MOST_VALUES = 5


def conditions(given: Sequence[Mapping[str, Any]]) -> tuple[Shape, ...]:
    """Return a request's conditions as they are stored; ServiceError for what AWS refuses."""
    if not given:
        raise invalid("A condition must be specified")
    stored = tuple(_condition(one) for one in given)
    fields = [one["Field"] for one in stored]
    for field in _ONCE:
        if fields.count(field) > 1:
            # AWS's text: moto elbv2, checked against AWS there
            raise invalid(f"Rule conditions of type '{field}' can only be specified once")
    if sum(len(one[_CONFIGS[one["Field"]]]["Values"]) for one in stored) > _MOST_VALUES:
        # AWS's text: moto elbv2
        raise invalid("A rule can only have '5' condition values")
    return stored


def _condition(given: Mapping[str, Any]) -> Shape:
    field = given.get("Field") or next(
        (field for field, config in _CONFIGS.items() if given.get(config)), ""
    )
    if field not in _CONFIGS:
        raise invalid(f"Condition field '{field}' must be one of '[{', '.join(_CONFIGS)}]'")
    config = dict(given.get(_CONFIGS[field]) or {})
    if field in _WITH_VALUES and given.get("Values"):
        config = {"Values": list(given["Values"])}
    if given.get("RegexValues") or config.get("RegexValues"):
        raise refused("Penstock matches values with the wildcards * and ?, not RegexValues.")
    values = config.get("Values") or []
    if not values:
        raise invalid("A condition value must be specified")
    for value in values:
        _validate(field, value)
    if field == "http-header" and not _HEADER.fullmatch(config.get("HttpHeaderName") or ""):
        raise invalid("The HTTP header name must have 1 to 40 characters of those that names have")
    flat = {"Values": values} if field in _WITH_VALUES else {}
    return {"Field": field, **flat, _CONFIGS[field]: config}


def _validate(field: str, value: Any) -> None:
    if field == "query-string":
        texts = [value.get("Key", ""), value.get("Value", "")]
        if not texts[1]:
            raise invalid("A query string condition must have a value")
    else:
        texts = [value]
    for text in texts:
        if len(text) > _LONGEST:
            raise invalid(f"Condition value '{text}' cannot be longer than '{_LONGEST}' characters")
    if field == "http-request-method" and not _METHOD.fullmatch(value):
        raise invalid(f"The HTTP request method '{value}' may have letters A-Z, hyphen and _")
    if field == "source-ip" and not _is_ipv4_block(value):
        raise invalid(f"The source IP '{value}' must be an IPv4 block in CIDR form")


def _is_ipv4_block(text: str) -> bool:
    try:
        return ip_network(text, strict=False).version == 4 and "/" in text
    except ValueError:
        return False
