"""Which log group a request means: by name, by ARN, or by either."""

from penstock.arns import parse_arn
from penstock.aws.errors import ServiceError
from penstock.aws.service import Request

_RESOURCE = "log-group:"


def requested_group(request: Request) -> str:
    """Return the name in exactly one of `logGroupName` and `logGroupIdentifier`."""
    name, identifier = request.get("logGroupName"), request.get("logGroupIdentifier")
    if name is not None and identifier is not None:
        # localstack/localstack tests/aws/services/logs/test_logs_streams.snapshot.json, from AWS.
        raise ServiceError(
            "ValidationException",
            "LogGroup name and LogGroup ARN are mutually exclusive parameters.",
            status=400,
        )
    if name is None and identifier is None:
        raise ServiceError(
            "InvalidParameterException",  # unverified
            "Expected one of logGroupName and logGroupIdentifier, found neither.",
        )
    if name is not None:
        return str(name)
    return group_of_arn(str(identifier)) if str(identifier).startswith("arn:") else str(identifier)


def group_of_arn(text: str) -> str:
    """Return the name in a log group's ARN, with or without the trailing `:*`."""
    try:
        resource = parse_arn(text).resource.removesuffix(":*")
    except ValueError as error:
        raise ServiceError("InvalidParameterException", str(error)) from None
    if not resource.startswith(_RESOURCE):
        raise ServiceError(
            "InvalidParameterException", f"expected the ARN of a log group, found {text!r}"
        )
    return resource.removeprefix(_RESOURCE)
