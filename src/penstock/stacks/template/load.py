"""From a template's text to a validated Template. Pure.

Everything that AWS refuses about the text itself is refused here: shapes, names, limits,
functions' arguments, references to what does not exist. What depends on parameters (conditions,
cycles) is for `evaluate.py` and `graph.py`. A template that declares transforms is loaded from what
they made of it (`stacks/transforms/`); of the one as given, `unexpanded.py` reads what it can.
"""

import functools
from collections.abc import Mapping
from typing import Any

from penstock.stacks.template.checks import check_nulls, check_references
from penstock.stacks.template.document import parse_document
from penstock.stacks.template.other_sections import (
    check_top,
    read_description,
    read_mappings,
    read_outputs,
)
from penstock.stacks.template.parameter_section import read_parameters
from penstock.stacks.template.resource_section import read_resources
from penstock.stacks.template.rules import read_rules
from penstock.stacks.template.sections import check_name, members
from penstock.stacks.template.template import Template

_MOST_KEPT = 16
_given: dict[str, Template] = {}
"""The templates that requests gave last, by their texts; the oldest is first."""


def load_template(text: str) -> Template:
    """Return the template in `text`, JSON or YAML. Raises ServiceError ValidationError."""
    return load_document(parse_document(text), text)


@functools.lru_cache(maxsize=_MOST_KEPT)
def stored_template(text: str) -> Template:
    """Return the template of a stack or a plan as `load_template` does; the last are kept, since
    every operation on a stack asks for the same one several times."""
    return given_template(text) or load_template(text)


def given_template(text: str) -> Template | None:
    """Return the template that a request gave before in the same text, if it is kept."""
    return _given.get(text)


def keep_given(template: Template) -> None:
    """Keep a request's template, which has no transforms: its operation asks for it again, and
    pipelines give the same text to one stack after another."""
    _given.pop(template.body, None)
    _given[template.body] = template
    if len(_given) > _MOST_KEPT:
        del _given[next(iter(_given))]


def load_document(
    document: Mapping[str, Any], body: str, *, original: str | None = None, extended: bool = True
) -> Template:
    """Return the template whose text `body` holds this document. Raises as `load_template`.

    `original` is the text that was given, where transforms made `body` from it. Without `extended`,
    functions that only a transform brings into a template are refused.
    """
    check_nulls(document)
    check_top(document)
    resources = read_resources(document)
    conditions = members("Conditions", document)
    for name in conditions:
        check_name("Condition", name)
    template = Template(
        body=body,
        original=original,
        resources=resources,
        parameters=read_parameters(document),
        mappings=read_mappings(document),
        conditions=conditions,
        outputs=read_outputs(document),
        description=read_description(document),
        metadata=members("Metadata", document),
        rules=read_rules(document),
        format_version=document.get("AWSTemplateFormatVersion"),
    )
    check_references(template, document, extended=extended)
    return template
