"""Encryption at rest: the key file and what a wrong key says."""

import base64
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.fernet import Fernet
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

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


def test_what_was_stored_as_a_fernet_token_still_decrypts(tmp_path: Path) -> None:
    cipher = Cipher.open(tmp_path / "key")
    stored = Fernet((tmp_path / "key").read_bytes().strip()).encrypt("hunter2 ✓".encode())
    assert cipher.decrypt(stored.decode()) == "hunter2 ✓"


def test_the_key_of_the_file_is_not_the_key_of_the_ciphertext(tmp_path: Path) -> None:
    token = Cipher.open(tmp_path / "key").encrypt("text")
    sealed = base64.b64decode(token.removeprefix("gcm."))
    raw = base64.urlsafe_b64decode((tmp_path / "key").read_bytes().strip())
    with pytest.raises(InvalidTag):
        AESGCM(raw).decrypt(sealed[:12], sealed[12:], None)


@pytest.mark.parametrize("change", ["flipped", "cut", "empty", "words", "no prefix", "not ASCII"])
def test_what_was_changed_does_not_decrypt(tmp_path: Path, change: str) -> None:
    cipher = Cipher.open(tmp_path / "key")
    token = cipher.encrypt("some text")
    sealed = base64.b64decode(token.removeprefix("gcm."))
    changed = {
        "flipped": "gcm."
        + base64.b64encode(sealed[:20] + bytes([sealed[20] ^ 1]) + sealed[21:]).decode(),
        "cut": token[:-8],
        "empty": "gcm.",
        "words": "gcm.a plain text",
        "no prefix": token.removeprefix("gcm."),
        "not ASCII": "gcm.✓",
    }
    with pytest.raises(EngineError, match="a stored secret does not decrypt"):
        cipher.decrypt(changed[change])
