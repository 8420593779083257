"""CodePipeline's operation on manual approvals: the answer to a request.

Source: https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_PutApprovalResult.html
"""

from penstock.arns import arn
from penstock.aws.errors import ServiceError
from penstock.aws.service import Call, Request, Response
from penstock.pipelines.approvals import Answer, Decision
from penstock.pipelines.pipelines import Pipelines


async def put_approval_result(domain: Pipelines, call: Call, request: Request) -> Response:
    """Approve or reject; never on behalf of a build or a task (ADR 0029)."""
    if call.from_task or call.principal.of_task:
        raise _of_a_task(domain, call, request)
    answered_at = await domain.answer_approval(
        request["pipelineName"],
        Answer(
            stage=request["stageName"],
            action=request["actionName"],
            token=request["token"],
            decision=Decision(request["result"]["status"]),
            comment=request["result"]["summary"],
            decided_by=call.principal.arn,
        ),
    )
    return {"approvedAt": answered_at}


def _of_a_task(domain: Pipelines, call: Call, request: Request) -> ServiceError:
    place = "/".join(request[member] for member in ("pipelineName", "stageName", "actionName"))
    resource = arn("codepipeline", domain.region, domain.account_id, place)
    return ServiceError(
        "AccessDeniedException",
        f"User: {call.principal.arn} is not authorized to perform: codepipeline:PutApprovalResult "
        f"on resource: {resource} because a build or a task never approves, whatever its role's "
        "policies allow. A person answers, with credentials that no build or task holds.",
    )
