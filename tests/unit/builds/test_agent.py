"""The agent itself, run on this host by each shell that images have; no container needed."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from penstock.builds.build import BuildPhase, BuildStatus, PhaseType
from penstock.builds.buildspec import parse_buildspec
from penstock.builds.phases import Progress, fold, outcome, uploads
from penstock.builds.plan import Layout, Plan, agent_files, compile_plan
from penstock.builds.records import Demultiplexer

AGENT = Path(__file__).parents[3] / "src/penstock/builds/agent/agent.sh"
NONCE = "0123456789abcdef"
SHELLS = {"dash": ["dash"], "bash": ["bash"], "busybox": ["busybox", "sh"]}


@dataclass
class Result:
    progress: Progress
    plan: Plan
    output: str
    lines: list[str]

    def statuses(self) -> dict[str, str]:
        return {p.phase_type.value: str(p.phase_status) for p in self.progress.phases}


Run = Callable[..., Result]


def prepare(tmp_path: Path, buildspec: str, environment: Mapping[str, str]) -> tuple[Layout, Plan]:
    source = tmp_path / "source"
    source.mkdir()
    layout = Layout(root=str(tmp_path / "codebuild"))
    plan = compile_plan(
        parse_buildspec(buildspec.encode()),
        source_directory=str(source),
        privileged=False,
        buildspec_name="buildspec.yml",
        names_wanted=True,
    )
    for path, content in agent_files(plan, environment, NONCE, layout).items():
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_bytes(content)
    return layout, plan


def read_back(raw: bytes, plan: Plan) -> Result:
    demultiplexer = Demultiplexer(NONCE)
    progress, output, lines = Progress(), b"", []
    for item in [*demultiplexer.feed(raw), *demultiplexer.flush()]:
        if isinstance(item, bytes):
            output += item
        else:
            progress, new = fold(progress, item, plan)
            lines += [text for _, text in new]
    return Result(progress, plan, output.decode("utf-8", "replace"), lines)


@pytest.fixture(params=SHELLS)
def shell(request: pytest.FixtureRequest) -> list[str]:
    command = SHELLS[request.param]
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed")
    return command


@pytest.fixture
def run(tmp_path: Path, shell: list[str]) -> Run:
    def run_buildspec(buildspec: str, environment: Mapping[str, str] | None = None) -> Result:
        layout, plan = prepare(tmp_path, buildspec, environment or {})
        done = subprocess.run(
            [*shell, str(AGENT), layout.agent, layout.state],
            capture_output=True,
            check=False,
            timeout=60,
            env={"PATH": os.environ["PATH"], "HOME": "/root"},
        )
        assert done.stderr == b"", "the agent merges everything into one stream"
        result = read_back(done.stdout, plan)
        assert (done.returncode == 0) == (outcome(result.progress.phases) == "SUCCEEDED")
        return result

    return run_buildspec


def spec(*commands: str, shell: str = "/bin/sh", more: str = "") -> str:
    listed = "".join(
        "      - |\n" + "".join(f"        {line}\n" for line in command.split("\n"))
        for command in commands
    )
    head = f"version: 0.2\nenv:\n  shell: {shell}\n"
    return head + f"phases:\n  build:\n    commands:\n{listed}{more}"


EVERY_SHELL = pytest.mark.parametrize("script_shell", ["/bin/sh", "bash"])


@EVERY_SHELL
def test_directory_and_variables_survive_between_commands(run: Run, script_shell: str) -> None:
    result = run(
        spec(
            "mkdir -p deep/er && cd deep/er",
            "FOO=plain",
            "export BAR='two\nlines  and \"quotes\" $HOME'",
            "pwd | sed 's,.*/deep,deep,'; sh -c 'echo \"[$FOO]\"'; printf '%s|' \"$BAR\"",
            shell=script_shell,
        )
    )
    assert result.output == 'deep/er\n[plain]\ntwo\nlines  and "quotes" $HOME|'
    assert result.progress.ended


@EVERY_SHELL
def test_functions_and_set_e_do_not_survive(run: Run, script_shell: str) -> None:
    result = run(
        spec("f() { echo here; }\nset -e", "f || echo gone\nfalse\ntrue", shell=script_shell)
    )
    assert "gone" in result.output
    assert result.statuses()["BUILD"] == "SUCCEEDED"


def test_unset_survives(run: Run) -> None:
    result = run(spec("unset GIVEN", 'echo "[${GIVEN-unset}]"'), {"GIVEN": "x"})
    assert result.output == "[unset]\n"


@EVERY_SHELL
def test_exit_0_ends_only_its_own_command_and_loses_its_variables(
    run: Run, script_shell: str
) -> None:
    result = run(spec("A=1\nexit 0\necho never", 'echo "next [${A-}]"', shell=script_shell))
    assert result.output == "next []\n"
    assert result.statuses()["BUILD"] == "SUCCEEDED"


def test_the_last_status_of_a_block_decides(run: Run) -> None:
    assert run(spec("false\ntrue", "false | true")).statuses()["BUILD"] == "SUCCEEDED"


def test_a_command_error_names_line_4_of_script_sh(run: Run) -> None:
    result = run(spec("no-such-command-here"))
    assert "script.sh: " in result.output
    assert "4" in result.output.split("script.sh: ")[1][:8]
    assert result.progress.phases[2].contexts[0].message == (
        "Error while executing command: no-such-command-here. Reason: exit status 127"
    )


def test_a_failing_build_still_runs_post_build_which_sees_it(run: Run) -> None:
    result = run(
        """
