"""What CloudFormation finds wrong before it provisions anything: early validation's findings. Pure.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/validate-stack-deployments.html
and, word for word, aws/aws-cdk-cli#1000 (reason of a change set), aws-cloudformation/rain#744
(buckets), DescribeEvents as recorded on AWS (github.com/radkawar/stackd,
function_resource_policy_validation.json).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

PROPERTY, NAME_CONFLICT = "PROPERTY_VALIDATION", "NAME_CONFLICT_VALIDATION"
BUCKET_EMPTINESS = "BUCKET_EMPTINESS_VALIDATION"
FAIL, WARN = "FAIL", "WARN"

STOPPED = "Validation failure detected. See the operation's FAILED event for details."
"""Why an operation on a stack goes back when validation failed."""

_HOOKS = {
    PROPERTY: "AWS::EarlyValidation::PropertyValidation",
    NAME_CONFLICT: "AWS::EarlyValidation::ResourceExistenceCheck",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong, as an OperationEvent tells it."""

    logical_id: str
    resource_type: str
    name: str
    """ValidationName."""
    reason: str
    path: str
    """The JSON pointer in the template."""
    mode: str = FAIL
    """FAIL stops the operation, WARN tells."""


def of_properties(invalid: Mapping[str, Sequence[str]], types: Mapping[str, str]) -> list[Finding]:
    """Return a finding for each line that the schemas have against properties.

    `invalid` are the lines (`#/Port: expected type: …`), `types` the types, by logical id.
    """
    return [
        Finding(logical_id, types[logical_id], PROPERTY, line, _path(logical_id, line))
        for logical_id, lines in sorted(invalid.items())
        for line in lines
    ]


def name_taken(logical_id: str, resource_type: str, identifier: str) -> Finding:
    """Return the finding that what a new resource shall be called is there already."""
    reason = f"Resource of type '{resource_type}' with identifier '{identifier}' already exists."
    return Finding(logical_id, resource_type, NAME_CONFLICT, reason, f"/Resources/{logical_id}")


def bucket_not_empty(logical_id: str, bucket: str) -> Finding:
    """Return the warning that a bucket to be deleted has objects."""
    reason = (
        f"The bucket '{bucket}' is not empty. You must either delete all objects and versions or "
        "use the deletion policy to retain it, otherwise the delete operation will fail."
    )
    path = f"/Resources/{logical_id}"
    return Finding(logical_id, "AWS::S3::Bucket", BUCKET_EMPTINESS, reason, path, WARN)


def failures(found: Iterable[Finding]) -> list[Finding]:
    """Return the findings that stop an operation."""
    return [each for each in found if each.mode == FAIL]


def of_change_set(found: Sequence[Finding]) -> str | None:
    """Return why a change set failed, None where nothing stops it."""
    kinds = {each.name for each in failures(found)}
    if not kinds:
        return None
    hooks = ", ".join(hook for kind, hook in _HOOKS.items() if kind in kinds)
    return (
        f"The following hook(s)/validation failed: [{hooks}]. To troubleshoot Early Validation "
        "errors, use the DescribeEvents API for detailed failure information."
    )


def of_stack(found: Sequence[Finding]) -> str | None:
    """Return the reason of a stack's CREATE_FAILED or UPDATE_FAILED; None: nothing stops it."""
    count = len(failures(found))
    if not count:
        return None
    return (
        f"Validation failed with {count} error(s). Call DescribeEvents to retrieve the full list "
        "of issues with resource and property details, resolve each error, then retry the "
        "operation."
    )


def stop(found: Sequence[Finding]) -> str | None:
    """Return why an operation with these findings goes back at once, None where it goes on."""
    return STOPPED if failures(found) else None


def is_of_stack(reason: str | None) -> bool:
    """Tell whether an event's reason is `of_stack`'s: its DetailedStatus is VALIDATION_FAILED."""
    return (reason or "").startswith("Validation failed with ")


def _path(logical_id: str, line: str) -> str:
    pointer = line.removeprefix("#").partition(":")[0]
    return f"/Resources/{logical_id}/Properties{pointer}"
