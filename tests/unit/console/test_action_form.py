"""Which fields an action's form has, and what an action becomes of them."""

from typing import Any

import pytest

from penstock.console import action_fields, action_form
from penstock.pipelines import action_types
from penstock.pipelines.draft import DraftError

CLOUDFORMATION = "Deploy/AWS/CloudFormation/1"


def stack_action(**configuration: str) -> dict[str, Any]:
    type_id = {"category": "Deploy", "owner": "AWS", "provider": "CloudFormation", "version": "1"}
    return {"name": "A", "actionTypeId": type_id, "runOrder": 1, "configuration": configuration}


def shown(**configuration: str) -> set[str]:
    values = {"type": CLOUDFORMATION, **{f"configuration:{k}": v for k, v in configuration.items()}}
    return {
        field.name.removeprefix("configuration:")
        for field in action_form.fields(values)
        if field.kind != "hidden"
    }


def test_every_action_mode_has_its_words_and_its_keys() -> None:
    modes = set(action_types.CLOUDFORMATION_MODES)
    assert set(action_fields.MODES) == set(action_fields.MODE_KEYS) == modes


def test_every_running_action_type_is_offered_where_aws_takes_it() -> None:
    first, later = (action_fields.choices(first_stage=which) for which in (True, False))
    assert set(first) == {"Source"}
    assert set(later) == {"Build", "Test", "Deploy", "Approval"}
    offered = [one.id for types in (*first.values(), *later.values()) for one in types]
    assert set(offered) == set(action_types.RUNNING)


def test_every_configuration_key_has_a_field_with_words() -> None:
    for known in action_types.RUNNING.values():
        words = action_fields.WORDINGS[known.id.provider]
        assert set(words) == {one.name for one in known.properties}


@pytest.mark.parametrize(
    ("mode", "fields"),
    [
        ("CHANGE_SET_EXECUTE", {"StackName", "ChangeSetName", "OutputFileName"}),
        ("DELETE_ONLY", {"StackName", "RoleArn"}),
    ],
)
def test_an_action_mode_shows_what_it_uses(mode: str, fields: set[str]) -> None:
    assert shown(ActionMode=mode) == {"ActionMode", *fields}


def test_change_sets_have_a_name_and_stacks_have_none() -> None:
    assert "ChangeSetName" in shown(ActionMode="CHANGE_SET_REPLACE", TemplatePath="A::b")
    assert "ChangeSetName" not in shown(ActionMode="CREATE_UPDATE")


def test_a_mode_that_variables_choose_shows_every_field() -> None:
    every = {one.name for one in action_types.CLOUDFORMATION_DEPLOY.properties}
    assert shown(ActionMode="#{variables.Mode}") == every


def test_another_mode_leaves_what_it_ignores_behind() -> None:
    before = stack_action(
        ActionMode="CHANGE_SET_REPLACE", StackName="s", ChangeSetName="c", TemplatePath="A::b"
    )
    values = action_form.values_of(before)
    values["configuration:ActionMode"] = "CHANGE_SET_EXECUTE"
    made = action_form.action_of(values, before)
    assert made["configuration"] == {
        "ActionMode": "CHANGE_SET_EXECUTE", "StackName": "s", "ChangeSetName": "c",
    }  # fmt: skip


def test_the_same_mode_keeps_what_it_ignores() -> None:
    before = stack_action(ActionMode="DELETE_ONLY", StackName="s", ChangeSetName="c", Own="x")
    values = {**action_form.values_of(before), "configuration:StackName": "t"}
    made = action_form.action_of(values, before)
    assert made["configuration"] == {**before["configuration"], "StackName": "t"}


def test_another_provider_begins_without_the_formers_configuration() -> None:
    before = {**stack_action(ActionMode="DELETE_ONLY", Own="x"), "region": "us-east-1"}
    values = action_form.values_of(before)
    values |= {"type": "Approval/AWS/Manual/1", "configuration:CustomData": "Look", "timeout": "5"}
    made = action_form.action_of(values, before)
    assert made["configuration"] == {"CustomData": "Look"}
    assert made["timeoutInMinutes"] == 5
    assert made["region"] == "us-east-1"


def test_artifacts_that_stay_keep_their_place_and_members() -> None:
    files = {"name": "B", "files": ["x"]}
    before = {**stack_action(), "outputArtifacts": [files, {"name": "C"}]}
    values = {**action_form.values_of(before), "outputs": "A, B"}
    assert action_form.action_of(values, before)["outputArtifacts"] == [files, {"name": "A"}]
    emptied = {**values, "outputs": " "}
    assert "outputArtifacts" not in action_form.action_of(emptied, before)


def test_capabilities_that_variables_decide_are_a_text() -> None:
    values = action_form.values_of(stack_action(ActionMode="CREATE_UPDATE", Capabilities="#{a.b}"))
    (field,) = [each for each in action_form.fields(values) if each.label == "Capabilities"]
    assert (field.kind, field.value) == ("text", "#{a.b}")


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"name": " "}, "An action needs a name"),
        ({"type": ""}, "Choose an action provider"),
        ({"run-order": "1000"}, "from 1 to 999, found '1000'"),
        ({"run-order": "२"}, "from 1 to 999"),
        ({"type": "Approval/AWS/Manual/1", "timeout": "4"}, "Timeout: expected a whole number"),
    ],
)
def test_what_no_declaration_carries_is_refused(changed: dict[str, str], words: str) -> None:
    values = {**action_form.values_of(stack_action()), **changed}
    with pytest.raises(DraftError, match=words):
        action_form.action_of(values, stack_action())
