"""Constraints of the models, checked with AWS's texts.

`1 validation error detected: Value 'x' at 'pipeline.stages.2.member.name' failed to satisfy
constraint: Member must have length greater than or equal to 1`. Sources of the texts and
of the per-service differences stand in `_STYLES`; those marked unverified follow the
majority of services.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from penstock.aws.constraints import ELEMENTS, Violation, check_of
from penstock.aws.errors import ServiceError
from penstock.aws.models import Model

_MOST_VIOLATIONS = 10
"""AWS lists no more (seen on Kinesis and DynamoDB)."""


@dataclass(frozen=True, slots=True)
class Style:
    """How one service reports broken constraints.

    `shows_value` is False where it writes `Value at 'name'`, without the value.
    """

    code: str
    shows_value: bool = True
    coral: bool = True
    """False for ECR's own wording."""
    counts_null: bool = False
    """Whether the constraints of a list's elements end with `Member must not be null`."""


_STYLES: Mapping[str, Style] = {
    # Unverified that constraints answer so; the code is the model's only one for bad input.
    "codebuild": Style("InvalidInputException"),
    # awslabs/cloudfront-hosting-toolkit#12, aws/aws-cdk#12747: no value in the text.
    "codepipeline": Style("ValidationException", shows_value=False),
    # Unverified.
    "codecommit": Style("ValidationException"),
    # aws/aws-dotnet-deploy#549, boto/boto3#3191.
    "ecr": Style("InvalidParameterException", coral=False),
    # Recorded from AWS: localstack/localstack tests/aws/services/iam/test_iam_roles.snapshot.json
    # (2026: no value), sts/test_sts.snapshot.json and logs/test_logs_events.snapshot.json.
    "iam": Style("ValidationError", shows_value=False, counts_null=True),
    "sts": Style("ValidationError"),
    "logs": Style("InvalidParameterException"),
    "secretsmanager": Style("ValidationException"),
    "ssm": Style("ValidationException"),
    # S3 has hardly any constraint in its model; unverified.
    "s3": Style("InvalidArgument"),
}
_DEFAULT_STYLE = {"query": Style("ValidationError")}


def validate(model: Model, shape: Any, request: Mapping[str, Any]) -> None:
    """Raise the service's validation error when `request` breaks constraints of `shape`."""
    check = None if shape is None else check_of(shape)
    if check is None:
        return
    violations = []
    for violation in check(request, ""):
        violations.append(violation)
        if len(violations) == _MOST_VIOLATIONS:
            break
    if violations:
        style = _STYLES.get(model.name) or _DEFAULT_STYLE.get(
            model.protocol, Style("ValidationException")
        )
        raise ServiceError(style.code, _text(style, violations), status=400)


def _text(style: Style, violations: list[Violation]) -> str:
    if not style.coral:
        first = violations[0]
        where = f"Invalid parameter at '{first.path}'"
        return f"{where} failed to satisfy constraint: '{first.expected}'"
    parts = []
    for violation in violations:
        if violation.value is None:
            value = "Value null"
        elif style.shows_value:
            value = f"Value '{violation.value}'"
        else:
            value = "Value"
        constraint = violation.constraint
        if style.counts_null and constraint.startswith(ELEMENTS):
            constraint = f"{constraint[:-1]}, Member must not be null]"
        parts.append(f"{value} at '{violation.path}' failed to satisfy constraint: {constraint}")
    plural = "s" if len(violations) > 1 else ""
    return f"{len(violations)} validation error{plural} detected: {'; '.join(parts)}"
