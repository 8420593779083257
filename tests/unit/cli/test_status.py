import io
from datetime import timedelta

from rich.console import Console

from penstock.cli.execution import view
from penstock.cli.layout import WIDTH
from penstock.cli.status import render

from .test_execution import START, SUMMARY, detail, structure


def shown(execution):
    output = io.StringIO()
    now = START + timedelta(minutes=5)
    Console(file=output, width=WIDTH, highlight=False).print(render(execution, now))
    return output.getvalue()


def test_each_stage_and_action_is_shown_with_status_time_and_words():
    long = "Build terminated with state: FAILED. " + "word " * 40 + "end-of-message"
    text = shown(
        view(
            structure(),
            SUMMARY,
            [
                detail("Source", "App", "Succeeded"),
                detail("Build", "Test", "Failed", 2, errorDetails={"message": long}),
            ],
        )
    )
    lines = text.splitlines()
    assert lines[0].rstrip() == "road  Failed  5 min ago, 9 s"
    assert lines[1].rstrip() == "  by CreatePipeline arn:aws:iam::1:root"
    assert "abcdef0 Add order" in text
    assert "end-of-message" in text, "a failure's words are shown whole"
    assert max(map(len, lines)) <= 80


def test_what_has_not_started_says_so():
    text = shown(view(structure(), {}, []))
    assert text.splitlines()[0].rstrip() == "road  never ran"
    assert text.count("not yet") == 4


def test_a_running_action_shows_how_long_it_has_run():
    running = {**SUMMARY, "status": "InProgress"}
    text = shown(view(structure(), running, [detail("Build", "Test", "InProgress", 60)]))
    assert "4 min 0 s" in text


def test_a_stage_that_waits_says_for_what_and_commits_are_short():
    state = {
        "stageName": "Build",
        "inboundExecutions": [{"pipelineExecutionId": SUMMARY["pipelineExecutionId"]}],
        "inboundTransitionState": {"enabled": False, "disabledReason": "hold on"},
    }
    trigger = {"triggerType": "CloudWatchEvent", "triggerDetail": "push of " + "0a" * 20}
    running = {**SUMMARY, "status": "InProgress", "trigger": trigger}
    text = shown(view(structure(), running, [detail("Source", "App", "Succeeded")], [state]))
    assert "by CloudWatchEvent push of 0a0a0a0\n" in text
    assert "Build   waiting\n" in text
    assert "      waits for its transition to be enabled, disabled with: hold on" in text


def test_a_long_cause_goes_on_below_its_own_beginning():
    """Locks: the second line of a cause began at the left edge, as a pipeline's name does."""
    detail_words = "push of " + "0a" * 20 + " to branch main of repository todobackend-aws"
    trigger = {"triggerType": "CloudWatchEvent", "triggerDetail": detail_words}
    lines = shown(view(structure(), {**SUMMARY, "trigger": trigger}, [])).splitlines()
    assert lines[1].rstrip() == "  by CloudWatchEvent push of 0a0a0a0 to branch main of repository"
    assert lines[2].rstrip() == "  todobackend-aws"


def test_a_stage_in_which_another_execution_waits_for_approval_says_so():
    state = {
        "stageName": "Build",
        "inboundExecutions": [{"pipelineExecutionId": SUMMARY["pipelineExecutionId"]}],
        "latestExecution": {"pipelineExecutionId": "older", "status": "InProgress"},
        "actionStates": [
            {"actionName": "Test", "latestExecution": {"status": "Succeeded"}},
            {"actionName": "Ask", "latestExecution": {"status": "InProgress", "token": "t"}},
        ],
    }
    running = {**SUMMARY, "status": "InProgress"}
    text = shown(view(structure(), running, [detail("Source", "App", "Succeeded")], [state]))
    assert "waits for execution older to be approved or rejected" in text
    state["actionStates"][1]["latestExecution"] = {"status": "Succeeded"}
    text = shown(view(structure(), running, [detail("Source", "App", "Succeeded")], [state]))
    assert "waits for execution older to leave the stage" in text


def test_an_action_that_waits_for_approval_says_so():
    pipeline = structure()
    pipeline["stages"][1]["actions"][0]["actionTypeId"]["provider"] = "Manual"
    name = pipeline["stages"][1]["actions"][0]["name"]
    waits = [{**detail("Build", name, "InProgress", 60), "actionExecutionId": "a1"}]
    latest = {"actionExecutionId": "a1", "status": "InProgress"}
    running = {**SUMMARY, "status": "InProgress"}
    for token, words in (
        ({}, "is about to ask for approval"),
        ({"token": "a1"}, "waits for approval (penstock approve)"),
    ):
        action = {"actionName": name, "latestExecution": {**latest, **token}}
        state = {"stageName": "Build", "actionStates": [action]}
        assert words in shown(view(pipeline, running, waits, [state]))


def test_what_others_wrote_moves_no_cursor_and_adds_no_row():
    """Locks: a commit's message, or an approver's comment, could clear and rewrite the screen."""
    said = {"externalExecutionSummary": "fine \x1b[2J\x1b[H\u202e\n    Release     Succeeded"}
    failed = {"errorDetails": {"message": "no \x1b]0;title\x07"}}
    trigger = {"triggerType": "CloudWatchEvent", "triggerDetail": "push \x1b[1A"}
    text = shown(
        view(
            structure(),
            {**SUMMARY, "trigger": trigger, "sourceRevisions": []},
            [
                detail("Source", "App", "Succeeded", **said),
                detail("Build", "Test", "Failed", 2, **failed),
            ],
        )
    )
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert r"push \x1b[1A" in text
    assert r"no \x1b]0;title\x07" in text
    assert not any(line.startswith("    Release") for line in text.splitlines())


def test_words_that_do_not_fit_behind_a_row_stand_below_it_whole():
    """Locks: `Change set release was created: 1 chan…`, without the digest that names it."""
    digest = f"sha256:{'1' * 64}"
    words = f"Change set release was created: 1 change, {digest}"
    done = detail("Build", "Test", "Succeeded", externalExecutionSummary=words)
    text = shown(view(structure(), SUMMARY, [done]))
    assert digest in text
    assert "…" not in text
    assert max(map(len, text.splitlines())) <= WIDTH
