"""Encryption at rest: the key file and what a wrong key says."""

from pathlib import Path

import pytest

from penstock.errors import EngineError
from penstock.storage.encryption import Cipher


def test_ciphertext_decrypts_after_reopening_and_hides_the_text(tmp_path: Path) -> None:
    token = Cipher.open(tmp_path / "keys" / "secrets.key").encrypt("hunter2 ✓")
    assert "hunter2" not in token
    assert Cipher.open(tmp_path / "keys" / "secrets.key").decrypt(token) == "hunter2 ✓"


def test_equal_texts_give_different_ciphertexts(tmp_path: Path) -> None:
    cipher = Cipher.open(tmp_path / "key")
    assert cipher.encrypt("same") != cipher.encrypt("same")


def test_the_key_is_readable_by_its_owner_alone(tmp_path: Path) -> None:
    Cipher.open(tmp_path / "key")
    assert (tmp_path / "key").stat().st_mode & 0o077 == 0


def test_another_key_is_named_in_the_error(tmp_path: Path) -> None:
    token = Cipher.open(tmp_path / "one").encrypt("text")
    with pytest.raises(EngineError, match=r"does not decrypt with the key file .*two") as refused:
        Cipher.open(tmp_path / "two").decrypt(token)
    assert not refused.value.retryable


def test_a_damaged_key_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("not a key")
    with pytest.raises(EngineError, match="expected 32 bytes in URL-safe base64"):
        Cipher.open(tmp_path / "key")
