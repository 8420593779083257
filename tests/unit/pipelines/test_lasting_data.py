"""Which changes deserve a warning."""

import pytest

from penstock.pipelines.lasting_data import KEEPS_DATA, data_warning
from penstock.stacks.schemas import resource_schema

TABLE, TOPIC = "AWS::DynamoDB::Table", "AWS::SNS::Topic"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ((TABLE, "Modify", "True", "ReplaceAndDelete"), "deleted with it; the new one begins"),
        ((TABLE, "Modify", "True", "ReplaceAndRetain"), "stays in it, outside the stack"),
        ((TABLE, "Modify", "True", "ReplaceAndSnapshot"), "in its snapshot alone"),
        ((TABLE, "Modify", "True", ""), "begins without what the old one stores"),
        ((TABLE, "Modify", "Conditional", ""), "should it be replaced"),
        ((TABLE, "Modify", None, ""), "should it be replaced"),
        ((TABLE, "Remove", None, "Delete"), "what it stores is deleted with it"),
        ((TABLE, "Remove", None, "Snapshot"), "in its snapshot alone"),
        ((TABLE, "Remove", None, ""), "unless its DeletionPolicy keeps it"),
        ((TOPIC, "Remove", None, "Delete"), "nothing of it is kept"),
    ],
)
def test_what_is_lost_is_said(change: tuple[str, str, str | None, str], words: str) -> None:
    assert words in data_warning(*change)


@pytest.mark.parametrize(
    "change",
    [
        (TABLE, "Add", None, ""),
        (TABLE, "Modify", "False", ""),
        (TABLE, "Remove", None, "Retain"),
        (TOPIC, "Modify", "True", "ReplaceAndDelete"),
        (TOPIC, "Modify", None, ""),
        (TOPIC, "Remove", None, "Retain"),
        (TOPIC, "Remove", None, ""),
    ],
)
def test_nothing_is_said_where_nothing_is_lost(change: tuple[str, str, str | None, str]) -> None:
    assert data_warning(*change) == ""


def test_every_type_exists() -> None:
    assert [each for each in sorted(KEEPS_DATA) if not resource_schema.known_type(each)] == []
