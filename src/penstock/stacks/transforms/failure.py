"""How a transform fails. Texts: recorded from AWS (`Transform X failed with: …`, `Received
malformed response from transform X`), aws-cloudformation-templates#363 (`No transform named …`).
"""

from penstock.aws.errors import ServiceError
from penstock.stacks.template.errors import invalid

LARGEST_TEMPLATE = 1_000_000
"""Bytes of a template, before and after its transforms."""


def failed(name: str, why: str) -> ServiceError:
    """Return the error of a transform that says why it failed."""
    return invalid(f"Transform {name} failed with: {why}")


def not_found(name: str) -> ServiceError:
    """Return the error for a transform that there is not."""
    return invalid(f"No transform named {name} found.")


def too_large() -> ServiceError:
    """Return AWS's error for a template beyond its limit."""
    return invalid(f"Template may not exceed {LARGEST_TEMPLATE} bytes in size.")
