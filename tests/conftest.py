"""What all tests share: marks by folder, a database."""

from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

from penstock.storage.database import Database
from tests.databases import opened_database

ROOT = Path(__file__).parent
MARKS = {"docker": "docker", "faults": "faults", "browser": "browser"}

# Several workers share the cores: how long one example takes says nothing.
hypothesis.settings.register_profile("penstock", deadline=None)
hypothesis.settings.load_profile("penstock")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark by folder."""
    for item in items:
        folder = item.path.relative_to(ROOT).parts[0] if item.path.is_relative_to(ROOT) else ""
        if folder in MARKS:
            item.add_marker(MARKS[folder])


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with opened_database(tmp_path) as database:
        yield database
