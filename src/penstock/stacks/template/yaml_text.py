"""YAML as CloudFormation reads it, short forms expanded: `!Sub x` becomes `{"Fn::Sub": "x"}`.

Values are built from libyaml's events one at a time, with a stack instead of recursion, so that
depth is bounded; aliases are refused, as on AWS, so nothing multiplies. Of equal keys the last
one counts, as on AWS.

Sources: template-formats.html and intrinsic-function-reference.html of AWS's user guide; the
refusal of aliases: github.com/seeebiii/aws-cloudformation-templates issue 1; equal keys:
github.com/go-to-k/cdk-real-drift pull 1133 (tried on AWS). AWS's pages show no short form of
Fn::Length and Fn::ToJsonString (unverified); templates have them, as that in
github.com/ljacobsson/iam-policies-cli issue 10, and cfn-lint takes them.
"""

import difflib
from typing import Any

import yaml

from penstock.stacks.template.errors import format_error, template_error
from penstock.stacks.template.yaml_scalars import plain_value

DEEPEST = 100
"""Levels of nesting that a template may have; ours, far beyond what AWS's own limits allow."""
MOST_VALUES = 150_000
"""Maps, lists and scalars in a template; ours: dense ones of AWS's largest size have 90 000."""

SHORT_FORMS = {
    "!Ref": "Ref",
    "!Condition": "Condition",
    **{
        f"!{name}": f"Fn::{name}"
        for name in (
            "And",
            "Base64",
            "Cidr",
            "Equals",
            "FindInMap",
            "GetAZs",
            "GetAtt",
            "GetStackOutput",
            "If",
            "ImportValue",
            "Join",
            "Length",
            "Not",
            "Or",
            "Select",
            "Split",
            "Sub",
            "ToJsonString",
            "Transform",
        )
    },
}
_STRING = "tag:yaml.org,2002:str"
_STANDARD = {f"tag:yaml.org,2002:{name}" for name in ("int", "float", "bool", "null", "seq", "map")}
_NO_KEY: Any = object()
_STARTS = frozenset({yaml.MappingStartEvent, yaml.SequenceStartEvent})
_ENDS = frozenset({yaml.MappingEndEvent, yaml.SequenceEndEvent})


def parse_yaml(text: str) -> Any:
    """Return the first document's value. Raises ServiceError ValidationError."""
    try:
        return _Builder().value(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f" (line {mark.line + 1}, column {mark.column + 1})" if mark else ""
        raise format_error(f"YAML not well-formed.{where}") from None
    except (yaml.YAMLError, ValueError):
        raise format_error("YAML not well-formed.") from None


def too_many_values() -> Exception:
    """Return the error for a text that holds more values than a template may."""
    return format_error(f"expected at most {MOST_VALUES} values in a template, found more")


def not_well_formed(event: Any, problem: str) -> Exception:
    """Return the error for something at `event` that no template may hold."""
    mark = event.start_mark
    return format_error(
        f"YAML not well-formed. (line {mark.line + 1}, column {mark.column + 1}): {problem}"
    )


class _Builder:
    """Builds one document's value."""

    def __init__(self) -> None:
        self._open: list[tuple[Any, Any, str | None]] = []
        """Containers around the present one, each with its pending key and its function."""

    def value(self, text: str) -> Any:
        """Return the first document's value, None for an empty text."""
        root: Any = None
        container: Any = None  # the innermost open list or dict
        key: Any = _NO_KEY  # of a dict: the key whose value comes next
        function: str | None = None  # the short form that stands before the container
        left = MOST_VALUES
        for event in yaml.parse(text, Loader=yaml.CSafeLoader):
            kind = type(event)
            wants_key = type(container) is dict and key is _NO_KEY
            if kind in _STARTS:
                left -= 1
                self._check_start(event, wants_key)
                self._open.append((container, key, function))
                function, key = _function(event), _NO_KEY
                container = {} if kind is yaml.MappingStartEvent else []
                continue
            if kind is yaml.ScalarEvent:
                if wants_key:
                    key = _key(event)
                    continue
                left -= 1
                value = _scalar(event)
            elif kind in _ENDS:
                value = container if function is None else {function: container}
                container, key, function = self._open.pop()
            elif kind is yaml.DocumentEndEvent:
                break
            else:
                _refuse_alias(kind)
                continue
            if left < 0:
                raise too_many_values()
            if container is None:
                root = value
            elif type(container) is list:
                container.append(value)
            else:
                container[key], key = value, _NO_KEY
        return root

    def _check_start(self, event: Any, wants_key: bool) -> None:
        if wants_key:
            raise not_well_formed(event, "a key must be a string")
        if len(self._open) >= DEEPEST:
            raise not_well_formed(event, f"nested deeper than {DEEPEST} levels")


def _refuse_alias(kind: type) -> None:
    if kind is yaml.AliasEvent:
        raise template_error("YAML aliases are not allowed in CloudFormation templates")


def _scalar(event: Any) -> Any:
    tag = event.tag
    if tag is None:
        return event.value if event.style else plain_value(event.value)
    if tag in ("!", _STRING):
        return event.value
    if tag in _STANDARD:
        return plain_value(event.value)
    function = _short_form(event)
    if function == "Fn::GetAtt":
        return {function: event.value.split(".", 1)}
    return {function: event.value}


def _key(event: Any) -> str:
    if event.tag is not None and event.tag.startswith("!") and event.tag != "!":
        raise not_well_formed(event, f"a key must be a string, not {event.tag}")
    if event.value == "<<" and not event.style:
        raise not_well_formed(event, "merge keys (<<) are not supported in templates")
    return str(event.value)


def _function(event: Any) -> str | None:
    """The function whose short form stands before a list or map."""
    tag = event.tag
    if tag is None or tag == "!" or tag in _STANDARD:
        return None
    return _short_form(event)


def _short_form(event: Any) -> str:
    function = SHORT_FORMS.get(event.tag)
    if function is None:
        tag = event.tag.replace("tag:yaml.org,2002:", "!!")
        meant = meant_instead(tag, SHORT_FORMS)
        raise not_well_formed(event, f"unknown tag '{tag}'{meant}")
    return function


def meant_instead(name: str, known: Any) -> str:
    """Return `; did you mean 'X'?` for the known name nearest to `name`, or an empty text."""
    folded = {one.lower(): one for one in known}
    near = difflib.get_close_matches(name.lower(), folded, n=1, cutoff=0.6)
    return f"; did you mean '{folded[near[0]]}'?" if near else ""
