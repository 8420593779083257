"""Editing a pipeline: the page of its stages, and the steps that change the draft.

Every step is a POST of the whole form to one address: `do` names the step, the form carries the
draft, and the answer is the next page with the next draft. So a reload repeats a step on the
draft that it was made for, an error keeps what was typed, and no script is needed.
"""

import re
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from starlette.responses import Response

from penstock.aws.errors import ServiceError
from penstock.console import action_editor, edit_view, pipeline_draft
from penstock.console.edit_effects import effects
from penstock.console.edit_view import Standing
from penstock.console.pipeline_draft import Draft
from penstock.console.visit import Visit
from penstock.errors import EngineError
from penstock.pipelines import draft as drafts
from penstock.pipelines import secret_configuration
from penstock.pipelines.draft import DraftError
from penstock.pipelines.secret_configuration import MASK

MOST_FORM_BYTES = 2 * 1024 * 1024
"""Room for AWS's 500 actions, escaped; a draft is compared with what is stored in about a second
for each MiB, in which nobody else is answered."""

_NUMBER = re.compile(r"-?[0-9]{1,8}")

Edit = Callable[..., dict[str, Any]]
Step = Callable[..., Awaitable[Response]]


async def start(visit: Visit) -> Response:
    """Begin with the pipeline as it is now."""
    found = await _current(visit)
    return await _stages(visit, Draft(found, found["version"]))


async def step(visit: Visit) -> Response:
    """Make one step of editing: the form's `do` is its name and places, `move-stage:2:-1`."""
    verb, *places = visit.form.get("do", "").split(":")
    try:
        draft = pipeline_draft.of_form(visit.form, visit.label("name"))
    except DraftError as problem:
        return visit.message(HTTPStatus.BAD_REQUEST, "This draft cannot be read", str(problem))
    try:
        numbers = _numbers(verb, places)
        if verb in _EDITS:
            edited = _EDITS[verb][0](draft.declaration, *numbers)
            return await _stages(visit, draft.edited(edited))
        return await _STEPS[verb][0](visit, draft, *numbers)
    except DraftError as problem:
        return await _stages(visit, draft, error=ServiceError("", str(problem)))


def _numbers(verb: str, places: list[str]) -> list[int]:
    known = _EDITS.get(verb) or _STEPS.get(verb)
    if known is None or len(places) != known[1]:
        raise DraftError(f"Expected a step of this page, found {verb!r}.")
    if not all(_NUMBER.fullmatch(place) for place in places):
        raise DraftError(f"Expected places as numbers, found {':'.join(places)!r}.")
    return [int(place) for place in places]


async def _current(visit: Visit, version: int | None = None) -> Mapping[str, Any]:
    request: dict[str, Any] = {"name": visit.label("name")}
    if version is not None:
        request["version"] = version
    found: Mapping[str, Any] = await visit.call("codepipeline", "GetPipeline", request)
    return dict(found["pipeline"])


async def _stages(visit: Visit, draft: Draft, error: ServiceError | None = None) -> Response:
    """Show the draft's stages, what it changes, and what saving it would end."""
    try:
        standing = await _standing(visit, draft)
    except ServiceError as problem:  # deleted meanwhile, or not for this visitor any more
        standing, error = Standing(), error or problem
    return visit.page(
        "edit_pipeline.html",
        (error.status or HTTPStatus.BAD_REQUEST) if error else HTTPStatus.OK,
        name=visit.label("name"),
        draft=draft,
        stages=edit_view.stages(draft.declaration),
        standing=standing,
        error=error,
    )


async def _standing(visit: Visit, draft: Draft) -> Standing:
    current = begun = await _current(visit)
    if current["version"] != draft.base:
        begun = await _current(visit, draft.base)
    return Standing(
        version=current["version"],
        changes=drafts.changes(begun, secret_configuration.shown(draft.declaration)),
        of_others=drafts.changes(begun, current),
        edited=not drafts.equal(begun, draft.declaration),
        effects=await effects(visit, current),
    )


async def _stage_form(visit: Visit, draft: Draft, index: int) -> Response:
    return _ask_stage(visit, draft, f"add-stage:{index}", "Add stage", "Add stage", "")


async def _rename_form(visit: Visit, draft: Draft, index: int) -> Response:
    name = drafts.stage_at(draft.declaration, index)["name"]
    return _ask_stage(visit, draft, f"rename-stage:{index}", f"Rename {name}", "Done", name)


def _ask_stage(
    visit: Visit, draft: Draft, do: str, title: str, button: str, value: str
) -> Response:
    return visit.page(
        "edit_stage.html", name=visit.label("name"), draft=draft, do=do, title=title,
        button=button, value=value,
    )  # fmt: skip


