"""Operations on access keys; without a user's name, of the caller.

Source: https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateAccessKey.html and
its siblings.
"""

from penstock.aws.service import Call, Request, Response
from penstock.services.iam import Iam, access_keys
from penstock.services.iam.api import shapes
from penstock.services.iam.api.users import user_or_caller

_ROOT = "root"
_NEVER = "N/A"


async def create_access_key(iam: Iam, call: Call, request: Request) -> Response:
    """Make a key; the only time that its secret is shown."""
    name = user_or_caller(call, request)
    key = await iam.write(lambda c: access_keys.create(c, iam.credentials, name, call.now))
    return {
        "AccessKey": {
            "UserName": name or _ROOT,
            "AccessKeyId": key.access_key_id,
            "Status": "Active",
            "SecretAccessKey": key.secret_access_key,
            "CreateDate": key.created_at,
        }
    }


async def list_access_keys(iam: Iam, call: Call, request: Request) -> Response:
    """Return a user's keys, by id."""
    name = user_or_caller(call, request)
    keys = await iam.read(lambda c: access_keys.of_user(c, name))
    return shapes.marked_page(
        request,
        "AccessKeyMetadata",
        sorted(keys, key=lambda key: key.access_key_id),
        lambda key: key.access_key_id,
        lambda key: {
            "UserName": name or _ROOT,
            "AccessKeyId": key.access_key_id,
            "Status": key.status,
            "CreateDate": key.created_at,
        },
    )


async def update_access_key(iam: Iam, call: Call, request: Request) -> Response:
    """Make a key active or inactive."""
    name = user_or_caller(call, request)
    await iam.write(
        lambda c: access_keys.set_status(c, name, request["AccessKeyId"], request["Status"])
    )
    return {}


async def delete_access_key(iam: Iam, call: Call, request: Request) -> Response:
    """Remove a key."""
    name = user_or_caller(call, request)
    await iam.write(lambda c: access_keys.delete(c, name, request["AccessKeyId"]))
    return {}


async def get_access_key_last_used(iam: Iam, call: Call, request: Request) -> Response:
    """Return who has a key, and when and where it was last used."""
    key, use = await iam.read(
        lambda c: access_keys.last_used(c, request["AccessKeyId"], call.principal.arn)
    )
    used = (
        {"LastUsedDate": use.used_at, "ServiceName": use.service, "Region": use.region}
        if use
        else {"ServiceName": _NEVER, "Region": _NEVER}
    )
    return {"UserName": key.user_name or _ROOT, "AccessKeyLastUsed": used}
