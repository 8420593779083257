"""Buildspecs: what is read, what is refused, and with which words.

Sources of the messages: public reports of CodeBuild's YAML_FILE_ERROR (the reference, part A).
"""

import pytest

from penstock.builds.build import PhaseType
from penstock.builds.buildspec import BuildspecError, Command, parse_buildspec

FULL = """\
version: 0.2
run-as: builder
env:
  shell: bash
  variables:
    PYTHON: 3.10
    FLAG: yes
    EMPTY:
  parameter-store:
    LOGIN: /app/login
  secrets-manager:
    PASSWORD: app:password
  exported-variables: [VERSION]
phases:
  install:
    runtime-versions:
      python: 3.10
    commands:
      - pip install .
  build:
    on-failure: ABORT
    run-as: root
    commands:
      - echo one
      - |
        echo two
        echo three
      - >-
        echo folded
        text
    finally:
      - echo done
artifacts:
  files:
    - '**/*'
  base-directory: dist
  discard-paths: yes
  exclude-paths: '*.tmp'
  secondary-artifacts:
    docs:
      files: site/**/*
      name: docs-$VERSION
"""


def test_every_scalar_stays_text() -> None:
    spec = parse_buildspec(FULL.encode())
    assert spec.variables == {"PYTHON": "3.10", "FLAG": "yes", "EMPTY": ""}
    assert spec.phases[PhaseType.INSTALL].runtime_versions == {"python": "3.10"}
    assert spec.version == "0.2"


def test_commands_keep_their_lines_also_those_of_blocks() -> None:
    build = parse_buildspec(FULL.encode()).phases[PhaseType.BUILD]
    assert build.commands == (
        Command("echo one", 24),
        Command("echo two\necho three\n", 26),
        Command("echo folded text", 29),
    )
    assert build.finally_commands == (Command("echo done", 32),)
    assert (build.on_failure, build.run_as) == ("ABORT", "root")


def test_artifacts_and_references() -> None:
    spec = parse_buildspec(FULL.encode())
    assert spec.artifacts is not None
    assert spec.artifacts.files == ("**/*",)
    assert spec.artifacts.discard_paths
    assert not spec.artifacts.enable_symlinks
    assert spec.artifacts.exclude_paths == ("*.tmp",)
    assert spec.secondary_artifacts["docs"].files == ("site/**/*",)
    assert spec.secondary_artifacts["docs"].name == "docs-$VERSION"
    assert spec.parameter_store == {"LOGIN": "/app/login"}
    assert spec.secrets_manager == {"PASSWORD": "app:password"}
    assert spec.exported_variables == ("VERSION",)
    assert (spec.run_as, spec.shell) == ("builder", "bash")


def build_commands(text: str) -> list[str]:
    spec = parse_buildspec(text.encode())
    return [command.text for command in spec.phases[PhaseType.BUILD].commands]


@pytest.mark.parametrize(
    ("commands", "expected"),
    [
        ("commands: make all", ["make all"]),
        ("commands:", []),
        ("commands: [a, null, b, ~]", ["a", "b"]),
        ("commands: ['null']", ["null"]),
        ("finally: [x]", []),
        ("{}", []),
    ],
)
def test_forms_of_a_command_list(commands: str, expected: list[str]) -> None:
    assert build_commands(f"version: 0.2\nphases:\n  build:\n    {commands}\n") == expected


def test_anchors_and_merge_keys() -> None:
    text = """\
version: 0.2
x: &common
  commands: [echo shared]
phases:
  build:
    <<: *common
"""
    assert build_commands(text) == ["echo shared"]


def test_a_windows_file_and_a_byte_order_mark() -> None:
    text = "\ufeffversion: 0.2\r\nphases:\r\n  build:\r\n    commands:\r\n      - echo a\r\n"
    assert build_commands(text) == ["echo a"]


