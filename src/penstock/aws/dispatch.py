"""From an HTTP request to an operation and back: the one place every API call goes through.

Route, authenticate, parse, validate, authorize, run, serialise. A ServiceError becomes the
protocol's error; trouble of the environment ServiceUnavailable; a bug InternalFailure, logged
with the request id.
"""

import contextlib
import dataclasses
import hashlib
import logging
from collections.abc import Mapping, Sequence
from typing import Any

from botocore.model import OperationModel

from penstock import ids
from penstock.aws import authorization, models
from penstock.aws.authentication import Authenticated, Authenticator, Claimed
from penstock.aws.errors import ServiceError
from penstock.aws.failure import describe
from penstock.aws.http import ClientGone, HttpRequest, HttpResponse, decode_form
from penstock.aws.large_bodies import LargeBodies
from penstock.aws.models import Model
from penstock.aws.payload import (
    Body,
    largest_document,
    one_block,
    read_form,
    read_whole,
    unframed,
)
from penstock.aws.principals import FindCredential, root
from penstock.aws.protocols import codec_of, guess_protocol
from penstock.aws.protocols.codec import RequestBody, takes_stream
from penstock.aws.routing import Router, Target
from penstock.aws.s3_hosts import path_style
from penstock.aws.service import Authorize, Call, Operation, Principal, Service
from penstock.aws.signature import UNSIGNED_PAYLOAD, SignedRequest, read_signature
from penstock.aws.validation import validate
from penstock.clock import Clock
from penstock.errors import EngineError

_logger = logging.getLogger(__name__)


@dataclasses.dataclass(slots=True)
class _Exchange:
    """One request on its way; what is known of it so far decides how a failure is written."""

    request: HttpRequest
    request_id: str
    held: contextlib.AsyncExitStack
    """Closed when the request is answered."""
    model: Model | None = None
    signed_for: str | None = None
    """The service in the signature's scope."""
    form: Mapping[str, str] = dataclasses.field(default_factory=dict)
    document: bytes | None = None
    """The body, where it had to be read to find the operation."""


