"""AWS::CloudFormation::Macro: a name under which templates use a function as a transform.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-cloudformation-macro.html
There is no operation that makes one: it is kept in the account's registry of macros. Ref gives the
name, as recorded from AWS; the function need not exist before a template uses the macro. Who names
it must be allowed to invoke it (docs/adr/0034-transforms.md).
"""

from collections.abc import Mapping
from typing import Any

from penstock.aws.in_process import InProcess
from penstock.stacks.handlers.handler import (
    Failed,
    HandlerErrorCode,
    Progress,
    ResourceRequest,
    Succeeded,
    Support,
)
from penstock.stacks.planning.unsupported import refused_property
from penstock.stacks.transforms.macro_registry import Macro, Macros

TYPE = "AWS::CloudFormation::Macro"


class CloudFormationMacro:
    """A macro. What its function writes goes to the function's own log group."""

    support = Support.KEPT
    properties = frozenset({"Description", "FunctionName", "Name"})

    def __init__(self, in_process: InProcess, macros: Macros) -> None:
        self._in_process = in_process
        self._macros = macros

    async def create(self, request: ResourceRequest, context: Mapping[str, Any] | None) -> Progress:
        """Register the macro; its owner may do so again."""
        return await self._register(request)

    async def update(self, request: ResourceRequest, context: Mapping[str, Any] | None) -> Progress:
        """Register the macro with its new function."""
        return await self._register(request)

    async def delete(self, request: ResourceRequest, context: Mapping[str, Any] | None) -> Progress:
        """Take the macro from the registry."""
        name = request.physical_resource_id
        if name is not None:
            await self._macros.forget(name, _owner(request))
        return Succeeded(name or "")

    async def read(self, request: ResourceRequest) -> Succeeded | None:
        """Return the macro while this resource has its name."""
        found = await self._macros.find(request.physical_resource_id or "")
        return Succeeded(found.name) if found and found.owner == _owner(request) else None

    async def _register(self, request: ResourceRequest) -> Progress:
        others = sorted(request.properties.keys() - self.properties)
        if others:
            message = refused_property(f"/{others[0]}", request.resource_type)
            return Failed(HandlerErrorCode.INVALID_REQUEST, message)
        name, function = request.properties["Name"], request.properties["FunctionName"]
        await self._in_process.check_allowed(
            request.principal, "lambda", "Invoke", {"FunctionName": function}
        )
        if not await self._macros.register(Macro(name, function, _owner(request))):
            return Failed(HandlerErrorCode.ALREADY_EXISTS, f"{name} already exists")
        return Succeeded(name)


def _owner(request: ResourceRequest) -> str:
    return f"{request.stack_id} {request.logical_resource_id}"
