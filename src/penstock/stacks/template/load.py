"""From a template's text to a validated Template. Pure.

Everything that AWS refuses about the text itself is refused here: shapes, names, limits,
functions' arguments, references to what does not exist. What depends on parameters (conditions,
cycles) is for `evaluate.py` and `graph.py`.
"""

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


def load_template(text: str) -> Template:
    """Return the template in `text`, JSON or YAML. Raises ServiceError ValidationError."""
    document = parse_document(text)
    check_nulls(document)
    check_top(document)
    resources = read_resources(document)
    conditions = members("Conditions", document)
    for name in conditions:
        check_name("Condition", name)
    template = Template(
        body=text,
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
    check_references(template, document)
    return template
