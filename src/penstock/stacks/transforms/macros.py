"""Macros: transforms that a function of the account carries out.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-macros-author.html
Shapes and texts: recorded from AWS. The function is invoked as whoever asks for the stack, who
needs lambda:InvokeFunction, and is told no NoEcho parameter: what it makes is shown to everybody.
"""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from penstock import ids
from penstock.aws.errors import ServiceError
from penstock.aws.in_process import InProcess
from penstock.aws.service import Principal
from penstock.aws.tags import CLOUDFORMATION
from penstock.stacks.template.document import parse_json
from penstock.stacks.template.errors import invalid
from penstock.stacks.template.transforms import Use
from penstock.stacks.transforms.failure import LARGEST_TEMPLATE, failed, too_large
from penstock.stacks.transforms.macro_registry import Macro
from penstock.stacks.transforms.resolver import Known


@dataclass(frozen=True, slots=True)
class Request:
    """What a macro is asked: a fragment, and the evaluated parameters of its use."""

    use: Use
    fragment: Any


async def answered(
    in_process: InProcess, principal: Principal, macro: Macro, request: Request, known: Known
) -> Any:
    """Return the fragment that the macro's function makes of the request's.

    Raises ServiceError ValidationError: the function says that it failed, cannot be invoked, or
    answers something else than a macro does.
    """
    name = f"{known.account_id}::{request.use.name}"
    request_id = ids.new_uuid()
    payload = await asyncio.to_thread(_event, name, request_id, request, known)
    called = {"FunctionName": macro.function_name, "Payload": payload}
    try:
        answer = await in_process.call(principal, "lambda", "Invoke", called, via=CLOUDFORMATION)
    except ServiceError as error:  # unverified
        raise failed(name, f"{macro.function_name}: {error.message}") from None
    if answer.get("FunctionError"):
        raise _malformed(name)
    payload = await _read(answer.get("Payload", b""))
    return await asyncio.to_thread(_fragment, name, request_id, payload)


def _event(name: str, request_id: str, request: Request, known: Known) -> bytes:
    """Return what the function is invoked with."""
    event = {
        "region": known.region,
        "accountId": known.account_id,
        "fragment": request.fragment,
        "transformId": name,
        "params": request.use.parameters,
        "requestId": request_id,
        "templateParameterValues": known.texts(secrets=False),
    }
    return msgspec.json.encode(event)


async def _read(payload: Any) -> bytes:
    """Return an answer's Payload, whether it streams or not; up to a template's limit."""
    if isinstance(payload, bytes | bytearray):
        content = bytearray(payload)
    else:
        content = bytearray()
        async for chunk in payload:
            content += chunk
            if len(content) > LARGEST_TEMPLATE:
                break
    if len(content) > LARGEST_TEMPLATE:
        raise too_large()
    return bytes(content)


def _fragment(name: str, request_id: str, payload: bytes) -> Any:
    try:
        answer = parse_json(payload.decode())
    except (ServiceError, UnicodeDecodeError):
        raise _malformed(name) from None
    if not isinstance(answer, dict) or answer.get("requestId") != request_id:
        raise _malformed(name)
    if str(answer.get("status", "")).lower() != "success":
        message = answer.get("errorMessage")
        if not message:
            raise invalid(f"Transform {name} failed without an error message.")
        raise failed(name, message if isinstance(message, str) else json.dumps(message))
    if "fragment" not in answer:
        raise _malformed(name)
    return answer["fragment"]


def _malformed(name: str) -> ServiceError:
    return invalid(f"Received malformed response from transform {name}")


def as_mapping(fragment: Any) -> Mapping[str, Any]:
    """Return a whole template that a macro answered; AWS's error for what is none."""
    if not isinstance(fragment, dict):
        raise invalid("Template format error: unsupported structure.")
    return fragment
