"""Custom::* and AWS::CloudFormation::CustomResource: made by whoever answers for them.

A request goes to an SNS topic or a Lambda function, as the stack's role; the answer comes by HTTP
to the request's address. The address's token is stored before the request is sent, and that it was
sent afterwards, so a crash between the two sends the same request again, and nothing else does.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-custom-resources.html
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from penstock import ids
from penstock.aws import models
from penstock.aws.errors import ServiceError
from penstock.aws.failure import describe
from penstock.aws.in_process import InProcess
from penstock.aws.tags import CLOUDFORMATION
from penstock.stacks.handlers import failure as handler_failure
from penstock.stacks.handlers.handler import (
    Failed,
    HandlerErrorCode,
    InProgress,
    Progress,
    ResourceRequest,
    Succeeded,
    Support,
)
from penstock.stacks.handlers.physical_name import physical_name
from penstock.stacks.responses import custom_resource
from penstock.stacks.responses.addresses import CUSTOM_RESOURCE_SECONDS, Responses, subject
from penstock.stacks.responses.custom_resource import Refused

TYPE = "AWS::CloudFormation::CustomResource"
_LOOK_AGAIN_SECONDS = 5.0
"""Answers wake the resource up; this is for what came while the server was starting."""
_SUBJECT = "AWS CloudFormation custom resource request"
_SERVICES = {"lambda": "AWSLambda", "sns": "AmazonSNS"}


@dataclass(frozen=True, slots=True)
class CustomResource:
    """Every custom resource; what one is, its service knows."""

    in_process: InProcess
    responses: Responses
    support: Support = Support.RUNNING

    async def create(self, request: ResourceRequest, context: Mapping[str, Any] | None) -> Progress:
        """Send Create. A resource that is never answered for is deleted by a name that is made up
        (aws/aws-cdk#36951; the form of that: unverified)."""
        return await self._go_on("Create", request, context)

    async def update(self, request: ResourceRequest, context: Mapping[str, Any] | None) -> Progress:
        """Send Update; an answer with another physical id has replaced the resource."""
        return await self._go_on("Update", request, context)

    async def delete(self, request: ResourceRequest, context: Mapping[str, Any] | None) -> Progress:
        """Send Delete."""
        return await self._go_on("Delete", request, context)

    async def read(self, request: ResourceRequest) -> Succeeded | None:
        """Return what was answered last: nobody can be asked."""
        if request.physical_resource_id is None:
            return None
        return Succeeded(request.physical_resource_id, request.attributes)

    async def _go_on(
        self, kind: str, request: ResourceRequest, context: Mapping[str, Any] | None
    ) -> Progress:
        made_up = physical_name(request) if kind == "Create" else None
        if context is None:
            wrong = custom_resource.problem(request.properties)
            if wrong is not None and kind != "Delete":
                return _failed(wrong, request.physical_resource_id)
            return InProgress(0.0, {"Token": ids.new_token()})
        if "Until" not in context:
            return await self._send(kind, request, str(context["Token"]), made_up)
        return await self._look(kind, request, context, made_up)

    async def _send(
        self, kind: str, request: ResourceRequest, token: str, made_up: str | None
    ) -> Progress:
        target = str(request.properties.get(custom_resource.SERVICE_TOKEN, ""))
        service = custom_resource.service_of(target) or ""
        address = self.responses.address(
            token, request.logical_resource_id, for_function=service == "lambda"
        )
        message = json.dumps(custom_resource.request_document(kind, request, address))
        await self.responses.open(
            token, request.stack_id, single=True, seconds=CUSTOM_RESOURCE_SECONDS
        )
        try:
            await self._hand_over(service, target, message, request)
        except ServiceError as error:
            await self.responses.close(token)
            return _refused_by(service, error, request)
        seconds = custom_resource.timeout_seconds(request.properties)
        until = request.now + timedelta(seconds=seconds)
        context = {"Token": token, "Until": until.isoformat()}
        return InProgress(_pause(until, request.now), context, provisional_id=made_up)

    async def _hand_over(
        self, service: str, target: str, message: str, request: ResourceRequest
    ) -> None:
        if service == "lambda":
            operation = "Invoke"
            given: dict[str, Any] = {"FunctionName": target, "InvocationType": "Event"}
            given["Payload"] = message.encode()
        else:
            operation = "Publish"
            given = {"TopicArn": target, "Subject": _SUBJECT, "Message": message}
        await self.in_process.call(request.principal, service, operation, given, via=CLOUDFORMATION)

    async def _look(
        self,
        kind: str,
        request: ResourceRequest,
        context: Mapping[str, Any],
        made_up: str | None,
    ) -> Progress:
        token = str(context["Token"])
        until = datetime.fromisoformat(str(context["Until"]))
        found = await self.responses.answers(subject(token))
        if not found and request.now < until:
            return InProgress(_pause(until, request.now), context, provisional_id=made_up)
        await self.responses.close(token)
        if not found:
            return _failed(
                custom_resource.no_answer(request), request.physical_resource_id or made_up
            )
        answer = custom_resource.read_answer(found[0].body, request)
        if isinstance(answer, Refused):
            known = answer.physical_resource_id or request.physical_resource_id or made_up
            return _failed(answer.reason, known)
        source = custom_resource.source_of(request)
        data = {} if kind == "Delete" else answer.data
        return Succeeded(answer.physical_resource_id, data, no_echo=answer.no_echo, source=source)


def _refused_by(service: str, error: ServiceError, request: ResourceRequest) -> Failed:
    """Return the failure of a request that could not be handed over: nobody has seen it."""
    request_id = ids.derived_uuid(request.client_request_token, "handover")
    model = models.load(service or "sns")
    failure = describe(model.protocol, model, error)
    told = (
        f"{error.message} (Service: {_SERVICES.get(service, service)}; Status Code: "
        f"{failure.status}; Error Code: {failure.code}; Request ID: {request_id}; Proxy: null)"
    )
    code = handler_failure.code_of(error.code)
    return Failed(code, told, request.physical_resource_id, verbatim=True)


def _failed(reason: str, physical_id: str | None) -> Failed:
    return Failed(HandlerErrorCode.GENERAL_SERVICE_EXCEPTION, reason, physical_id, verbatim=True)


def _pause(until: datetime, now: datetime) -> float:
    return max(0.0, min(_LOOK_AGAIN_SECONDS, (until - now).total_seconds()))