version: 0.2
phases:
  install:
    commands: echo "install $CODEBUILD_BUILD_SUCCEEDING"
  build:
    commands:
      - sh -c 'exit 7'
      - echo never
    finally:
      - echo "finally $CODEBUILD_BUILD_SUCCEEDING"
  post_build:
    commands:
      - echo "post $CODEBUILD_BUILD_SUCCEEDING"
"""
    )
    assert result.output == "install 1\nfinally 1\npost 0\n"
    assert result.statuses() == {
        "INSTALL": "SUCCEEDED",
        "PRE_BUILD": "SUCCEEDED",
        "BUILD": "FAILED",
        "POST_BUILD": "SUCCEEDED",
    }
    assert uploads(result.progress.phases, result.plan)
    assert "Command did not exit successfully sh -c 'exit 7' exit status 7" in result.lines
    assert "Command is at line 8 of buildspec.yml" in result.lines


@pytest.mark.parametrize("phase", ["install", "pre_build"])
def test_a_failing_install_or_pre_build_ends_the_commands(run: Run, phase: str) -> None:
    result = run(
        f"""
version: 0.2
phases:
  {phase}:
    commands: ["false"]
    finally: ["echo cleaned"]
  build:
    commands: ["echo never"]
  post_build:
    commands: ["echo never"]
