"""Values of the XML protocols: elements to Python values by shape, and back.

Source: https://smithy.io/2.0/aws/protocols/aws-restxml-protocol.html and
https://smithy.io/2.0/spec/protocol-traits.html#xml-bindings
"""

from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree
from xml.sax.saxutils import escape, quoteattr

from penstock.aws.errors import ServiceError
from penstock.aws.protocols.shapes import ResponseDoesNotFit, check_members
from penstock.aws.protocols.text_values import format_text, parse_text

DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'
_MOST_PARTS = 250_000
"""Of a document, about; the largest upload's ten thousand parts need less than half of it."""
_ESCAPED = {"\r": "&#xD;"}


def parse_document(body: bytes) -> ElementTree.Element:
    """Return the root element; raise S3's MalformedXML for anything else, doctypes included.

    So is a document of very many elements and attributes, which would cost far more than it weighs.
    """
    if body.count(b"<") + body.count(b"=") > _MOST_PARTS:
        raise malformed()
    parser = ElementTree.XMLParser(target=_WithoutDoctype())  # noqa: S314 - no entities then
    try:
        parser.feed(body)
        root = parser.close()
    except (ElementTree.ParseError, ValueError, LookupError):  # LookupError: unknown encoding
        raise malformed() from None
    assert isinstance(root, ElementTree.Element)
    return root


class _WithoutDoctype(ElementTree.TreeBuilder):
    """Builds the tree; raises ValueError for a doctype, in whatever encoding it is written."""

    def doctype(self, name: str, pubid: str | None, system: str | None) -> None:
        """Refuse: a document type may define entities that grow without limit."""
        raise ValueError(f"expected no document type, found {name}")


def malformed() -> ServiceError:
    """S3's error for a body that is not the XML it expects."""
    return ServiceError(
        "MalformedXML",
        "The XML you provided was not well-formed or did not validate against our published schema",
        status=400,
    )


def parse_element(shape: Any, element: ElementTree.Element) -> Any:
    """Return the value of `shape` in `element`."""
    kind = shape.type_name
    if kind == "structure":
        return _parse_structure(shape, element)
    if kind == "list":
        name = _item_name(shape)
        items = [child for child in element if _local(child.tag) == name]
        return [parse_element(shape.member, item) for item in items]
    if kind == "map":
        entries = [child for child in element if _local(child.tag) == "entry"]
        return _parse_entries(shape, entries)
    text = element.text or ""
    return parse_text(shape, text if kind == "string" else text.strip(), "iso8601")


def _parse_structure(shape: Any, element: ElementTree.Element) -> dict[str, Any]:
    children: dict[str, list[ElementTree.Element]] = {}
    for child in element:
        children.setdefault(_local(child.tag), []).append(child)
    attributes = {_local(name): value for name, value in element.attrib.items()}
    result = {}
    for name, member in shape.members.items():
        wire_name = member_name(name, member)
        if member.serialization.get("xmlAttribute"):
            local = wire_name.rpartition(":")[2]
            if local in attributes:
                result[name] = parse_text(member, attributes[local], "iso8601")
            continue
        found = children.get(wire_name)
        if found is None:
            continue
        if member.serialization.get("flattened") and member.type_name == "list":
            result[name] = [parse_element(member.member, item) for item in found]
        elif member.serialization.get("flattened") and member.type_name == "map":
            result[name] = _parse_entries(member, found)
        else:
            result[name] = parse_element(member, found[0])
    return result


def _parse_entries(shape: Any, entries: list[ElementTree.Element]) -> dict[str, Any]:
    result = {}
    for entry in entries:
        parts = {_local(child.tag): child for child in entry}
        key = parts.get(shape.key.serialization.get("name", "key"))
        value = parts.get(shape.value.serialization.get("name", "value"))
        if key is None or value is None:
            raise malformed()
        result[key.text or ""] = parse_element(shape.value, value)
    return result


def member_name(name: str, member: Any) -> str:
    """Return how a structure's member is called on the wire."""
    return str(member.serialization.get("name", name))


def _item_name(shape: Any) -> str:
    return str(shape.member.serialization.get("name", "member"))


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]


def write_members(out: list[str], shape: Any, value: Any, path: str) -> None:
    """Append the elements of a structure's members, without the structure's own element."""
    check_members(path, shape, value)
    for name, item in value.items():
        member = shape.members[name]
        if item is not None and not member.serialization.get("xmlAttribute"):
            write_element(out, _written_name(name, member), member, item, f"{path}.{name}")


def _written_name(name: str, member: Any) -> str:
    if member.type_name == "list" and member.serialization.get("flattened"):
        return str(member.member.serialization.get("name", member_name(name, member)))
    return member_name(name, member)


def write_element(out: list[str], name: str, shape: Any, value: Any, path: str) -> None:
    """Append `value` as element `name`; a flattened list or map as several."""
    kind = shape.type_name
    flattened = shape.serialization.get("flattened")
    if kind == "structure":
        out.append(f"<{name}{_attributes(shape, value, path)}>")
        write_members(out, shape, value, path)
        out.append(f"</{name}>")
    elif kind == "list":
        if isinstance(value, str | bytes | Mapping):
            raise ResponseDoesNotFit(path, shape, value)
        if flattened:
            for item in value:
                write_element(out, name, shape.member, item, f"{path}[]")
            return
        out.append(f"<{name}>")
        for item in value:
            write_element(out, _item_name(shape), shape.member, item, f"{path}[]")
        out.append(f"</{name}>")
    elif kind == "map":
        if not isinstance(value, Mapping):
            raise ResponseDoesNotFit(path, shape, value)
        _write_map(out, name, shape, value, path)
    else:
        text = escape(format_text(shape, value, "iso8601", path), _ESCAPED)
        out.append(f"<{name}>{text}</{name}>")


def _write_map(out: list[str], name: str, shape: Any, value: Any, path: str) -> None:
    flattened = shape.serialization.get("flattened")
    key_name = shape.key.serialization.get("name", "key")
    value_name = shape.value.serialization.get("name", "value")
    entry = name if flattened else "entry"
    if not flattened:
        out.append(f"<{name}>")
    for key, item in value.items():
        out.append(f"<{entry}><{key_name}>{escape(key, _ESCAPED)}</{key_name}>")
        write_element(out, value_name, shape.value, item, f"{path}.{key}")
        out.append(f"</{entry}>")
    if not flattened:
        out.append(f"</{name}>")


def _attributes(shape: Any, value: Any, path: str) -> str:
    text = ""
    namespace = shape.serialization.get("xmlNamespace")
    if isinstance(namespace, Mapping) and "prefix" in namespace:
        text += f" xmlns:{namespace['prefix']}={quoteattr(namespace['uri'])}"
    for name, member in shape.members.items():
        if member.serialization.get("xmlAttribute") and value.get(name) is not None:
            written = format_text(member, value[name], "iso8601", f"{path}.{name}")
            text += f" {member_name(name, member)}={quoteattr(written)}"
    return text
