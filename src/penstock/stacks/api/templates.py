"""The template of a stack, or of a change set, as it was given or as its transforms made it."""

from penstock.aws.service import Call, Request, Response
from penstock.stacks.api.lookup import invalid, stack_of
from penstock.stacks.change_sets.change_set import Document
from penstock.stacks.change_sets.change_sets import ChangeSets
from penstock.stacks.operations.operation import StackDocument
from penstock.stacks.stacks import Stacks

_ORIGINAL, _PROCESSED = "Original", "Processed"


async def get_template(
    stacks: Stacks, change_sets: ChangeSets, call: Call, request: Request
) -> Response:
    """Return a template's text at the stage that is asked for, the processed one unless said."""
    name, change_set = request.get("StackName"), request.get("ChangeSetName")
    document: Document | StackDocument
    if change_set and not name and not change_set.startswith("arn:"):  # text: recorded
        raise invalid("StackName is a required parameter.")
    if change_set:
        document = (await change_sets.find(change_set, name)).document
    elif not name:
        raise invalid("StackName is required if ChangeSetName is not specified.")
    else:
        document = stacks.document(await stack_of(stacks, name, "Stack with id {} does not exist"))
    bodies = {_ORIGINAL: document.original_body or document.template_body}
    if document.original_body is None or document.template_body:
        bodies[_PROCESSED] = document.template_body
    stage = request.get("TemplateStage") or _PROCESSED
    if stage not in bodies:  # unverified
        raise invalid(
            f"The template of {change_set} has no stage {stage}: its transforms failed. Its stages "
            f"are [{', '.join(bodies)}]"
        )
    return {"TemplateBody": bodies[stage], "StagesAvailable": list(bodies)}
