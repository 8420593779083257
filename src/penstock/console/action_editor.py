"""The page of one action that is edited or added: its form, and what Done makes of it."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from starlette.responses import Response

from penstock.console import action_fields, action_form, suggestions
from penstock.console.action_form import INPUT
from penstock.console.pipeline_draft import Draft
from penstock.console.visit import Visit
from penstock.pipelines import draft as drafts
from penstock.pipelines.draft import DraftError
from penstock.pipelines.structure import ActionTypeId


async def add(visit: Visit, draft: Draft, stage: int, order: int, shift: int) -> Response:
    """Ask for a new action of the stage; with `shift`, what has its run order moves on."""
    drafts.stage_at(draft.declaration, stage)
    values = {"stage": str(stage), "action": "", "run-order": str(order)}
    if shift:
        values["shift"] = str(order)
    if stage == 0:
        values["outputs"] = "SourceArtifact"
    return await _page(visit, draft, values)


async def edit(visit: Visit, draft: Draft, stage: int, action: int) -> Response:
    """Ask for changes of an action."""
    found = drafts.action_at(draft.declaration, stage, action)
    place = {"stage": str(stage), "action": str(action)}
    return await _page(visit, draft, {**action_form.values_of(found), **place})


async def show_fields(visit: Visit, draft: Draft) -> Response:
    """Show the form as it was sent, with the fields of the provider and mode chosen now."""
    return await _page(visit, draft, visit.form)


async def refuse(visit: Visit, draft: Draft, problem: str) -> Response:
    """Show the form as it was sent, and why it was not taken."""
    return await _page(visit, draft, visit.form, problem)


def applied(draft: Draft, form: Mapping[str, str]) -> Draft:
    """Return the draft with the action that the form describes; raises DraftError."""
    stage, index = _place(form)
    declaration: drafts.Declaration = draft.declaration
    if index is not None:
        original = drafts.action_at(declaration, stage, index)
        made = action_form.action_of(form, original)
        return draft.edited(drafts.replace_action(declaration, stage, index, made))
    made = action_form.action_of(form, {})
    if form.get("shift") == str(made["runOrder"]):
        declaration = drafts.free_run_order(declaration, stage, made["runOrder"])
    return draft.edited(drafts.add_action(declaration, stage, made))


def _place(form: Mapping[str, str]) -> tuple[int, int | None]:
    stage, index = form.get("stage", ""), form.get("action", "")
    if not stage.isdecimal() or len(stage + index) > 9 or not (index or "0").isdecimal():
        raise DraftError("Expected the place of the action, found none.")
    return int(stage), int(index) if index else None


async def _page(
    visit: Visit, draft: Draft, values: Mapping[str, str], problem: str = ""
) -> Response:
    stage, index = _place(values)
    found = drafts.stage_at(draft.declaration, stage)
    original = drafts.action_at(draft.declaration, stage, index) if index is not None else {}
    fields = action_form.fields(values)
    before = drafts.artifacts_before(draft.declaration, stage, _order(values))
    ticked = [name.removeprefix(INPUT) for name in values if name.startswith(INPUT)]
    lists = {field.suggestions for field in fields if field.kind == "text"} - {""}
    type_id = action_fields.type_of(values.get("type", ""))
    return visit.page(
        "edit_action.html",
        HTTPStatus.BAD_REQUEST if problem else HTTPStatus.OK,
        name=visit.label("name"),
        draft=draft,
        stage=found,
        original=original,
        values=values,
        type_id=type_id,
        choices=_choices(values, first_stage=stage == 0),
        fields=fields,
        artifacts=list(dict.fromkeys([*before, *ticked])),
        before=before,
        ticked=ticked,
        most_inputs=action_form.most_inputs(values),
        most_outputs=action_form.most_outputs(values),
        kept=_kept(original, type_id),
        suggestions={
            **await suggestions.gather(visit, lists | {"roles"}),
            "artifacts": before,
            "files": [f"{artifact}::" for artifact in before],
        },
        problem=problem,
    )


def _order(values: Mapping[str, str]) -> int:
    text = values.get("run-order", "")
    return int(text) if text.isdecimal() and len(text) < 9 else 1


def _choices(values: Mapping[str, str], *, first_stage: bool) -> dict[str, list[tuple[str, str]]]:
    """Return the providers to choose from, by category; one that stands there already stays."""
    found = {
        category: [
            (action_fields.type_value(one.id), action_fields.type_words(one.id)) for one in types
        ]
        for category, types in action_fields.choices(first_stage=first_stage).items()
    }
    chosen = action_fields.type_of(values.get("type", ""))
    if chosen is not None:
        entry = (action_fields.type_value(chosen), action_fields.type_words(chosen))
        of_category = found.setdefault(chosen.category, [])
        if entry not in of_category:
            of_category.append(entry)
    return found


def _kept(original: Mapping[str, Any], type_id: ActionTypeId | None) -> list[str]:
    """Return the names of what the form has no field for and leaves as it is."""
    if not original or type_id is None:
        return []
    shown = {"name", "actionTypeId", "runOrder", "configuration", "inputArtifacts",
             "outputArtifacts", "namespace", "roleArn"}  # fmt: skip
    if type_id.category == "Approval":
        shown.add("timeoutInMinutes")
    members = [member for member in original if member not in shown]
    if ActionTypeId(**original["actionTypeId"]) != type_id:
        return members
    configuration = original.get("configuration") or {}
    known = {one.name for one in action_fields.properties(type_id, configuration)}
    return members + [key for key in configuration if key not in known]
