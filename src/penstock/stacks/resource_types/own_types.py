"""The types that CloudFormation itself brings to life: macros, and what waits for an answer."""

from collections.abc import Mapping

from penstock.aws.in_process import InProcess
from penstock.stacks.handlers.handler import ResourceHandler
from penstock.stacks.resource_types.cloudformation_macro import TYPE as MACRO
from penstock.stacks.resource_types.cloudformation_macro import CloudFormationMacro
from penstock.stacks.resource_types.custom_resource import TYPE as CUSTOM_RESOURCE
from penstock.stacks.resource_types.custom_resource import CustomResource
from penstock.stacks.resource_types.wait_condition import (
    HANDLE_TYPE,
    TYPE,
    WaitCondition,
    WaitConditionHandle,
)
from penstock.stacks.responses.addresses import Responses
from penstock.stacks.transforms.macro_registry import Macros

__all__ = ["CUSTOM_RESOURCE", "own_handlers"]


def own_handlers(
    in_process: InProcess, responses: Responses, macros: Macros
) -> Mapping[str, ResourceHandler]:
    """Return their handlers; every `Custom::…` has that of CUSTOM_RESOURCE."""
    return {
        CUSTOM_RESOURCE: CustomResource(in_process, responses),
        HANDLE_TYPE: WaitConditionHandle(responses),
        MACRO: CloudFormationMacro(in_process, macros),
        TYPE: WaitCondition(responses),
    }
