import pytest

from penstock.cli.execution import view
from penstock.cli.failure import Failure
from penstock.cli.logs import headline, of_execution
from penstock.cli.refusal import Refusal

from .test_execution import SUMMARY, detail, structure
from .test_failure import LOG

FAILURE = Failure("BUILD", "FAILED", "C", "Error …", "make test", 2)


def test_the_headline_says_what_failed_where_and_how():
    assert headline("p:1", FAILURE, LOG) == [
        "Build p:1 FAILED in BUILD",
        "Command:   make test",
        "Exit code: 2",
        "Buildspec: buildspec.yml, line 25",
    ]


def test_a_failure_before_any_command_says_its_code_and_words():
    failure = Failure("DOWNLOAD_SOURCE", "FAILED", "YAML_FILE_ERROR", "no such file")
    assert headline("p:1", failure, []) == [
        "Build p:1 FAILED in DOWNLOAD_SOURCE",
        "YAML_FILE_ERROR: no such file",
    ]


def test_the_failed_build_is_chosen_over_a_newer_one_that_did_not_fail():
    two = structure()
    two["stages"][1]["actions"].append({"name": "Lint", "actionTypeId": {"provider": "CodeBuild"}})
    seen = view(
        two,
        SUMMARY,
        [
            detail("Build", "Test", "Failed", 2, externalExecutionId="p:test"),
            detail("Build", "Lint", "Succeeded", 3, externalExecutionId="p:lint"),
        ],
    )
    assert of_execution(seen).build_id == "p:test"


def test_a_failed_source_is_shown_and_no_older_build():
    seen = view(structure(), SUMMARY, [detail("Source", "App", "Failed")])
    assert of_execution(seen).build_id is None


def test_an_execution_whose_build_has_not_started_has_none():
    seen = view(structure(), SUMMARY, [detail("Source", "App", "Succeeded")])
    assert of_execution(seen).build_id is None


def test_a_pipeline_that_never_ran_is_refused_in_words():
    with pytest.raises(Refusal, match="road has not run yet"):
        of_execution(view(structure(), {}, []))
