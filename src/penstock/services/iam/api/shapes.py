"""Members that IAM's requests and responses share.

Policy documents travel URL-encoded in responses (RFC 3986), as the API reference says.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar
from urllib.parse import quote

from penstock.aws import tags as tagging
from penstock.aws.errors import ServiceError
from penstock.aws.pagination import page
from penstock.aws.service import Request
from penstock.services.iam.identity import Identity, Role
from penstock.storage.credentials import LastUse

T = TypeVar("T")
_DEFAULT_ITEMS = 100


def encoded(document: str) -> str:
    """Return a policy document as responses carry it."""
    return quote(document, safe="")


def role_shape(
    role: Role, last_use: LastUse | None = None, *, whole: bool = True
) -> dict[str, Any]:
    """Return a Role; lists leave out tags, boundary and last use (`whole` False), as AWS does."""
    shape = {
        **_identity_shape(role, whole=whole),
        "RoleName": role.name,
        "RoleId": role.id,
        "AssumeRolePolicyDocument": encoded(role.trust_policy),
        "MaxSessionDuration": role.max_session_seconds,
    }
    if role.description is not None:
        shape["Description"] = role.description
    if whole:
        shape["RoleLastUsed"] = (
            {"LastUsedDate": last_use.used_at, "Region": last_use.region} if last_use else {}
        )
    return shape


def user_shape(user: Identity, *, whole: bool = True) -> dict[str, Any]:
    """Return a User; lists leave out tags and boundary (`whole` False)."""
    return {**_identity_shape(user, whole=whole), "UserName": user.name, "UserId": user.id}


def _identity_shape(found: Identity, *, whole: bool) -> dict[str, Any]:
    shape: dict[str, Any] = {"Path": found.path, "Arn": found.arn, "CreateDate": found.created_at}
    if whole and found.tags:
        shape["Tags"] = tag_list(found.tags)
    if whole and found.permissions_boundary is not None:
        shape["PermissionsBoundary"] = {
            "PermissionsBoundaryType": "Policy",
            "PermissionsBoundaryArn": found.permissions_boundary,
        }
    return shape


def tag_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Return tags as a list of Tag, by key."""
    return [{"Key": key, "Value": tags[key]} for key in sorted(tags)]


def added_tags(
    given: Sequence[Mapping[str, str]],
    before: Mapping[str, str],
    via: str | None,
    *,
    ignore_case: bool = True,
) -> dict[str, str]:
    """Return `before` with the request's tags; InvalidInput (a key twice, a key of AWS's own
    unless `via` is AWS), LimitExceeded.

    The keys of roles and users ignore case, those of policies don't: as recorded from AWS,
    localstack/localstack tests/aws/services/iam/test_iam_policies.snapshot.json.
    """
    refuse_reserved((tag["Key"] for tag in given), via)
    keys = [_tag_key(tag["Key"], ignore_case) for tag in given]
    if len(set(keys)) != len(keys):
        hint = " Please note that Tag keys are case insensitive." if ignore_case else ""
        raise ServiceError("InvalidInputException", f"Duplicate tag keys found.{hint}")
    tags = {key: value for key, value in before.items() if _tag_key(key, ignore_case) not in keys}
    tags |= {tag["Key"]: tag["Value"] for tag in given}
    if tagging.counted(tags) > tagging.MOST_TAGS:
        raise ServiceError(
            "LimitExceededException", "The number of tags has reached the maximum limit."
        )
    return tags


def refuse_reserved(keys: Iterable[str], via: str | None) -> None:
    """Raise InvalidInput for a key that only AWS's services set and remove. Text: unverified."""
    if (key := tagging.reserved_key(keys, via)) is not None:
        raise ServiceError(
            "InvalidInputException", f"Tag keys that begin with aws: are AWS's own, found {key}."
        )


def _tag_key(key: str, ignore_case: bool) -> str:
    return key.lower() if ignore_case else key


def marked_page(
    request: Request,
    member: str,
    items: Sequence[T],
    key: Callable[[T], str | int],
    shape: Callable[[T], Any],
) -> dict[str, Any]:
    """Return one page of `items` under `member`, with IAM's IsTruncated and Marker.

    `items` are sorted by `key`, whose values are unique.
    """
    chosen, marker = page(
        items,
        request.get("Marker"),
        request.get("MaxItems", _DEFAULT_ITEMS),
        key,
        error_code="ValidationError",
    )
    response = {member: [shape(item) for item in chosen], "IsTruncated": marker is not None}
    if marker is not None:
        response["Marker"] = marker
    return response
