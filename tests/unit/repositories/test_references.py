"""Which changes a comparison finds (pure)."""

from penstock.repositories.references import LogEntry, Reference, ReferenceChange, changes
from penstock.storage.repository_heads import Head

A, B, C = "a" * 40, "b" * 40, "c" * 40
MAIN = "refs/heads/main"


def test_nothing_changed_finds_nothing() -> None:
    heads = {MAIN: Head(A, 100)}
    assert changes(heads, {MAIN: Reference(A, (), 100)}) == ([], heads)


def test_a_new_branch_is_a_change_from_nothing() -> None:
    found, heads = changes({}, {MAIN: Reference(A, (LogEntry(None, A, 150),), 150)})
    assert found == [ReferenceChange(MAIN, None, A)]
    assert heads == {MAIN: Head(A, 150)}


def test_a_deleted_branch_is_a_change_to_nothing() -> None:
    assert changes({MAIN: Head(A, 100)}, {}) == ([ReferenceChange(MAIN, A, None)], {})


def test_two_pushes_between_comparisons_are_two_changes() -> None:
    log = (LogEntry(A, B, 250), LogEntry(B, C, 400))
    found, heads = changes({MAIN: Head(A, 100)}, {MAIN: Reference(C, log, 400)})
    assert found == [ReferenceChange(MAIN, A, B), ReferenceChange(MAIN, B, C)]
    assert heads == {MAIN: Head(C, 400)}


def test_there_and_back_again_is_two_changes() -> None:
    log = (LogEntry(A, B, 250), LogEntry(B, A, 400))
    found, heads = changes({MAIN: Head(A, 100)}, {MAIN: Reference(A, log, 400)})
    assert found == [ReferenceChange(MAIN, A, B), ReferenceChange(MAIN, B, A)]
    assert heads == {MAIN: Head(A, 400)}


def test_a_push_logged_after_the_reference_was_read_is_left_for_the_next_comparison() -> None:
    log = (LogEntry(A, B, 250), LogEntry(B, C, 400))
    found, heads = changes({MAIN: Head(A, 100)}, {MAIN: Reference(B, log, 400)})
    assert found == [ReferenceChange(MAIN, A, B)]
    assert heads == {MAIN: Head(B, 250)}


def test_a_log_with_a_gap_gives_one_change_to_the_present() -> None:
    log = (LogEntry(A, B, 250), LogEntry(A, C, 400))  # the first update never reached the ref
    found, heads = changes({MAIN: Head(A, 100)}, {MAIN: Reference(C, log, 400)})
    assert found == [ReferenceChange(MAIN, A, C)]
    assert heads == {MAIN: Head(C, 400)}


def test_a_missing_log_still_gives_the_change() -> None:
    found, _ = changes({MAIN: Head(A, 100)}, {MAIN: Reference(B, (), 0)})
    assert found == [ReferenceChange(MAIN, A, B)]


def test_a_push_of_the_same_commit_is_no_change() -> None:
    log = (LogEntry(A, A, 250),)
    found, heads = changes({MAIN: Head(A, 100)}, {MAIN: Reference(A, log, 250)})
    assert (found, heads) == ([], {MAIN: Head(A, 250)})
