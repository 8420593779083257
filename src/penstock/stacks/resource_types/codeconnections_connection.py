"""AWS::CodeConnections::Connection and AWS::CodeStarConnections::Connection, which are one.

As on AWS a new connection is PENDING: `penstock connection add` gives it its credentials, or the
tags `penstock:url` and `penstock:secret` do.
Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-codeconnections-connection.html
"""

from collections.abc import Mapping
from typing import Any

from penstock.aws.errors import ServiceError
from penstock.aws.in_process import InProcess
from penstock.stacks.handlers.handler import ResourceRequest, Succeeded
from penstock.stacks.resource_types.tagged_by_arn import TaggedByArn

_ARN = "arn:"
_STACK_ID = "aws:cloudformation:stack-id"
_LOGICAL_ID = "aws:cloudformation:logical-id"


class CodeConnectionsConnection(TaggedByArn):
    """A connection to a git host; Ref gives its ARN. Several may have one name.

    An update leaves the tags of `penstock connection add` as they are.
    """

    properties = frozenset({"ConnectionName", "ProviderType", "Tags"})
    gone = frozenset({"ResourceNotFoundException"})

    def __init__(self, in_process: InProcess, service: str) -> None:
        """`service` is the name under which it is made: both know every connection."""
        super().__init__(in_process)
        self.service = service

    def identity(self, request: ResourceRequest) -> str:
        """Return the connection's name."""
        return str(request.properties["ConnectionName"])

    async def make(self, request: ResourceRequest, identity: str) -> Succeeded:
        """Create the connection with its tags."""
        names = ["ConnectionName", "ProviderType"]
        parameters = self.wanted(request, "CreateConnection", names)
        answer = await self.call(
            request, "CreateConnection", {**parameters, "Tags": self.tag_list(request)}
        )
        return await self.look(request, answer["ConnectionArn"])

    async def remove(self, request: ResourceRequest, physical_id: str) -> None:
        """Delete the connection; its secret stays."""
        await self.call(request, "DeleteConnection", {"ConnectionArn": physical_id})

    async def look(self, request: ResourceRequest, identity: str) -> Succeeded:
        """Get the connection by its ARN, or the stack's own by name."""
        place = identity if identity.startswith(_ARN) else await self._own(request, identity)
        answer = await self.call(request, "GetConnection", {"ConnectionArn": place})
        found = answer["Connection"]
        attributes = {
            "ConnectionArn": found["ConnectionArn"],
            "ConnectionStatus": found["ConnectionStatus"],
            "OwnerAccountId": found["OwnerAccountId"],
        }
        return Succeeded(found["ConnectionArn"], attributes)

    def tagged_arn(self, physical_id: str, attributes: Mapping[str, Any]) -> str:
        """Return the ARN, which is the physical id."""
        return physical_id

    async def _own(self, request: ResourceRequest, name: str) -> str:
        """Return the ARN of the connection that this very resource made before a crash."""
        token: dict[str, str] = {}
        while True:
            page = await self.call(request, "ListConnections", token)
            for each in page["Connections"]:
                if each["ConnectionName"] == name:
                    tags = await self.tags_of(request, each["ConnectionArn"])
                    if all(tags.get(k) == request.tags.get(k) for k in (_STACK_ID, _LOGICAL_ID)):
                        return str(each["ConnectionArn"])
            if "NextToken" not in page:
                raise ServiceError(
                    "ResourceNotFoundException", f"no connection {name} of this stack"
                )
            token = {"NextToken": page["NextToken"]}
