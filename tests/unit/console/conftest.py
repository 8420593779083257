"""A console on the test's database, with real identities and a clock that tests set."""

from pathlib import Path

import pytest
from tests.console_world import ACCOUNT, SettableClock, World

from penstock.services.iam import Iam
from penstock.storage.database import Database
from penstock.storage.encryption import Cipher
from penstock.storage.outbox import Outbox


@pytest.fixture
async def world(database: Database, tmp_path: Path) -> World:
    clock = SettableClock()
    iam = Iam(database, Cipher.open(tmp_path / "key"), ACCOUNT, clock)
    return World(database, iam, clock, Outbox(database))
