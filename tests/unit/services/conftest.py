"""A clock that tests set, a cipher, and identities on the test's database."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from penstock.services.iam import Iam
from penstock.services.sts import Sts
from penstock.storage.database import Database
from penstock.storage.encryption import Cipher

ACCOUNT = "123456789012"


class SettableClock:
    def __init__(self) -> None:
        self.now = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **delta: float) -> None:
        self.now += timedelta(**delta)


@pytest.fixture
def clock() -> SettableClock:
    return SettableClock()


@pytest.fixture
def cipher(tmp_path: Path) -> Cipher:
    return Cipher.open(tmp_path / "key")


@pytest.fixture
def iam(database: Database, cipher: Cipher, clock: SettableClock) -> Iam:
    return Iam(database, cipher, ACCOUNT, clock)


@pytest.fixture
def sts(iam: Iam) -> Sts:
    return Sts(iam)
