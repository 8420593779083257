"""Variables by reference: values from Parameter Store and Secrets Manager, read as the role.

Source: https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html, env
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from penstock.arns import arn
from penstock.aws.errors import ServiceError
from penstock.builds.build import EnvironmentVariable
from penstock.builds.environment import secret_reference
from penstock.builds.role import Refused, ServiceRole
from penstock.services.secretsmanager import Secrets
from penstock.services.ssm import Parameters
from penstock.services.ssm.names import parse_reference


@dataclass(frozen=True, slots=True)
class Resolved:
    """`values` of all variables by name; `secret_names` are those that came by reference."""

    values: Mapping[str, str]
    secret_names: frozenset[str]

    @property
    def secrets(self) -> list[str]:
        """The values that must not be shown."""
        return [self.values[name] for name in sorted(self.secret_names) if self.values[name]]


class VariableResolver:
    """Reads what variables refer to."""

    def __init__(self, parameters: Parameters, secrets: Secrets) -> None:
        self._parameters = parameters
        self._secrets = secrets

    async def resolve(
        self, variables: Sequence[EnvironmentVariable], role: ServiceRole
    ) -> Resolved:
        """Return every variable's value. Raises Refused, with AWS's error, for one without."""
        values: dict[str, str] = {}
        referring: set[str] = set()
        for variable in variables:
            match variable.type:
                case "PARAMETER_STORE":
                    values[variable.name] = await self._parameter(variable.value, role)
                case "SECRETS_MANAGER":
                    values[variable.name] = await self._secret(variable.value, role)
                case _:
                    values[variable.name] = variable.value
                    continue
            referring.add(variable.name)
        return Resolved(values, frozenset(referring))

    async def _parameter(self, name: str, role: ServiceRole) -> str:
        path = parse_reference(name).path
        resource = arn("ssm", role.region, role.account_id, f"parameter/{path}")
        try:
            await role.authorize(role.principal, "ssm:GetParameters", resource)
            value, _ = await self._parameters.value(name)
        except ServiceError as error:
            message = f"{error.code}: {error.message}"
            if error.code == "ParameterNotFound":
                message = f"parameter does not exist: {name}"
            raise Refused("Decrypted Variables Error", message) from error
        return value

    async def _secret(self, text: str, role: ServiceRole) -> str:
        reference = secret_reference(text)
        try:
            resource = await self._secrets.arn(reference.secret_id)
            await role.authorize(role.principal, "secretsmanager:GetSecretValue", resource)
            return await self._secrets.value(
                reference.secret_id,
                json_key=reference.json_key,
                version_stage=reference.version_stage,
                version_id=reference.version_id,
            )
        except ServiceError as error:
            raise Refused(
                "Secrets Manager Error Message", f"{error.code}: {error.message}"
            ) from error
