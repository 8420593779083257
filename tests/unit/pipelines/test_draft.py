"""Edits of a declaration: what each does, and what it leaves alone."""

import copy
from typing import Any

import pytest

from penstock.pipelines import draft
from penstock.pipelines.draft import DraftError


def action(name: str, order: int | None = 1, **more: Any) -> dict[str, Any]:
    type_id = {"category": "Deploy", "owner": "AWS", "provider": "CloudFormation", "version": "1"}
    made = {"name": name, "actionTypeId": type_id} | more
    return made if order is None else {**made, "runOrder": order}


def pipeline(*stages: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "name": "app",
        "roleArn": "arn:aws:iam::123456789012:role/r",
        "version": 7,
        "stages": [
            {"name": f"S{number}", "actions": actions, "blockers": []}
            for number, actions in enumerate(stages)
        ],
    }


def names(declaration: dict[str, Any]) -> list[str]:
    return [stage["name"] for stage in declaration["stages"]]


def orders(declaration: dict[str, Any], stage: int = 0) -> dict[str, int | None]:
    return {each["name"]: each.get("runOrder") for each in declaration["stages"][stage]["actions"]}


def test_stages_are_added_renamed_moved_and_removed() -> None:
    before = pipeline([action("A")], [action("B")])
    untouched = copy.deepcopy(before)
    assert names(draft.add_stage(before, 0, "New")) == ["New", "S0", "S1"]
    assert names(draft.add_stage(before, 2, "New")) == ["S0", "S1", "New"]
    renamed = draft.rename_stage(before, 1, "Other")
    assert renamed["stages"][1] == {**before["stages"][1], "name": "Other"}
    assert names(draft.move_stage(before, 0, 1)) == ["S1", "S0"]
    assert names(draft.move_stage(before, 0, -1)) == ["S0", "S1"]
    assert names(draft.move_stage(before, 0, 9)) == ["S1", "S0"]
    assert names(draft.remove_stage(before, 0)) == ["S1"]
    assert before == untouched


@pytest.mark.parametrize("index", [-1, 2])
def test_a_place_that_is_none_is_refused(index: int) -> None:
    before = pipeline([action("A")], [action("B")])
    for edit in (draft.remove_stage, draft.stage_at):
        with pytest.raises(DraftError, match="Expected one of 2 stages"):
            edit(before, index)
    with pytest.raises(DraftError, match="Expected one of 1 actions"):
        draft.remove_action(before, 0, index)


def test_an_absent_run_order_is_one_and_stays_absent() -> None:
    before = pipeline([action("A", None), action("B", 2)])
    assert [order for order, _ in draft.groups(before["stages"][0])] == [1, 2]
    assert orders(draft.add_action(before, 0, action("C", 3))) == {"A": None, "B": 2, "C": 3}


def test_room_is_made_by_moving_what_follows_without_a_gap() -> None:
    before = pipeline([action("A", 1), action("B", 2), action("C", 2), action("D", 5)])
    assert orders(draft.free_run_order(before, 0, 2)) == {"A": 1, "B": 3, "C": 3, "D": 5}
    assert orders(draft.free_run_order(before, 0, 1)) == {"A": 2, "B": 3, "C": 3, "D": 5}
    assert draft.free_run_order(before, 0, 4) == before


def test_no_run_order_passes_awss_last_one() -> None:
    before = pipeline([action("A", 998), action("B", 999)])
    with pytest.raises(DraftError, match="No run order is free from 998 to 999"):
        draft.free_run_order(before, 0, 998)


def test_groups_change_places_and_stop_at_the_ends() -> None:
    before = pipeline([action("A", 1), action("B", 4), action("C", 4)])
    assert orders(draft.move_group(before, 0, 1, 1)) == {"A": 4, "B": 1, "C": 1}
    assert orders(draft.move_group(before, 0, 1, -1)) == orders(before)
    with pytest.raises(DraftError, match="found 2"):
        draft.move_group(before, 0, 2, 1)


def test_an_action_sees_the_artifacts_made_before_it() -> None:
    made = {"outputArtifacts": [{"name": "One"}]}
    later = {"outputArtifacts": [{"name": "Two"}]}
    found = pipeline([action("A", 1, **made)], [action("B", 2, **later)])
    assert draft.artifacts_before(found, 0, 1) == []
    assert draft.artifacts_before(found, 1, 2) == ["One"]
    assert draft.artifacts_before(found, 1, 3) == ["One", "Two"]


def test_a_secret_is_missing_where_none_is_stored_under_that_name() -> None:
    github = {"category": "Source", "owner": "ThirdParty", "provider": "GitHub", "version": "1"}
    secret = {"actionTypeId": github, "configuration": {"OAuthToken": "****", "Owner": "****"}}
    stored = pipeline([action("A", **secret)])
    assert draft.missing_secrets(stored, stored) == []
    renamed = draft.rename_stage(stored, 0, "Other")
    assert draft.missing_secrets(renamed, stored) == [("Other", "A", "OAuthToken")]
    typed = {**secret, "configuration": {"OAuthToken": "new"}}
    assert draft.missing_secrets(pipeline([action("B", **typed)]), stored) == []
    stars = pipeline([action("B", configuration={"StackName": "****"})])
    assert draft.missing_secrets(stars, stored) == [], "no key of this action is a secret"


def test_the_version_alone_is_no_difference() -> None:
    before = pipeline([action("A")])
    assert draft.equal(before, {**before, "version": 8})
    assert draft.changes(before, {**before, "version": 8}) == []
    turned = {key: before[key] for key in reversed(before)}
    assert draft.changes(before, turned) == []
    changed = draft.changes(before, draft.rename_stage(before, 0, "Other"))
    assert '-      "name": "S0",' in changed
    assert '+      "name": "Other",' in changed
