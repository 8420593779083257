"""The links in messages, which are followed without a signature: what they lead to.

SubscribeURL and UnsubscribeURL are AWS's query API and answer with its XML; a mail's links lead to
a page with a button, so that a scanner which follows links changes nothing.
"""

import asyncio
import html
from collections.abc import Mapping
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from penstock.aws import models
from penstock.aws.errors import ServiceError
from penstock.aws.failure import describe
from penstock.aws.http import HttpResponse
from penstock.aws.protocols import codec_of
from penstock.ids import new_uuid
from penstock.services.sns import refusals
from penstock.services.sns.mail import CONFIRM_PATH, UNSUBSCRIBE_PATH
from penstock.services.sns.signing import CERTIFICATE_PATH, Signer
from penstock.services.sns.sns import Sns

ACTIONS = frozenset({"ConfirmSubscription", "Unsubscribe"})
_SIGNATURES = ("X-Amz-Signature", "X-Amz-Credential", "Signature", "AWSAccessKeyId")
_HEADERS = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; form-action 'self'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}


def is_link(scope: Scope) -> bool:
    """Tell a followed SubscribeURL or UnsubscribeURL from a signed call of the AWS API."""
    if scope["method"] != "GET" or scope["path"] != "/" or b"Action=" not in scope["query_string"]:
        return False
    query = _query(scope)
    unsigned = all(name != b"authorization" for name, _ in scope["headers"])
    return unsigned and query.get("Action") in ACTIONS and not any(n in query for n in _SIGNATURES)


class Links:
    """An ASGI application for what `is_link` tells, and `routes` for the pages."""

    def __init__(self, sns: Sns, signer: Signer) -> None:
        self._sns = sns
        self._signer = signer
        self._model = models.load("sns")

    @property
    def routes(self) -> list[Route]:
        """The certificate, and the pages of mails."""
        return [
            Route(CERTIFICATE_PATH.format(name="{name}.pem"), self._certificate),
            Route(CONFIRM_PATH, self._confirm_page, methods=["GET", "POST"]),
            Route(UNSUBSCRIBE_PATH, self._unsubscribe_page, methods=["GET", "POST"]),
        ]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one followed link as AWS's API does."""
        query = _query(scope)
        request_id = new_uuid()
        codec = codec_of(self._model)
        try:
            answer = await self._act(query)
            operation = self._model.operation(query["Action"])
            found = codec.serialise(self._model, operation, answer, request_id)
        except ServiceError as error:
            failure = describe(self._model.protocol, self._model, error)
            found = codec.serialise_failure(self._model, failure, request_id)
        await _response(found)(scope, receive, send)

    async def _act(self, query: Mapping[str, str]) -> Mapping[str, str]:
        if query["Action"] == "Unsubscribe":
            await self._sns.unsubscribe(_arn(query, "SubscriptionArn"), authenticated=False)
            return {}
        topic_arn = _arn(query, "TopicArn")
        token = query.get("Token", "")
        subscription = await self._sns.confirm(topic_arn, token, authenticated=False)
        return {"SubscriptionArn": subscription.arn}

    async def _certificate(self, request: Request) -> Response:
        signer = self._signer
        name = await asyncio.to_thread(lambda: signer.certificate_name)
        if f"{request.path_params['name']}.pem" != name:
            return PlainTextResponse("There is no such certificate here.\n", 404)
        return Response(signer.certificate_pem, media_type="application/x-pem-file")

    async def _confirm_page(self, request: Request) -> Response:
        topic_arn = request.query_params.get("TopicArn", "")
        if request.method == "GET":
            return _page("Confirm subscription", f"Get messages of {topic_arn}?", "Confirm")
        try:
            found = await self._sns.confirm(
                topic_arn, request.query_params.get("Token", ""), authenticated=False
            )
        except ServiceError:
            text = "This link is wrong or older than two days. Ask to be subscribed again."
            return _page("Not subscribed", text, status=400)
        return _page(
            "Subscribed", f"{found.endpoint} gets the messages of {topic_arn} from now on."
        )

    async def _unsubscribe_page(self, request: Request) -> Response:
        subscription_arn = request.query_params.get("SubscriptionArn", "")
        topic_arn = subscription_arn.rpartition(":")[0]
        if request.method == "GET":
            return _page("Unsubscribe", f"Get no more messages of {topic_arn}?", "Unsubscribe")
        try:
            await self._sns.unsubscribe(subscription_arn, authenticated=False)
        except ServiceError as error:
            return _page("Still subscribed", error.message, status=403)
        return _page("Unsubscribed", f"You get no more messages of {topic_arn}.")


def _query(scope: Scope) -> dict[str, str]:
    fields = parse_qs(scope["query_string"].decode("latin-1"), keep_blank_values=True)
    return {name: values[0] for name, values in fields.items()}


def _arn(query: Mapping[str, str], member: str) -> str:
    text = query.get(member, "")
    refusals.check_arn(text, member)
    return text


def _response(found: HttpResponse) -> Response:
    assert isinstance(found.body, bytes)
    return Response(found.body, found.status, dict(found.headers))


def _page(title: str, text: str, button: str | None = None, status: int = 200) -> Response:
    form = f'<form method="post"><button>{html.escape(button)}</button></form>' if button else ""
    content = (
        f'<!doctype html><html lang="en"><title>{html.escape(title)}</title>'
        f"<h1>{html.escape(title)}</h1><p>{html.escape(text)}</p>{form}</html>\n"
    )
    return HTMLResponse(content, status, _HEADERS)
