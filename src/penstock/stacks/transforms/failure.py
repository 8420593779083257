"""How a transform fails. Texts: recorded from AWS (`Transform X failed with: …`, `Received
malformed response from transform X`), aws-cloudformation-templates#363 (`No transform named …`).
"""

from penstock.aws.errors import ServiceError
from penstock.stacks.template.errors import invalid

LARGEST_TEMPLATE = 1_000_000
"""Bytes of a template, before and after its transforms."""
MOST_USES = 100
"""Uses of transforms in one template: a limit of Penstock's own, since many of them are calls."""
MOST_SECONDS = 900.0
"""How long a template's transforms may take together: as long as one function on AWS."""


def failed(name: str, why: str) -> ServiceError:
    """Return the error of a transform that says why it failed."""
    return invalid(f"Transform {name} failed with: {why}")


def not_found(name: str) -> ServiceError:
    """Return the error for a transform that there is not."""
    return invalid(f"No transform named {name} found.")


def too_large() -> ServiceError:
    """Return AWS's error for a template beyond its limit."""
    return invalid(f"Template may not exceed {LARGEST_TEMPLATE} bytes in size.")


def too_many() -> ServiceError:
    """Return the error for a template with more uses of transforms than are carried out."""
    return invalid(
        f"Expected at most {MOST_USES} uses of transforms in a template, found more. Use a macro "
        "for the whole template, in its section Transform."
    )


def too_slow() -> ServiceError:
    """Return the error for transforms that did not end in time."""
    return invalid(
        f"Expected the template's transforms to end within {MOST_SECONDS:.0f} seconds, and they "
        "did not. Use fewer macros, or faster ones."
    )
