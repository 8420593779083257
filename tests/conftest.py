"""What all tests share: marks by folder, one worker for each scenario, a database."""

from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

from penstock.storage.database import Database
from tests.databases import opened_database

ROOT = Path(__file__).parent
MARKS = {"docker": "docker", "faults": "faults", "browser": "browser"}
ENGINE = {"docker", "browser"}

# Two workers share two cores: how long one example takes says nothing.
hypothesis.settings.register_profile("penstock", deadline=None)
hypothesis.settings.load_profile("penstock")


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark by folder; with `--dist loadgroup`, a scenario that needs the engine has one worker.

    So its server is started once, and no browser's event loop meets a test that runs one.
    """
    for item in items:
        if not item.path.is_relative_to(ROOT):
            continue
        place = item.path.relative_to(ROOT)
        if place.parts[0] in MARKS:
            item.add_marker(MARKS[place.parts[0]])
        if any(item.get_closest_marker(mark) for mark in ENGINE):
            scenario = place.parent if place.parts[0] == "docker" else place
            item.add_marker(pytest.mark.xdist_group(str(scenario)))


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with opened_database(tmp_path) as database:
        yield database
