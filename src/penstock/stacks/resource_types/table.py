"""Which class brings a resource type to life: the one place where a type is registered.

A type that is absent here but has a schema deploys as recorded (`recorded.py`).
"""

from collections.abc import Mapping

from penstock.aws.in_process import InProcess
from penstock.stacks.resource_types.handler import ResourceHandler


def handlers(in_process: InProcess) -> Mapping[str, ResourceHandler]:
    """Return the handler of every type that is running or kept here."""
    return {}
