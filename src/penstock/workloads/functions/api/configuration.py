"""A function's configuration: shown and changed."""

from penstock.aws.service import Call, Request, Response
from penstock.workloads.functions import settings
from penstock.workloads.functions.api.domain import Lambda
from penstock.workloads.functions.api.shapes import configuration


async def get_function_configuration(domain: Lambda, call: Call, request: Request) -> Response:
    """Return a function's configuration, its variables included."""
    named = domain.named(request)
    found, _ = await domain.functions.get(named)
    return configuration(
        found, domain.functions.environment(found), qualified=named.qualifier is not None
    )


async def update_function_configuration(domain: Lambda, call: Call, request: Request) -> Response:
    """Change what the request gives."""
    changed = await domain.functions.change(
        domain.named(request),
        settings.changes(request),
        settings.variables(request),
        request.get("RevisionId"),
    )
    return configuration(changed, domain.functions.environment(changed))
