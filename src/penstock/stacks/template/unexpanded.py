"""Reads a template whose transforms are still to be carried out, as far as its text says.

Its parameters, description and metadata are final; of resources there is what stands in the text.
"""

from collections.abc import Mapping
from typing import Any

from penstock.stacks.template import transforms
from penstock.stacks.template.checks import check_nulls
from penstock.stacks.template.document import parse_document
from penstock.stacks.template.load import load_document
from penstock.stacks.template.other_sections import read_description
from penstock.stacks.template.parameter_section import read_parameters
from penstock.stacks.template.sections import members
from penstock.stacks.template.template import ResourceDeclaration, Template


def read_template(text: str) -> Template:
    """Return the template in `text`, JSON or YAML, as `read_document` does."""
    return read_document(parse_document(text), text)


def read_document(document: Mapping[str, Any], text: str) -> Template:
    """Return the template whose text holds this document; its `transforms` are those it declares.

    Without any it is checked as a whole, as `load_template` does. Raises ServiceError
    ValidationError.
    """
    names = transforms.declared_names(document)
    if not names:
        return load_document(document, text, extended=False)
    check_nulls(document)
    version = document.get("AWSTemplateFormatVersion")
    return Template(
        body=text,
        resources={
            name: ResourceDeclaration(name, member["Type"], _properties(member))
            for name, member in members("Resources", document).items()
            if isinstance(member, dict) and isinstance(member.get("Type"), str)
        },
        parameters=read_parameters(document),
        description=read_description(document),
        metadata=members("Metadata", document),
        transforms=names,
        format_version=version if isinstance(version, str) else None,
    )


def _properties(member: Mapping[str, Any]) -> Mapping[str, Any]:
    found = member.get("Properties", {})
    return found if isinstance(found, dict) else {}
