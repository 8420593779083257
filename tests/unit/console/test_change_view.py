"""A change set's headline, what is read first, and what is marked inside long values."""

from typing import Any

import pytest
from tests import review_samples as samples

from penstock.console.change_view import change_set_view
from penstock.pipelines.review import ReviewedChangeSet


def removed(name: str) -> dict[str, Any]:
    return samples.change("Remove", name, "AWS::SSM::Parameter")


def modified(name: str, replacement: str = "False") -> dict[str, Any]:
    recreation = {"True": "Always", "Conditional": "Conditionally"}.get(replacement, "Never")
    one = samples.detail("Value", "1", "2", recreation)
    return samples.change("Modify", name, "AWS::SSM::Parameter", one, Replacement=replacement)


@pytest.mark.parametrize(
    ("change_set", "expected"),
    [
        (samples.UPDATE, "3 resources change in todobackend-prod: 1 is replaced"),
        (samples.CREATE, "todobackend-prod is created, with 10 resources"),
        (samples.EMPTY, "Nothing changes in todobackend-prod"),
        (
            samples.change_set([], status="FAILED", status_reason="Bad"),
            "The change set for todobackend-prod could not be made",
        ),
        (
            samples.change_set([]),
            "No resource changes in todobackend-prod, but its outputs, tags or parameters do",
        ),
        (
            samples.change_set([modified("A")]),
            "1 resource changes in todobackend-prod, in place",
        ),
        (
            samples.change_set(
                [removed("A"), removed("B"), modified("C", "Conditional"), samples.added("D", "X")]
            ),
            "4 resources change in todobackend-prod: 2 are removed, 1 is added, 1 may be replaced",
        ),
    ],
)
def test_headlines(change_set: ReviewedChangeSet, expected: str) -> None:
    assert change_set_view(change_set).headline == expected


def test_grave_changes_come_first_and_others_keep_their_order() -> None:
    changes = [
        samples.added("New", "X"),
        modified("Second"),
        modified("First"),
        modified("Other", "True"),
        removed("Old"),
    ]
    view = change_set_view(samples.change_set(changes))
    names = [each.words.logical_id for each in view.resources]
    assert names == ["Old", "Other", "Second", "First", "New"]


def test_parameters_that_keep_their_values_are_counted() -> None:
    view = change_set_view(samples.UPDATE)
    assert [each.name for each in view.parameters] == ["Version", "DatabasePassword"]
    assert view.unchanged_parameters == 1


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("registry/app:0.1.0-aa", "registry/app:0.2.0-bb", ("registry/app:", "0.2.0-bb", "")),
        ("http://a/x", "http://bc/x", ("http://", "bc", "/x")),
        ("7", "30", ("", "", "30")),
        ("same old value", "same old value", ("", "", "same old value")),
        ("app:1", "app:1,app:2", ("", "", "app:1,app:2")),
        ("a long list: 1", "a long list: 1, 2", ("a long list: ", "1, 2", "")),
        ("aaaaaaaaaa", "aaaaaaaaaaaa", ("", "aaaaaaaaaaaa", "")),
    ],
)
def test_what_differs_is_marked_inside_a_value(
    before: str, after: str, expected: tuple[str, str, str]
) -> None:
    one = samples.change(
        "Modify", "A", "X", samples.detail("Value", before, after), Replacement="False"
    )
    (resource,) = change_set_view(samples.change_set([one])).resources
    (found,) = resource.properties
    assert found.before is not None
    assert found.after is not None
    assert (found.after.start, found.after.differs, found.after.end) == expected
    assert (found.before.text, found.after.text) == (before, after)


def test_long_values_and_many_new_properties_are_folded() -> None:
    long = samples.change("Modify", "A", "X", samples.detail("Value", "x" * 161, "y"))
    many = samples.added("B", "X", **{f"P{n}": "v" for n in range(7)})
    few = samples.added("C", "X", P="v")
    first, second, third = change_set_view(samples.change_set([long, many, few])).resources
    assert first.properties[0].before is not None
    assert first.properties[0].after is not None
    assert (first.properties[0].before.long, first.properties[0].after.long) == (True, False)
    assert (first.folded, second.folded, third.folded) == (False, True, False)