async def _add_stage(visit: Visit, draft: Draft, index: int) -> Response:
    edited = drafts.add_stage(draft.declaration, index, _stage_name(visit))
    return await _stages(visit, draft.edited(edited))


async def _rename_stage(visit: Visit, draft: Draft, index: int) -> Response:
    edited = drafts.rename_stage(draft.declaration, index, _stage_name(visit))
    return await _stages(visit, draft.edited(edited))


def _stage_name(visit: Visit) -> str:
    name = visit.form.get("stage-name", "").strip()
    if not name:
        raise DraftError("A stage needs a name.")
    return name


async def _action_done(visit: Visit, draft: Draft) -> Response:
    try:
        edited = action_editor.applied(draft, visit.form)
    except DraftError as problem:
        return await action_editor.refuse(visit, draft, str(problem))
    return await _stages(visit, edited)


async def _declaration(visit: Visit, draft: Draft) -> Response:
    return _ask_declaration(visit, draft, drafts.text(draft.declaration))


async def _declaration_done(visit: Visit, draft: Draft) -> Response:
    text = visit.form.get("text", "")
    try:
        edited = pipeline_draft.read(text, visit.label("name"))
    except DraftError as problem:
        return _ask_declaration(visit, draft, text, str(problem))
    return await _stages(visit, draft.edited(edited))


def _ask_declaration(visit: Visit, draft: Draft, text: str, problem: str = "") -> Response:
    return visit.page(
        "edit_declaration.html",
        HTTPStatus.BAD_REQUEST if problem else HTTPStatus.OK,
        name=visit.label("name"), draft=draft, text=text, problem=problem,
    )  # fmt: skip


async def _save(visit: Visit, draft: Draft, version: int) -> Response:
    """Save over `version`: the one that the person saw when they chose to."""
    try:
        current = await _current(visit)
        if refused := _refusal(draft, current, version):
            return await _stages(visit, draft, refused)
        answer = await visit.call("codepipeline", "UpdatePipeline", {"pipeline": draft.declaration})
    except ServiceError as error:
        return await _stages(visit, draft, error)
    except EngineError as error:
        return await _stages(
            visit, draft, ServiceError("", str(error), status=HTTPStatus.SERVICE_UNAVAILABLE)
        )
    saved = answer["pipeline"]["version"]
    if saved != version + 1:
        return visit.message(
            HTTPStatus.OK,
            "Saved, over a change of somebody else",
            f"Your change is version {saved}. In the moment in which it was saved somebody else "
            f"saved version {saved - 1}, which yours replaces: aws codepipeline get-pipeline "
            f"--name {visit.label('name')} --pipeline-version {saved - 1} shows it.",
        )
    return visit.go(f"/console/pipelines/{quote(visit.label('name'), safe='')}")


def _refusal(draft: Draft, current: Mapping[str, Any], version: int) -> ServiceError | None:
    """Return why this draft is not sent to UpdatePipeline; None when it is."""
    if current["version"] != version:
        text = (
            f"Nothing was saved: version {current['version']} was saved meanwhile, and this draft "
            f"replaces version {version}. Look at what changed below, and choose."
        )
        return ServiceError("", text, status=HTTPStatus.CONFLICT)
    if drafts.equal(current, draft.declaration):
        return ServiceError("", "Nothing was saved: the draft and the pipeline are the same.")
    if missing := drafts.missing_secrets(draft.declaration, current):
        stage, action, key = missing[0]
        text = (
            f"Nothing was saved: the stored {key} belongs to an action under its former name. "
            f"Enter it again in action {action} of stage {stage}, where it is {MASK} now."
        )
        return ServiceError("", text)
    return None


async def _show(visit: Visit, draft: Draft) -> Response:
    return await _stages(visit, draft)


_EDITS: Mapping[str, tuple[Edit, int]] = {
    "move-stage": (drafts.move_stage, 2),
    "remove-stage": (drafts.remove_stage, 1),
    "move-group": (drafts.move_group, 3),
    "remove-action": (drafts.remove_action, 2),
}
"""Steps that change the draft at once, each with how many numbers say where."""

_STEPS: Mapping[str, tuple[Step, int]] = {
    "show": (_show, 0),
    "stage-form": (_stage_form, 1),
    "add-stage": (_add_stage, 1),
    "rename-form": (_rename_form, 1),
    "rename-stage": (_rename_stage, 1),
    "new-action": (action_editor.add, 3),
    "edit-action": (action_editor.edit, 2),
    "action-fields": (action_editor.show_fields, 0),
    "action-done": (_action_done, 0),
    "declaration": (_declaration, 0),
    "declaration-done": (_declaration_done, 0),
    "save": (_save, 1),
}
"""Steps with a page or a form of their own."""
