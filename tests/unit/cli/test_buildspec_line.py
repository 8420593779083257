from penstock.cli.buildspec_line import find_line, read_buildspec
from penstock.cli.connection import Connection

SPEC = """\
version: 0.2
phases:
  pre_build:
    commands:
      - make test
  build:
    commands:
      - make lint
      - make test
      - |
        if true; then
          false
        fi
    finally:
      - make clean
"""
NOWHERE = Connection("http://127.0.0.1:9", "us-east-1", "123456789012", "a", "b")


def test_a_command_is_found_in_its_own_phase():
    assert find_line(SPEC, "PRE_BUILD", "make test") == 5
    assert find_line(SPEC, "BUILD", "make test") == 9


def test_a_block_stands_at_its_first_line():
    assert find_line(SPEC, "BUILD", "if true; then\n  false\nfi\n") == 11


def test_finally_is_searched_too():
    assert find_line(SPEC, "BUILD", "make clean") == 15


def test_what_is_not_there_is_none():
    assert find_line(SPEC, "BUILD", "make publish") is None
    assert find_line(SPEC, "INSTALL", "make test") is None
    assert find_line("- a\n- list\n", "BUILD", "a") is None
    assert find_line("phases: [", "BUILD", "a") is None


def test_an_inline_buildspec_is_the_text_itself():
    build = {"source": {"type": "NO_SOURCE", "buildspec": SPEC}}
    assert read_buildspec(NOWHERE, build) == ("the project's buildspec", SPEC)


def test_a_source_that_is_gone_gives_none():
    assert read_buildspec(NOWHERE, {"source": {"type": "NO_SOURCE"}}) is None
    assert read_buildspec(NOWHERE, {"source": {"type": "CODECOMMIT"}}) is None
