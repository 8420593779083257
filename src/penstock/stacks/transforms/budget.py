"""How much the transforms of one template may make, counted before or as it is made. Pure."""

from dataclasses import dataclass
from typing import Any

from penstock.stacks.transforms.failure import LARGEST_TEMPLATE, too_large

_MOST_WORK = 8 * LARGEST_TEMPLATE
"""Characters that may be copied: the largest template once for each level, and some more."""
NODE = 8
"""What a value costs beside its characters; the shortest member of a JSON map is no shorter."""


@dataclass
class Budget:
    """How much may still be made."""

    left: int = _MOST_WORK

    def spend(self, cost: int) -> None:
        """Raise AWS's error for a template that is too large, before it is made."""
        self.left -= cost
        if self.left < 0:
            raise too_large()

    def spend_on(self, node: Any) -> None:
        """Spend what a walk over the node costs."""
        self.spend(NODE)
        if isinstance(node, str):
            self.spend(len(node))
        elif isinstance(node, dict | list):
            for member in node.values() if isinstance(node, dict) else node:
                self.spend_on(member)
