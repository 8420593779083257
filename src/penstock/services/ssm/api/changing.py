"""Putting and deleting parameters.

Source: https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_PutParameter.html
Texts: moto ssm/models.py, whose wording AWS's users print too; those without a mark in it, of
types, patterns, tiers and keys, are the model's documentation of the errors, or unverified.
"""

from penstock.aws.errors import ServiceError
from penstock.aws.service import Call, Request, Response
from penstock.regular_expressions import Expression, InvalidExpression, Undecided
from penstock.services.ssm.api.tags import with_tags
from penstock.services.ssm.names import validate_name
from penstock.services.ssm.parameter import SECURE, Parameter, Version, with_version
from penstock.services.ssm.parameters import Parameters, StoredParameter

_STANDARD_BYTES, _ADVANCED_BYTES = 4096, 8192
_OWN_KEY = "alias/aws/ssm"


async def put_parameter(parameters: Parameters, call: Call, request: Request) -> Response:
    """Make a parameter or, with Overwrite, a new version of it."""
    name, overwrite = request["Name"], request.get("Overwrite", False)
    validate_name(name)
    _validate_request(request)

    def make(stored: StoredParameter | None) -> StoredParameter:
        if stored is None:
            first = _version(parameters, call, request, None)
            parameter = Parameter(name, parameters.new_arn(name), (first,))
            return StoredParameter(parameter, with_tags({}, request.get("Tags", []), call.via))
        if not overwrite:
            raise ServiceError(
                "ParameterAlreadyExists",
                "The parameter already exists. To overwrite this value, set the overwrite "
                "option in the request to true.",
            )
        version = _version(parameters, call, request, stored.parameter.newest)
        return StoredParameter(with_version(stored.parameter, version), stored.tags)

    newest = (await parameters.put(name, make)).newest
    return {"Version": newest.number, "Tier": newest.tier}


async def delete_parameter(parameters: Parameters, call: Call, request: Request) -> Response:
    """Remove a parameter and its history."""
    if not await parameters.delete(request["Name"]):
        raise ServiceError("ParameterNotFound", f"Parameter {request['Name']} not found.")
    return {}


async def delete_parameters(parameters: Parameters, call: Call, request: Request) -> Response:
    """Remove several; those that are not there are reported."""
    deleted: list[str] = []
    invalid: list[str] = []
    for name in request["Names"]:
        (deleted if await parameters.delete(name) else invalid).append(name)
    return {"DeletedParameters": deleted, "InvalidParameters": invalid}


def _validate_request(request: Request) -> None:
    if request.get("Overwrite", False) and request.get("Tags"):
        raise _invalid(
            "Invalid request: tags and overwrite can't be used together. To create a parameter "
            "with tags, please remove overwrite flag. To update tags for an existing parameter, "
            "please use AddTagsToResource or RemoveTagsFromResource."
        )
    if not request["Value"]:
        raise _invalid(
            "1 validation error detected: Value '' at 'value' failed to satisfy constraint: "
            "Member must have length greater than or equal to 1."
        )
    if request.get("DataType", "text") != "text":
        raise _invalid(f"Penstock has parameters of DataType text, found {request['DataType']}.")
    if request.get("Policies"):
        raise _invalid("Penstock has no parameter policies; leave out Policies.")
    if request.get("KeyId", _OWN_KEY) != _OWN_KEY:
        raise ServiceError(
            "InvalidKeyId",
            f"Penstock encrypts SecureStrings with a key of its own and has no KMS key "
            f"{request['KeyId']}; leave out KeyId.",
        )


def _version(
    parameters: Parameters, call: Call, request: Request, before: Version | None
) -> Version:
    """Return the version that the request makes, following `before`."""
    kind = request.get("Type") or (before.type if before else None)
    if kind is None:
        raise _invalid("A parameter type is required when you create a parameter.")
    if before is not None and kind != before.type:
        raise ServiceError(
            "HierarchyTypeMismatchException",
            "Parameter Store doesn't support changing a parameter type in a hierarchy. For "
            "example, you can't change a parameter from a String type to a SecureString type. "
            "You must create a new, unique parameter.",
        )
    value, pattern = request["Value"], request.get("AllowedPattern")
    if pattern:
        _validate_pattern(pattern, value)
    return Version(
        number=before.number + 1 if before else 1,
        type=kind,
        value=parameters.seal(kind, value),
        modified_at=call.now,
        modified_by=call.principal.arn,
        description=request.get("Description"),
        allowed_pattern=pattern,
        key_id=_OWN_KEY if kind == SECURE else None,
        tier=_tier(request, value, before),
    )


def _validate_pattern(pattern: str, value: str) -> None:
    try:
        matches = Expression(pattern).fullmatch(value)
    except InvalidExpression as error:
        raise ServiceError(
            "InvalidAllowedPatternException", f"The AllowedPattern is not valid: {error}."
        ) from None
    except Undecided:
        raise ServiceError(
            "InvalidAllowedPatternException",
            f"The AllowedPattern takes too long to match with the value: {pattern}. Write it "
            "without repetitions within repetitions.",
        ) from None
    if not matches:
        raise ServiceError(
            "ParameterPatternMismatchException",
            f"Parameter value, cannot be validated against allowedPattern: {pattern}",
        )


def _tier(request: Request, value: str, before: Version | None) -> str:
    size = len(value.encode(errors="replace"))
    was = before.tier if before else "Standard"
    tier = str(request.get("Tier") or was)
    if tier == "Intelligent-Tiering":
        tier = "Advanced" if size > _STANDARD_BYTES else was
    if tier == "Standard" and was == "Advanced":
        raise _invalid(
            "This parameter uses the advanced-parameter tier. You can't downgrade a parameter "
            "from the advanced-parameter tier to the standard-parameter tier. If necessary, you "
            "can delete the advanced parameter and recreate it as a standard parameter."
        )
    if tier == "Standard" and size > _STANDARD_BYTES:
        raise _invalid(
            "Standard tier parameters support a maximum parameter value of 4096 characters. To "
            "create a larger parameter value, upgrade the parameter to use the "
            "advanced-parameter tier. For more information, see "
            "https://docs.aws.amazon.com/systems-manager/latest/userguide/"
            "parameter-store-advanced-parameters.html"
        )
    if size > _ADVANCED_BYTES:
        raise _invalid(
            "Advanced tier parameters support a maximum parameter value of 8192 characters."
        )
    return tier


def _invalid(message: str) -> ServiceError:
    return ServiceError("ValidationException", message, status=400)