"""
    )
    assert result.output == "cleaned\n"
    assert not uploads(result.progress.phases, result.plan)


@pytest.mark.parametrize(
    ("phase", "on_failure", "expected"),
    [("install", "CONTINUE", "built 0\nposted\n"), ("build", "ABORT", "")],
)
def test_on_failure_overrides_what_follows(
    run: Run, phase: str, on_failure: str, expected: str
) -> None:
    phases = {"build": ['echo "built $CODEBUILD_BUILD_SUCCEEDING"'], "post_build": ["echo posted"]}
    phases[phase] = ["false"]
    text = "version: 0.2\nphases:\n"
    for name, commands in phases.items():
        failure = f"    on-failure: {on_failure}\n" if name == phase else ""
        text += f"  {name}:\n{failure}    commands: {commands}\n".replace("'echo", "'echo")
    result = run(text)
    assert result.output == expected
    assert outcome(result.progress.phases) is BuildStatus.FAILED


def test_a_failing_finally_fails_its_phase(run: Run) -> None:
    result = run("version: 0.2\nphases: {build: {commands: ['true'], finally: ['false']}}")
    assert result.statuses()["BUILD"] == "FAILED"


@EVERY_SHELL
def test_exported_variables_keep_every_character(run: Run, script_shell: str) -> None:
    value = "two\nlines, a \\n that is none, \\, 'quotes' and a newline at the end\n"
    text = spec("VALUE=$(cat value.txt; printf x)\nVALUE=${VALUE%x}", shell=script_shell)
    text = text.replace("env:\n", "env:\n  exported-variables: [VALUE, ABSENT, EMPTY]\n")
    first = "      - printf '%s' \"$GIVEN\" > value.txt; EMPTY=\n"
    text = text.replace("      - |\n", f"{first}      - |\n")
    result = run(text, {"GIVEN": value})
    assert result.progress.exported == {"VALUE": value, "EMPTY": ""}


def test_artifact_names_are_evaluated_but_globs_only_have_their_variables(run: Run) -> None:
    result = run(
        spec("NAME=app")
        + "artifacts:\n  name: $NAME-$(echo made)\n  base-directory: $NAME/$(echo no)\n"
        + "  files: ['$NAME/**/*', 'plain']\n"
    )
    assert result.progress.evaluated == {
        "name:": "app-made",
        "base:": "app/$(echo no)",
        "files0:": "app/**/*",
    }


def test_an_expression_that_no_shell_can_read_reports_nothing_else_is_lost(run: Run) -> None:
    text = spec("A=1") + "artifacts:\n  name: $(\n  files: ['$A']\n"
    text = text.replace("env:\n", "env:\n  exported-variables: [A]\n")
    result = run(text)
    assert result.progress.evaluated == {"files0:": "1"}
    assert result.progress.exported == {"A": "1"}


def test_output_without_a_last_newline_is_kept_apart_from_records(run: Run) -> None:
    result = run(spec("printf 'no newline'", "printf 'binary \\036 \\377 end'"))
    assert result.output.startswith("no newline")
    assert "binary \x1e" in result.output
    assert result.progress.ended


def test_commands_cannot_read_the_nonce(run: Run, tmp_path: Path) -> None:
    result = run(
        spec("env; set; cat $AGENT/* 2>/dev/null; true"),
        {"AGENT": str(tmp_path / "codebuild/agent")},
    )
    assert NONCE not in result.output


def test_commands_do_not_read_the_plan_as_input(run: Run) -> None:
    result = run(spec("cat; echo first", "(cat <&3) 2>/dev/null; echo second"))
    assert result.output == "first\nsecond\n"


def test_a_background_process_does_not_hold_the_build(run: Run) -> None:
    began = time.monotonic()
    result = run(spec("sleep 3 > /dev/null 2>&1 &", "echo on"))
    assert result.output == "on\n"
    assert time.monotonic() - began < 3


def test_version_0_1_gives_every_command_a_fresh_shell(run: Run) -> None:
    result = run(
        "version: 0.1\nphases:\n  build:\n    commands:\n      - mkdir d; cd d; export A=1\n"
        '      - echo "[${A-}]"; test -d d\n'
    )
    assert result.output == "[]\n"
    assert result.statuses()["BUILD"] == "SUCCEEDED"


def test_an_unknown_user_fails_the_command(run: Run) -> None:
    result = run("version: 0.2\nrun-as: nobody-here\nphases: {build: {commands: ['echo never']}}")
    assert "never" not in result.output
    assert result.statuses()["BUILD"] == "FAILED"


@pytest.mark.skipif(os.geteuid() != 0, reason="changing the user needs root")
def test_run_as_changes_the_user_and_a_phase_overrides_it(run: Run, tmp_path: Path) -> None:
    for directory in [tmp_path, *tmp_path.parents]:
        if directory.stat().st_uid == os.geteuid() and directory != Path("/"):
            directory.chmod(0o755)
    result = run(
        """
version: 0.2
run-as: nobody
phases:
  pre_build:
    commands: ["id -un", "export KEPT=yes"]
  build:
    run-as: root
    commands: ['id -un; echo "$KEPT"']
"""
    )
    assert result.output == "nobody\nroot\nyes\n"


def test_sigterm_stops_the_running_command(tmp_path: Path, shell: list[str]) -> None:
    layout, plan = prepare(tmp_path, spec("echo started; exec sleep 60", "echo never"), {})
    process = subprocess.Popen(
        [*shell, str(AGENT), layout.agent, layout.state], stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    raw = b""
    while b"started" not in raw:
        raw += os.read(process.stdout.fileno(), 4096)
    process.send_signal(signal.SIGTERM)
    rest, _ = process.communicate(timeout=10)
    result = read_back(raw + rest, plan)
    assert process.returncode == 143
    assert "never" not in result.output
    assert not result.progress.ended
    last: BuildPhase = result.progress.phases[-1]
    assert (last.phase_type, last.phase_status) == (PhaseType.BUILD, None)
