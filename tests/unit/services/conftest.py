"""A migrated in-file database, a cipher, and identities on it."""

from datetime import UTC, datetime, timedelta

import pytest

from penstock.services.iam import Iam
from penstock.services.sts import Sts
from penstock.storage.database import Database
from penstock.storage.encryption import Cipher
from penstock.storage.schema import metadata
from penstock.storage.tables import credentials  # its tables join the metadata

assert credentials.access_keys.metadata is metadata
ACCOUNT = "123456789012"


class SettableClock:
    def __init__(self):
        self.now = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)

    def __call__(self):
        return self.now

    def advance(self, **delta):
        self.now += timedelta(**delta)


@pytest.fixture
def clock():
    return SettableClock()


@pytest.fixture
def database(tmp_path):
    database = Database.open(tmp_path / "penstock.db")
    metadata.create_all(database.engine)
    yield database
    database.close()


@pytest.fixture
def cipher(tmp_path):
    return Cipher.open(tmp_path / "key")


@pytest.fixture
def iam(database, cipher, clock):
    return Iam(database, cipher, ACCOUNT, clock)


@pytest.fixture
def sts(iam):
    return Sts(iam)
