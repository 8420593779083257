"""What the person logged in may read, where a page needs to know before it shows something."""

from penstock.arns import arn
from penstock.aws.errors import ServiceError
from penstock.console.visit import Visit


async def authorize(visit: Visit, action: str, resource: str) -> None:
    """Raise AccessDeniedException, in AWS's words, unless the visitor may."""
    assert visit.principal is not None, "this page needs a login"
    await visit.site.in_process.authorize(visit.principal, action, resource)


async def refusal(visit: Visit, action: str, resource: str) -> str:
    """Return AWS's words against it; "" if the visitor may."""
    try:
        await authorize(visit, action, resource)
    except ServiceError as error:
        return error.message
    return ""


def pipeline_arn(visit: Visit, name: str) -> str:
    """Return the ARN of a pipeline, or of `pipeline/stage/action`."""
    in_process = visit.site.in_process
    return arn("codepipeline", in_process.region, in_process.account_id, name)
