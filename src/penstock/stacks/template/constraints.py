"""What a parameter's declaration demands of its value. Pure.

Texts: `must match pattern` and `must be a number not less than` were seen from AWS
(github.com/bonusbits/cloudformation_templates issue 6 and rosa's create-network tests); so was
`failed to satisfy constraint` (github.com/aws/aws-cli issue 7750). Those of lengths and of the
largest number follow them: unverified. What does not exist: cloudposse/terraform-aws-efs-backup#25,
where AWS makes the stack first and rolls it back; here the request is refused with it.
"""

from penstock.aws.errors import ServiceError
from penstock.aws.patterns import (
    LONGEST_PATTERN,
    MOST_PROPERTIES,
    compile_pattern,
    is_too_large,
)
from penstock.regular_expressions import Undecided
from penstock.stacks.template import parameter_types
from penstock.stacks.template.errors import invalid
from penstock.stacks.template.template import ParameterDeclaration

LONGEST_VALUE_BYTES = 4096


def check_value(declared: ParameterDeclaration, value: str) -> None:
    """Raise ServiceError ValidationError unless the declaration allows the value.

    Of a list each item is checked by itself. The value of an SSM parameter type is a name, and
    checked as that.
    """
    name = declared.name
    if len(value.encode()) > LONGEST_VALUE_BYTES:  # unverified
        raise invalid(
            f"Parameter '{name}' must contain at most {LONGEST_VALUE_BYTES} bytes, found "
            f"{len(value.encode())}"
        )
    of_ssm = parameter_types.is_of_ssm(declared.type)
    listed = parameter_types.is_list(declared.type) and not of_ssm
    items = parameter_types.items(value) if listed else [value]
    if parameter_types.is_number(declared.type):
        for item in items:
            if parameter_types.number(item) is None:
                raise invalid(f"Parameter '{name}' must be a number.")
    for item in items:
        _check_item(declared, item)


def check_exists(declared: ParameterDeclaration, value: str, *, no_echo: bool) -> None:
    """Raise ServiceError ValidationError for a value of a type of AWS that can name nothing.

    With `no_echo` the error does not quote it.
    """
    for item in parameter_types.items(value):
        if not parameter_types.can_name(declared.type, item):
            raise invalid(
                f"Parameter validation failed: parameter value {'****' if no_echo else item} for "
                f"parameter name {declared.name} does not exist"
            )


def _check_item(declared: ParameterDeclaration, item: str) -> None:
    if declared.allowed_values is not None and item not in declared.allowed_values:
        raise _broken(declared, "must be one of AllowedValues")
    if declared.allowed_pattern is not None:
        _check_pattern(declared, declared.allowed_pattern, item)
    if declared.min_length is not None and len(item) < declared.min_length:
        raise _broken(declared, f"must contain at least {declared.min_length} characters")
    if declared.max_length is not None and len(item) > declared.max_length:
        raise _broken(declared, f"must contain at most {declared.max_length} characters")
    number = parameter_types.number(item) if parameter_types.is_number(declared.type) else None
    if number is None:
        return
    if declared.min_value is not None and number < declared.min_value:
        raise _broken(declared, f"must be a number not less than {declared.min_value:g}")
    if declared.max_value is not None and number > declared.max_value:
        raise _broken(declared, f"must be a number not greater than {declared.max_value:g}")


def _check_pattern(declared: ParameterDeclaration, pattern: str, item: str) -> None:
    if is_too_large(pattern):
        raise invalid(
            f"Parameter '{declared.name}' has an AllowedPattern of {len(pattern)} characters; "
            f"expected at most {LONGEST_PATTERN}, and {MOST_PROPERTIES} of \\p{{…}}"
        )
    compiled = compile_pattern(pattern)
    if compiled is None:
        raise invalid(
            f"Parameter '{declared.name}' has an AllowedPattern that is no regular expression: "
            f"{pattern}"
        )
    try:
        matches = compiled.fullmatch(item)
    except Undecided:
        raise invalid(
            f"Parameter '{declared.name}' has an AllowedPattern that takes too long to match with "
            f"its value; write it without repetitions within repetitions: {pattern}"
        ) from None
    if not matches:
        raise _broken(declared, f"must match pattern {pattern}")


def _broken(declared: ParameterDeclaration, demand: str) -> ServiceError:
    if declared.constraint_description is not None:
        return invalid(
            f"Parameter {declared.name} failed to satisfy constraint: "
            f"{declared.constraint_description}"
        )
    return invalid(f"Parameter '{declared.name}' {demand}")
