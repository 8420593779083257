"""Encryption at rest of secret values: Fernet (AES-CBC with HMAC-SHA256, cryptography.io).

The database holds ciphertext only; the key is a file of its own (`--key-file`).
"""

from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken

from penstock.errors import EngineError
from penstock.storage.durable_files import write_file


class Cipher:
    """Encrypts and decrypts text with the key of one file."""

    def __init__(self, key: bytes, key_path: Path) -> None:
        try:
            self._fernet = Fernet(key)
        except ValueError as error:
            raise EngineError(
                f"expected 32 bytes in URL-safe base64 in the key file {key_path}, found "
                "something else; restore the key file that this data directory was made with",
                retryable=False,
            ) from error
        self._key_path = key_path

    @classmethod
    def open(cls, key_path: Path) -> "Cipher":
        """Read the key, making a new one (readable by the owner alone) when the file is absent."""
        if not key_path.exists():
            key_path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_file(key_path, Fernet.generate_key() + b"\n")
        return cls(key_path.read_bytes().strip(), key_path)

    def encrypt(self, text: str) -> str:
        """Return ciphertext in URL-safe base64; equal texts give different ciphertexts."""
        return self._fernet.encrypt(text.encode()).decode("ascii")

    def decrypt(self, token: str) -> str:
        """Return what `encrypt` was given; EngineError when it was another key's work."""
        try:
            return self._fernet.decrypt(token.encode("ascii")).decode()
        except InvalidToken as error:
            raise EngineError(
                f"a stored secret does not decrypt with the key file {self._key_path}; expected "
                "the key it was encrypted with; start with that key (--key-file)",
                retryable=False,
            ) from error
