"""YAML as nodes that keep their lines, every scalar as text.

CodeBuild's parser is a Go one, with libyaml's error texts; so `python: 3.10` stays `3.10`, and
an error reads `did not find expected ',' or ']' at line 19`. Nodes are composed from libyaml's
events, one at a time, so that neither depth nor aliases can exhaust the server.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import yaml

_MOST_NODES = 100_000
_DEEPEST = 200
_NULLS = ("", "~", "null", "Null", "NULL")


class YamlError(Exception):
    """The text is no YAML, or not of the expected shape. The message is the user's."""


_EXCESSIVE = YamlError("document contains excessive aliasing")


@dataclass(frozen=True, slots=True)
class Scalar:
    """A scalar's text. `plain` is False when it was quoted or a block (`|`, `>`)."""

    value: str
    plain: bool
    block: bool
    line: int

    @property
    def is_null(self) -> bool:
        """Whether this is YAML's null: an unquoted nothing, `~` or `null`."""
        return self.plain and self.value in _NULLS


@dataclass(slots=True)
class Sequence:
    """A list of nodes; `line` is where it starts, counted from 1."""

    line: int
    items: list["Node"] = field(default_factory=list)


@dataclass(slots=True)
class Table:
    """A mapping from the text of each key to its node; of equal keys the last one counts."""

    line: int
    items: dict[str, "Node"] = field(default_factory=dict)
    key_lines: dict[str, int] = field(default_factory=dict)


Node = Scalar | Sequence | Table


def parse_yaml(text: bytes) -> Node | None:
    """Return the first document's root, or None for an empty text. Raises YamlError."""
    try:
        return _Composer(yaml.parse(text, Loader=yaml.CBaseLoader)).document()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f" at line {mark.line + 1}" if mark else ""
        raise YamlError(f"{error.problem or error.context}{where}") from None
    except yaml.YAMLError as error:
        raise YamlError(str(getattr(error, "reason", error))) from None


class _Composer:
    """Builds nodes from libyaml's events with a stack of its own instead of recursion."""

    def __init__(self, events: Iterator[yaml.Event]) -> None:
        self._events = events
        self._anchors: dict[str, Node] = {}
        self._open: list[Sequence | Table] = []
        self._keys: list[tuple[str, int] | None] = []
        self._names: list[str | None] = []
        self._sizes: dict[int, int] = {}
        self._count = 0

    def document(self) -> Node | None:
        root: Node | None = None
        for event in self._events:
            if isinstance(event, yaml.DocumentEndEvent):
                return root
            node, anchor = self._node_of(event)
            if node is None:
                continue
            if isinstance(event, yaml.SequenceEndEvent | yaml.MappingEndEvent):
                self._open.pop()
                self._keys.pop()
                anchor = self._names.pop()
                self._register(anchor, node)
            elif isinstance(node, Scalar) or isinstance(event, yaml.AliasEvent):
                self._register(anchor, node)
            else:
                self._begin(node, anchor)
                continue
            if self._open:
                self._add(node, _line(event))
            else:
                root = node
        return root

    def _node_of(self, event: yaml.Event) -> tuple[Node | None, str | None]:
        line = _line(event)
        if isinstance(event, yaml.ScalarEvent):
            style = event.style or ""
            return Scalar(event.value, not style, style in ("|", ">"), line), event.anchor
        if isinstance(event, yaml.SequenceStartEvent):
            return Sequence(line), event.anchor
        if isinstance(event, yaml.MappingStartEvent):
            return Table(line), event.anchor
        if isinstance(event, yaml.SequenceEndEvent | yaml.MappingEndEvent):
            return self._open[-1], None
        if isinstance(event, yaml.AliasEvent):
            return self._aliased(str(event.anchor), line), None
        return None, None

    def _aliased(self, anchor: str, line: int) -> Node:
        if anchor in self._names:
            raise YamlError(f"anchor '{anchor}' value contains itself at line {line}")
        if anchor not in self._anchors:
            raise YamlError(f"unknown anchor '{anchor}' referenced at line {line}")
        return self._anchors[anchor]

    def _register(self, anchor: str | None, node: Node) -> None:
        size = 1
        if isinstance(node, Sequence):
            size += sum(self._sizes.get(id(item), 1) for item in node.items)
        elif isinstance(node, Table):
            size += sum(self._sizes.get(id(item), 1) for item in node.items.values())
        self._sizes[id(node)] = size
        self._make_room(1)
        if size > _MOST_NODES:
            raise _EXCESSIVE
        if anchor:
            self._anchors[anchor] = node

    def _make_room(self, nodes: int) -> None:
        """Count what is about to be held, be it written once and merged a thousand times."""
        self._count += nodes
        if self._count > _MOST_NODES:
            raise _EXCESSIVE

    def _begin(self, node: Sequence | Table, anchor: str | None) -> None:
        if len(self._open) >= _DEEPEST:
            raise YamlError(f"exceeded max depth of {_DEEPEST} at line {node.line}")
        self._open.append(node)
        self._keys.append(None)
        self._names.append(anchor)

    def _add(self, node: Node, line: int) -> None:
        parent = self._open[-1]
        if isinstance(parent, Sequence):
            parent.items.append(node)
            return
        key = self._keys[-1]
        if key is None:
            if not isinstance(node, Scalar):
                raise YamlError(f"invalid map key at line {line}")
            self._keys[-1] = (node.value, line)
            return
        self._keys[-1] = None
        if key[0] == "<<":
            self._merge(parent, node)
        else:
            parent.items[key[0]] = node
            parent.key_lines[key[0]] = key[1]

    def _merge(self, parent: Table, node: Node) -> None:
        sources = node.items if isinstance(node, Sequence) else [node]
        for source in sources:
            if not isinstance(source, Table):
                raise YamlError("map merge requires map or sequence of maps as the value")
            self._make_room(len(source.items))
            for name, value in source.items.items():
                if name not in parent.items:
                    parent.items[name] = value
                    parent.key_lines[name] = source.key_lines[name]


def _line(event: yaml.Event) -> int:
    return event.start_mark.line + 1 if event.start_mark else 0


def entries(node: Table) -> Mapping[str, Node]:
    """Return a mapping's entries whose value is not null."""
    return {
        key: value
        for key, value in node.items.items()
        if not (isinstance(value, Scalar) and value.is_null)
    }
