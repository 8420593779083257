from penstock.cli.failure import Failure, buildspec_line, find_failure, last_output


def phase(name, status, code="", message=""):
    return {
        "phaseType": name,
        "phaseStatus": status,
        "contexts": [{"statusCode": code, "message": message}],
    }


def command_error(command, status):
    text = f"Error while executing command: {command}. Reason: exit status {status}"
    return "COMMAND_EXECUTION_ERROR", text


def test_a_build_without_a_failed_phase_has_no_failure():
    running = {"phaseType": "BUILD"}
    assert find_failure({"phases": [phase("INSTALL", "SUCCEEDED"), running]}) is None
    assert find_failure({}) is None


def test_the_failed_command_and_its_exit_code_are_read_from_the_phase():
    code, message = command_error("make test. Then more", 7)
    failure = find_failure({"phases": [phase("BUILD", "FAILED", code, message)]})
    assert failure == Failure("BUILD", "FAILED", code, message, "make test. Then more", 7)


def test_a_multi_line_command_is_read_whole():
    _, message = command_error("if true; then\n  false\nfi", 1)
    failure = find_failure({"phases": [phase("BUILD", "FAILED", "C", message)]})
    assert failure is not None
    assert failure.command == "if true; then\n  false\nfi"


def test_the_cause_counts_not_what_failed_because_of_it():
    phases = [
        phase("BUILD", "FAILED", *command_error("make test", 2)),
        phase("POST_BUILD", "FAILED", *command_error("test -e version.json", 1)),
    ]
    failure = find_failure({"phases": phases})
    assert failure is not None
    assert (failure.phase, failure.command) == ("BUILD", "make test")


def test_a_failure_without_a_command_keeps_its_code_and_words():
    failure = find_failure(
        {"phases": [phase("DOWNLOAD_SOURCE", "FAILED", "YAML_FILE_ERROR", "no such file")]}
    )
    assert failure == Failure("DOWNLOAD_SOURCE", "FAILED", "YAML_FILE_ERROR", "no such file")


LOG = [
    "[Container] 2026/01/02 03:04:05.000001 Running command make lint",
    "clean",
    "[Container] 2026/01/02 03:04:06.000001 Running command make test",
    "test one",
    "test two",
    "[Container] 2026/01/02 03:04:07.1 Command did not exit successfully make test exit status 2",
    "[Container] 2026/01/02 03:04:07.1 Command is at line 25 of buildspec.yml",
    "[Container] 2026/01/02 03:04:07.1 Phase complete: BUILD State: FAILED",
]


def test_the_failed_commands_own_output_is_shown():
    assert last_output(LOG, "make test") == ["test one", "test two"]


def test_a_multi_line_commands_own_text_is_not_taken_for_its_output():
    at = "[Container] 2026/01/02 03:04:06.000001"
    log = [f"{at} Running command if true; then", "  echo out", "fi", "out", *LOG[5:]]
    assert last_output(log, "if true; then\n  echo out\nfi") == ["out"]


def test_only_the_last_lines_are_shown():
    log = [LOG[2], *(f"line {n}" for n in range(100)), *LOG[5:]]
    assert last_output(log, "make test") == [f"line {n}" for n in range(60, 100)]


def test_without_a_command_the_logs_end_is_shown():
    assert last_output(LOG, None, limit=2) == LOG[-2:]


def test_a_command_that_the_log_lacks_shows_the_logs_end():
    assert last_output(["a", "b"], "make test") == ["a", "b"]


def test_the_log_tells_where_the_command_stands():
    assert buildspec_line(LOG, "make test") == "buildspec.yml, line 25"
    assert buildspec_line(LOG, "make lint") is None, "it did not fail"
    assert buildspec_line(LOG[:5], "make test") is None, "the log ends before it is told"
