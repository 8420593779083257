"""Reading parameters by name.

Source: https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParameter.html
"""

from typing import Any

from penstock.aws.errors import ServiceError
from penstock.aws.pagination import page
from penstock.aws.service import Call, Request, Response
from penstock.services.ssm.names import parse_reference
from penstock.services.ssm.parameter import Parameter, Version
from penstock.services.ssm.parameters import Parameters


async def get_parameter(parameters: Parameters, call: Call, request: Request) -> Response:
    """Return one parameter, by `name`, `name:version`, `name:label` or ARN."""
    parameter, version = await parameters.get(request["Name"])
    selector = parse_reference(request["Name"]).selector
    shown = described(parameters, parameter, version, request.get("WithDecryption", False))
    return {"Parameter": shown | {"Selector": f":{selector}" if selector else None}}


async def get_parameters(parameters: Parameters, call: Call, request: Request) -> Response:
    """Return several; those that do not exist are reported as invalid."""
    found, invalid = [], []
    for name in dict.fromkeys(request["Names"]):
        try:
            parameter, version = await parameters.get(name)
        except ServiceError:
            invalid.append(name)
            continue
        selector = parse_reference(name).selector
        shown = described(parameters, parameter, version, request.get("WithDecryption", False))
        found.append(shown | {"Selector": f":{selector}" if selector else None})
    return {"Parameters": found, "InvalidParameters": invalid}


async def get_parameter_history(parameters: Parameters, call: Call, request: Request) -> Response:
    """Return all versions, oldest first."""
    parameter = (await parameters.find(parse_reference(request["Name"]))).parameter
    versions, token = page(
        parameter.versions,
        request.get("NextToken"),
        request.get("MaxResults", 50),
        key=lambda version: version.number,
        error_code="InvalidNextToken",
    )
    decrypt = request.get("WithDecryption", False)
    history = [
        metadata(parameter, version)
        | {
            "Value": parameters.plain(version) if decrypt else version.value,
            "Labels": list(version.labels),
        }
        for version in versions
    ]
    for item in history:
        del item["ARN"]
    return {"Parameters": history, "NextToken": token}


def described(
    parameters: Parameters, parameter: Parameter, version: Version, decrypt: bool
) -> dict[str, Any]:
    """Return a version as GetParameter shows it; without `decrypt`, ciphertext."""
    return {
        "Name": parameter.name,
        "Type": version.type,
        "Value": parameters.plain(version) if decrypt else version.value,
        "Version": version.number,
        "LastModifiedDate": version.modified_at,
        "ARN": parameter.arn,
        "DataType": version.data_type,
    }


def metadata(parameter: Parameter, version: Version) -> dict[str, Any]:
    """Return a version as DescribeParameters shows it: without its value."""
    return {
        "Name": parameter.name,
        "ARN": parameter.arn,
        "Type": version.type,
        "KeyId": version.key_id,
        "LastModifiedDate": version.modified_at,
        "LastModifiedUser": version.modified_by,
        "Description": version.description,
        "AllowedPattern": version.allowed_pattern,
        "Version": version.number,
        "Tier": version.tier,
        "Policies": [],
        "DataType": version.data_type,
    }
