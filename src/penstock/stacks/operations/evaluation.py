"""The properties of an operation's resources, evaluated with what is deployed by then. Pure.

The same are asked for again and again: at a resource's turn, for each of its events, for the
stack's outputs. What was found is kept with the deployed resources that it was made from: as long
as they are the same ones, so are the properties.
"""

import dataclasses
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from penstock.stacks.display import all_masked
from penstock.stacks.planning.imports import Imports
from penstock.stacks.planning.secret_places import SecretPlaces
from penstock.stacks.state import DeployedResource
from penstock.stacks.template import evaluate
from penstock.stacks.template.scope import ResourceValues, Scope


@dataclass(frozen=True, slots=True)
class Evaluated:
    """A resource's properties, and what they were evaluated from."""

    properties: dict[str, Any]
    known: bool
    """Whether nothing in them is Unknown."""
    asked: Mapping[str, DeployedResource | None]
    """The resources that were asked for, as they were then."""
    imports: Collection[str]
    length: int
    """Of the values of its functions."""


class Evaluation:
    """Evaluates resources, each once for as long as what it refers to stays as it is."""

    def __init__(
        self, scope: Scope, deployed: Mapping[str, DeployedResource], hidden: SecretPlaces | None
    ) -> None:
        self._deployed = deployed
        self._values = Values(deployed, hidden)
        self._imports = Imports(scope.exports)
        self.scope = dataclasses.replace(scope, resources=self._values, exports=self._imports)
        self._found: dict[str, Evaluated] = {}

    def of(self, name: str) -> Evaluated:
        """Return a resource evaluated. Raises ServiceError."""
        found = self._found.get(name)
        if found is None or not self._holds(found):
            found = self._found[name] = self._evaluated(name)
        return found

    def _holds(self, found: Evaluated) -> bool:
        """Tell whether the same would come of it again."""
        return all(self._deployed.get(name) is each for name, each in found.asked.items())

    def _evaluated(self, name: str) -> Evaluated:
        asked, used = self._begin()
        properties = evaluate.properties(self.scope, name)
        length = self.scope.lengths.without_conditions
        self._begin()  # what else is evaluated in the scope is not of the properties
        return Evaluated(properties, not evaluate.contains_unknown(properties), asked, used, length)

    def _begin(self) -> tuple[dict[str, DeployedResource | None], set[str]]:
        """Have the scope note anew what is asked for."""
        self._values.asked, self._imports.used = {}, set()
        self.scope.lengths.clear()
        return self._values.asked, self._imports.used


class Values(Mapping[str, ResourceValues]):
    """What deployed resources give, made when one is asked for: a stack may have hundreds."""

    def __init__(
        self, deployed: Mapping[str, DeployedResource], hidden: SecretPlaces | None = None
    ) -> None:
        """`hidden` are places of which attributes are masked."""
        self.asked: dict[str, DeployedResource | None] = {}
        self._deployed = deployed
        self._hidden = hidden

    def __getitem__(self, name: str) -> ResourceValues:
        found = self.asked[name] = self._deployed.get(name)
        if found is None:
            raise KeyError(name)
        values = found.values
        if self._hidden is None or values.attributes is None:
            return values
        secret = self._hidden.attributes(name)
        attributes = {
            key: all_masked(value) if found.no_echo or key.partition(".")[0] in secret else value
            for key, value in values.attributes.items()
        }
        return dataclasses.replace(values, attributes=attributes)

    def __iter__(self) -> Iterator[str]:
        return iter(self._deployed)

    def __len__(self) -> int:
        return len(self._deployed)
