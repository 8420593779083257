"""Properties of events as they are stored: encrypted once where they are the very same."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from penstock.stacks.events.stack_events import SealedProperties, StackEvent, Told, store
from penstock.storage import stack_operations
from penstock.storage.encryption import Cipher
from penstock.storage.schema import metadata


def event(properties: dict[str, Any] | None, name: str = "A") -> StackEvent:
    return StackEvent(name, "id", "T", "CREATE_COMPLETE", properties=properties)


@pytest.fixture
def cipher(tmp_path: Path) -> Cipher:
    return Cipher.open(tmp_path / "key")


def test_the_very_same_are_encrypted_once(cipher: Cipher) -> None:
    sealed, properties = SealedProperties(cipher), {"Size": 1}
    first = sealed.of(event(properties))
    assert first is not None
    assert cipher.decrypt(first) == '{"Size":"1"}'
    assert sealed.of(event(properties)) == first
    assert sealed.of(event(None)) is None


def test_equal_ones_are_not_the_same(cipher: Cipher) -> None:
    """`1 == True` in Python, and no template means that; and who sees the database is not told
    which resources are equal."""
    sealed, first, second = SealedProperties(cipher), {"Size": 1}, {"Size": True}
    assert first == second
    told = [sealed.of(event(one)) for one in (first, second, first)]
    assert [one and cipher.decrypt(one) for one in told] == [
        '{"Size":"1"}', '{"Size":"true"}', '{"Size":"1"}',
    ]  # fmt: skip
    assert sealed.of(event(first, "B")) not in {None, *told}


def test_an_id_has_its_moment_in_milliseconds(cipher: Cipher) -> None:
    moment = datetime(2026, 1, 2, 3, 4, 5, 67999, tzinfo=UTC)
    told = Told("arn:s", "app", [event(None), event(None)], None, moment, SealedProperties(cipher))
    engine = sa.create_engine("sqlite://")
    metadata.create_all(engine)
    with engine.begin() as connection:
        [[first, second]] = store(connection, [told])
        stored = stack_operations.events(connection, "arn:s", None, None)
    engine.dispose()
    assert first.startswith("A-CREATE_COMPLETE-2026-01-02T03:04:05.067Z-")
    assert first != second, "of the same moment"
    assert [one.id for one in stored] == [second, first]
