"""What a template declares, without a stack being made.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ValidateTemplate.html
"""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

from penstock.aws.errors import ServiceError
from penstock.aws.service import Call, Request, Response
from penstock.stacks.requests import summary
from penstock.stacks.requests.template_source import LONGEST_BODY_BYTES, template_text
from penstock.stacks.stacks import Stacks
from penstock.stacks.template.errors import invalid
from penstock.stacks.template.template import Template
from penstock.stacks.template.unexpanded import read_template


async def validate_template(stacks: Stacks, call: Call, request: Request) -> Response:
    """Return a valid template's parameters and the capabilities that it needs."""
    text = await template_text(stacks.in_process, call.principal, request)
    return await _read(text, summary.validation)


async def get_template_summary(stacks: Stacks, call: Call, request: Request) -> Response:
    """Return what the template of a request, or of a stack, declares."""
    if request.get("StackSetName"):
        name = request["StackSetName"]
        raise ServiceError("StackSetNotFoundException", f"StackSet {name} not found")
    if request.get("StackName"):
        text = await _stack_template(stacks, request)
    else:
        text = await template_text(stacks.in_process, call.principal, request)
    wished = request.get("TemplateSummaryConfig") or {}
    as_warnings = bool(wished.get("TreatUnrecognizedResourceTypesAsWarnings"))
    return await _read(text, partial(summary.summary, unrecognized_as_warnings=as_warnings))


async def _read(text: str, describe: Callable[[Template], dict[str, Any]]) -> Response:
    """Return what `describe` says of the template in `text`."""
    if len(text) > LONGEST_BODY_BYTES:  # seconds, in which others are answered
        return await asyncio.to_thread(lambda: describe(read_template(text)))
    return describe(read_template(text))


async def _stack_template(stacks: Stacks, request: Request) -> str:
    name = request["StackName"]
    if request.get("TemplateBody") or request.get("TemplateURL"):  # unverified
        raise invalid("Specify only one of StackName, TemplateBody and TemplateURL.")
    state = await stacks.state(name)
    if state is None:
        raise invalid(f"Stack with id {name} does not exist")
    if not state.template_body:
        raise invalid("GetTemplateSummary cannot be called on REVIEW_IN_PROGRESS stacks.")
    return state.original_body or state.template_body
