"""A handler's failure as an event's reason says it, and the error code that stands for it.

Pure. The form is that of AWS's events (stratospheric-dev/stratospheric#204): `Resource handler
returned message: "…" (RequestToken: …, HandlerErrorCode: AlreadyExists)`. An API's refusal names
the service, status code and request id, as AWS's Java SDK does.
"""

from collections.abc import Sequence

from penstock.aws.errors import ServiceError
from penstock.stacks.handlers.handler import Failed, HandlerErrorCode

_C = HandlerErrorCode

_CODES: Sequence[tuple[HandlerErrorCode, tuple[str, ...]]] = (
    (_C.ACCESS_DENIED, ("AccessDenied", "Unauthorized", "AuthorizationError")),
    (_C.ALREADY_EXISTS, ("AlreadyExists", "AlreadyOwnedByYou", "ResourceExists", "Duplicate")),
    (_C.NOT_FOUND, ("NotFound", "NoSuch", "DoesNotExist", "NonExistent")),
    (_C.THROTTLING, ("Throttl", "TooManyRequests")),
    (_C.RESOURCE_CONFLICT, ("Conflict", "InUse", "NotEmpty", "ConcurrentModification")),
    (_C.INVALID_REQUEST, ("Invalid", "Validation", "Malformed", "ClientException", "Missing")),
)
"""Parts of an API's error codes, the first that fits counts."""

_SERVICES = {
    "Logs": "CloudWatchLogs",
    "SSM": "Ssm",
    "SNS": "Sns",
    "ECR": "Ecr",
    "ECS": "Ecs",
    "IAM": "Iam",
}
"""Where the SDK's name of a service, which AWS shows, is not the resource type's."""


def of_service_error(error: ServiceError, resource_type: str, request_id: str) -> Failed:
    """Return the failure that an API's refusal is; `request_id` is the refused request's."""
    segments = resource_type.split("::")
    named = segments[1] if len(segments) == 3 else resource_type
    told = (
        f"{error.message} (Service: {_SERVICES.get(named, named)}, "
        f"Status Code: {error.status or 400}, Request ID: {request_id})"
    )
    return Failed(code_of(error.code), told)


def code_of(api_code: str) -> HandlerErrorCode:
    """Return the handler error code for an API's error code."""
    for code, parts in _CODES:
        if any(part in api_code for part in parts):
            return code
    return _C.GENERAL_SERVICE_EXCEPTION


def reason(failed: Failed, token: str) -> str:
    """Return the reason of the resource's FAILED event."""
    if failed.verbatim:
        return failed.message
    return (
        f'Resource handler returned message: "{failed.message}" '
        f"(RequestToken: {token}, HandlerErrorCode: {failed.code.value})"
    )
