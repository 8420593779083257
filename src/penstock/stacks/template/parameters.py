"""A stack's parameters: what a request gives, what the stack had, what the template defaults to.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/parameters-section-structure.html
Texts: widdix/cfn-create-or-update#15, rackerlabs/ebs_snapper#56, aws-deployment-framework#339,
amazon-ec2-image-builder-samples#18; one marked so is unverified.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from penstock.stacks.intrinsics.unknown import KNOWN_AFTER_APPLY
from penstock.stacks.template import parameter_types
from penstock.stacks.template.constraints import check_exists, check_value
from penstock.stacks.template.errors import invalid
from penstock.stacks.template.template import ParameterDeclaration, ParameterValue, Template


@dataclass(frozen=True, slots=True)
class SsmParameter:
    """A parameter in Parameter Store; of a StringList the value is separated by commas."""

    type: str
    value: str


ResolveSsm = Callable[[Sequence[str]], Awaitable[Mapping[str, SsmParameter]]]
"""Names in Parameter Store (`name` or `name:version`) -> those of them that there are."""


@dataclass(frozen=True, slots=True)
class GivenParameter:
    """One member of a request's Parameters."""

    key: str
    value: str | None = None
    use_previous: bool = False


async def resolve_parameters(
    template: Template,
    given: Sequence[GivenParameter],
    previous: Mapping[str, ParameterValue],
    resolve_ssm: ResolveSsm,
) -> dict[str, ParameterValue]:
    """Return the value of every parameter that the template declares, in its order.

    `previous` are the stack's values, for UsePreviousValue; a parameter that is not given has
    its default, whatever it was before. A NoEcho value that is taken over stays one, whatever the
    template says of it (docs/adr/0024-whom-a-stack-acts-as.md). Raises ServiceError
    ValidationError.
    """
    by_key = {one.key: one for one in given}
    unknown = [key for key in by_key if key not in template.parameters]
    if unknown:
        raise invalid(f"Parameters: [{', '.join(unknown)}] do not exist in the template")
    found: dict[str, str] = {}
    missing: list[str] = []
    for name, declared in template.parameters.items():
        value = _value(declared, by_key.get(name), previous)
        if value is None:
            missing.append(name)
        else:
            found[name] = value
    if missing:
        raise invalid(f"Parameters: [{', '.join(missing)}] must have values")
    secret = {name for name, declared in template.parameters.items() if declared.no_echo}
    secret |= {one.key for one in given if one.use_previous and previous[one.key].no_echo}
    for name, value in found.items():
        if value == KNOWN_AFTER_APPLY:
            continue
        check_value(template.parameters[name], value)
        check_exists(template.parameters[name], value, no_echo=name in secret)
    stored = await _stored(template, found, resolve_ssm)
    return {
        name: _value_of(template.parameters[name], value, stored, no_echo=name in secret)
        for name, value in found.items()
    }


def _value(
    declared: ParameterDeclaration,
    given: GivenParameter | None,
    previous: Mapping[str, ParameterValue],
) -> str | None:
    if given is None:
        return declared.default
    name = declared.name
    if given.use_previous:
        if given.value:
            raise invalid(
                f"Invalid input for parameter key {name}. Cannot specify usePreviousValue as "
                "true and non empty value for a parameter"
            )
        if name not in previous:
            raise invalid(
                f"Invalid input for parameter key {name}. Cannot specify usePreviousValue as "
                "true for a parameter key not in the previous template"
            )
        return previous[name].value
    if given.value is None and declared.default is None:
        # unverified
        raise invalid(f"Parameter {name} should either have input value or default value")
    return declared.default if given.value is None else given.value


async def _stored(
    template: Template, values: Mapping[str, str], resolve_ssm: ResolveSsm
) -> Mapping[str, SsmParameter]:
    """Return the parameters of Parameter Store that values name. Raises ServiceError
    ValidationError for names of none, and of secrets (texts: aws/aws-cdk#15135)."""
    types = {name: template.parameters[name].type for name in values}
    named = [values[name] for name, type in types.items() if parameter_types.names_ssm(type)]
    wanted = list(dict.fromkeys(named))
    if KNOWN_AFTER_APPLY in wanted:  # unverified
        raise invalid(
            "A parameter of Parameter Store is named by a value that is known only once the parent "
            "stack was executed: create the change set without IncludeNestedStacks."
        )
    if not wanted:
        return {}
    found = await resolve_ssm(wanted)
    missing = [name for name in wanted if name not in found]
    if missing:
        raise invalid(
            f"Unable to fetch parameters [{','.join(missing)}] from parameter store for this "
            "account."
        )
    secure = [
        value
        for name, value in values.items()
        if parameter_types.is_of_ssm(types[name]) and found[value].type == "SecureString"
    ]
    if secure:
        raise invalid(
            f"Parameters [{','.join(dict.fromkeys(secure))}] referenced by template have types "
            "not supported by CloudFormation."
        )
    return found


def _value_of(
    declared: ParameterDeclaration, value: str, stored: Mapping[str, SsmParameter], *, no_echo: bool
) -> ParameterValue:
    of_ssm = parameter_types.is_of_ssm(declared.type)
    resolved = stored[value].value if of_ssm else None
    return ParameterValue(value, no_echo, resolved)
