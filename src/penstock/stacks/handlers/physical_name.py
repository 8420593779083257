"""Physical ids that CloudFormation makes up: `STACK-LOGICAL-SUFFIX`.

The suffix is derived from the request's token, so the same step always makes the same name.
Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-properties-name.html
"""

import hashlib

from penstock.stacks.handlers.handler import ResourceRequest

_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


def suffix(token: str, length: int = 12) -> str:
    """Return `length` characters of A-Z, a-z, 0-9 that always belong to `token`."""
    number = int.from_bytes(hashlib.sha256(token.encode()).digest())
    letters = []
    for _ in range(length):
        number, index = divmod(number, len(_ALPHABET))
        letters.append(_ALPHABET[index])
    return "".join(letters)


def physical_name(request: ResourceRequest, most: int = 255, *, lower: bool = False) -> str:
    """Return a name of at most `most` characters, all lower-case where the service wants it so."""
    end = suffix(request.client_request_token)
    room = most - len(end) - 1
    start = f"{request.stack_name}-{request.logical_resource_id}"
    if len(start) > room:
        logical = request.logical_resource_id[: max(room // 2, room - len(request.stack_name) - 1)]
        start = f"{request.stack_name[: room - len(logical) - 1]}-{logical}"
    name = f"{start}-{end}"
    return name.lower() if lower else name
