"""What a template says of itself, for ValidateTemplate and GetTemplateSummary. Pure.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_GetTemplateSummary.html
The text of CapabilitiesReason was seen from AWS (`[AWS::IAM::InstanceProfile, AWS::IAM::Role]`), so
was that lists of nothing are left out but for Parameters (a recording of ValidateTemplate, 2024),
and that ResourceTypes has one item for each resource (example of the CLI's reference).
"""

import json
from typing import Any

from penstock.stacks.requests import capabilities
from penstock.stacks.schemas import resource_schema
from penstock.stacks.template import graph
from penstock.stacks.template.constraints import check_value
from penstock.stacks.template.errors import format_error
from penstock.stacks.template.template import ParameterDeclaration, Template


def validation(template: Template) -> dict[str, Any]:
    """Return ValidateTemplate's answer. Raises ValidationError for types that AWS lacks, for a
    default that its declaration does not allow, and for a circle of resources; with conditions,
    whether there is one depends on the parameters."""
    check_types(template)
    for declared in template.parameters.values():
        if declared.default is not None:
            check_value(declared, declared.default)
    if not template.conditions and not template.transforms:
        graph.check_acyclic(graph.dependencies(template, {}))
    return {
        "Parameters": [_parameter(one) for one in template.parameters.values()],
        "Description": template.description,
        "DeclaredTransforms": list(template.transforms) or None,
        **_capabilities(template),
    }


def summary(template: Template, *, unrecognized_as_warnings: bool = False) -> dict[str, Any]:
    """Return GetTemplateSummary's answer.

    Types that AWS lacks are a ValidationError, or listed in Warnings when that is asked for.
    """
    unrecognized = unrecognized_types(template)
    if not unrecognized_as_warnings:
        check_types(template)
    return {
        "Parameters": [_parameter_summary(one) for one in template.parameters.values()],
        "Description": template.description,
        **_capabilities(template),
        "ResourceTypes": [one.type for one in template.resources.values()],
        "Version": template.format_version,
        "Metadata": json.dumps(template.metadata) if template.metadata else None,
        "DeclaredTransforms": list(template.transforms) or None,
        "ResourceIdentifierSummaries": _identifiers(template),
        "Warnings": {"UnrecognizedResourceTypes": unrecognized} if unrecognized else None,
    }


def unrecognized_types(template: Template) -> list[str]:
    """Return the resource types that AWS does not have, sorted; which ones there will be is open
    until the template's transforms were carried out."""
    if template.transforms:
        return []
    types = {one.type for one in template.resources.values()}
    return sorted(
        one
        for one in types
        if not one.startswith("Custom::") and not resource_schema.known_type(one)
    )


def check_types(template: Template) -> None:
    """Raise ServiceError ValidationError for resource types that AWS does not have."""
    unrecognized = unrecognized_types(template)
    if unrecognized:
        raise format_error(f"Unrecognized resource types: [{', '.join(unrecognized)}]")


def _parameter(declared: ParameterDeclaration) -> dict[str, Any]:
    return {
        "ParameterKey": declared.name,
        "DefaultValue": declared.default,
        "NoEcho": declared.no_echo,
        "Description": declared.description,
    }


def _parameter_summary(declared: ParameterDeclaration) -> dict[str, Any]:
    allowed = declared.allowed_values
    return {
        **_parameter(declared),
        "ParameterType": declared.type,
        "ParameterConstraints": {} if allowed is None else {"AllowedValues": list(allowed)},
    }


def _capabilities(template: Template) -> dict[str, Any]:
    required = capabilities.required(template)
    if not required:
        return {}
    types = sorted(
        {one.type for one in template.resources.values() if capabilities.needed(one) is not None}
    )
    return {
        "Capabilities": required,
        "CapabilitiesReason": (
            f"The following resource(s) require capabilities: "
            f"[{', '.join((*types, *template.transforms))}]"  # of transforms unverified
        ),
    }


def _identifiers(template: Template) -> list[dict[str, Any]]:
    by_type: dict[str, list[str]] = {}
    for logical_id, resource in template.resources.items():
        by_type.setdefault(resource.type, []).append(logical_id)
    found = []
    for type_name, logical_ids in by_type.items():
        schema = resource_schema.schema(type_name)
        if schema is not None and schema.primary_identifier:
            identifiers = ["/".join(path) for path in schema.primary_identifier]
            found.append(
                {
                    "ResourceType": type_name,
                    "LogicalResourceIds": logical_ids,
                    "ResourceIdentifiers": identifiers,
                }
            )
    return found
