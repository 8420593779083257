"""Which service and operation a request is for.

The SigV4 scope names the service; without one (unsigned, or an old presigned URL) the
X-Amz-Target, the Query protocol's Version, or the host name does; what is left is S3's.
The operation is X-Amz-Target's (JSON), Action's (Query), or the method and path's (REST).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NoReturn

from penstock.aws.errors import ServiceError
from penstock.aws.http import HttpRequest
from penstock.aws.models import Model
from penstock.aws.rest_paths import RestPaths
from penstock.aws.signature import Scope

NOT_IMPLEMENTED = "NotImplemented"
"""Sent with status 400, not 501: no SDK retries a 400."""


@dataclass(frozen=True, slots=True)
class Target:
    """The operation's name, and for REST protocols the values of its path's labels."""

    operation: str
    labels: Mapping[str, str]


class Router:
    """Knows the served models and, for each, which operations exist here."""

    def __init__(
        self,
        models: Sequence[Model],
        implemented: Mapping[str, Sequence[str]],
        instead: Mapping[str, Mapping[str, str]] | None = None,
    ) -> None:
        """`instead` says, by service and absent operation, what to do in its place."""
        self._models = list(models)
        self._implemented = implemented
        self._instead = instead or {}
        self._by_signing_name: dict[str, list[Model]] = {}
        for model in models:
            self._by_signing_name.setdefault(model.signing_name, []).append(model)
        self._paths = {
            model.name: RestPaths(model) for model in models if model.protocol.startswith("rest-")
        }

    def model(self, request: HttpRequest, scope: Scope | None, form: Mapping[str, str]) -> Model:
        """Return the model of the service that `request` is for; `form` is its decoded body.

        Raise NotImplemented, naming what is served, for a service that is not here.
        """
        if scope is not None:
            candidates = self._by_signing_name.get(scope.service)
            if not candidates:
                self._refuse_service(scope.service)
            return _choose(candidates, request, form)
        by_protocol = self._by_target(request) or self._by_version(form)
        if by_protocol is not None:
            return by_protocol
        label = request.host.split(".", 1)[0]
        for model in self._models:
            endpoint = model.service.metadata.get("endpointPrefix", "").removeprefix("api.")
            if label in {model.signing_name, endpoint}:
                return model
        for model in self._models:
            if model.name == "s3":
                return model
        raise ServiceError("MissingAuthenticationTokenException", "Missing Authentication Token")

    def target(self, model: Model, request: HttpRequest, form: Mapping[str, str]) -> Target:
        """Return the operation of AWS's that `request` is for; raise AWS's error for any other."""
        if model.protocol == "json":
            target = Target(self._json_operation(model, request), {})
        elif model.protocol == "query":
            target = Target(_query_operation(model, form), {})
        else:
            found = self._paths[model.name].match(request)
            if found is None:
                raise _unknown_path(model, request)
            target = Target(*found)
        return target

    def is_here(self, model: Model, operation: str) -> bool:
        """Tell whether AWS's operation exists here."""
        return operation in self._implemented[model.name]

    def absent(self, model: Model, operation: str) -> ServiceError:
        """Return the error for an operation that AWS has and we lack, naming what there is."""
        here = ", ".join(sorted(self._implemented[model.name]))
        instead = self._instead.get(model.name, {}).get(operation)
        return ServiceError(
            NOT_IMPLEMENTED,
            f"Penstock does not implement {model.name} {operation}"
            f"{f': {instead}' if instead else ''}. "
            f"Of {model.name} it implements: {here}.",
            status=400,
        )

    def _json_operation(self, model: Model, request: HttpRequest) -> str:
        prefix, _, operation = request.headers.get("x-amz-target", "").rpartition(".")
        if prefix != model.target_prefix or operation not in model.operation_names:
            if request.headers.get("smithy-protocol") == "rpc-v2-cbor":
                raise ServiceError(
                    NOT_IMPLEMENTED,
                    "Penstock does not serve the protocol rpc-v2-cbor. Use an SDK that sends "
                    f"AWS JSON with X-Amz-Target: {model.target_prefix}.Operation.",
                    status=400,
                )
            raise ServiceError("UnknownOperationException", "", status=400)
        return operation

    def _by_target(self, request: HttpRequest) -> Model | None:
        prefix, dot, _ = request.headers.get("x-amz-target", "").rpartition(".")
        if not dot:
            return None
        for model in self._models:
            if model.target_prefix == prefix:
                return model
        return self._refuse_service(prefix)

    def _by_version(self, form: Mapping[str, str]) -> Model | None:
        if "Action" not in form:
            return None
        for model in self._models:
            if model.protocol == "query" and model.api_version == form.get("Version"):
                return model
        return self._refuse_service(f"Version {form.get('Version')}")

    def _refuse_service(self, name: str) -> NoReturn:
        served = ", ".join(sorted(model.name for model in self._models))
        raise ServiceError(
            NOT_IMPLEMENTED,
            f"Penstock does not serve the service {name!r}. It serves: {served}.",
            status=400,
        )


def _choose(candidates: Sequence[Model], request: HttpRequest, form: Mapping[str, str]) -> Model:
    prefix = request.headers.get("x-amz-target", "").rpartition(".")[0]
    for model in candidates:
        if prefix and model.target_prefix == prefix:
            return model
        if "Action" in form and model.api_version == form.get("Version"):
            return model
    return candidates[0]


def _query_operation(model: Model, form: Mapping[str, str]) -> str:
    action, version = form.get("Action"), form.get("Version")
    if action is None:
        raise ServiceError("MissingAction", "The request is missing an Action parameter.")
    if action not in model.operation_names or version not in {None, model.api_version}:
        raise ServiceError(
            "InvalidAction",
            f"Could not find operation {action} for version {version or 'NO_VERSION_SPECIFIED'}",
            status=400,
        )
    return action


def _unknown_path(model: Model, request: HttpRequest) -> ServiceError:
    if model.name == "s3":
        return ServiceError(
            "MethodNotAllowed",
            "The specified method is not allowed against this resource.",
            status=405,
            Method=request.method,
        )
    return ServiceError(
        "UnknownOperationException",
        f"Unable to determine service/operation name to be authorized: {request.method} "
        f"{request.raw_path}",
        status=404,
    )
