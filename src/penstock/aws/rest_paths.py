"""From method, path and query string to the operation of a REST protocol.

Several of S3's operations share method and path; they differ in which query parameters
and headers must be there. Of all operations that fit, the one that demands most wins.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote

from botocore.model import OperationModel

from penstock.aws.http import HttpRequest
from penstock.aws.models import Model

_LABEL = re.compile(r"\\\{(\w+)(\\\+)?\\\}")


@dataclass(frozen=True, slots=True)
class _Pattern:
    operation: str
    method: str
    path: re.Pattern[str]
    literal_query: Mapping[str, str]
    required_query: frozenset[str]
    required_headers: frozenset[str]

    def demands(self) -> tuple[int, int]:
        return (
            len(self.literal_query) + len(self.required_query) + len(self.required_headers),
            -self.path.groups,
        )

    def match(self, request: HttpRequest, path: str) -> Mapping[str, str] | None:
        if request.method != self.method:
            return None
        for name, value in self.literal_query.items():
            found = request.query.get(name)
            if found is None or (value and found[0] != value):
                return None
        if not self.required_query <= request.query.keys():
            return None
        if not self.required_headers <= request.headers.keys():
            return None
        matched = self.path.fullmatch(path)
        if matched is None:
            return None
        return {name: unquote(value) for name, value in matched.groupdict().items()}


class RestPaths:
    """The path patterns of one model, most demanding first."""

    def __init__(self, model: Model) -> None:
        operations = sorted(map(model.operation, model.operation_names), key=_preference)
        patterns = [_pattern(operation) for operation in operations]
        self._patterns = sorted(patterns, key=_Pattern.demands, reverse=True)

    def match(self, request: HttpRequest) -> tuple[str, Mapping[str, str]] | None:
        """Return the operation's name and the decoded path labels, None when nothing fits."""
        path = request.raw_path
        for pattern in self._patterns:
            labels = pattern.match(request, path)
            if labels is not None:
                return pattern.operation, labels
        return None


def _preference(operation: OperationModel) -> tuple[bool, bool, str]:
    # Two operations with the very same demands: the current one before its deprecated form;
    # S3's directory buckets, which share paths with ordinary ones, have hosts of their own.
    return operation.deprecated, "Director" in operation.name, operation.name


def _pattern(operation: OperationModel) -> _Pattern:
    http = operation.http
    path, _, query = http["requestUri"].partition("?")
    literal = {}
    for part in query.split("&"):
        if part:
            name, _, value = part.partition("=")
            literal[name] = value
    required_query, required_headers = set(), set()
    shape = operation.input_shape
    for name in shape.required_members if shape is not None else ():
        member = shape.members[name]
        location = member.serialization.get("location")
        wire_name = member.serialization.get("name", name)
        if location == "querystring":
            required_query.add(wire_name)
        elif location == "header":
            required_headers.add(wire_name.lower())
    return _Pattern(
        operation.name,
        http["method"],
        _compile(path),
        literal,
        frozenset(required_query),
        frozenset(required_headers),
    )


def _compile(path: str) -> re.Pattern[str]:
    def label(match: re.Match[str]) -> str:
        return f"(?P<{match[1]}>{'.+' if match[2] else '[^/]+'})"

    expression = _LABEL.sub(label, re.escape(path))
    if expression.endswith("[^/]+)"):
        expression += "/?"  # a bucket's path may end with a slash
    return re.compile(expression, re.DOTALL)
