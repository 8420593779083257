"""AWS::SecretsManager::Secret.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-secretsmanager-secret.html
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from penstock.aws.errors import ServiceError
from penstock.stacks.handlers.api_shapes import to_request
from penstock.stacks.handlers.handler import ResourceRequest, Succeeded
from penstock.stacks.handlers.physical_name import physical_name
from penstock.stacks.resource_types.compared_resource import ComparedResource
from penstock.stacks.resource_types.kept_resource import changed

_LONGEST = 512
_DEFAULT_LENGTH = 32
_OF_TEMPLATE = {"GenerateStringKey", "SecretStringTemplate"}


class SecretsManagerSecret(ComparedResource):
    """A secret, its value given or generated; Ref gives its ARN."""

    service = "secretsmanager"
    properties = frozenset(
        {"Description", "GenerateSecretString", "KmsKeyId", "Name", "SecretString", "Tags", "Type"}
    )
    taken = frozenset({"ResourceExistsException"})
    gone = frozenset({"ResourceNotFoundException"})

    def identity(self, request: ResourceRequest) -> str:
        """Return the secret's name."""
        return request.properties.get("Name") or physical_name(request, _LONGEST)

    async def make(self, request: ResourceRequest, identity: str) -> Succeeded:
        """Create the secret with its value and tags."""
        parameters = self.wanted(request, "CreateSecret", ["Description", "KmsKeyId", "Type"])
        parameters |= {"Name": identity, "Tags": self.tag_list(request)}
        parameters |= await self._value(request)
        return _described((await self.call(request, "CreateSecret", parameters))["ARN"])

    async def settle(self, request: ResourceRequest, physical_id: str) -> Mapping[str, Any]:
        """Change the description, and the value where its property changed."""
        members = ("Description", "KmsKeyId", "Type", "SecretString", "GenerateSecretString")
        if not request.previous_properties or not changed(request, *members):
            return {}
        parameters = self.wanted(request, "UpdateSecret", ["Description", "KmsKeyId", "Type"])
        if changed(request, "Description"):
            parameters.setdefault("Description", "")
        if changed(request, "SecretString", "GenerateSecretString"):
            parameters |= await self._value(request)
        await self.call(request, "UpdateSecret", {**parameters, "SecretId": physical_id})
        return {}

    async def remove(self, request: ResourceRequest, physical_id: str) -> None:
        """Delete the secret without a recovery window, as CloudFormation does."""
        parameters = {"SecretId": physical_id, "ForceDeleteWithoutRecovery": True}
        await self.call(request, "DeleteSecret", parameters)

    async def look(self, request: ResourceRequest, identity: str) -> Succeeded:
        """Describe the secret; one that is marked for deletion is gone."""
        answer = await self.call(request, "DescribeSecret", {"SecretId": identity})
        if answer.get("DeletedDate") is not None:
            raise ServiceError(
                "ResourceNotFoundException", "Secrets Manager can't find the specified secret."
            )
        return _described(answer["ARN"])

    async def actual(self, request: ResourceRequest, physical_id: str) -> dict[str, Any]:
        """Return what is told of the secret; its value is never read."""
        await self.look(request, physical_id)
        answer = await self.call(request, "DescribeSecret", {"SecretId": physical_id})
        return {name: answer.get(name) for name in ("Description", "KmsKeyId", "Name", "Type")}

    async def tags(self, request: ResourceRequest, found: Succeeded) -> Mapping[str, str]:
        """Return the secret's tags."""
        parameters = {"SecretId": found.physical_resource_id}
        answer = await self.call(request, "DescribeSecret", parameters)
        return self.from_list(answer.get("Tags") or ())

    async def retag(
        self,
        request: ResourceRequest,
        physical_id: str,
        added: Mapping[str, str],
        removed: Sequence[str],
    ) -> None:
        """Change the secret's tags."""
        secret = {"SecretId": physical_id}
        if added:
            await self.call(request, "TagResource", {**secret, "Tags": self.as_list(added)})
        if removed:
            await self.call(request, "UntagResource", {**secret, "TagKeys": list(removed)})

    async def _value(self, request: ResourceRequest) -> dict[str, str]:
        """Return the given value, a generated one alone or in its template, or none."""
        given, asked = (request.properties.get(n) for n in ("SecretString", "GenerateSecretString"))
        if given is not None and asked is not None:
            raise _invalid("You can't specify both SecretString and GenerateSecretString.")
        if given is not None:
            return {"SecretString": str(given)}
        if asked is None:
            return {}
        members = {key: value for key, value in asked.items() if key not in _OF_TEMPLATE}
        wanted = to_request(self.service, "GetRandomPassword", members)
        wanted.setdefault("PasswordLength", _DEFAULT_LENGTH)
        password: str = (await self.call(request, "GetRandomPassword", wanted))["RandomPassword"]
        return {"SecretString": _in_template(asked, password)}


def _in_template(asked: Mapping[str, Any], password: str) -> str:
    key, template = asked.get("GenerateStringKey"), asked.get("SecretStringTemplate")
    if key is None and template is None:
        return password
    if key is None or template is None:
        raise _invalid("GenerateStringKey and SecretStringTemplate must be given together.")
    try:
        value = msgspec.json.decode(template, type=dict[str, Any])
    except msgspec.DecodeError as error:
        raise _invalid(f"SecretStringTemplate must be a JSON object: {error}.") from None
    return msgspec.json.encode({**value, key: password}).decode()


def _invalid(message: str) -> ServiceError:
    return ServiceError("ValidationException", message)  # texts: unverified


def _described(resource_arn: str) -> Succeeded:
    return Succeeded(resource_arn, {"Id": resource_arn})
