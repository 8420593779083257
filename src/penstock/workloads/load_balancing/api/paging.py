"""Marker and PageSize of every list."""

from collections.abc import Iterable
from typing import TypeVar

from penstock.aws.pagination import page
from penstock.aws.service import Request
from penstock.workloads.load_balancing.records import Listener, LoadBalancer, Rule, TargetGroup

R = TypeVar("R", LoadBalancer, TargetGroup, Listener, Rule)

_MOST = 400


def paged(records: Iterable[R], request: Request) -> tuple[list[R], dict[str, str]]:
    """Return a page in order of ARN, and the answer's NextMarker where there is more."""
    ordered = sorted(records, key=lambda record: record.arn)
    chosen, following = page(
        ordered,
        request.get("Marker"),
        request.get("PageSize", _MOST),
        lambda record: record.arn,
        error_code="ValidationError",
    )
    return chosen, {"NextMarker": following} if following else {}
