"""Which handler a type has: CloudFormation's own, a registered one, or that of recorded types.

The tables are `own_types.py`, `registration.py` and `recorded.py`.
"""

from collections.abc import Callable, Mapping

from penstock.aws.errors import ServiceError
from penstock.stacks.handlers.handler import ResourceHandler, Selective, Support
from penstock.stacks.planning.differences import is_custom
from penstock.stacks.resource_types.own_types import CUSTOM_RESOURCE


class Handlers:
    """The handlers of one server's resource types."""

    def __init__(
        self,
        own: Mapping[str, ResourceHandler],
        registered: Callable[[], Mapping[str, ResourceHandler]],
        recorded: Callable[[str], ResourceHandler | None],
    ) -> None:
        """`own` are CloudFormation's own types, `registered` the others that are running or kept;
        `recorded` gives the handler of a type that has a schema alone, None without one."""
        self._own = own
        self._registered = registered
        self._recorded = recorded

    def handler(self, resource_type: str) -> ResourceHandler:
        """Return the handler of a type; ValidationError for one that AWS does not have."""
        name = CUSTOM_RESOURCE if is_custom(resource_type) else resource_type
        found = self._own.get(name) or self._registered().get(name) or self._recorded(name)
        if found is None:
            raise ServiceError(
                "ValidationError",
                f"Template format error: Unrecognized resource types: [{resource_type}]",
                status=400,
            )
        return found

    def support(self, resource_type: str) -> Support:
        """Return what stands behind resources of a type."""
        return self.handler(resource_type).support

    def honoured(self) -> Mapping[str, frozenset[str]]:
        """Return the properties of each type that refuses all others."""
        found = self._registered().items()
        return {name: each.properties for name, each in found if isinstance(each, Selective)}
