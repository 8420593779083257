"""Lambda's errors, in AWS's words where a source shows them.

Source: https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html and its siblings;
texts as boto3's users quote them in public issues, and moto awslambda/exceptions.py.
"""

from penstock.aws.errors import ServiceError


def invalid(message: str) -> ServiceError:
    """A parameter that is not as it must be, or that Penstock cannot honour."""
    return ServiceError("InvalidParameterValueException", message, Type="User")


def conflict(message: str) -> ServiceError:
    """What is there already stands in the way."""
    return ServiceError("ResourceConflictException", message, Type="User")


def not_found(arn: str) -> ServiceError:
    """There is no such function."""
    return ServiceError("ResourceNotFoundException", f"Function not found: {arn}", Type="User")


def no_policy() -> ServiceError:
    """The function has no policy, or not that statement."""
    return ServiceError(
        "ResourceNotFoundException", "The resource you requested does not exist.", Type="User"
    )


def policy_too_long(size: int, most: int) -> ServiceError:
    """The function's policy would have too many bytes."""
    # https://github.com/scribd/terraform-aws-datadog/pull/61 quotes it
    return ServiceError(
        "PolicyLengthExceededException",
        f"The final policy size ({size}) is bigger than the limit ({most}).",
        Type="User",
    )


def changed_meanwhile() -> ServiceError:
    """The caller's revision is not the latest."""
    return ServiceError(
        "PreconditionFailedException",
        "The Revision Id provided does not match the latest Revision Id. Call the "
        "GetFunction/GetAlias API to retrieve the latest Revision Id",
        Type="User",
    )


def cannot_honour(what: str, instead: str) -> ServiceError:
    """Something that would silently not happen."""
    return invalid(f"Penstock cannot honour {what} of a function: {instead}")
