"""Which values in a resource's properties are made up here, and not the template's. Pure.

Behind a recorded resource nothing stands: its identifiers and attributes are in AWS's form as far
as that is known. Where they do not fit their use, the author is not wrong. The same holds for what
other stacks hand on, by exports, outputs or as nested stacks: it may be made up there.
"""

from collections.abc import Iterable, Mapping

from penstock.stacks.planning.nesting import NESTED_STACK
from penstock.stacks.state import DeployedResource
from penstock.stacks.template.references import Path, Reference

_RECORDED = "recorded"


def places(refers: Iterable[Reference], deployed: Mapping[str, DeployedResource]) -> list[Path]:
    """Return the paths, from the properties on, of what comes from a recorded resource or from
    another stack; `deployed` are the resources that there are."""
    return [each.path for each in refers if _is_made_up(each, deployed)]


def _is_made_up(reference: Reference, deployed: Mapping[str, DeployedResource]) -> bool:
    if reference.kind in {"Import", "StackOutput"}:
        return True
    resource = deployed.get(reference.name)
    if resource is None or reference.kind not in {"Attribute", "Resource"}:
        return False
    if resource.resource_type == NESTED_STACK:
        return reference.kind == "Attribute"
    given = (reference.attribute or "").partition(".")[0] in resource.properties
    return resource.support == _RECORDED and not given
