"""Calls this server's own operations without HTTP, as a principal: validated and authorized
exactly as on the wire.

CloudFormation's resource types, pipeline actions and the console act through it, so a role that
lacks a permission fails as it would on AWS, with the same error.
"""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from penstock import ids
from penstock.aws import authorization, models
from penstock.aws.errors import ServiceError
from penstock.aws.service import Authorize, Call, Principal, Response, Service, as_named
from penstock.aws.validation import validate
from penstock.clock import Clock


@dataclasses.dataclass(frozen=True, slots=True)
class InProcess:
    """The services of one server; they are asked for at the first call, when all are made."""

    services: Callable[[], Sequence[Service]]
    authorize: Authorize
    account_id: str
    region: str
    clock: Clock
    endpoint_url: str
    _by_name: dict[str, Service] = dataclasses.field(default_factory=dict, init=False)

    async def call(
        self,
        principal: Principal,
        service: str,
        operation: str,
        parameters: Mapping[str, Any] | None = None,
        *,
        via: str | None = None,
    ) -> Response:
        """Return the operation's answer, in the shapes of botocore's model.

        `service` is botocore's name (`codepipeline`, `elbv2`), `via` the AWS service that calls
        for the principal (`cloudformation.amazonaws.com`). Raises ServiceError as the wire
        would send it, UnsupportedOperation where the server lacks the operation.
        """
        found = self._service(service)
        request = dict(parameters or {})
        model = models.load(service)
        if found is None or operation not in found.operations:
            raise ServiceError(
                "UnsupportedOperation",
                f"Penstock does not offer {operation} of {service} (docs/compatibility.md)",
                status=501,
            )
        validate(model, model.operation(operation).input_shape, request)
        call = Call(
            service=service,
            operation=operation,
            region=self.region,
            account_id=self.account_id,
            request_id=ids.new_uuid(),
            principal=principal,
            now=self.clock(),
            authorize=self.authorize,
            endpoint_url=self.endpoint_url,
            via=via,
        )
        await self.check_allowed(principal, service, operation, request)
        return await found.operations[operation](call, request)

    async def check_allowed(
        self, principal: Principal, service: str, operation: str, parameters: Mapping[str, Any]
    ) -> None:
        """Raise AccessDenied unless the principal may make this call, which is not made."""
        found = self._service(service)
        resource_meant = as_named if found is None else found.resource_meant
        place = {
            "region": self.region,
            "account": self.account_id,
            "principal": principal.policy_arn or principal.arn,
        }
        for needed in authorization.requirements(service, operation, parameters, place):
            resource = await resource_meant(needed.resource)
            await self.authorize(principal, needed.action, resource, needed.context)

    def _service(self, name: str) -> Service | None:
        if not self._by_name:
            self._by_name.update({service.name: service for service in self.services()})
        return self._by_name.get(name)
