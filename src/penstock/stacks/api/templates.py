"""The template of a stack, or of a change set."""

from penstock.aws.service import Call, Request, Response
from penstock.stacks.api.lookup import invalid, stack_of
from penstock.stacks.change_sets import ChangeSets
from penstock.stacks.stacks import Stacks

_STAGES = ["Original", "Processed"]


async def get_template(
    stacks: Stacks, change_sets: ChangeSets, call: Call, request: Request
) -> Response:
    """Return a template's text; Penstock transforms none, so both stages are the same."""
    name, change_set = request.get("StackName"), request.get("ChangeSetName")
    if change_set:
        found = await change_sets.find(change_set, name)
        return {"TemplateBody": found.document.template_body, "StagesAvailable": _STAGES}
    if not name:
        raise invalid("StackName is required if ChangeSetName is not specified.")
    row = await stack_of(stacks, name, "Stack with id {} does not exist")
    document = stacks.document(row)
    return {"TemplateBody": document.template_body, "StagesAvailable": _STAGES}
