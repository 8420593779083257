"""Operations on temporary credentials and their callers.

Source: https://docs.aws.amazon.com/STS/latest/APIReference/API_Operations.html
"""

from typing import Any

from penstock.aws.errors import ServiceError
from penstock.aws.service import Call, PrincipalKind, Request, Response
from penstock.services.sts import Sts, TemporaryCredentials

_DEFAULT_ROLE_SECONDS = 3_600
_DEFAULT_TOKEN_SECONDS = 43_200
_ROOT_TOKEN_SECONDS = 3_600
_NOT_HERE = ("SerialNumber", "TokenCode", "Tags", "TransitiveTagKeys", "SourceIdentity",
             "ProvidedContexts")  # fmt: skip


async def assume_role(sts: Sts, call: Call, request: Request) -> Response:
    """Return credentials of a role."""
    _refuse_unsupported(request)
    arns = [descriptor["arn"] for descriptor in request.get("PolicyArns", [])]
    policies = await sts.managed_session_policies(arns)
    if "Policy" in request:
        policies.append(request["Policy"])
    given = await sts.assume_role(
        call.principal,
        request["RoleArn"],
        request["RoleSessionName"],
        request.get("DurationSeconds", _DEFAULT_ROLE_SECONDS),
        policies,
        request.get("ExternalId"),
    )
    return {
        "Credentials": _credentials(given),
        "AssumedRoleUser": {
            "AssumedRoleId": given.principal.user_id,
            "Arn": given.principal.arn,
        },
    }


async def get_caller_identity(sts: Sts, call: Call, request: Request) -> Response:
    """Return who calls; nobody needs permission to ask."""
    return {
        "UserId": call.principal.user_id,
        "Account": call.principal.account_id,
        "Arn": call.principal.arn,
    }


async def get_session_token(sts: Sts, call: Call, request: Request) -> Response:
    """Return temporary credentials of the calling user; the root's last an hour at most."""
    _refuse_unsupported(request)
    seconds = request.get("DurationSeconds", _DEFAULT_TOKEN_SECONDS)
    if call.principal.kind is PrincipalKind.ROOT:
        seconds = min(seconds, _ROOT_TOKEN_SECONDS)
    return {"Credentials": _credentials(await sts.session_token(call.principal, seconds))}


async def get_access_key_info(sts: Sts, call: Call, request: Request) -> Response:
    """Return the account of an access key."""
    return {"Account": await sts.account_of(request["AccessKeyId"])}


def _credentials(given: TemporaryCredentials) -> dict[str, Any]:
    return {
        "AccessKeyId": given.access_key_id,
        "SecretAccessKey": given.secret_access_key,
        "SessionToken": given.session_token,
        "Expiration": given.expiration,
    }


def _refuse_unsupported(request: Request) -> None:
    """Raise for MFA, session tags and source identity: said, never ignored."""
    for member in _NOT_HERE:
        if member in request:
            raise ServiceError(
                "ValidationError",
                f"{member} is not implemented here: expected a request without MFA, session tags, "
                "source identity and provided contexts.",
                status=400,
            )
