"""Which transforms a template declares (`Transform:`, `Fn::Transform`); which functions need one.

Sources: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/transform-section-structure.html
and transform-reference.html of AWS's template reference. `Key Name of …`: recorded from AWS; a
single name as text under Fn::Transform as well.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from penstock.stacks.template.errors import invalid

SECTION, FUNCTION = "Transform", "Fn::Transform"
LANGUAGE_EXTENSIONS = "AWS::LanguageExtensions"
_EXTENSIONS = ("Fn::ForEach", "Fn::Length", "Fn::ToJsonString")


@dataclass(frozen=True, slots=True)
class Use:
    """One use of a transform: its name and the parameters given to it, unevaluated."""

    name: str
    parameters: Mapping[str, Any] = field(default_factory=dict)


def uses(definition: Any) -> list[Use]:
    """Return the uses that the Transform section or an Fn::Transform declares, in its order.

    Raises ServiceError ValidationError for what is no name and no map with a Name.
    """
    listed = definition if isinstance(definition, list) else [definition]
    return [_use(one) for one in listed]


def section_uses(document: Mapping[str, Any]) -> list[Use]:
    """Return the uses in the Transform section, none when there is none."""
    return uses(document[SECTION]) if SECTION in document else []


def declared_names(document: Mapping[str, Any]) -> list[str]:
    """Return the transforms that a template names, each once: the section's in its order, then
    those of every Fn::Transform."""
    found = [each.name for each in section_uses(document)]
    found += [each.name for definition in _definitions(document) for each in uses(definition)]
    return list(dict.fromkeys(found))


def has_function(node: Any) -> bool:
    """Tell whether there is an Fn::Transform at or below a node."""
    return next(_definitions(node), None) is not None


def holding(node: Any) -> set[int]:
    """Return the `id` of each map and list at or below a node that holds an Fn::Transform at any
    depth; good for as long as the node is there. One walk, however deep they are."""
    found: set[int] = set()
    _note(node, found)
    return found


def needed(name: str) -> str:
    """Return ` Fn::ForEach needs the AWS::LanguageExtensions transform: …` for the name of a
    function that a transform carries out, an empty text for other names."""
    if name == FUNCTION:
        return " Fn::Transform cannot be used here: parameters cannot come from a transform."
    function = "::".join(name.split("::")[:2])
    if function in _EXTENSIONS:
        return (
            f" {function} needs the {LANGUAGE_EXTENSIONS} transform: declare it in the template's "
            "section Transform; it works in Resources, Conditions and Outputs."
        )
    return ""


def _use(one: Any) -> Use:
    if isinstance(one, str):
        return Use(one)
    name = one.get("Name") if isinstance(one, dict) else None
    if not isinstance(name, str):
        raise invalid("Key Name of transform definition must be a string.")
    parameters = one.get("Parameters", {})
    if not isinstance(parameters, dict):  # unverified
        raise invalid("Key Parameters of transform definition must be a map.")
    return Use(name, parameters)


def _note(node: Any, found: set[int]) -> bool:
    """Note the node where it holds a definition; tell whether it does."""
    holds = False
    if isinstance(node, dict):
        for key, member in node.items():
            if key == FUNCTION or (isinstance(member, dict | list) and _note(member, found)):
                holds = True
    elif isinstance(node, list):
        for item in node:
            if isinstance(item, dict | list) and _note(item, found):
                holds = True
    if holds:
        found.add(id(node))
    return holds


def _definitions(node: Any) -> Iterator[Any]:
    if isinstance(node, dict):
        for key, member in node.items():
            if key == FUNCTION:
                yield member
            elif isinstance(member, dict | list):
                yield from _definitions(member)
    elif isinstance(node, list):
        for item in node:
            if isinstance(item, dict | list):
                yield from _definitions(item)
