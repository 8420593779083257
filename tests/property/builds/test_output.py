"""Streams: equal bytes give equal results, however they are cut, and however often."""

import itertools
import re
from datetime import UTC, datetime
from types import MappingProxyType

from hypothesis import given
from hypothesis import strategies as st

from penstock.builds.build import PhaseType
from penstock.builds.buildspec import BuildspecError, parse_buildspec
from penstock.builds.masking import MASK, Masker, hidden_parts
from penstock.builds.output import Output
from penstock.builds.phases import Progress, fold
from penstock.builds.plan import Plan, compile_plan
from penstock.builds.records import Demultiplexer, Record, unescape

NOW = datetime(2026, 1, 1, tzinfo=UTC)
NONCE = "nonce"
PLAN: Plan = compile_plan(
    parse_buildspec(
        b"version: 0.2\nenv: {exported-variables: [A, B]}\n"
        b"phases: {build: {commands: [a, b], finally: [c]}, post_build: {commands: [d]}}\n"
        b"artifacts: {files: ['$X']}\n"
    ),
    source_directory="/src",
    privileged=False,
    buildspec_name="buildspec.yml",
)

PRINTED = st.binary(max_size=30) | st.sampled_from(
    [b"\n", b"no newline", b"\x1e", b"\x1enonce", b"\x1enonce ", b"secret", b"sec", b"ret\n"]
)
WORDS = st.sampled_from(
    [
        "phase 1700000000 INSTALL", "phase 1700000000000000000 BUILD", "command 1700000001 0",
        "exit 1700000002 0 1", "exit 1700000002 1 0", "done 1700000003", "export 0 v\\nw",
        "value 0 x", "end 1700000004", "notice 1700000004 text", "exit 1700000002 99 1",
        "phase 1700000000 COMPLETED", "nonsense", "export 7 v", "exit x y z",
    ]
)  # fmt: skip


@st.composite
def streams(draw: st.DrawFn) -> bytes:
    raw = b""
    for sequence, (printed, word) in enumerate(
        draw(st.lists(st.tuples(PRINTED, WORDS), max_size=8)), start=1
    ):
        raw += printed + b"\x1e" + NONCE.encode() + f" {sequence} {word}\n".encode()
    return raw + draw(PRINTED)


def cut(raw: bytes, places: list[int]) -> list[bytes]:
    bounds = [0, *sorted(place % (len(raw) + 1) for place in places), len(raw)]
    return [raw[a:b] for a, b in itertools.pairwise(bounds)]


def demultiplexed(chunks: list[bytes]) -> tuple[list[bytes | Record], bytes]:
    demultiplexer = Demultiplexer(NONCE)
    merged: list[bytes | Record] = []
    items = [item for chunk in chunks for item in demultiplexer.feed(chunk)]
    for item in [*items, *demultiplexer.flush()]:
        if isinstance(item, bytes) and merged and isinstance(merged[-1], bytes):
            merged[-1] += item
        else:
            merged.append(item)
    return merged, b"".join(item for item in merged if isinstance(item, bytes))


PLACES = st.lists(st.integers(0, 10_000), max_size=12)


@given(streams(), PLACES)
def test_records_and_output_are_told_apart_whatever_the_chunks(
    raw: bytes, places: list[int]
) -> None:
    assert demultiplexed(cut(raw, places)) == demultiplexed([raw])


@given(streams(), PLACES)
def test_log_events_and_progress_do_not_depend_on_the_chunks(raw: bytes, places: list[int]) -> None:
    def read(chunks: list[bytes]) -> tuple[list[str], Progress]:
        output = Output(NONCE, PLAN, ["secret"])
        lines = [line.text for chunk in chunks for line in output.feed(chunk, NOW)]
        lines += [line.text for line in output.flush(NOW)]
        return lines, output.progress

    lines, progress = read(cut(raw, places))
    assert (lines, progress) == read([raw])
    assert not any("secret" in line for line in lines)


@given(streams(), st.integers(0, 8))
def test_folding_records_again_changes_nothing(raw: bytes, back: int) -> None:
    items, _ = demultiplexed([raw])
    records = [item for item in items if not isinstance(item, bytes)]
    once = Progress()
    for record in records:
        once, _ = fold(once, record, PLAN)
    again = once
    for record in [*records[back:], *records]:
        again, lines = fold(again, record, PLAN)
        assert lines == () or record.sequence > once.sequence
    assert again == once
    assert all(phase.phase_type in PhaseType for phase in once.phases)


SECRETS = st.lists(st.text("ab\n", min_size=1, max_size=14), min_size=1, max_size=3)


@given(SECRETS, st.binary(max_size=60) | st.text("abc", max_size=60).map(str.encode), PLACES)
def test_masking_in_chunks_is_masking_at_once(
    secrets: list[str], text: bytes, places: list[int]
) -> None:
    masker = Masker(secrets)
    out = b"".join(masker.feed(chunk) for chunk in cut(text, places)) + masker.flush()
    parts = hidden_parts(secrets)
    expected = re.sub(b"|".join(map(re.escape, parts)), MASK, text) if parts else text
    assert out == expected


@given(st.text())
def test_what_the_agent_escapes_is_read_back(text: str) -> None:
    assert unescape(text.replace("\\", "\\\\").replace("\n", "\\n")) == text


YAML_PIECES = st.lists(
    st.sampled_from(
        [
            "version: 0.2\n", "phases:\n", "  build:\n", "    commands:\n", "      - a\n", "- ",
            "|\n", "{", "}", "[", "]", ":", "&a ", "*a", "<<: ", "\t", "'", '"', "#", "? ", "~",
            "artifacts:\n", "  files: x\n", "env:\n", "\n", "  ", "!!x ", "%", "---\n", "...\n",
            "on-failure: ABORT\n", "\x00", "é", "secondary-artifacts:\n",
        ]
    ),
    max_size=25,
).map("".join)  # fmt: skip


@given(YAML_PIECES.map(lambda text: text.encode()) | st.binary(max_size=80))
def test_no_buildspec_crashes_the_reader(text: bytes) -> None:
    try:
        spec = parse_buildspec(text)
    except BuildspecError:
        return
    plan = compile_plan(
        spec, source_directory="/s", privileged=False, buildspec_name="b", names_wanted=True
    )
    assert Plan.from_json(plan.to_json()) == plan
    assert MappingProxyType(dict(spec.phases)) == spec.phases