class Dispatcher:
    """The wire of a set of services in one account and region."""

    def __init__(
        self,
        services: Sequence[Service],
        *,
        find_credential: FindCredential,
        authorize: Authorize,
        account_id: str,
        region: str,
        clock: Clock,
        authenticate: bool = True,
        for_tasks: bool = False,
    ) -> None:
        self._operations: dict[str, Mapping[str, Operation]] = {
            service.name: service.operations for service in services
        }
        self._resource_meant = {service.name: service.resource_meant for service in services}
        served = [models.load(service.name) for service in services]
        for model in served:
            unknown = self._operations[model.name].keys() - model.operation_names
            if unknown:
                raise ValueError(f"{model.name}: AWS's model has no operation {sorted(unknown)}")
        implemented = {name: list(operations) for name, operations in self._operations.items()}
        instead = {service.name: service.instead for service in services}
        self._router = Router(served, implemented, instead)
        self._authenticator = Authenticator(find_credential, region)
        self._authorize = authorize
        self._account_id = account_id
        self._region = region
        self._clock = clock
        self._authenticate = authenticate
        self._for_tasks = for_tasks
        self._large_bodies = LargeBodies()

    async def handle(self, request: HttpRequest) -> HttpResponse:
        """Answer one request; never raises for what a caller or an operation does."""
        async with contextlib.AsyncExitStack() as held:
            return await self._answered(_Exchange(request, ids.new_uuid(), held))

    async def _answered(self, exchange: _Exchange) -> HttpResponse:
        try:
            return await self._answer(exchange)
        except ServiceError as error:
            return _failure(exchange, error)
        except EngineError as error:
            _logger.warning("request %s: %s", exchange.request_id, error)
            return _failure(exchange, ServiceError("ServiceUnavailableException", str(error)))
        except ClientGone:
            raise
        except Exception:  # the boundary: a bug of ours, told with its request id
            _logger.exception("request %s: unexpected error", exchange.request_id)
            text = f"An internal error occurred; see request {exchange.request_id} in the log."
            return _failure(exchange, ServiceError("InternalFailure", text))

    async def _answer(self, exchange: _Exchange) -> HttpResponse:
        request = exchange.request
        signed = self._claim(request)
        await self._read_form(exchange)
        scope = signed.scope if signed is not None else None
        exchange.signed_for = scope.service if scope is not None else None
        model = exchange.model = self._router.model(request, scope, exchange.form)
        routed = path_style(request) if model.name == "s3" else request
        target = self._router.target(model, routed, exchange.form)
        operation = model.operation(target.operation)
        if model.name == "s3":
            principal, body = await self._s3_body(exchange, operation, signed)
            routed = unframed(routed)
        else:
            principal, body = await self._document(exchange, operation, signed)
        parameters = codec_of(model).parse(operation, routed, body, target.labels)
        here = self._router.is_here(model, target.operation)
        if here:  # patterns of the other operations may take for ever on a hostile value
            validate(model, operation.input_shape, parameters)
        call = self._call(model, target, exchange, principal)
        if here or authorization.has_rules(call.service, call.operation):
            await self._check_allowed(call, parameters)
        if not here:  # said only to those who may call it
            raise self._router.absent(model, target.operation)
        response = await self._operations[model.name][target.operation](call, parameters)
        return codec_of(model).serialise(model, operation, response, exchange.request_id)

    def _claim(self, request: HttpRequest) -> SignedRequest | None:
        try:
            return read_signature(request)
        except ServiceError:
            if self._authenticate:
                raise
            return None

    async def _read_form(self, exchange: _Exchange) -> None:
        request = exchange.request
        kind = request.headers.get("content-type", "")
        if request.raw_path == "/" and kind.startswith("application/x-www-form-urlencoded"):
            exchange.document = await read_form(request.body)
            exchange.form = decode_form(exchange.document.decode("utf-8", "replace"))
        elif request.raw_path == "/" and "Action" in request.query:
            exchange.form = {name: values[0] for name, values in request.query.items()}

    async def _document(
        self, exchange: _Exchange, operation: OperationModel, signed: SignedRequest | None
    ) -> tuple[Principal, RequestBody]:
        claimed = await self._identify(exchange, signed)
        body = exchange.document
        if body is None:
            most = largest_document(operation.service_model.service_name, operation.name)
            body = await self._large_bodies.read(exchange.request.body, most, exchange.held)
        found = self._prove(claimed, hashlib.sha256(body).hexdigest())
        return found.principal, one_block(body) if takes_stream(operation) else body

    async def _s3_body(
        self, exchange: _Exchange, operation: OperationModel, signed: SignedRequest | None
    ) -> tuple[Principal, RequestBody]:
        request = exchange.request
        claimed = request.headers.get("x-amz-content-sha256")
        if claimed is None:
            if signed is not None and not signed.presigned and self._authenticate:
                raise ServiceError(
                    "InvalidRequest",
                    "Missing required header for this request: x-amz-content-sha256",
                    status=400,
                )
            claimed = UNSIGNED_PAYLOAD
        found = self._prove(await self._identify(exchange, signed), claimed)
        trait = operation.http_checksum or {}
        with_checksums = "requestAlgorithmMember" in trait
        body = Body(request, found.chunk_signer, with_checksums=with_checksums)
        if takes_stream(operation):
            return found.principal, body
        return found.principal, await read_whole(body, largest_document("s3", operation.name))

    async def _identify(self, exchange: _Exchange, signed: SignedRequest | None) -> Claimed | None:
        """Return who says to call; None where everybody is root."""
        if not self._authenticate:
            return None
        assert exchange.model is not None
        return await self._authenticator.identify(
            exchange.model, exchange.request, signed, self._clock()
        )

    def _prove(self, claimed: Claimed | None, payload_hash: str) -> Authenticated:
        if claimed is None:
            return Authenticated(root(self._account_id), None)  # whatever key the client has
        return claimed.prove(payload_hash)

    def _call(
        self, model: Model, target: Target, exchange: _Exchange, principal: Principal
    ) -> Call:
        return Call(
            service=model.name,
            operation=target.operation,
            region=self._region,
            account_id=self._account_id,
            request_id=exchange.request_id,
            principal=principal,
            now=self._clock(),
            authorize=self._authorize,
            endpoint_url=exchange.request.endpoint_url,
            headers=exchange.request.headers,
            from_task=self._for_tasks,
        )

    async def _check_allowed(self, call: Call, parameters: Mapping[str, Any]) -> None:
        place = {
            "region": call.region,
            "account": call.account_id,
            "principal": call.principal.policy_arn or call.principal.arn,
        }
        for needed in authorization.requirements(call.service, call.operation, parameters, place):
            resource = await self._resource_meant[call.service](needed.resource)
            await self._authorize(call.principal, needed.action, resource, needed.context)


def _failure(exchange: _Exchange, error: ServiceError) -> HttpResponse:
    model = exchange.model
    protocol = (
        model.protocol
        if model is not None
        else guess_protocol(exchange.request, exchange.signed_for)
    )
    failure = describe(protocol, model, error)
    response = codec_of(protocol).serialise_failure(model, failure, exchange.request_id)
    if exchange.request.method == "HEAD" or failure.status == 304:
        return dataclasses.replace(response, body=b"")
    return response
