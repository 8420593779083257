"""The operations of STS."""

from penstock.aws.service import Service, bind
from penstock.services.sts.api import sessions
from penstock.services.sts.sts import Sts

OPERATIONS = {
    "AssumeRole": sessions.assume_role,
    "GetAccessKeyInfo": sessions.get_access_key_info,
    "GetCallerIdentity": sessions.get_caller_identity,
    "GetSessionToken": sessions.get_session_token,
}


def service(sts: Sts) -> Service:
    """Return STS on `sts`."""
    return Service("sts", bind(sts, OPERATIONS))
