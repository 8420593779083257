"""Functions: made, shown, listed, given new code, removed.

Source: https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html and its siblings.
"""

from typing import Any

from penstock.aws.errors import ServiceError
from penstock.aws.pagination import page
from penstock.aws.service import Call, Request, Response
from penstock.workloads.functions import settings
from penstock.workloads.functions.api.code import archive
from penstock.workloads.functions.api.domain import Lambda
from penstock.workloads.functions.api.shapes import configuration
from penstock.workloads.functions.api.tags import refuse_reserved
from penstock.workloads.functions.function import LATEST
from penstock.workloads.functions.refusals import changed_meanwhile, invalid

_PAGE = 50


async def create_function(domain: Lambda, call: Call, request: Request) -> Response:
    """Make a function. It is ready at once: what it runs in is had at its first invocation."""
    named = domain.named(request)
    fields = settings.changes(request)
    environment = settings.variables(request)
    for name in ("runtime", "handler"):
        if not fields.get(name):
            raise invalid(
                "Runtime and Handler are mandatory parameters for functions created with "
                "deployment packages."
            )
    tags = dict(request.get("Tags") or {})
    refuse_reserved(tags, call.via)
    async with archive(domain.objects, call, request["Code"]) as file:
        made = await domain.functions.create(named.name, file, fields, environment, tags)
    return configuration(made, domain.functions.environment(made))


async def get_function(domain: Lambda, call: Call, request: Request) -> Response:
    """Return everything about a function; its code has no address to be fetched from."""
    named = domain.named(request)
    found, tags = await domain.functions.get(named)
    shown = configuration(
        found, domain.functions.environment(found), qualified=named.qualifier is not None
    )
    answer: dict[str, Any] = {"Configuration": shown, "Code": {"RepositoryType": "S3"}}
    return answer | ({"Tags": dict(tags)} if tags else {})


async def list_functions(domain: Lambda, call: Call, request: Request) -> Response:
    """List functions by name, 50 at a time at most."""
    every_version = request.get("FunctionVersion") == "ALL"
    found, marker = page(
        await domain.functions.all(),
        request.get("Marker"),
        min(request.get("MaxItems") or _PAGE, _PAGE),
        key=lambda each: each[0].name,
        error_code="InvalidParameterValueException",
    )
    shown = [
        configuration(each, domain.functions.environment(each), qualified=every_version)
        for each, _ in found
    ]
    answer: dict[str, Any] = {"Functions": shown}
    return answer | ({"NextMarker": marker} if marker else {})


async def update_function_code(domain: Lambda, call: Call, request: Request) -> Response:
    """Replace a function's code: the next invocation runs it."""
    named = domain.named(request)
    settings.check_supported(request)
    found, _ = await domain.functions.get(named)
    if request.get("RevisionId") not in (None, found.revision_id):
        raise changed_meanwhile()
    fields: dict[str, Any] = {}
    if request.get("Architectures"):
        fields["architecture"] = request["Architectures"][0]
    async with archive(domain.objects, call, request) as file:
        fields["code"] = await domain.functions.keep(file)
    if request.get("DryRun"):
        await domain.functions.blobs.delete(fields["code"].blob_id)
        return configuration(found, domain.functions.environment(found))
    try:
        changed = await domain.functions.change(
            named, fields, revision_id=request.get("RevisionId")
        )
    except ServiceError:
        await domain.functions.blobs.delete(fields["code"].blob_id)
        raise
    return configuration(changed, domain.functions.environment(changed))


async def delete_function(domain: Lambda, call: Call, request: Request) -> Response:
    """Remove a function; events that wait for it are given up."""
    named = domain.named(request)
    if named.qualifier == LATEST:
        raise invalid(f"{LATEST} version cannot be deleted without deleting the function.")
    await domain.functions.delete(named)
    return {"StatusCode": 204}
