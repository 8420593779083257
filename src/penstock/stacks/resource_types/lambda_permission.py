"""AWS::Lambda::Permission: a statement of a function's policy, kept and not asked.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-lambda-permission.html
docs/adr/0038-functions-run-in-tasks.md
"""

import json

from penstock.aws.errors import ServiceError
from penstock.stacks.handlers.handler import ResourceRequest, Succeeded
from penstock.stacks.handlers.physical_name import physical_name
from penstock.stacks.resource_types.kept_resource import KeptResource

_LONGEST = 100
_GONE = "ResourceNotFoundException"


class LambdaPermission(KeptResource):
    """A statement; Ref gives its id. Each change of it replaces it."""

    service = "lambda"
    properties = frozenset({
        "Action", "EventSourceToken", "FunctionName", "Principal", "PrincipalOrgID",
        "SourceAccount", "SourceArn",
    })  # fmt: skip
    taken = frozenset({"ResourceConflictException"})
    gone = frozenset({_GONE})
    tags_property = None

    def identity(self, request: ResourceRequest) -> str:
        """Return the statement's id."""
        return physical_name(request, _LONGEST)

    async def make(self, request: ResourceRequest, identity: str) -> Succeeded:
        """Add the statement."""
        parameters = self.wanted(request, "AddPermission", self.properties)
        await self.call(request, "AddPermission", {**parameters, "StatementId": identity})
        return _described(identity)

    async def remove(self, request: ResourceRequest, physical_id: str) -> None:
        """Remove the statement."""
        parameters = {"FunctionName": request.properties["FunctionName"]}
        await self.call(request, "RemovePermission", {**parameters, "StatementId": physical_id})

    async def look(self, request: ResourceRequest, identity: str) -> Succeeded:
        """Find the statement in the function's policy."""
        function = {"FunctionName": request.properties["FunctionName"]}
        answer = await self.call(request, "GetPolicy", function)
        if not any(each["Sid"] == identity for each in json.loads(answer["Policy"])["Statement"]):
            raise ServiceError(_GONE, f"The function's policy has no statement {identity}.")
        return _described(identity)


def _described(statement_id: str) -> Succeeded:
    return Succeeded(statement_id, {"Id": statement_id})
