"""Which part of a template refers to what. Pure; of Fn::If only the live branch counts."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from penstock.stacks.intrinsics import find_in_map, get_att, if_, sub
from penstock.stacks.intrinsics.function import function_of, text_of
from penstock.stacks.template.evaluate import Scope, evaluated
from penstock.stacks.template.template import Template

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Reference:
    """One reference. `path` is that of the value which is built from it, from the resource's
    properties on (`("Tags", 0, "Value")`); functions and their arguments are no steps of it, and
    an index counts the items that the value has: those that are AWS::NoValue are left out.

    `kind` is Parameter, Resource (a Ref), Attribute (a GetAtt), Mapping, Import, StackOutput or
    Pseudo. `name` of an Import that is no literal is empty, as that of every StackOutput: what they
    are made of has references of its own.
    """

    path: Path
    kind: str
    name: str
    attribute: str | None = None


def references(
    template: Template,
    logical_id: str,
    scope_conditions: Mapping[str, bool],
    scope: Scope | None = None,
) -> list[Reference]:
    """Return what a resource's properties refer to, in the template's order, each once.

    Planning, validation and every operation ask for the same; the template keeps what was found.
    """
    known: dict[str, list[Reference]] = template.found_under(scope_conditions, references)
    if logical_id not in known:
        walk = _Walk(template, scope_conditions, scope)
        found = walk.found_in(template.resources[logical_id].properties)
        if walk.asked_for_default:
            return found
        known[logical_id] = found
    return known[logical_id]


def references_in(
    template: Template,
    node: Any,
    scope_conditions: Mapping[str, bool],
    scope: Scope | None = None,
) -> list[Reference]:
    """Return what any node of the template refers to, as `references` does.

    Without the `scope` that the node is evaluated in, a default of Fn::FindInMap counts unless its
    keys stand there as texts, and paths behind one that is AWS::NoValue may count it.
    """
    return _Walk(template, scope_conditions, scope).found_in(node)


class _Walk:
    """Walks nodes with one set of conditions."""

    asked_for_default = False
    """Whether a default of Fn::FindInMap was met: it depends on the scope which is live."""

    def __init__(
        self, template: Template, conditions: Mapping[str, bool], scope: Scope | None
    ) -> None:
        self._template = template
        self._conditions = conditions
        self._scope = scope

    def found_in(self, node: Any) -> list[Reference]:
        """Return the references in a node, each once."""
        return list(dict.fromkeys(self.of(node, ())))

    def of(self, node: Any, path: Path) -> Iterator[Reference]:
        """Yield the references below a node; steps to its members extend the path."""
        if isinstance(node, dict):
            call = function_of(node)
            if call is not None:
                yield from self._function(*call, path, self.of)
                return
            for key, member in node.items():
                if isinstance(member, dict | list):
                    yield from self.of(member, (*path, key))
        elif isinstance(node, list):
            kept = (item for item in node if not self._is_left_out(item))
            for index, item in enumerate(kept):
                if isinstance(item, dict | list):
                    yield from self.of(item, (*path, index))

    def _is_left_out(self, item: Any) -> bool:
        """Tell whether an item of a list comes to AWS::NoValue: the items after it move up."""
        call = function_of(item)
        while call is not None:
            name, argument = call
            if name == "Fn::If" and argument[0] in self._conditions:
                live = if_.branch(argument, self._conditions[argument[0]])[1]
            elif name == "Fn::FindInMap" and self._takes_default(argument):
                live = find_in_map.parts(argument)[1]["DefaultValue"]
            else:
                break
            call = function_of(live)
        return call == ("Ref", "AWS::NoValue")

    def _takes_default(self, argument: Any) -> bool:
        """Tell whether an Fn::FindInMap has a default, and no value for its keys."""
        names, default = find_in_map.parts(argument)
        if not default:
            return False
        self.asked_for_default = True
        if self._scope is not None:
            names = evaluated(self._scope, names)
        found: Any = self._template.mappings
        for key in map(text_of, names):
            found = found.get(key) if isinstance(found, Mapping) else None
        return found is None

    def _function(
        self, name: str, argument: Any, path: Path, walk: Callable[[Any, Path], Iterator[Reference]]
    ) -> Iterator[Reference]:
        """Yield a function's references; `walk` goes on in a branch that is the value itself: what
        is built of it, within another function, has no places of its own."""
        match name:
            case "Ref":
                yield self._named(argument, path)
            case "Fn::GetAtt":
                logical_id, attribute = get_att.parts(argument)
                plain = attribute if isinstance(attribute, str) else None
                yield Reference(path, "Attribute", logical_id, plain)
                yield from self.of(attribute, path)
            case "Fn::Sub":
                text, variables = sub.parts(argument)
                for variable in sub.names(text):
                    if variable not in variables:
                        yield self._variable(variable, path)
                yield from self._inside(list(variables.values()), path)
            case "Fn::If":
                if argument[0] in self._conditions:
                    yield from walk(if_.branch(argument, self._conditions[argument[0]])[1], path)
            case "Fn::FindInMap":
                yield from self._in_mapping(argument, path)
                if self._takes_default(argument):
                    yield from walk(find_in_map.parts(argument)[1]["DefaultValue"], path)
            case "Fn::ImportValue":
                literal = argument if isinstance(argument, str) else ""
                yield Reference(path, "Import", literal)
                yield from self._inside(argument, path)
            case "Fn::GetStackOutput":
                yield Reference(path, "StackOutput", "")
                yield from self._inside(argument, path)
            case _:
                yield from self._inside(argument, path)

    def _in_mapping(self, argument: Any, path: Path) -> Iterator[Reference]:
        """What Fn::FindInMap finds its value by."""
        names, _ = find_in_map.parts(argument)
        if isinstance(names[0], str):
            yield Reference(path, "Mapping", names[0])
        yield from self._inside(names, path)

    def _inside(self, argument: Any, path: Path) -> Iterator[Reference]:
        """A function's argument: its references make up the one value at `path`."""
        if isinstance(argument, dict):
            call = function_of(argument)
            if call is not None:
                yield from self._function(*call, path, self._inside)
                return
            for member in argument.values():
                yield from self._inside(member, path)
        elif isinstance(argument, list):
            for item in argument:
                if isinstance(item, dict | list):
                    yield from self._inside(item, path)

    def _variable(self, name: str, path: Path) -> Reference:
        logical_id, dot, attribute = name.partition(".")
        if dot:
            return Reference(path, "Attribute", logical_id, attribute)
        return self._named(name, path)

    def _named(self, name: str, path: Path) -> Reference:
        if name.startswith("AWS::"):
            return Reference(path, "Pseudo", name)
        kind = "Parameter" if name in self._template.parameters else "Resource"
        return Reference(path, kind, name)
