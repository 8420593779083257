"""The route where answers to stacks come in, by PUT without a signature: the address is the key.

It answers as S3 does to a presigned PUT: 200 with nothing, or its XML error. Of what goes nowhere
not even the body is read. Nothing of the address or the body is logged.
Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-responses.html
"""

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from penstock.stacks.responses.addresses import LONGEST_BYTES, PATH, Responses, Taken

_REFUSALS = {
    Taken.UNKNOWN: ("AccessDenied", "Access Denied"),
    Taken.EXPIRED: ("AccessDenied", "Request has expired"),
}


def response_route(responses: Responses) -> Route:
    """Return the route."""

    async def take(request: Request) -> Response:
        token = request.path_params["token"]
        taken = await responses.refused(token)
        if taken is None:
            try:
                body = await _body(request)
            except ClientDisconnect:
                return Response(status_code=400)
            taken = await responses.take(token, body)
        if taken in _REFUSALS:
            return _refusal(*_REFUSALS[taken])
        return Response(status_code=200)

    return Route(f"{PATH}{{token}}/{{logical_id}}", take, methods=["PUT"])


async def _body(request: Request) -> bytes | None:
    """Return the body; None, and no more of it is read, when it is longer than an answer may be."""
    kept = bytearray()
    async for block in request.stream():
        kept += block
        if len(kept) > LONGEST_BYTES:
            return None
    return bytes(kept)


def _refusal(code: str, message: str) -> Response:
    text = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"
    )
    return Response(text, 403, media_type="application/xml")
