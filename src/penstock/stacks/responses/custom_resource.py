"""What CloudFormation asks of a custom resource, and what its answer says. Pure.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref.html; the texts of
failures are from events of AWS's stacks (each with its issue).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from penstock.stacks.display import canonical
from penstock.stacks.handlers.handler import ResourceRequest
from penstock.stacks.responses.body import json_object, without_controls

SERVICE_TOKEN = "ServiceToken"
SERVICE_TIMEOUT = "ServiceTimeout"
LONGEST_SECONDS = 3600
LONGEST_ID = 1024
MODIFIED_TOKEN = "Modifying service token is not allowed."
"""aws/aws-cdk#25835"""
TOO_LONG = "Response object is too long."
"""aws/aws-cdk#23958"""
NO_PHYSICAL_ID = "Invalid PhysicalResourceId"
"""aws-cloudformation/custom-resource-helper#67"""
_STATUSES = ("SUCCESS", "FAILED")


@dataclass(frozen=True, slots=True)
class Answered:
    """A success: `data` is what Fn::GetAtt gives, secret where the answer said NoEcho."""

    physical_resource_id: str
    data: Mapping[str, Any]
    no_echo: bool


@dataclass(frozen=True, slots=True)
class Refused:
    """A failure, or an answer that is none."""

    reason: str
    physical_resource_id: str | None = None


def request_document(kind: str, request: ResourceRequest, response_url: str) -> dict[str, Any]:
    """Return the request: `kind` is Create, Update or Delete. Scalars are texts, as AWS's are."""
    asked: dict[str, Any] = {
        "RequestType": kind,
        SERVICE_TOKEN: str(request.properties.get(SERVICE_TOKEN, "")),
        "ResponseURL": response_url,
        "StackId": request.stack_id,
        "RequestId": request.client_request_token,
        "LogicalResourceId": request.logical_resource_id,
        "ResourceType": request.resource_type,
        "ResourceProperties": canonical(request.properties),
    }
    if kind != "Create":
        asked["PhysicalResourceId"] = request.physical_resource_id or ""
    if kind == "Update":
        asked["OldResourceProperties"] = canonical(request.previous_properties)
    return asked


def read_answer(body: str | None, request: ResourceRequest) -> Answered | Refused:
    """Return what an answer says; `body` is None for one that is too long."""
    if body is None:
        return Refused(TOO_LONG)
    found = json_object(body)
    if found is None:  # unverified
        return Refused("Invalid Response object: the response is not a JSON object")
    status = found.get("Status")
    if status not in _STATUSES:  # PaloAltoNetworks/aws-elb-autoscaling#23
        return Refused(
            f"Invalid Response object: '{without_controls(status)}' is not a valid ResponseStatus"
        )
    for name, expected in (
        ("StackId", request.stack_id),
        ("RequestId", request.client_request_token),
        ("LogicalResourceId", request.logical_resource_id),
    ):
        if found.get(name) != expected:  # unverified
            return Refused(
                f"Invalid Response object: {name} of the response does not match that of the "
                f"request: expected {expected}, found {without_controls(found.get(name))}"
            )
    physical_id = found.get("PhysicalResourceId")
    if not isinstance(physical_id, str) or not _is_id(physical_id):
        return Refused(NO_PHYSICAL_ID)
    if status == "FAILED":
        return Refused(_failure(found, request), physical_id)
    data = found.get("Data") or {}
    if not isinstance(data, dict):  # unverified
        return Refused("Invalid Response object: Data must be an object of names and values")
    return Answered(physical_id, data, str(found.get("NoEcho", "")).lower() == "true")


def no_answer(request: ResourceRequest) -> str:
    """Return the reason of a resource that was not answered in time
    (aws-samples/aws-security-reference-architecture-examples#162)."""
    return (
        "CloudFormation did not receive a response from your Custom Resource. Please check your "
        f"logs for requestId [{request.client_request_token}]. If you are using the Python "
        "cfn-response module, you may need to update your Lambda function code so that "
        "CloudFormation can attach the updated version."
    )


def source_of(request: ResourceRequest) -> str:
    """Return what AWS calls an answer by, where an attribute is missing in it."""
    return "|".join((request.stack_id, request.logical_resource_id, request.client_request_token))


def problem(properties: Mapping[str, Any]) -> str | None:
    """Return what is wrong with a custom resource's properties. Texts: unverified."""
    token = properties.get(SERVICE_TOKEN)
    if not isinstance(token, str) or not token:
        return (
            f"Custom resources need the property {SERVICE_TOKEN}: the ARN of a Lambda function or "
            "an SNS topic."
        )
    if service_of(token) is None:
        return (
            f"Invalid service token. Expected the ARN of a Lambda function or an SNS topic as "
            f"{SERVICE_TOKEN}, found {token}"
        )
    if SERVICE_TIMEOUT in properties and _seconds(properties[SERVICE_TIMEOUT]) is None:
        return (
            f"{SERVICE_TIMEOUT} must be an integer from 1 to {LONGEST_SECONDS}, found "
            f"{without_controls(properties[SERVICE_TIMEOUT])}"
        )
    return None


def service_of(token: str) -> str | None:
    """Return `lambda` or `sns`; None for a token that is neither's ARN."""
    parts = token.split(":", 5)
    if len(parts) < 6 or parts[0] != "arn":
        return None
    if parts[2] == "lambda" and parts[5].startswith("function:"):
        return "lambda"
    return "sns" if parts[2] == "sns" and parts[5] else None


def timeout_seconds(properties: Mapping[str, Any]) -> int:
    """Return how long an answer is waited for."""
    return _seconds(properties.get(SERVICE_TIMEOUT, LONGEST_SECONDS)) or LONGEST_SECONDS


def _seconds(value: Any) -> int | None:
    text = str(value)
    if isinstance(value, bool) or not text.isascii() or not text.isdecimal() or len(text) > 4:
        return None
    return int(text) if 1 <= int(text) <= LONGEST_SECONDS else None


def _is_id(text: str) -> bool:
    """Return whether AWS takes an id; what is said of control characters is ours."""
    return 0 < len(text) <= LONGEST_ID and text == without_controls(text)


def _failure(found: Mapping[str, Any], request: ResourceRequest) -> str:
    """Return the reason of what was answered FAILED (awslabs/aws-video-transcriber#32)."""
    return (
        "Received response status [FAILED] from custom resource. Message returned: "
        f"{without_controls(found.get('Reason', ''))} (RequestId: {request.client_request_token})"
    )
