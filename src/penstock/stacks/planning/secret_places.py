"""Where secrets stand in the values of a template's resources. Pure.

What is built from a NoEcho parameter is a secret whole: its Base64, or a part of it, tells as much.
Deployed values were built by the stack's present template, planned ones by the one that is wanted.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence

from penstock.stacks.template.references import Path, Reference, references, references_in
from penstock.stacks.template.scope import Scope
from penstock.stacks.template.template import ParameterValue, Template


class SecretPlaces:
    """The places in one template's resources; `conditions` say which branch of Fn::If is live,
    `scope` which default of Fn::FindInMap."""

    def __init__(
        self,
        template: Template,
        parameters: Mapping[str, ParameterValue],
        conditions: Mapping[str, bool],
        resources: Collection[str] = (),
        scope: Scope | None = None,
    ) -> None:
        """`resources` are those whose attributes are secrets."""
        self._template = template
        self._scope = scope
        self._conditions = conditions
        self._secret = {name for name, given in parameters.items() if given.no_echo}
        self._resources = frozenset(resources)
        self._attributes: dict[str, frozenset[str]] = {}

    def in_properties(self, logical_id: str) -> list[Path]:
        """Return the paths from the resource's properties on; none for one that is not there."""
        return self._places(self._refers(logical_id))

    def in_metadata(self, logical_id: str) -> list[Path]:
        """Return the paths from the resource's Metadata on."""
        if self._nowhere or logical_id not in self._template.resources:
            return []
        node = self._template.resources[logical_id].metadata
        return self._places(references_in(self._template, node, self._conditions, self._scope))

    def attributes(self, logical_id: str) -> frozenset[str]:
        """Return the attributes of a resource that hand on a property which is a secret.

        What it is built from is looked at first, without recursion: a chain of resources that hand
        a secret on may be as long as a template.
        """
        if logical_id in self._attributes:
            return self._attributes[logical_id]
        opened: dict[str, tuple[list[Reference], Iterator[str]]] = {}
        path = [logical_id]
        while path:
            name = path[-1]
            if name not in opened:
                refers = self._refers(name)
                opened[name] = refers, iter(_built_from(refers))
            refers, needed = opened[name]
            unknown = (one for one in needed if not (one in self._attributes or one in opened))
            following = next(unknown, None)
            if following is not None:
                path.append(following)
            else:
                found = self._paths(refers)
                self._attributes[name] = frozenset(str(each[0]) for each in found if each)
                path.pop()
        return self._attributes[logical_id]

    def _refers(self, logical_id: str) -> list[Reference]:
        if self._nowhere or logical_id not in self._template.resources:
            return []
        return references(self._template, logical_id, self._conditions, self._scope)

    def _places(self, refers: Sequence[Reference]) -> list[Path]:
        for name in _built_from(refers):
            self.attributes(name)
        return self._paths(refers)

    def _paths(self, refers: Sequence[Reference]) -> list[Path]:
        """Return where secrets are, once the attributes of what is referred to are known."""
        return [
            each.path
            for each in refers
            if (each.kind == "Parameter" and each.name in self._secret)
            or (each.kind == "Attribute" and self._is_secret(each))
        ]

    def _is_secret(self, attribute: Reference) -> bool:
        if attribute.name in self._resources:
            return True
        top = (attribute.attribute or "").partition(".")[0]
        return top in self._attributes.get(attribute.name, ())

    @property
    def _nowhere(self) -> bool:
        return not self._secret and not self._resources


def _built_from(refers: Sequence[Reference]) -> list[str]:
    return [each.name for each in refers if each.kind == "Attribute"]
