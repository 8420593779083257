"""One revision of a task definition, as a value."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class TaskDefinition:
    """One revision. `document` is the API's TaskDefinition as registered, with its defaults:
    `containerDefinitions`, `networkMode`, `volumes`, `cpu`, `memory`, roles."""

    family: str
    revision: int
    arn: str
    status: str
    document: Mapping[str, Any]
    registered_at: datetime
    registered_by: str
    deregistered_at: datetime | None = None
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def containers(self) -> Sequence[Mapping[str, Any]]:
        """The API's ContainerDefinitions."""
        found: Sequence[Mapping[str, Any]] = self.document["containerDefinitions"]
        return found

    @property
    def network_mode(self) -> str:
        """`bridge`, `awsvpc` or `none`."""
        return str(self.document["networkMode"])
