"""AWS::CloudFormation::Stack: a stack of its own, nested in the one whose resource it is.

Ref gives its ARN, `Fn::GetAtt Outputs.NAME` its outputs. Source:
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-cloudformation-stack.html
"""

from collections.abc import Mapping
from typing import Any

from penstock.stacks.handlers.handler import Progress, ResourceRequest, Succeeded, Support
from penstock.stacks.nested.nested_stacks import NestedStacks
from penstock.stacks.stacks import Stacks


class CloudFormationStack:
    """A nested stack. What stands behind it is told by its own resources."""

    support = Support.KEPT
    properties = frozenset(
        {"NotificationARNs", "Parameters", "Tags", "TemplateURL", "TimeoutInMinutes"}
    )

    def __init__(self, stacks: Stacks) -> None:
        self._nested = NestedStacks(stacks)

    async def create(self, request: ResourceRequest, context: Mapping[str, Any] | None) -> Progress:
        """Make the stack; a repeated call finds it by its derived name."""
        return await self._nested.create(request)

    async def update(self, request: ResourceRequest, context: Mapping[str, Any] | None) -> Progress:
        """Update the stack, or take its update back where the parent is rolled back."""
        return await self._nested.update(request, first=context is None)

    async def delete(self, request: ResourceRequest, context: Mapping[str, Any] | None) -> Progress:
        """Delete the stack with its resources."""
        return await self._nested.delete(request, first=context is None)

    async def read(self, request: ResourceRequest) -> Succeeded | None:
        """Return the stack's outputs."""
        return await self._nested.look(request)
