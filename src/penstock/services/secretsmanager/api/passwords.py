"""Random passwords.

Source: https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetRandomPassword.html
"""

import string

from penstock.aws.errors import ServiceError
from penstock.aws.service import Call, Request, Response
from penstock.ids import new_password
from penstock.services.secretsmanager.secrets import Secrets

_KINDS = {
    "ExcludeUppercase": string.ascii_uppercase,
    "ExcludeLowercase": string.ascii_lowercase,
    "ExcludeNumbers": string.digits,
    "ExcludePunctuation": string.punctuation,
}


async def get_random_password(secrets: Secrets, call: Call, request: Request) -> Response:
    """Return a password of the kinds of characters that are not excluded."""
    length = request.get("PasswordLength", 32)
    excluded = set(request.get("ExcludeCharacters", ""))
    kinds = [kind for option, kind in _KINDS.items() if not request.get(option, False)]
    if request.get("IncludeSpace", False):
        kinds.append(" ")
    remaining = ["".join(c for c in kind if c not in excluded) for kind in kinds]
    alphabets = [alphabet for alphabet in remaining if alphabet]
    each = request.get("RequireEachIncludedType", True)
    if not alphabets:
        message = "Every character is excluded; include at least one type of characters."
    elif each and len(alphabets) < len(kinds):
        message = (
            "ExcludeCharacters leaves none of a type of characters that RequireEachIncludedType "
            "requires."
        )
    elif each and length < len(alphabets):
        message = "The password length is too short based on the required types."
    else:
        return {"RandomPassword": new_password(alphabets, length, each=each)}
    raise ServiceError("InvalidParameterException", message)
