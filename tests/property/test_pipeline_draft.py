"""Any sequence of edits keeps a declaration that botocore's shape takes, and every action that
was not edited itself is as it was; the form of an action gives back what it was made from.
"""

import copy
from collections.abc import Callable
from typing import Any

from botocore.validate import ParamValidator
from hypothesis import given
from hypothesis import strategies as st

from penstock.aws import models
from penstock.console import action_form
from penstock.pipelines import action_types, draft
from penstock.pipelines.draft import DraftError

SHAPE = models.load("codepipeline").operation("UpdatePipeline").input_shape
NAMES = st.text("abcXYZ019.@-_", min_size=1, max_size=8)
TEXTS = st.text(
    st.characters(blacklist_categories=("Cs", "Cc"), whitelist_characters="\n"),
    min_size=1, max_size=20,
)  # fmt: skip
ARTIFACTS = st.lists(NAMES.map(lambda name: name.replace(".", "_")), max_size=3, unique=True)


@st.composite
def actions(draw: st.DrawFn) -> dict[str, Any]:
    """An action of a type that runs here, with keys that nobody knows and members left out."""
    known = draw(st.sampled_from(list(action_types.RUNNING.values())))
    type_id = known.id
    made: dict[str, Any] = {
        "name": draw(NAMES),
        "actionTypeId": {
            "category": type_id.category, "owner": type_id.owner,
            "provider": type_id.provider, "version": type_id.version,
        },
    }  # fmt: skip
    keys = [one.name for one in known.properties]
    configuration = {
        key: draw(st.sampled_from(one.values) if one.values else TEXTS)
        for one in known.properties
        if draw(st.booleans())
        for key in (one.name,)
    }
    if draw(st.booleans()):
        configuration[draw(NAMES.filter(lambda name: name not in keys))] = draw(TEXTS)
    optional = {
        "configuration": st.just(configuration),
        "runOrder": st.integers(1, 4),
        "inputArtifacts": ARTIFACTS.map(lambda names: [{"name": name} for name in names]),
        "outputArtifacts": ARTIFACTS.map(lambda names: [{"name": name} for name in names]),
        "namespace": NAMES,
        "roleArn": st.just("arn:aws:iam::123456789012:role/r"),
        "region": st.just("us-east-1"),
        "timeoutInMinutes": st.integers(5, 86_400),
    }
    for member, values in optional.items():
        if draw(st.booleans()):
            made[member] = draw(values)
    return made


@st.composite
def declarations(draw: st.DrawFn) -> dict[str, Any]:
    """A declaration with what no edit knows of besides its stages."""
    return {
        "name": "app",
        "roleArn": "arn:aws:iam::123456789012:role/pipeline",
        "artifactStore": {"type": "S3", "location": "artifacts"},
        "stages": [
            {
                "name": draw(NAMES),
                "blockers": [{"name": "b", "type": "Schedule"}],
                "actions": draw(st.lists(actions(), max_size=4)),
            }
            for _ in range(draw(st.integers(0, 4)))
        ],
        "version": 3,
        "variables": [{"name": "Colour"}],
    }


EDITS: list[Callable[[st.DrawFn, dict[str, Any]], dict[str, Any]]] = [
    lambda draw, it: draft.add_stage(it, draw(PLACES), draw(NAMES)),
    lambda draw, it: draft.rename_stage(it, draw(PLACES), draw(NAMES)),
    lambda draw, it: draft.remove_stage(it, draw(PLACES)),
    lambda draw, it: draft.move_stage(it, draw(PLACES), draw(st.integers(-5, 5))),
    lambda draw, it: draft.add_action(it, draw(PLACES), draw(actions())),
    lambda draw, it: draft.replace_action(it, draw(PLACES), draw(PLACES), draw(actions())),
    lambda draw, it: draft.remove_action(it, draw(PLACES), draw(PLACES)),
    lambda draw, it: draft.free_run_order(it, draw(PLACES), draw(st.integers(1, 5))),
    lambda draw, it: draft.move_group(
        it, draw(PLACES), draw(st.integers(1, 5)), draw(st.sampled_from((-1, 1)))
    ),
]
PLACES = st.integers(-1, 4)


def without_run_orders(declaration: dict[str, Any]) -> list[Any]:
    return [
        {key: value for key, value in action.items() if key != "runOrder"}
        for stage in declaration["stages"]
        for action in stage["actions"]
    ]


@given(declarations(), st.data())
def test_any_edits_keep_a_declaration_that_botocore_takes(
    before: dict[str, Any], data: st.DataObject
) -> None:
    untouched = copy.deepcopy(before)
    found = before
    for edit in data.draw(st.lists(st.sampled_from(EDITS), max_size=8)):
        try:
            found = edit(data.draw, found)
        except DraftError:
            continue
        report = ParamValidator().validate({"pipeline": found}, SHAPE)
        assert not report.has_errors(), report.generate_report()
        assert all(
            1 <= draft.run_order(action) <= draft.LAST_RUN_ORDER
            for stage in found["stages"]
            for action in stage["actions"]
        )
    assert before == untouched, "an edit makes a new declaration"
    aside = {key: value for key, value in found.items() if key != "stages"}
    assert aside == {key: value for key, value in before.items() if key != "stages"}


@given(declarations(), st.data())
def test_moving_and_making_room_lose_nothing(before: dict[str, Any], data: st.DataObject) -> None:
    found = before
    moving = [EDITS[3], EDITS[7], EDITS[8]]
    for edit in data.draw(st.lists(st.sampled_from(moving), max_size=8)):
        try:
            found = edit(data.draw, found)
        except DraftError:
            continue
    assert sorted(map(repr, without_run_orders(found))) == sorted(
        map(repr, without_run_orders(before))
    )
    for stage in found["stages"]:
        same = next(one for one in before["stages"] if one["name"] == stage["name"])
        if [one["name"] for one in before["stages"]].count(stage["name"]) == 1:
            assert len(draft.groups(stage)) == len(draft.groups(same)), "groups stay groups"


@given(declarations(), PLACES, st.integers(1, 4), st.sampled_from((-1, 1)))
def test_a_group_that_moved_moves_back(
    before: dict[str, Any], stage: int, order: int, by: int
) -> None:
    try:
        moved = draft.move_group(before, stage, order, by)
    except DraftError:
        return
    orders = [each for each, _ in draft.groups(before["stages"][stage])]
    place = orders.index(order) + by
    if 0 <= place < len(orders):
        back = draft.move_group(moved, stage, orders[place], -by)
        assert [draft.groups(one) for one in back["stages"]] == [
            [(o, [draft.Placed(p.index, {**p.action, "runOrder": o} if o in
             (order, orders[place]) and number == stage else p.action) for p in placed])
             for o, placed in draft.groups(one)]
            for number, one in enumerate(before["stages"])
        ]  # fmt: skip


@given(actions())
def test_the_form_of_an_action_gives_back_the_action(action: dict[str, Any]) -> None:
    values = action_form.values_of(action)
    assert action_form.action_of(values, action) == action


@given(actions(), NAMES)
def test_a_browser_that_renames_an_action_changes_nothing_else(
    action: dict[str, Any], name: str
) -> None:
    """What a browser sends: the shown fields, line ends as CRLF, capabilities as ticks."""
    values = action_form.values_of(action)
    sent = {key: value for key, value in values.items() if not key.startswith("configuration:")}
    for field in action_form.fields(values):
        if field.kind != "checks":
            sent[field.name] = field.value.replace("\n", "\r\n")
    made = action_form.action_of({**sent, "name": name}, action)
    assert made == {**action, "name": name}
