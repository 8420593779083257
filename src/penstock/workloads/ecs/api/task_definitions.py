"""Operations on task definitions.

Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RegisterTaskDefinition.html
"""

from typing import Any

from penstock.aws.errors import ServiceError
from penstock.aws.pagination import page
from penstock.aws.service import Call, Request, Response
from penstock.workloads.ecs.api.names import given_tags, shown_tags
from penstock.workloads.ecs.ecs import Ecs
from penstock.workloads.ecs.registration import registered
from penstock.workloads.ecs.task_definitions import ACTIVE, INACTIVE, TaskDefinition


async def register_task_definition(ecs: Ecs, call: Call, request: Request) -> Response:
    """Store the next revision of a family."""
    tags = given_tags(call, request.get("tags", ()))
    document = registered(request, account_id=call.account_id, region=call.region)
    made = await ecs.task_definitions.register(document, call.principal.arn, tags)
    return {"taskDefinition": described(made), "tags": shown_tags(tags)}


async def describe_task_definition(ecs: Ecs, call: Call, request: Request) -> Response:
    """Return a revision."""
    found = await ecs.task_definitions.get(request["taskDefinition"])
    if found is None:
        raise ServiceError("ClientException", "Unable to describe task definition.")
    tags = shown_tags(found.tags) if "TAGS" in request.get("include", ()) else []
    return {"taskDefinition": described(found), "tags": tags}


async def list_task_definitions(ecs: Ecs, call: Call, request: Request) -> Response:
    """Return ARNs of revisions in order of family and number, the ACTIVE ones by default."""
    status = request.get("status", ACTIVE)
    found = [
        each
        for each in await ecs.task_definitions.all(request.get("familyPrefix"))
        if each.status == status
    ]
    descending = request.get("sort") == "DESC"
    shown, token = page(
        found[::-1] if descending else found,
        request.get("nextToken"),
        request.get("maxResults", 100),
        # A blank sorts before all that families consist of, so keys sort as families do.
        key=lambda each: f"{each.family} {each.revision:09d}",
        descending=descending,
        error_code="InvalidParameterException",
    )
    return {"taskDefinitionArns": [each.arn for each in shown], "nextToken": token}


async def list_task_definition_families(ecs: Ecs, call: Call, request: Request) -> Response:
    """Return families that begin with a prefix; of status INACTIVE, those without an ACTIVE
    revision."""
    statuses: dict[str, set[str]] = {}
    for each in await ecs.task_definitions.all():
        if each.family.startswith(request.get("familyPrefix", "")):
            statuses.setdefault(each.family, set()).add(each.status)
    wanted = request.get("status", "ALL")
    families = [
        family
        for family, found in sorted(statuses.items())
        if wanted == "ALL" or (ACTIVE in found) == (wanted == ACTIVE)
    ]
    shown, token = page(
        families,
        request.get("nextToken"),
        request.get("maxResults", 100),
        key=str,
        error_code="InvalidParameterException",
    )
    return {"families": shown, "nextToken": token}


async def deregister_task_definition(ecs: Ecs, call: Call, request: Request) -> Response:
    """Make a revision INACTIVE."""
    return {"taskDefinition": described(await ecs.task_definitions.deregister(
        request["taskDefinition"]))}  # fmt: skip


async def delete_task_definitions(ecs: Ecs, call: Call, request: Request) -> Response:
    """Remove INACTIVE revisions; those that can't be are told as failures."""
    deleted, failures = [], []
    for name in request["taskDefinitions"]:
        try:
            gone = await ecs.task_definitions.delete(name)
        except ServiceError as error:
            failures.append({"arn": name, "reason": error.code, "detail": error.message})
        else:
            deleted.append({**described(gone), "deleteRequestedAt": call.now})
    return {"taskDefinitions": deleted, "failures": failures}


def described(found: TaskDefinition) -> dict[str, Any]:
    """Return a revision in the API's shape."""
    shown = {
        **found.document,
        "taskDefinitionArn": found.arn,
        "revision": found.revision,
        "status": found.status,
        "registeredAt": found.registered_at,
        "registeredBy": found.registered_by,
    }
    if found.status == INACTIVE:
        shown["deregisteredAt"] = found.deregistered_at
    return shown


OPERATIONS = {
    "DeleteTaskDefinitions": delete_task_definitions,
    "DeregisterTaskDefinition": deregister_task_definition,
    "DescribeTaskDefinition": describe_task_definition,
    "ListTaskDefinitionFamilies": list_task_definition_families,
    "ListTaskDefinitions": list_task_definitions,
    "RegisterTaskDefinition": register_task_definition,
}
