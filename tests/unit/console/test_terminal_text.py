"""Lines of logs as a terminal shows them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.console.terminal_text import Span, spans


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("plain\n", [Span("plain")]),
        ("", []),
        ("\x1b[31mred\x1b[0m plain", [Span("red", "ansi-red"), Span(" plain")]),
        (
            "\x1b[1;32mboth\x1b[39mbold",
            [Span("both", "ansi-bold ansi-green"), Span("bold", "ansi-bold")],
        ),
        ("\x1b[91mbright\x1b[m.", [Span("bright", "ansi-red"), Span(".")]),
        ("\x1b[38;5;208mpalette\x1b[1m bold", [Span("palette"), Span(" bold", "ansi-bold")]),
        ("\x1b[38;2;1;31;3mparts", [Span("parts")]),
        ("\x1b[2K\x1b[1Gmoved", [Span("moved")]),
        ("\x1b]0;title\x07text", [Span("text")]),
        ("\x1b]8;;http://example.com\x1b\\link\x1b]8;;\x1b\\", [Span("link")]),
        (" 10%\r 50%\r100%\n", [Span("100%")]),
        ("crlf\r\n", [Span("crlf")]),
        ("a\x00b\x08c\td", [Span("abc\td")]),
        ("half\x1b[3", [Span("half")]),
        (f"\x1b[{'9' * 5000}mhostile", [Span("hostile")]),
    ],
)
def test_what_is_shown(line, shown):
    assert spans(line) == shown


@given(st.text(alphabet=st.sampled_from("ab\x1b[;m0139]\x07\\\rPK ")))
def test_no_control_character_is_ever_shown(line):
    for span in spans(line):
        assert "\x1b" not in span.text
        assert "\r" not in span.text
        assert all(each.startswith("ansi-") for each in span.classes.split())
