"""The secrets of a task's containers, read as its execution role.

Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/specifying-sensitive-data.html
Texts: the ECS agent's, as AWS's users print them.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from penstock.arns import arn
from penstock.aws.errors import ServiceError
from penstock.aws.service import Authorize, Principal
from penstock.services.secretsmanager import Secrets
from penstock.services.ssm import Parameters
from penstock.services.ssm.names import parse_reference
from penstock.workloads.ecs.cannot_start import CannotStart

_UNABLE = (
    "ResourceInitializationError: unable to pull secrets or registry auth: execution resource "
    "retrieval failed: unable to retrieve "
)
_RETRIED = "service call has been retried 1 time(s): "
_ARN_PARTS = 7


class TaskSecrets:
    """Reads what `secrets` of container definitions refer to."""

    def __init__(
        self,
        parameters: Parameters,
        secrets: Secrets,
        authorize: Authorize,
        *,
        account_id: str,
        region: str,
    ) -> None:
        self._parameters = parameters
        self._secrets = secrets
        self._authorize = authorize
        self._account_id = account_id
        self._region = region

    async def read(
        self, containers: Sequence[Mapping[str, Any]], role: Principal | None
    ) -> dict[str, dict[str, str]]:
        """Return the values by container and variable. Raises CannotStart."""
        values: dict[str, dict[str, str]] = {}
        for container in containers:
            for secret in container.get("secrets", ()):
                if role is None:
                    raise CannotStart(f"{_UNABLE}secrets: the task has no executionRoleArn")
                value = await self._value(secret["valueFrom"], role)
                values.setdefault(container["name"], {})[secret["name"]] = value
        return values

    async def _value(self, source: str, role: Principal) -> str:
        if source.startswith("arn:") and ":secretsmanager:" in source:
            return await self._secret(source, role)
        return await self._parameter(source, role)

    async def _parameter(self, source: str, role: Principal) -> str:
        path = parse_reference(source).path
        resource = arn("ssm", self._region, self._account_id, f"parameter/{path}")
        try:
            await self._authorize(role, "ssm:GetParameters", resource)
            value, _ = await self._parameters.value(source)
        except ServiceError as error:
            if error.code == "ParameterNotFound":
                told = f"invalid ssm parameters: {source}"
            else:
                told = f"{error.code}: {error.message}"
            raise CannotStart(f"{_UNABLE}secrets from ssm: {_RETRIED}{told}") from error
        return value

    async def _secret(self, source: str, role: Principal) -> str:
        """`source` is `arn:…:secret:NAME[:json-key[:version-stage[:version-id]]]`."""
        parts = source.split(":")
        secret_id = ":".join(parts[:_ARN_PARTS])
        key, stage, version, *_ = [*parts[_ARN_PARTS:], "", "", ""]
        try:
            resource = await self._secrets.arn(secret_id)
            await self._authorize(role, "secretsmanager:GetSecretValue", resource)
            return await self._secrets.value(
                secret_id,
                json_key=key or None,
                version_stage=stage or None,
                version_id=version or None,
            )
        except ServiceError as error:
            if key and error.code == "InvalidRequestException":
                told = f"retrieved secret from Secrets Manager did not contain json key {key}"
            else:
                told = f"{_RETRIED}failed to fetch secret {source} from secrets manager: {error}"
            raise CannotStart(f"{_UNABLE}secret from asm: {told}") from error