def test_unknown_keys_are_named_not_refused() -> None:
    spec = parse_buildspec(
        b"version: 0.2\nfoo: 1\nphases:\n  prebuild: {}\n  build:\n    command: [x]\n"
        b"artifacts:\n  discard_paths: yes\n  files: a\n"
    )
    assert set(spec.warnings) == {
        "Ignoring unknown key foo of buildspec at line 2",
        "Ignoring unknown key discard_paths of artifacts at line 8",
        "Ignoring unknown key prebuild of phases at line 4",
        "Ignoring unknown key command of phases.build at line 6",
    }


def test_what_has_no_effect_here_is_said() -> None:
    spec = parse_buildspec(
        b"version: 0.2\nphases: {build: {on-failure: RETRY-2, commands: [a]}}\n"
        b"reports: {x: {files: a.xml}}\nbatch: {}\n"
    )
    assert spec.phases[PhaseType.BUILD].on_failure == "ABORT"
    text = "\n".join(spec.warnings)
    assert "on-failure RETRY-2 of build is taken as ABORT" in text
    assert "Reports are not processed" in text


def test_version_0_1_takes_its_own_variables() -> None:
    spec = parse_buildspec(
        b"version: 0.1\nenvironment_variables: {plaintext: {A: 1}}\nphases: {build: {}}\n"
    )
    assert spec.variables == {"A": "1"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            'version: 0.2\n\nphases:\n  build:\n    commands:\n     - echo "Hello: world"\n',
            "found subkeys instead at line 6, value of the key tag on line 5 might be empty",
        ),
        (
            "version: 0.2\nphases: {build: {commands: [a, [b]]}}\n",
            "Expected Commands[1] to be of string type: found subkeys instead at line 2, value",
        ),
        ("a\n", "wrong number of container tags, expected 1"),
        ("version: 0.2\nphases: [build]\n", "wrong number of container tags, expected 1"),
        ("phases:\n\tbuild: x\n", "found character that cannot start any token at line 2"),
        (
            "version: 0.2\nphases:\n  build:\n    commands: [a, b\n  x: 1\n",
            "did not find expected ',' or ']' at line 5",
        ),
        (
            "version: 0.2\nphases: {compile: {commands: [make]}}\n",
            "expected install, pre_build, build or post_build under it, found compile",
        ),
        ("version: 0.3\nphases: {}\n", "expected 0.1 or 0.2, found 0.3"),
        ("phases: {}\n", "expected 0.1 or 0.2, found none"),
        ("version: 0.2\n", "phases is required"),
        ("", "the buildspec is empty"),
        ("# only a comment\n", "the buildspec is empty"),
        ("version: 0.2\nphases: {build: {on-failure: MAYBE}}\n", "found MAYBE"),
        ("version: 0.2\nenv: {shell: zsh}\nphases: {}\n", "expected bash or /bin/sh, found zsh"),
        ("version: 0.2\nenv: {variables: {A: {b: c}}}\nphases: {}\n", "Expected variables.A"),
        ("a: &a [*a]\n", "anchor 'a' value contains itself"),
        ("a: *b\n", "unknown anchor 'b' referenced at line 1"),
        ("? [a]\n: b\n", "invalid map key at line 1"),
    ],
)
def test_what_cannot_be_used_says_why_and_where(text: str, message: str) -> None:
    with pytest.raises(BuildspecError) as caught:
        parse_buildspec(text.encode())
    assert message in str(caught.value)


def test_aliases_cannot_exhaust_the_server() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    with pytest.raises(BuildspecError, match="excessive aliasing"):
        parse_buildspec("\n".join(lines).encode())


def test_merges_cannot_exhaust_the_server() -> None:
    """Locks: one large mapping merged into many small ones was as large as all of them."""
    lines = ["base: &base", *(f"  k{n}: x" for n in range(2000)), "many:"]
    lines += ["  - <<: *base" for _ in range(2000)]
    with pytest.raises(BuildspecError, match="excessive aliasing"):
        parse_buildspec("\n".join(lines).encode())


def test_depth_cannot_exhaust_the_server() -> None:
    with pytest.raises(BuildspecError, match="max depth"):
        parse_buildspec(b"[" * 100_000)
