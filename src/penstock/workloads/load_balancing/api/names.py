"""What load balancers and target groups may be called.

Texts: moto elbv2 (target groups), terraform-provider-aws issues (load balancers).
"""

import re

from penstock.workloads.load_balancing.errors import invalid

_NAME = re.compile(r"[A-Za-z0-9-]+")
_LONGEST = 32


def valid_name(kind: str, name: str) -> None:
    """Raise ServiceError when AWS takes no `kind` (`Load balancer`) of that name."""
    if len(name) > _LONGEST:
        raise invalid(f"{kind} name '{name}' cannot be longer than '{_LONGEST}' characters")
    if not _NAME.fullmatch(name):
        raise invalid(
            f"{kind} name '{name}' can only contain characters that are alphanumeric characters "
            "and hyphens(-)"
        )
    if name.startswith("-") or name.endswith("-"):
        raise invalid(f"{kind} name '{name}' cannot begin or end with a hyphen(-)")
    if kind == "Load balancer" and name.startswith("internal-"):
        raise invalid(f"{kind} name '{name}' cannot start with 'internal-'")
