"""AWS's service models, as botocore ships them, loaded when first asked for.

A model knows its operations, shapes, constraints and errors. Everything the wire does is
derived from it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

from botocore.loaders import Loader
from botocore.model import OperationModel, ServiceModel, Shape

_SERVED_PROTOCOLS = ("json", "rest-json", "rest-xml", "query")


@dataclass(frozen=True, slots=True)
class ErrorShape:
    """How one modelled error is sent: its wire code, HTTP status and shape."""

    code: str
    status: int
    sender: bool
    shape: Shape


class Model:
    """One service's model. `name` is botocore's name of the service."""

    def __init__(self, name: str, description: Mapping[str, Any]) -> None:
        self.name = name
        self.service = ServiceModel(description, name)
        self._description = description

    @cached_property
    def protocol(self) -> str:
        """The protocol that is served: the first that botocore lists and we have."""
        listed = self.service.metadata.get("protocols") or [self.service.metadata["protocol"]]
        for protocol in listed:
            if protocol in _SERVED_PROTOCOLS:
                return str(protocol)
        raise ValueError(f"{self.name}: expected one of {_SERVED_PROTOCOLS}, found {listed}")

    @cached_property
    def signing_name(self) -> str:
        """The service's name in a SigV4 credential scope."""
        return str(self.service.signing_name)

    @cached_property
    def target_prefix(self) -> str | None:
        """What stands before the dot in X-Amz-Target, for the JSON protocol."""
        prefix = self.service.metadata.get("targetPrefix")
        return None if prefix is None else str(prefix)

    @cached_property
    def json_version(self) -> str:
        """`1.0` or `1.1`: the content type's version in the JSON protocol."""
        return str(self.service.metadata.get("jsonVersion", "1.0"))

    @cached_property
    def api_version(self) -> str:
        """The model's date, sent as Version in the Query protocol."""
        return str(self.service.api_version)

    @cached_property
    def xml_namespace(self) -> str:
        """The XML namespace of responses."""
        return str(self.service.metadata.get("xmlNamespace", ""))

    @cached_property
    def operation_names(self) -> frozenset[str]:
        """Every operation of the model, implemented here or not."""
        return frozenset(self.service.operation_names)

    def operation(self, name: str) -> OperationModel:
        """Return the operation; `name` must be one of `operation_names`."""
        return self.service.operation_model(name)

    @cached_property
    def errors(self) -> Mapping[str, ErrorShape]:
        """Modelled errors by shape name."""
        described = self._description["shapes"]
        return {
            shape.name: _error_shape(shape, bool(described[shape.name].get("fault")))
            for shape in self.service.error_shapes
        }

    @cached_property
    def errors_by_code(self) -> Mapping[str, ErrorShape]:
        """Modelled errors by wire code."""
        return {error.code: error for error in self.errors.values()}


def _error_shape(shape: Any, fault: bool) -> ErrorShape:
    error = shape.metadata.get("error") or {}
    return ErrorShape(
        code=str(error.get("code", shape.name)),
        status=int(error.get("httpStatusCode", 500 if fault else 400)),
        sender=not fault,
        shape=shape,
    )


@cache
def _loader() -> Loader:
    return Loader()


@cache
def protocol_of(name: str) -> str | None:
    """Return the protocol of any of AWS's services, served here or not; None for no such."""
    if name not in _loader().list_available_services("service-2"):
        return None
    try:
        return load(name).protocol
    except ValueError:
        return None


@cache
def load(name: str) -> Model:
    """Return the model of botocore's service `name`; raise UnknownServiceError without one."""
    description = _loader().load_service_model(name, "service-2")
    return Model(name, description)
