"""GET /_penstock/approvals/{id} and /_penstock/changesets: reviews for the command line, as JSON.

Signed with SigV4 for the service `penstock`, like calls of AWS's API. A change set is named by
`arn`, or by `stack` and `name`. Errors are `{"__type": code, "message": text}` in AWS's words.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from penstock import web_pages
from penstock.aws import models
from penstock.aws.errors import ServiceError
from penstock.aws.failure import describe
from penstock.aws.in_process import InProcess
from penstock.aws.own_requests import OwnRequests
from penstock.aws.principals import root
from penstock.aws.service import Principal
from penstock.pipelines.approval_view import ApprovalViews, described
from penstock.pipelines.reviews import reviewed_change_set
from penstock.stacks.change_sets import review as stack_reviews
from penstock.stacks.change_sets.change_sets import ChangeSets

APPROVALS_PATH = "/_penstock/approvals"
CHANGE_SETS_PATH = "/_penstock/changesets"

Answer = Callable[[Request, Principal], Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class ReviewEndpoints:
    """The two addresses. `own_host` is given where everybody is root (`--no-auth`)."""

    callers: OwnRequests
    in_process: InProcess
    approvals: ApprovalViews
    change_sets: Callable[[], ChangeSets]
    own_host: str | None

    def routes(self) -> list[Route]:
        """Return both routes."""
        return [
            Route(f"{APPROVALS_PATH}/{{id}}", self._route(self._approval), methods=["GET"]),
            Route(CHANGE_SETS_PATH, self._route(self._change_set), methods=["GET"]),
        ]

    def _route(self, answer: Answer) -> Callable[[Request], Awaitable[Response]]:
        async def respond(request: Request) -> Response:
            try:
                principal = await self._principal(request)
                return JSONResponse(
                    await answer(request, principal), headers={"Cache-Control": "no-store"}
                )
            except ServiceError as error:
                failure = describe("query", models.load("cloudformation"), error)
                body = {"__type": failure.code, "message": failure.message}
                return JSONResponse(body, failure.status)

        return respond

    async def _principal(self, request: Request) -> Principal:
        if self.own_host is None:
            return await self.callers.caller(request)
        reason = web_pages.refusal(request.scope["headers"], self.own_host)
        if reason is not None:
            raise ServiceError("AccessDeniedException", reason)
        return root(self.in_process.account_id)

    async def _approval(self, request: Request, principal: Principal) -> Any:
        return described(await self.approvals.of(principal, request.path_params["id"]))

    async def _change_set(self, request: Request, principal: Principal) -> Any:
        stack, name = request.query_params.get("stack"), request.query_params.get("name")
        wanted = request.query_params.get("arn") or name
        if not wanted:
            raise ServiceError(
                "ValidationError",
                f"Expected arn=…, or stack=… and name=…, found {request.url.query or 'nothing'!r}.",
                status=400,
            )
        if stack and name and (arn := await self.change_sets().arn_of(name, stack)):
            wanted = arn  # by its name CloudFormation does not give one that was executed
        place = {"ChangeSetName": wanted, **({"StackName": stack} if stack else {})}
        # Who may describe it may see it; what it answers when it is not there is CloudFormation's.
        await self.in_process.call(principal, "cloudformation", "DescribeChangeSet", place)
        found = await stack_reviews.review(self.change_sets(), wanted, stack)
        return msgspec.to_builtins(reviewed_change_set(found))
